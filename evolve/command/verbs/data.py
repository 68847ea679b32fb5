"""`make data`."""

from evolve.command.arguments import Words, whole

WHAT = "prepare a network's data set"
WORDS = "NET SCHEDULE SET SEED"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    from evolve import datasets
    from evolve.base import progress
    from evolve.datasets import census
    from evolve.lineage import experiment
    from evolve.settings import changes

    chosen = experiment.load(words["NET"], words.get("SCHEDULE", ""), changes.single(words.get("SET", ""))).settings
    made = experiment.prepare(chosen, whole(words, "SEED") if "SEED" in words else chosen.seed)
    counts = " + ".join(str(count) for count in made.counts.values())
    progress.say(f"{made.name}: {counts} images {made.shape} in {made.folder}")
    if datasets.has_boxes(made.name):
        print(census.text(made))
    return 0
