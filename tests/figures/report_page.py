"""An HTML page taken apart, and run folders to write one of."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights

VOID = {"br", "img", "link", "meta"}
DEPLOY = """
name: "net"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: %d dim: 12 dim: 12 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "a" convolution_param { num_output: 6 kernel_size: 3 } }
layer { name: "mix" type: "Convolution" bottom: "a" top: "b" convolution_param { num_output: 6 kernel_size: 1 } }
layer { name: "conv2" type: "Convolution" bottom: "b" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
"""


class Page(HTMLParser):
    """`elements` are (tag, attributes, the text directly or indirectly within), in the order in which they begin."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[int] = []
        self.feed(content)
        self.close()
        assert not self._open, f"never closed: {[self.elements[k][0] for k in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for k in self._open:
            self.elements[k][2].append(data)

    def all(self, tag: str, **attributes: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of every element of that kind with those attributes."""
        found = [(attrs, "".join(words)) for name, attrs, words in self.elements if name == tag]
        return [each for each in found if all(each[0].get(key) == value for key, value in attributes.items())]

    def text(self) -> str:
        """What a reader may read."""
        return " ".join(words for tag in ("header", "main", "footer") for _, words in self.all(tag))

    def lineage(self) -> list[dict[str, str]]:
        """The rows of the table of lineage.csv: column -> the figure behind the cell."""
        rows: list[dict[str, str]] = []
        cell = ""
        for tag, attrs, _ in self.elements:
            cell = attrs.get("data-column", "") if tag == "td" else cell
            if tag == "data" and cell:
                rows += [{}] if cell == "generation" else []
                rows[-1][cell] = attrs["value"]
                cell = ""
        return rows


def with_settings(run: Path, words: str, name: str = "evolution.prototxt") -> None:
    """Keeps an evolution prototxt in the run's folder."""
    (run / "prototxt").mkdir(exist_ok=True)
    (run / "prototxt" / name).write_text(words)


def with_weights(run: Path, channels: int = 1) -> None:
    """Writes a deploy prototxt and a caffemodel into every generation, with n kernels of each layer gone in the nth."""
    for folder in sorted(run.glob("gen*")):
        gone = int(folder.name[3:])
        net = prototxt_text.parse(DEPLOY % channels, caffe_pb2.NetParameter(), "deploy")
        random = np.random.default_rng(gone)
        shapes = {"conv1": (6, channels, 3, 3), "mix": (6, 6, 1, 1), "conv2": (4, 6, 3, 3)}
        learned = {name: [random.normal(size=shape).astype(np.float32)] for name, shape in shapes.items()}
        for blobs in learned.values():
            blobs[0].reshape(-1, *blobs[0].shape[2:])[:gone] = 0
        weights.write(folder / "weights.caffemodel", net, learned)
        prototxt_text.write(net, folder / "deploy.prototxt")
