"""`make count` counts what any network has, layer by layer."""

from pathlib import Path

from evolve.command.arguments import Arguments, given_path, image_shape

WHAT = "parameters, synapses, clusters, MACs and bytes of any network, layer by layer"
ARGUMENTS = "MODEL WEIGHTS SHAPE"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import count_table

    weights = given_path(arguments, "WEIGHTS")
    count_table.show(Path(arguments["MODEL"]), weights, image_shape(arguments))
    return 0
