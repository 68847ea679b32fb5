#!/usr/bin/env python3
"""Frames per second of every generation in this folder, on the TensorRT that is here; prints a CSV table.

    python3 bench.py > tx1.csv

Needs Python 3.6, numpy and tensorrt (5 to 10), as JetPack 4 to 6 bring them. An engine is built anew each time, which
takes minutes: it is good for one TensorRT and one GPU, and none is kept that could be taken for another.
"""

import argparse
import os
import sys
import time

import cuda
import engines
import numpy
import table
import tensorrt


def main():
    """Prints the table; exit status 2 where an engine could not be built, or a generation is not here."""
    words = _words()
    status, nets = 0, table.chosen(words.folder, words.generations)
    print("# one image a run, its input already in the GPU's memory; timed: execution until the GPU is done")
    print("# %s, TensorRT %s" % (table.device(), tensorrt.__version__))
    print(table.heading(nets), flush=True)
    for net in nets:
        try:
            print(_row(net, words), flush=True)
        except (engines.Refused, cuda.CudaError) as error:
            print("bench.py: generation %s: %s" % (net["generation"], error), file=sys.stderr)
            status = 2
    return status


def measure(built, runs, warm_up):
    """Milliseconds of each of `runs` executions, after `warm_up` that do not count."""
    engine = built.engine
    context, library = engine.create_execution_context(), cuda.library()
    random = numpy.random.RandomState(0)
    buffers = []
    for kind, shape in bindings(engine):
        values = random.uniform(0, 255, shape)
        buffers.append(cuda.Buffer(library, values.astype(tensorrt.nptype(kind))))
    places = [each.address for each in buffers]

    def execute():
        done = context.execute_v2(places) if built.explicit_batch else context.execute(1, places)
        if not done:
            raise engines.Refused("the engine does not run")

    for _ in range(warm_up):
        execute()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        execute()
        times.append(1000 * (time.perf_counter() - began))
    for each in buffers:
        each.free()
    return times


def bindings(engine):
    """Type and shape of each value that goes in or out, in TensorRT's order; they have names alone from 10 on."""
    if hasattr(engine, "num_io_tensors"):
        return [(engine.get_tensor_dtype(name), tuple(engine.get_tensor_shape(name))) for name in names(engine)]
    return [(engine.get_binding_dtype(number), tuple(engine.get_binding_shape(number)))
            for number in range(engine.num_bindings)]


def names(engine):
    """The name of each value that goes in or out, in the order of bindings()."""
    if hasattr(engine, "num_io_tensors"):
        return [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
    return [engine.get_binding_name(number) for number in range(engine.num_bindings)]


def _row(net, words):
    if words.parser == "caffe":
        path = os.path.join(words.folder, "gen%03d" % int(net["generation"]))
        built = engines.from_caffe(path + ".prototxt", path + ".caffemodel", net["outputs"], words.precision)
    else:
        path = table.onnx_file(words.folder, net["generation"], words.precision)
        built = engines.from_onnx(path, words.precision)
    name = "tensorrt %s %s" % (tensorrt.__version__, words.parser)
    return table.row(net["generation"], name, words.precision, measure(built, words.runs, words.warm_up))


def _words():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("generations", nargs="*", type=int, help="which (all)")
    parser.add_argument("--from", dest="parser", choices=("onnx", "caffe"), default="onnx",
                        help="what engines are built from; caffe: deploy prototxts and caffemodels")
    parser.add_argument("--precision", choices=sorted(table.PRECISIONS), default="half")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--warm-up", type=int, default=50)
    parser.add_argument("--folder", default=os.path.join(table.HERE, "generations"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
