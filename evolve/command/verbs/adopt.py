"""`make adopt` makes anybody's network one that evolves."""

from pathlib import Path
from shlex import quote

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, given_path, image_shape

WHAT = "anybody's prototxt, solver and caffemodel as a folder that evolves, and what was done"
ARGUMENTS = "OUT MODEL WEIGHTS SOLVER SHAPE SET"


def run(arguments: Arguments) -> int:
    """Exit status 0, or 2 where `make check` finds what the user has to choose. Raises UserError."""
    from evolve.adoption import adoption
    from evolve.base import progress
    from evolve.lineage import check
    from evolve.settings import changes

    if "OUT" not in arguments or not {"MODEL", "SOLVER"} & set(arguments):
        raise UserError(
            "adopt: expected MODEL=, a prototxt, or SOLVER=, the one that trains it, and OUT=, a folder to make; for "
            "instance MODEL=train_val.prototxt OUT=my_net"
        )
    out = Path(arguments["OUT"])
    model, solver, weights = (given_path(arguments, name) for name in ("MODEL", "SOLVER", "WEIGHTS"))
    changed = changes.single(arguments.get("SET", ""))
    adopted = adoption.adopt(out, model, solver, weights, image_shape(arguments), changed)
    for note in adopted.notes:
        progress.say(note)
    given = f"NET={quote(str(out))}" + (f" WEIGHTS={quote(str(adopted.caffemodel))}" if adopted.caffemodel else "")
    progress.say(f"{out}: train_val, solver and evolution.prototxt are written; make check {given} says:")
    try:
        progress.say(check.check(str(out), adopted.caffemodel))
    except UserError as error:
        progress.say(str(error))
        progress.say(f"mend that in {out}, then: make evolve {given}")
        return 2
    progress.say(f"make evolve {given}")
    return 0
