"""Accuracy and loss are found by their layers' types."""

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import judging

IP = 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" }\n'
TEST = "include { phase: TEST }"


def accuracy(top: str, k: int = 1, of: str = "ip", where: str = TEST) -> str:
    words = f'layer {{ name: "{top}" type: "Accuracy" bottom: "{of}" bottom: "label" top: "{top}"'
    return f"{words} accuracy_param {{ top_k: {k} }} {where} }}\n"


def loss(top: str, of: str = "ip", weight: float = 1, where: str = "") -> str:
    words = f'layer {{ name: "{top}" type: "SoftmaxWithLoss" bottom: "{of}" bottom: "label" top: "{top}"'
    return f"{words} loss_weight: {weight} {where} }}\n"


def test_the_losses_of_test_and_their_weights() -> None:
    text = IP + loss("a", weight=0.25) + loss("b", weight=0) + loss("c", where="include { phase: TRAIN }") + (
        'layer { name: "d" type: "EuclideanLoss" bottom: "ip" bottom: "data" top: "d" }\n'
        'layer { name: "e" type: "HingeLoss" bottom: "ip" bottom: "label" }\n'
        'layer { name: "f" type: "Reduction" bottom: "ip" top: "f" loss_weight: 3 }\n'
    )
    net = prototxt_text.parse(text, caffe_pb2.NetParameter(), "net")
    assert judging.loss_weights(net) == {"a": 0.25, "d": 1, "(automatic)": 1, "f": 3}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (IP + accuracy("Accuracy1") + loss("SoftmaxWithLoss1"), ("Accuracy1", "SoftmaxWithLoss1", "label")),
        (IP + accuracy("top-5", 5) + accuracy("top-1") + loss("loss"), ("top-1", "loss", "label")),
        (IP + accuracy("top-5", 5), ("top-5", "", "label")),
        (IP + accuracy("first") + accuracy("second"), ("first", "", "label")),
        # GoogLeNet's auxiliary classifiers come first, and weigh less.
        (
            IP + accuracy("loss1/top-1", of="aux") + loss("loss1", "aux", 0.3) + accuracy("loss3/top-1")
            + loss("loss3"),
            ("loss3/top-1", "loss3", "label"),
        ),
        # Whose accuracies may be of probabilities.
        (
            IP + accuracy("loss1/top-1", of="aux") + loss("loss1", "aux", 0.3) + loss("loss3")
            + 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }\n' + accuracy("loss3/top-1", of="prob"),
            ("loss3/top-1", "", "label"),
        ),
        # Whose losses may be TRAIN's alone.
        (
            IP + accuracy("loss1/top-1", of="aux") + loss("loss1", "aux", 0.3, "include { phase: TRAIN }")
            + accuracy("loss3/top-1") + loss("loss3", where="include { phase: TRAIN }"),
            ("loss3/top-1", "", "label"),
        ),
        (IP + accuracy("in training", where="include { phase: TRAIN }"), ("", "", "")),
        ('layer { name: "mine" type: "Python" bottom: "ip" bottom: "label" top: "accuracy" }', ("accuracy", "", "")),
        (IP + loss("loss"), ("", "", "")),
        # What Caffe refuses is no reason for a traceback of those who only read it.
        ('layer { name: "none" type: "Accuracy" top: "none" }' + IP + loss("loss"), ("", "", "")),
    ],
)  # fmt: skip
def test_what_a_net_is_judged_by(text: str, found: tuple[str, str, str]) -> None:
    net = prototxt_text.parse(text, caffe_pb2.NetParameter(), "net")
    assert (judging.accuracy_top(net), judging.loss_top(net), judging.compared(net)[1]) == found


def test_an_auxiliary_classifier_is_not_compared() -> None:
    text = IP + accuracy("first", of="aux") + loss("loss1", "aux", 0.3) + accuracy("last") + loss("loss2")
    assert judging.compared(prototxt_text.parse(text, caffe_pb2.NetParameter(), "net")) == ("ip", "label")
