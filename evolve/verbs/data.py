"""`make data`."""

from evolve.words import Words, whole

WHAT = "prepare a network's data set"
WORDS = "NET SCHEDULE SET SEED"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    import datasets
    from datasets import census
    from evolve import changes, data_set, experiment, progress

    chosen = experiment.load(words["NET"], words.get("SCHEDULE", ""), changes.single(words.get("SET", ""))).settings
    made = data_set.prepare(chosen, whole(words, "SEED") if "SEED" in words else chosen.seed)
    counts = " + ".join(str(count) for count in made.counts.values())
    progress.say(f"{made.name}: {counts} images {made.shape} in {made.folder}")
    if datasets.has_boxes(made.name):
        print(census.text(made))
    return 0
