"""How a generation comes to be: from nothing, from a trained caffemodel, or from its parent."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from evolve.base import progress, prototxt_text
from evolve.lineage import finish, heredity, workspace
from evolve.lineage.heredity import GENOME
from evolve.lineage.workspace import Birth
from evolve.network import absorb, phases, shrink, transfer, weights
from evolve.network.topology import RETRAIN, Graph
from evolve.runs import generation, paths
from evolve.training.caffe_process import CaffeProcess

# The shrunk and the masked offspring compute the same; their sums run in another order.
_TOLERANCE = 1e-5
_TRAINED = "trained.caffemodel"


def ancestor(birth: Birth, pretrained: Path | None) -> dict[str, Any]:
    """Generation 1 into birth.folder: trained from its fillers, or the user's caffemodel as it is."""
    net = birth.template()
    workspace.write(birth, net)
    with _caffe(birth) as caffe:
        if pretrained is None:
            trained = _train_from_scratch(birth, caffe, net)
        else:
            trained = _begin_with(birth, caffe, net, pretrained)
        return finish.finish(birth, caffe, net, {"training": trained, "synthesis": {}, "parent_sha256": ""})


def offspring(birth: Birth, parent: Path) -> dict[str, Any]:
    """A later generation into birth.folder: encoded, drawn, shrunk, verified, retrained, cast, scored."""
    net, graph, found = heredity.synthesize_offspring(birth, parent)
    with _caffe(birth) as caffe:
        difference = _verify(birth, caffe, graph)
        trained = _train(birth, caffe, genome=GENOME)
        made = {
            "training": trained,
            "synthesis": {
                "cluster_factor": found.cluster,
                "synapse_factor": found.synapse,
                "difference": difference,
            },
            "parent_sha256": generation.sha256(parent / paths.WEIGHTS),
        }
        return finish.finish(birth, caffe, net, made)


@contextmanager
def _caffe(birth: Birth) -> Iterator[CaffeProcess]:
    log = birth.folder / paths.TRAIN_LOG
    with CaffeProcess(birth.folder, log, birth.experiment.train_val) as caffe, birth.stop.by(caffe.kill):
        yield caffe


def _begin_with(birth: Birth, caffe: CaffeProcess, net: phases.Net, pretrained: Path) -> dict[str, Any]:
    """The user's caffemodel as it is, or trained from it where it is another network's and has not every layer."""
    graph, learned = birth.graph(net), weights.read(pretrained)
    found = transfer.match(graph, learned, str(pretrained))
    begun = {"pretrained": generation.sha256(pretrained)}
    if not found.missing:
        shrink.check(graph, learned, str(pretrained))
        # Layers that only training has, auxiliary classifiers, are the next generation's too.
        caffe.call("upgrade", net=paths.TRAIN_VAL, weights=str(pretrained), output=_TRAINED, phase="TRAIN")
        return {"iterations": 0, "seconds": 0.0, "revived": 0} | begun
    for line in found.text():
        progress.say(line)
    transfer.write(birth.folder / GENOME, net, graph, learned, str(pretrained))
    return _train(birth, caffe, genome=GENOME) | begun | {"from_fillers": found.missing}


def _train_from_scratch(birth: Birth, caffe: CaffeProcess, net: phases.Net) -> dict[str, Any]:
    """Trains the ancestor from its fillers: first in the form that settings name for that, folded, then as it is."""
    form = birth.experiment.from_scratch()
    if form is None:
        return _train(birth, caffe)
    scratch = form.net(birth.dataset.folder)
    file, solver, output = "scratch.prototxt", "scratch_solver.prototxt", "scratch.caffemodel"
    prototxt_text.write(scratch, birth.folder / file)
    begins = replace(birth, experiment=form)
    prototxt_text.write(workspace.solver_of(begins, scratch, file), birth.folder / solver)
    begun = _train(begins, caffe, solver, output, part="scratch")
    folded = absorb.absorbed(phases.for_phase(scratch, "TEST"), weights.read(birth.folder / output))
    shrink.check(birth.graph(net), folded, str(form.train_val))
    weights.write(birth.folder / GENOME, net, folded)
    trained = _train(birth, caffe, genome=GENOME)
    return trained | {"scratch": begun, "seconds": begun["seconds"] + trained["seconds"]}


def _train(
    birth: Birth, caffe: CaffeProcess, solver: str = paths.SOLVER, output: str = _TRAINED, genome: str = "",
    part: str = "",
) -> dict[str, Any]:  # fmt: skip
    if why := caffe.call("layers").get("why"):
        progress.say_once(f"NOTE: on stock Caffe's layers, several times slower: {why}")
    title = f"{birth.title} ({part})" if part else birth.title
    with progress.training(title) as report:
        trained = caffe.call(
            "train",
            report,
            solver=solver,
            output=output,
            genome=genome,
            # What was trained just before is not its parent's: it goes on.
            inherit=birth.number == 1 or birth.experiment.settings.inherit_weights,
            # Beside the folder that is made anew whenever a generation is begun again.
            snapshots=str(birth.snapshots / part),
            data=birth.dataset.sha256,
        )
    if trained["revived"]:
        raise AssertionError(f"{birth.title}: {trained['revived']} absent synapses came back in training")
    return trained


def _verify(birth: Birth, caffe: CaffeProcess, graph: Graph) -> float:
    """Largest relative difference between the masked parent and the shrunk offspring on real images."""
    answer = caffe.call(
        "compare",
        net=heredity.MASKED_NET,
        weights=heredity.MASKED,
        blobs=graph.answers(),
        other_net=paths.TRAIN_VAL,
        other_weights=GENOME,
    )
    chosen = birth.experiment.settings
    # What LRN makes of a channel's new neighbours is left to training then.
    allowed = chosen.lrn == chosen.LocalResponse.Value(RETRAIN) and graph.mixes()
    if not answer["difference"] <= _TOLERANCE and not allowed:
        raise AssertionError(f"the shrunk offspring differs from the masked parent by {answer['difference']:g}")
    return float(answer["difference"])


def remove_leftovers(run: Path) -> None:
    """What a killed process left of an unfinished generation, and the snapshots and siblings of finished ones."""
    for leftover in run.glob(".gen*.unfinished"):
        shutil.rmtree(leftover)
    for number in range(1, 1 + len(list(run.glob("gen*")))):
        if (paths.generation(run, number) / paths.DONE).is_file():
            for made_from in (paths.snapshots(number), paths.siblings(number)):
                shutil.rmtree(run / made_from, ignore_errors=True)
