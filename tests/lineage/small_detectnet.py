"""A small network that finds boxes, of stride 16, and its experiment: seconds on drawn streets."""

import re
from pathlib import Path

PACKAGED = Path(__file__).resolve().parents[2] / "prototxt" / "detectnet"

EVOLUTION = """generations: 3
dataset { name: "parse27k" or_else { name: "streets" } detection { width: 160 height: 96 frames: 40 } }
scratch_train_val: "scratch_train_val.prototxt"
scratch_training: "10it"
cluster_shape: FILTER_BLOCK
lrn: RETRAIN
ancestor_training: "6it"
offspring_training: "3it"
"""
SOLVER = """type: "Adam" base_lr: 0.002 momentum: 0.9 momentum2: 0.999 clip_gradients: 10 lr_policy: "fixed" snapshot: 4
solver_mode: CPU
"""


def write(folder: Path, evolution: str = EVOLUTION) -> None:
    """The packaged DetectNet with inception_3a alone: everything of it but its depth."""
    folder.mkdir(parents=True)
    for name in ("train_val", "scratch_train_val"):
        (folder / f"{name}.prototxt").write_text(shortened((PACKAGED / f"{name}.prototxt").read_text()))
    (folder / "evolution.prototxt").write_text(evolution)
    (folder / "solver.prototxt").write_text(SOLVER)


def shortened(text: str) -> str:
    """`text` without the layers of inception_3b to 5b; 3a reads a pool of stride 2 more, so the stride stays 16.

    One process prefetches, as starting three takes longer than they have to do.
    """
    layers = re.split(r"(?m)^(?=layer \{)", text.replace("prefetch: 3", "prefetch: 1"))
    kept = "".join(each for each in layers if not re.search(r'name: "(inception_(3b|4|5)|pool4)', each))
    for gone, instead in (("inception_3b/output", "inception_3a/output"), ("inception_5b/output", "pool3/3x3_s2")):
        kept = kept.replace(f'bottom: "{gone}"', f'bottom: "{instead}"')
    return kept
