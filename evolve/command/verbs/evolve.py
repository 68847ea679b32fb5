"""`make evolve` evolves a network, or goes on with it."""

from contextlib import suppress
from pathlib import Path

from evolve.command.arguments import Arguments, given_path, given_seed, machine, whole

WHAT = "evolve a network, or go on with it"
ARGUMENTS = "NET GEN SEED SCHEDULE SET RUN WEIGHTS HALF_BLOBS FAST THREADS GPU"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import table
    from evolve.lineage import lineage
    from evolve.runs import paths
    from evolve.settings import changes

    folder = lineage.evolve(
        arguments["NET"],
        generations=whole(arguments, "GEN", least=1),
        seed=given_seed(arguments),
        run=arguments.get("RUN", ""),
        pretrained=given_path(arguments, "WEIGHTS"),
        half_blobs=whole(arguments, "HALF_BLOBS") > 0,
        schedule=arguments.get("SCHEDULE", ""),
        changed=changes.single(arguments.get("SET", "")),
        machine=machine(arguments),
        rehearsed=True,
    )
    table.show(folder)
    page = folder / paths.REPORT
    if page.exists():
        print(f"report: {_from_here(page)}")
    return 0


def _from_here(page: Path) -> Path:
    """As it is named from this folder, if it lies below; a folder that has gone meanwhile has nothing below."""
    with suppress(ValueError, FileNotFoundError):
        return page.relative_to(Path.cwd())
    return page
