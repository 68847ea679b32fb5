"""`make data` prepares a network's data set."""

from evolve.command.arguments import Arguments, given_seed

WHAT = "prepare a network's data set"
ARGUMENTS = "NET SCHEDULE SET SEED"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from evolve.base import progress
    from evolve.datasets import census
    from evolve.datasets.own import class_census
    from evolve.lineage import experiment
    from evolve.settings import changes

    changed = changes.single(arguments.get("SET", ""))
    asked = experiment.load(arguments["NET"], arguments.get("SCHEDULE", ""), changed)
    seed = given_seed(arguments)
    dataset = experiment.prepare(asked, asked.settings.seed if seed is None else seed)
    if dataset.class_names and not dataset.has_boxes:
        print(class_census.text(dataset))  # which says where it lies
        return 0
    counts = " + ".join(str(count) for count in dataset.counts.values())
    progress.say(f"{dataset.name}: {counts} images {dataset.shape} in {dataset.folder}")
    if dataset.has_boxes:
        print(census.text(dataset))
    return 0
