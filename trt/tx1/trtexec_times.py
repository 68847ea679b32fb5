#!/usr/bin/env python3
"""One line of the table from the times that NVIDIA's trtexec exports (--exportTimes). Python 3.6.

    python3 trtexec_times.py 13 half times.json     (without words: the table's head)
"""

import json
import os
import sys

import table


def main(words):
    """Prints the line; what is timed is the GPU's computing alone, without transfers."""
    if not words:
        print(table.heading(table.generations(os.path.join(table.HERE, "generations"))))
        return 0
    generation, precision, path = words
    with open(path) as file:
        runs = json.load(file)
    times = [run["endComputeMs"] - run["startComputeMs"] for run in runs]
    print(table.row(generation, "tensorrt trtexec", precision, times))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
