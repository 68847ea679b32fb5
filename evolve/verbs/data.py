"""`make data`."""

from evolve import paths
from evolve.words import Words, whole

WHAT = "prepare a network's data set"
WORDS = "NET SCHEDULE SEED"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    import datasets
    from evolve import experiment, progress

    chosen = experiment.load(words["NET"], words.get("SCHEDULE", "")).settings
    made = datasets.prepare(
        chosen.dataset.name,
        image_size=chosen.dataset.image_size,
        seed=whole(words, "SEED") if "SEED" in words else chosen.seed,
        or_else=chosen.dataset.or_else.name,
        data=paths.data(),
        report=progress.say,
    )
    progress.say(f"{made.name}: {made.counts['train']} + {made.counts['test']} images {made.shape} in {made.folder}")
    if made.notice:
        progress.say(f"NOTE: {made.notice}")
    return 0
