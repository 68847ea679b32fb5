"""`make count`."""

from pathlib import Path

from evolve.command.arguments import Words, image_shape

WHAT = "parameters, synapses, clusters, MACs and bytes of any network, layer by layer"
WORDS = "MODEL WEIGHTS SHAPE"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.figures import count_table

    weights = Path(words["WEIGHTS"]) if "WEIGHTS" in words else None
    count_table.show(Path(words["MODEL"]), weights, image_shape(words))
    return 0
