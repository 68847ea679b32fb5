#!/usr/bin/env python3
"""Frames per second of every generation in this folder, by ONNX Runtime on the processor's cores; prints a CSV table.

    python3 bench.py > pi5.csv
    python3 bench.py --precision int8 > pi5-int8.csv

Needs numpy and onnxruntime, and a Python that these are there for.
"""

import argparse
import os
import sys
import time

import numpy
import onnxruntime
import table


def main():
    """Prints the table; exit status 2 where a file or a generation is not here."""
    words = _words()
    status, nets = 0, table.chosen(words.folder, words.generations)
    threads = "1 thread" if words.threads == 1 else f"{words.threads} threads"
    print(f"# one image a run; timed: a run of the session; {threads}")
    print(f"# {table.device()}, ONNX Runtime {onnxruntime.__version__}")
    print(table.heading(nets), flush=True)
    for net in nets:
        path = table.onnx_file(words.folder, net["generation"], words.precision)
        if not os.path.exists(path):
            print(f"bench.py: generation {net['generation']}: {table.not_there(path)}", file=sys.stderr)
            status = 2
            continue
        times = measure(path, words.threads, words.runs, words.warm_up)
        engine = f"onnxruntime {onnxruntime.__version__}"
        print(table.row(net["generation"], engine, words.precision, times), flush=True)
    return status


def measure(path, threads, runs, warm_up):
    """Milliseconds of each of `runs` runs, after `warm_up` that do not count."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    random = numpy.random.RandomState(0)
    images = {each.name: random.uniform(0, 255, each.shape).astype(numpy.float32) for each in session.get_inputs()}
    times = []
    for number in range(warm_up + runs):
        began = time.perf_counter()
        session.run(None, images)
        if number >= warm_up:
            times.append(1000 * (time.perf_counter() - began))
    return times


def _words():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("generations", nargs="*", type=int, help="which (all)")
    parser.add_argument("--precision", choices=("float", "int8"), default="float")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--warm-up", type=int, default=50)
    parser.add_argument("--folder", default=os.path.join(table.HERE, "generations"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
