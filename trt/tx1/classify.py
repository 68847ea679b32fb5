#!/usr/bin/env python3
"""Classes of images by a generation in this folder, on the TensorRT that is here; prints a line an image.

    python3 classify.py 13 photos/*.png

Needs what bench.py does, and OpenCV, which JetPack brings. Images become what the net saw in training (preparation.py).
"""

import argparse
import os
import sys

import bench
import cuda
import engines
import numpy
import preparation
import table
import tensorrt


def main():
    """Prints image, class and probability, three of each; exit status 2 where there is no engine, or no image."""
    words = _words()
    given = preparation.known(words.folder, words.generation)
    if given is None:
        print("classify.py: generation %s tells no classes, or is not here" % words.generation, file=sys.stderr)
        return 2
    status = 0
    try:
        path = table.onnx_file(words.folder, words.generation, words.precision)
        network = Network(engines.from_onnx(path, words.precision), given.get("output"))
        for image in words.images:
            try:
                print(line(image, network(preparation.read(image, given)), given["names"]), flush=True)
            except ValueError as error:
                print("classify.py: %s" % error, file=sys.stderr)
                status = 2
    except (engines.Refused, cuda.CudaError) as error:
        print("classify.py: generation %s: %s" % (words.generation, error), file=sys.stderr)
        status = 2
    return status


class Network:
    """An engine and the GPU's memory for its input, the first of its bindings, and its `output`, or the last."""

    def __init__(self, built, output):
        self._built, library = built, cuda.library()
        self._context = built.engine.create_execution_context()
        self._values = [numpy.zeros(shape, tensorrt.nptype(kind)) for kind, shape in bench.bindings(built.engine)]
        self._buffers = [cuda.Buffer(library, values) for values in self._values]
        names = bench.names(built.engine)
        self._output = names.index(output) if output in names else -1

    def __call__(self, image):
        """The output for an image (channels, height, width), as numbers in a row."""
        self._buffers[0].fill(image.reshape(self._values[0].shape).astype(self._values[0].dtype))
        bindings = [each.address for each in self._buffers]
        done = self._context.execute_v2(bindings) if self._built.explicit_batch else self._context.execute(1, bindings)
        if not done:
            raise engines.Refused("the engine does not run")
        return self._buffers[self._output].into(self._values[self._output]).ravel().astype(numpy.float64)


def line(image, values, names):
    """Tab-separated: the image, then class and probability of the three likeliest."""
    if values.min() < 0 or abs(values.sum() - 1) > 0.02:
        values = numpy.exp(values - values.max())
        values /= values.sum()
    best = numpy.argsort(-values, kind="mergesort")[:3]
    # A network may have more outputs than its images have classes: those have numbers. More names are others'.
    known = names if len(names) <= len(values) else []
    told = [(known[k] if k < len(known) else str(k), values[k]) for k in best]
    return "\t".join([image] + ["%s\t%.3f" % each for each in told])


def _words():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("generation", type=int)
    parser.add_argument("images", nargs="+")
    parser.add_argument("--precision", choices=sorted(table.PRECISIONS), default="half")
    parser.add_argument("--folder", default=os.path.join(table.HERE, "generations"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
