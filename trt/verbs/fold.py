"""`make fold` folds BatchNorm and Scale into the weights before them."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, generation, given_path, image_shape, named_run

WHAT = "a generation, or any network, with BatchNorm and Scale folded into its weights; it computes the same"
ARGUMENTS = "RUN NET GEN WITHIN MODEL WEIGHTS SHAPE OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt import folding

    if "MODEL" in arguments:
        for name, what in (("WEIGHTS", "the caffemodel of that MODEL"), ("OUT", "a folder to write to")):
            if name not in arguments:
                raise UserError(f"fold: expected {name}=, {what}; see `cavefish --help`")
        model, caffemodel, out = (Path(arguments[name]) for name in ("MODEL", "WEIGHTS", "OUT"))
        print(folding.fold(model, caffemodel, out, image_shape(arguments)))
        return 0
    if "WEIGHTS" in arguments:
        raise UserError("fold: expected MODEL=, the deploy prototxt of that WEIGHTS; see `cavefish --help`")
    folder = named_run(arguments)
    number = generation(arguments, folder)
    print(folding.fold_generation(folder, number, given_path(arguments, "OUT"), image_shape(arguments)))
    return 0
