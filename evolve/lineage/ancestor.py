"""The ancestor, generation 1: trained from its fillers, or the caffemodel that its user brings."""

from dataclasses import replace
from pathlib import Path

from evolve.base import progress, prototxt_text
from evolve.lineage import finish, trained
from evolve.lineage.workspace import Workspace
from evolve.network import batchnorm, phases, resize, transfer, weights
from evolve.runs import generation, paths
from evolve.runs.metrics import Metrics, Training
from evolve.training.caffe_process import CaffeProcess


def make(workspace: Workspace, pretrained: Path | None) -> Metrics:
    """Makes generation 1 in the workspace, from the caffemodel `pretrained` if there is one; returns its metrics."""
    net = workspace.template()
    workspace.write(net)
    with trained.caffe_in(workspace) as caffe:
        if pretrained is None:
            training = _train_from_scratch(workspace, caffe, net)
        else:
            training = _begin_with(workspace, caffe, net, pretrained)
        return finish.finish(workspace, caffe, net, finish.Origin(training))


def _begin_with(workspace: Workspace, caffe: CaffeProcess, net: phases.Net, pretrained: Path) -> Training:
    """The user's caffemodel as it is, or trained from it where it has not every layer or settings say so."""
    graph, (found, learned) = workspace.graph(net), workspace.experiment.weights(pretrained)
    match = transfer.match(graph, learned, str(pretrained))
    digest = generation.sha256(pretrained)
    if not match.missing:
        resize.check(graph, learned, str(pretrained))
    if not match.missing and not workspace.experiment.settings.train_weights:
        # Layers that only training has, auxiliary classifiers, are the next generation's too.
        plain = found.for_caffe(pretrained, workspace.folder)
        caffe.call("upgrade", net=paths.TRAIN_VAL, weights=str(plain), output=paths.TRAINED, phase="TRAIN")
        if plain != pretrained:
            plain.unlink()
        return Training(iterations=0, seconds=0.0, pretrained=digest)
    for line in match.text():
        progress.say(line)
    transfer.write(workspace.folder / paths.GENOME, net, graph, learned, str(pretrained))
    training = trained.train(workspace, caffe, genome=paths.GENOME)
    return replace(training, pretrained=digest, from_fillers=match.missing)


def _train_from_scratch(workspace: Workspace, caffe: CaffeProcess, net: phases.Net) -> Training:
    """Trains from fillers: first in the form that settings name for that, folded, then as the network is."""
    form = workspace.experiment.from_scratch()
    if form is None:
        return trained.train(workspace, caffe)
    folder = workspace.folder
    in_that_form = replace(workspace, experiment=form)
    scratch = in_that_form.template()
    prototxt_text.write(workspace.seeded(scratch, part=1), folder / paths.SCRATCH_NET)
    prototxt_text.write(in_that_form.solver_of(scratch, paths.SCRATCH_NET), folder / paths.SCRATCH_SOLVER)
    # What Caffe says of it is said with that file's lines.
    caffe.prototxt = form.train_val
    first = trained.train(in_that_form, caffe, paths.SCRATCH_SOLVER, paths.SCRATCH, part="scratch")
    caffe.prototxt = workspace.experiment.train_val
    folded = batchnorm.fold_every(phases.for_phase(scratch, "TEST"), weights.read(folder / paths.SCRATCH))
    resize.check(workspace.graph(net), folded, str(form.train_val))
    weights.write(folder / paths.GENOME, net, folded)
    second = trained.train(workspace, caffe, genome=paths.GENOME)
    return replace(second, scratch=first, seconds=first.seconds + second.seconds)
