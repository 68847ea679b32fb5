"""What the NAME=value words mean, each once: the command's help, a verb's and the completion are made of it."""

import textwrap
from collections.abc import Iterable

WIDTH = 80

# By name: what is written behind the =, and what it means.
WORDS = {
    "NET": ("name|folder", "a folder under prototxt/, or one of yours"),
    "GEN": ("13", "how many generations; elsewhere which, or best: the one that `choose` calls the smallest"),
    "SEED": ("1", "decides everything"),
    "SEEDS": ("1..8", "of a sweep: 1..8, 1,2,5, or both"),
    "RUN": ("name|path", "which run: of evolve seed<SEED>, else the latest; several of table, plot, frontier: a,b,c"),
    "WITHIN": (".005", "of 1: how much less than the ancestor's a score may be"),
    "SCHEDULE": ("long", "settings from evolution.long.prototxt instead"),
    "SET": (
        "setting=value",
        "other settings than evolution.prototxt's, separated by ; several values are a sweep's: "
        "SET='environment.synapse_budget=0.6,0.67; offspring_training=800it'",
    ),
    "WEIGHTS": ("file", "a trained caffemodel: to be generation 1, or that of MODEL="),
    "MODEL": ("file", "a deploy or train_val prototxt"),
    "SOLVER": ("file", "the solver prototxt of that MODEL="),
    "SHAPE": ("3x32x32", "of an image, where MODEL does not say"),
    "KEEP_UNKNOWN": ("1", "leave what touches unknown layers whole"),
    "HALF": ("1", "in 16 bits, weights and arithmetic"),
    "INT8": ("1", "in 8 bits, weights and activations"),
    "FOR": ("openvino", "or onnxruntime, tensorrt: the engine whose form of ONNX is written"),
    "HALF_BLOBS": ("1", "also write 16-bit caffemodels"),
    "IMAGE": ("file|folder", "an image, a folder of them, or a video"),
    "FIT": ("crop", "resize, letterbox, pad: how images become as large (as the data set does)"),
    "OUT": ("folder", "where files go"),
    "THREADS": ("1", "threads (its share of the cores)"),
    "FAST": ("0", "stock Caffe's layers"),
    "GPU": ("0", "the device that Caffe computes on; 0,1 are a sweep's"),
    "ENGINE": (
        "caffe",
        "c openvino[-bfloat16|-int8] onnxruntime[-int8] tensorrt[-float|-int8]; of bench several, separated by commas",
    ),
    "TENSORRT": ("rtx", "which: tensorrt, or rtx (needs no GPU)"),
    "RUNS": ("100", "how many samples of each"),
    "SCORES": ("1", "all test images through each engine"),
    "FPS": ("file.csv", "a device's table of frames per second"),
    "INPUTS": ("file.npy", "real inputs for the range report or the calibration, or none"),
    "IMAGES": ("200", "training images to calibrate on"),
    "WIDE": ("a,b", "layers to keep in 32 bits"),
    "BITS": ("8", "a weight's bits in C: 8, 16 or 32"),
    "DEVICE": ("orin", "tx1, nano, xavier, orin or pi5"),
    "PORT": ("8765", "where a browser finds the runs"),
    "HOST": ("127.0.0.1", "who may look: 0.0.0.0 is anybody"),
    "SCHEDULER": ("tcp://...", "a Dask cluster's"),
    "SHELL": ("bash", "or zsh"),
}


def listed(names: Iterable[str] = WORDS) -> str:
    """What these words mean, a row each or more."""
    return _rows({f"{name}={WORDS[name][0]}": WORDS[name][1] for name in names}, 20)


def _rows(told: dict[str, str], room: int) -> str:
    """Names and what is said of them, beside each other, no wider than WIDTH."""
    rows = []
    for name, words in told.items():
        head = f"  {name}".ljust(room)
        lines = textwrap.wrap(words, WIDTH - room, break_on_hyphens=False)
        rows += [f"{head}{lines[0]}" if head.endswith(" ") else f"{head}\n{' ' * room}{lines[0]}"]
        rows += [f"{' ' * room}{line}" for line in lines[1:]]
    return "\n".join(rows)


def overview(verbs: dict[str, str], about: str) -> str:
    """The command's help: `verbs` with what they do, and all words."""
    return (
        f"usage: cavefish VERB [NAME=value ...]   or make VERB NAME=value ...\n\n{about}\n\nverbs:\n"
        f"{_rows(verbs, 14)}\n\nwords:\n{listed()}\n\n"
        "cavefish VERB --help tells of one verb, cavefish --version which this is."
    )


def of_verb(name: str, what: str, known: list[str]) -> str:
    """The help of one verb, which knows these words."""
    told = textwrap.fill(f"{what[0].upper()}{what[1:]}.", WIDTH, break_on_hyphens=False)
    words = f"\n\nwords:\n{listed(known)}" if known else "\n\nIt takes no words."
    return f"usage: cavefish {name} [NAME=value ...]   or make {name} NAME=value ...\n\n{told}{words}"
