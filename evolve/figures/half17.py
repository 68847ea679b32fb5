"""What [Half17] (arXiv 1707.00095) reports of its lineage: DetectNet on Parse-27k, 13 generations, Figures 2 and 3.

Its text gives the end points; the curves between them are pictures only.
"""

SOURCE = "[Half17]"

# Frames per second, Figure 2, of TensorRT on a Jetson TX1.
FPS = {1: 7.0, 13: 37.0}

# The size that is assumed (trt/devices.csv says why), channels x height x width: predictions beside FPS are for it.
SHAPE = "3x512x1024"

# Figure 3: the last generation against the first.
CHANGES = "precision +2 %, recall −2 %"

ENDS = " → ".join(f"{fps:g}" for fps in FPS.values()) + f" fps in {max(FPS)} generations, {CHANGES}"
