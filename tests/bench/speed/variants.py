"""A committed generation as the nets that are measured: training and inference, data layers replaced by inputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import phases
from evolve.network.shapes import infer
from evolve.runs import paths

WEIGHTED = ("Convolution", "InnerProduct")


@dataclass(frozen=True)
class Variant:
    """One of the nets, as train and deploy net."""

    name: str
    train: Any
    deploy: Any

    @property
    def widths(self) -> str:
        """The widths of its layers with weights, in order."""
        return "-".join(str(step.tops[0][1]) for step in infer(self.deploy) if step.layer.type in WEIGHTED)

    @property
    def macs(self) -> int:
        """Of one example."""
        return sum(step.macs for step in infer(self.deploy))


def folders(run: Path) -> list[Path]:
    """The generations' folders of a run, in order."""
    return sorted(run.glob("gen*[0-9]"))


def variant(generation: Path) -> Variant:
    """The nets of one generation's folder."""
    deploy = prototxt_text.read(generation / paths.DEPLOY, caffe_pb2.NetParameter())
    train_val = prototxt_text.read(generation / paths.TRAIN_VAL, caffe_pb2.NetParameter())
    shape = tuple(deploy.layer[0].input_param.shape[0].dim)[1:]
    return Variant(f"{deploy.name} {generation.name}", phases.fed_by_inputs(train_val, "TRAIN", shape), deploy)
