"""Prototxts as strangers write them: layers in today's words or in those of 2013, data in their own ways."""

import re

# What a type is called in the form of 2013.
_OLD = {
    "Convolution": "CONVOLUTION", "Pooling": "POOLING", "ReLU": "RELU", "InnerProduct": "INNER_PRODUCT",
    "SoftmaxWithLoss": "SOFTMAX_LOSS", "Accuracy": "ACCURACY", "Data": "DATA", "Dropout": "DROPOUT", "LRN": "LRN",
    "Softmax": "SOFTMAX", "Concat": "CONCAT", "Eltwise": "ELTWISE",
}  # fmt: skip
FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "constant" }'


def layer(kind: str, name: str, bottoms: str = "", tops: str = "", more: str = "") -> str:
    """One layer; without `tops` its top has its name. Blobs are separated by blanks."""
    blobs = " ".join(
        f'{what}: "{blob}"' for what, names in (("bottom", bottoms), ("top", tops or name)) for blob in names.split()
    )
    return f'layer {{ name: "{name}" type: "{kind}" {blobs} {more} }}\n'


def convolution(name: str, bottom: str, outputs: int, kernel: int, more: str = "", relu: bool = True) -> str:
    """A convolution and its ReLU in place."""
    parameter = f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} {more} {FILLERS} }}"
    return layer("Convolution", name, bottom, more=f"param {{ lr_mult: 1 }} param {{ lr_mult: 2 }} {parameter}") + (
        layer("ReLU", f"relu_{name}", name, name) if relu else ""
    )


def units(name: str, bottom: str, outputs: int) -> str:
    """Fully connected."""
    return layer("InnerProduct", name, bottom, more=f"inner_product_param {{ num_output: {outputs} {FILLERS} }}")


def pooling(name: str, bottom: str, words: str = "pool: MAX kernel_size: 2 stride: 2") -> str:
    return layer("Pooling", name, bottom, more=f"pooling_param {{ {words} }}")


def batch_norm(bottom: str, name: str = "") -> str:
    """BatchNorm and Scale in place, as BVLC's networks have them."""
    name = name or f"{bottom}/bn"
    rates = " ".join([*["param { lr_mult: 0 }"] * 3, "batch_norm_param { moving_average_fraction: 0.9 }"])
    scale = layer("Scale", f"{name}/scale", bottom, bottom, "scale_param { bias_term: true }")
    return layer("BatchNorm", name, bottom, bottom, rates) + scale


def data(source: str, phase: str, batch: int, transform: str = "", tops: str = "data label") -> str:
    """A Data layer of one phase."""
    words = f'include {{ phase: {phase} }} data_param {{ source: "{source}" batch_size: {batch} backend: LMDB }}'
    transformed = f"transform_param {{ {transform} }}" if transform else ""
    return layer("Data", tops.split()[0], "", tops, f"{words} {transformed}")


def judged(bottom: str, accuracy: str = "accuracy") -> str:
    """Loss and accuracy."""
    return layer("Accuracy", accuracy, f"{bottom} label", more="include { phase: TEST }") + (
        layer("SoftmaxWithLoss", "loss", f"{bottom} label")
    )


def of_2013(text: str) -> str:
    """The same in the words of 2013."""
    text = re.sub(r"\blayer \{", "layers {", text)
    text = re.sub(r'type: "(\w+)"', lambda match: f"type: {_OLD.get(match[1], match[0])}" if match[1] in _OLD
                  else match[0], text)  # fmt: skip
    rates = re.compile(r"param \{ lr_mult: (\d+) \} param \{ lr_mult: (\d+) \}")
    return rates.sub(r"blobs_lr: \1 blobs_lr: \2 weight_decay: 1 weight_decay: 0", text)


def solver(net: str, more: str = "") -> str:
    """A solver of BVLC's examples."""
    return (
        f'{net}\ntest_iter: 100\ntest_interval: 500\nbase_lr: 0.01\nmomentum: 0.9\nweight_decay: 0.0005\n'
        f'lr_policy: "inv"\ngamma: 0.0001\npower: 0.75\ndisplay: 100\nmax_iter: 30\nsnapshot: 5000\n'
        f'snapshot_prefix: "examples/net"\nsolver_mode: GPU\n{more}\n'
    )
