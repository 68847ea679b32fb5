"""The table that every program here prints, and the one that says which generations there are. Python 3.6.

columns.csv is the first line of the former. generations.csv is the latter: generation,input,shape,outputs.
"""

import csv
import os
import sys

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
# What --precision says -> the end of a generation's ONNX file, and the word in the table.
PRECISIONS = {"half": (".half.onnx", "f16"), "float": (".onnx", "f32"), "int8": (".int8.onnx", "int8")}


def heading(nets):
    """A comment that says the size of the images, one for all of generations(), and the columns as the line below."""
    with open(os.path.join(HERE, "columns.csv")) as file:
        columns = file.read().strip()
    return "\n".join(["# images %s" % nets[0]["shape"], columns] if nets else [columns])


def device():
    """What the board calls itself."""
    try:
        with open("/proc/device-tree/model") as file:
            return file.read().strip("\0\n ")
    except OSError:
        return "a board without a name"


def row(generation, engine, precision, milliseconds):
    """One line: `milliseconds` are those of all runs, one image each; `precision` is one of PRECISIONS."""
    median, late = numpy.percentile(milliseconds, 50), numpy.percentile(milliseconds, 95)
    figures = "%d,%.4f,%.4f,%.3f" % (len(milliseconds), median, late, 1000 / median)
    return "%s,%s,%s,1,%s" % (generation, engine, PRECISIONS[precision][1], figures)


def onnx_file(folder, generation, precision):
    """Where a generation's ONNX file of that precision is."""
    return os.path.join(folder, "gen%03d%s" % (int(generation), PRECISIONS[precision][0]))


def not_there(path):
    """What is said of a file that is to be measured and is not there."""
    return "%s: is not there; README.md says which files this device has" % path


def chosen(folder, wanted):
    """Those of generations() with a number that is `wanted`, or all; exit status 2 where one is not there, or none."""
    nets = generations(folder)
    known = [int(each["generation"]) for each in nets]
    unknown = [number for number in wanted if number not in known]
    words = ""
    if not nets:
        words = "expected generations in this folder, got none; fill it again, and copy it whole"
    elif unknown:
        words = "expected a generation of this folder, %s, got %d; leave it out, or fill the folder with it" % (
            ", ".join(map(str, known)), unknown[0])
    if words:
        print("%s: %s" % (os.path.basename(sys.argv[0]), words), file=sys.stderr)
        sys.exit(2)
    return [each for each in nets if not wanted or int(each["generation"]) in wanted]


def generations(folder):
    """What generations.csv lists: dicts of generation, input, shape and outputs, a list."""
    with open(os.path.join(folder, "generations.csv")) as file:
        rows = [dict(each) for each in csv.DictReader(file)]
    for each in rows:
        each["outputs"] = each["outputs"].split()
    return rows
