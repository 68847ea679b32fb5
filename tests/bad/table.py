"""Bad inputs and what is said of each: how it is made, the command's words, the message, all in one place.

``{here}`` is the folder in which the command runs.
"""

from typing import NamedTuple

import numpy as np

from tests.bad.inputs import (
    LENET,
    PICTURES,
    Make,
    beside,
    boxes_of,
    boxes_settings,
    caffemodel,
    cifar_archive,
    cifar_with,
    cut,
    dims,
    edited,
    gone,
    half,
    message,
    mnist_of_others,
    mnist_with,
    nothing,
    own,
    pets,
    put,
    raw_of_type_9,
    sql,
    stl_with,
    swap,
    theirs,
)  # fmt: skip


class Case(NamedTuple):
    """One bad input."""

    name: str
    make: Make
    words: str
    says: str


def solver(old: str, new: str) -> Make:
    return edited("solver.prototxt", old, new)


CHECK, DATA = "check NET=net", "data NET=net"
WITH = "count MODEL=model.prototxt WEIGHTS=w.caffemodel"
SHRINK = "shrink MODEL=model.prototxt WEIGHTS=w.caffemodel OUT=small"
DIVERGED = [np.array([[1, np.nan], [np.inf, 2]], np.float32), np.zeros(2, np.float32)]
A = "Annotations/a.xml"
LABEL = "training/label_2/000000.txt"
CASES = [
    Case(
        "an unknown verb",
        nothing,
        "evolv NET=lenet",
        "evolv: expected a verb; did you mean evolve?",
    ),
    Case(
        "evolve without a network",
        nothing,
        "evolve",
        "evolve: expected NET=, a folder under prototxt/ or one of yours; for instance NET=lenet",
    ),
    Case(
        "a word of another verb",
        nothing,
        "doctor GEN=3",
        "GEN=3: doctor has no use for it; doctor knows none",
    ),
    Case(
        "a word without its name",
        nothing,
        "evolve lenet",
        "lenet: expected NAME=value; did you mean NET=?",
    ),
    Case(
        "a word that is another verb's",
        caffemodel(),
        f"{WITH} THREADS=2",
        "THREADS=2: count has no use for it; count knows MODEL, WEIGHTS, SHAPE",
    ),
    Case(
        "a misspelt word",
        nothing,
        "evolve NTE=lenet",
        "NTE=lenet: expected a word that evolve knows; did you mean NET=?",
    ),
    Case(
        "no generation",
        nothing,
        "evolve NET=lenet GEN=0",
        "GEN=0: expected a whole number of 1 or more",
    ),
    Case(
        "generations in words",
        nothing,
        "evolve NET=lenet GEN=thirteen",
        "GEN=thirteen: expected a whole number of 1 or more",
    ),
    Case(
        "a digit of another script",
        nothing,
        "evolve NET=lenet GEN=²",
        "GEN=²: expected a whole number of 1 or more",
    ),
    Case(
        "a number without end",
        nothing,
        "evolve NET=lenet GEN=" + "9" * 5000,
        "GEN=99999999999999999999… (5000 letters): expected a whole number of 1 or more and at most 18 digits",
    ),
    Case(
        "a word twice",
        nothing,
        "evolve NET=lenet GEN=2 GEN=3",
        "GEN=3: expected GEN= once, got GEN=2 too; leave one",
    ),
    Case(
        "settings twice, of which one would be lost",
        nothing,
        "evolve NET=lenet SET=generations=2 SET=precision=FLOAT",
        "SET=precision=FLOAT: expected SET= once, got SET=generations=2 too; leave one, its settings separated by ;",
    ),
    Case(
        "blobs of 16 bits of other numbers",
        nothing,
        "evolve NET=lenet HALF_BLOBS=1 SET=precision=BFLOAT16",
        "HALF_BLOBS=1: half_blobs: expected precision HALF beside it, whose numbers have 16 bits, got BFLOAT16",
    ),
    Case(
        "more threads than BLAS bears",
        nothing,
        "evolve NET=lenet THREADS=100000",
        "THREADS=100000: expected a whole number from 1 to 1024; more than cores gain nothing",
    ),
    Case(
        "a network's file for its folder",
        beside("x", ""),
        "check NET=net/train_val.prototxt",
        "NET=net/train_val.prototxt: expected a folder, got a file; NET=net is its folder",
    ),
    Case(
        "a name that is longer than names may be",
        nothing,
        "evolve NET=" + "x" * 300,
        "NET=" + "x" * 300 + ": expected a folder with train_val.prototxt, or a name under prototxt/; known are: "
        "alexnet_cifar10, detectnet, detectnet_bccd, detectnet_kitti, detectnet_people, lenet, lenet_bvlc, "
        "lenet_stl10, resnet56_cifar10, starter",
    ),
    Case(
        "somebody's prototxt for a folder",
        theirs,
        "evolve NET=theirs/train_val.prototxt",
        "NET=theirs/train_val.prototxt: expected a folder, got a file; make adopt MODEL=theirs/train_val.prototxt "
        "OUT=my_net makes a folder that evolves",
    ),
    Case(
        "a folder of Caffe's that nobody adopted",
        theirs,
        "check NET=theirs/",
        "NET=theirs/: expected evolution.prototxt beside train_val.prototxt, got none; make adopt "
        "MODEL=theirs/train_val.prototxt OUT=my_net makes a folder that evolves",
    ),
    Case(
        "a seed below zero",
        nothing,
        "evolve NET=lenet SEED=-1",
        "SEED=-1: expected a whole number of 0 or more",
    ),
    Case(
        "half a thread",
        nothing,
        "evolve NET=lenet THREADS=.5",
        "THREADS=.5: expected a whole number of 1 or more",
    ),
    Case(
        "a schedule that is not there",
        nothing,
        "evolve NET=lenet SCHEDULE=longer",
        f"SCHEDULE=longer: expected evolution.longer.prototxt, got no such file: {LENET} has dense, gradual, long; did "
        "you mean long?",
    ),
    Case(
        "a schedule where there is none",
        nothing,
        "evolve NET=starter SCHEDULE=long",
        f"SCHEDULE=long: expected evolution.long.prototxt, got no such file: {LENET.with_name('starter')} has none; "
        "write evolution.long.prototxt, or leave it out",
    ),
    Case(
        "a network that is not there",
        nothing,
        "data NET=lennet",
        "NET=lennet: expected a folder with train_val.prototxt, or a name under prototxt/; did you mean "
        "lenet?",
    ),
    Case(
        "a run outside its folder",
        nothing,
        "evolve NET=lenet RUN=../../elsewhere",
        "RUN=../../elsewhere: expected a name for the run's folder, without / and no dot before it",
    ),
    Case(
        "weights that are not there",
        nothing,
        "evolve NET=lenet WEIGHTS=none.caffemodel",
        "{here}/none.caffemodel: no such file; expected a trained caffemodel",
    ),
    Case(
        "shrink without weights",
        nothing,
        "shrink MODEL=model.prototxt",
        "shrink: expected WEIGHTS=, its caffemodel; see `cavefish --help`",
    ),
    Case(
        "shrink without a place",
        nothing,
        "shrink MODEL=model.prototxt WEIGHTS=w.caffemodel",
        "shrink: expected OUT=, a folder to write to; see `cavefish --help`",
    ),
    Case(
        "shrink onto itself",
        caffemodel(),
        "shrink MODEL=model.prototxt WEIGHTS=w.caffemodel OUT=.",
        "OUT=.: expected another folder than that of MODEL and WEIGHTS, which stay as they are",
    ),
    Case(
        "fold without weights",
        caffemodel(),
        "fold MODEL=model.prototxt OUT=folded",
        "fold: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`",
    ),
    Case(
        "fold without a place",
        caffemodel(),
        "fold MODEL=model.prototxt WEIGHTS=w.caffemodel",
        "fold: expected OUT=, a folder to write to; see `cavefish --help`",
    ),
    Case(
        "fold without a model",
        caffemodel(),
        "fold WEIGHTS=w.caffemodel OUT=folded",
        "fold: expected MODEL=, the deploy prototxt of that WEIGHTS; see `cavefish --help`",
    ),
    Case(
        "fold onto itself",
        caffemodel(),
        "fold MODEL=model.prototxt WEIGHTS=w.caffemodel OUT=.",
        "OUT=.: expected another folder than that of MODEL and WEIGHTS, which stay as they are",
    ),
    Case(
        "fold without a run",
        nothing,
        "fold",
        "{here}/runs: expected runs with generations in them, found none; `make evolve` makes one",
    ),
    Case(
        "a caffemodel cut off, to fold",
        caffemodel(half),
        "fold MODEL=model.prototxt WEIGHTS=w.caffemodel OUT=folded",
        "w.caffemodel: expected a caffemodel, got 148 bytes that are none, or are cut off; copy it anew",
    ),
    Case(
        "weights of another layer, to fold",
        caffemodel(other={"conv": [np.zeros((3, 16), np.float32)]}),
        "fold MODEL=model.prototxt WEIGHTS=w.caffemodel OUT=folded",
        "w.caffemodel: layer 'ip': expected its weights, got none; layers with weights there: conv; name the layer as "
        "the trained one is named",
    ),
    *(
        Case(
            f"weights that are no numbers, to {words.split()[0]}",
            caffemodel(other={"ip": DIVERGED}),
            f"{words} WEIGHTS=w.caffemodel",
            f"{file}: layer 'ip': expected finite numbers, got 2 of the 4 values of its blob 0 that are none; its "
            "training diverged, or the file is damaged: take an earlier snapshot, or train it anew at a lower base_lr",
        )
        for words, file in (
            ("count MODEL=model.prototxt", "w.caffemodel"),
            ("shrink MODEL=model.prototxt OUT=small", "w.caffemodel"),
            ("fold MODEL=model.prototxt OUT=folded", "w.caffemodel"),
            ("onnx MODEL=model.prototxt", "w.caffemodel"),
            ("c MODEL=model.prototxt", "w.caffemodel"),
            ("adopt MODEL=model.prototxt OUT=mine", "w.caffemodel"),
            ("check NET=lenet", "{here}/w.caffemodel"),
            ("evolve NET=lenet", "{here}/w.caffemodel"),
        )
    ),
    Case(
        "a shape of two lengths",
        caffemodel(),
        "count MODEL=model.prototxt SHAPE=4x4",
        "SHAPE=4x4: expected channels x height x width; for instance SHAPE=3x32x32",
    ),
    Case(
        "a shape of nothing",
        caffemodel(),
        "count MODEL=model.prototxt SHAPE=1x4x0",
        "SHAPE=1x4x0: expected channels x height x width; for instance SHAPE=3x32x32",
    ),
    Case(
        "a shape without end",
        caffemodel(),
        "count MODEL=model.prototxt SHAPE=1x4x" + "9" * 5000,
        "SHAPE=1x4x9999999999999999… (5004 letters): expected channels x height x width; for instance "
        "SHAPE=3x32x32",
    ),
    Case(
        "count of a folder",
        nothing,
        "count MODEL=.",
        ".: expected a prototxt, got a folder; name another file",
    ),
    Case(
        "count of a caffemodel",
        caffemodel(),
        "count MODEL=w.caffemodel",
        "w.caffemodel: expected a prototxt, a text in UTF-8, got byte 0xa2 at 2; name the prototxt, not "
        "the caffemodel, or save it as UTF-8",
    ),
    Case(
        "count of nothing",
        nothing,
        "count MODEL=none.prototxt",
        "none.prototxt: no such file; see prototxt/lenet/ for what a network's folder holds",
    ),
    Case(
        "onnx without weights",
        caffemodel(),
        "onnx MODEL=model.prototxt",
        "onnx: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`",
    ),
    Case(
        "onnx of weights that are not there",
        caffemodel(),
        "onnx MODEL=model.prototxt WEIGHTS=none.caffemodel",
        "none.caffemodel: no such file; expected a trained caffemodel",
    ),
    Case(
        "onnx without a run",
        nothing,
        "onnx",
        "{here}/runs: expected runs with generations in them, found none; `make evolve` makes one",
    ),
    Case(
        "a C file without weights",
        caffemodel(),
        "c MODEL=model.prototxt",
        "c: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`",
    ),
    Case(
        "a C file of weights that are not there",
        caffemodel(),
        "c MODEL=model.prototxt WEIGHTS=none.caffemodel",
        "none.caffemodel: no such file; expected a trained caffemodel",
    ),
    Case(
        "a C file without a run",
        nothing,
        "c",
        "{here}/runs: expected runs with generations in them, found none; `make evolve` makes one",
    ),
    Case(
        "a C file of four bits",
        caffemodel(),
        "c MODEL=model.prototxt WEIGHTS=w.caffemodel BITS=4",
        "BITS=4: expected 8, 16 or 32; without it, the fewest that lose nothing",
    ),
    Case(
        "an engine of another maker",
        nothing,
        "engine TENSORRT=onednn",
        "TENSORRT=onednn: expected tensorrt or rtx",
    ),
    Case(
        "engine without weights",
        caffemodel(),
        "engine MODEL=model.prototxt",
        "engine: expected WEIGHTS=, the caffemodel of that MODEL; see `cavefish --help`",
    ),
    Case(
        "tx1 without a run",
        nothing,
        "tx1",
        "{here}/runs: expected runs with generations in them, found none; `make evolve` makes one",
    ),
    Case(
        "bench of an unknown run",
        nothing,
        "bench RUN=seed9",
        "RUN=seed9: expected one run of that name; there are: none",
    ),
    Case(
        "table of an unknown run",
        nothing,
        "table RUN=seed9",
        "RUN=seed9: expected one run of that name; there are: none",
    ),
    Case(
        "plot without a run",
        nothing,
        "plot",
        "{here}/runs: expected runs with generations in them, found none; `make evolve` makes one",
    ),
    Case(
        "report of unknown runs",
        nothing,
        "report RUN=seed1,seed2",
        "RUN=seed1: expected one run of that name; there are: none",
    ),

    Case(
        "a solver that is not there",
        edited("evolution.prototxt", "offspring_solver.prototxt", "none.prototxt"),
        CHECK,
        "{here}/net/none.prototxt: no such file; see prototxt/lenet/ for what a network's folder holds",
    ),
    Case(
        "a misspelt field of a solver",
        solver("power", "powre"),
        CHECK,
        "{here}/net/solver.prototxt:7: SolverParameter has no 'powre'; did you mean power?",
    ),
    Case(
        "a word for a number",
        solver("0.02", '"fast"'),
        CHECK,
        "{here}/net/solver.prototxt:3: 'base_lr: \"fast\"': Couldn't parse float: \"fast\"",
    ),
    Case(
        "a type that no solver has",
        solver('"SGD"', '"Adamm"'),
        CHECK,
        "{here}/net/solver.prototxt:2: type: expected one of SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, "
        "Adam, got 'Adamm'; did you mean Adam?",
    ),
    Case(
        "a policy that no solver has",
        solver('"poly"', '"stepp"'),
        CHECK,
        "{here}/net/solver.prototxt:6: lr_policy: expected one of fixed, step, exp, inv, multistep, poly, "
        "sigmoid, got 'stepp'; did you mean step?",
    ),
    Case(
        "no learning rate",
        solver("base_lr: 0.02", ""),
        CHECK,
        "{here}/net/solver.prototxt: base_lr: expected above 0, got none; 0.01 is a usual one for SGD, "
        "0.001 for Adam",
    ),
    Case(
        "a learning rate that is no number",
        solver("0.02", "nan"),
        CHECK,
        "{here}/net/solver.prototxt:3: base_lr: expected above 0, got nan; 0.01 is a usual one for SGD, "
        "0.001 for Adam",
    ),
    Case(
        "too much momentum",
        solver("0.9", "1.9"),
        CHECK,
        "{here}/net/solver.prototxt:4: momentum: expected 0 to below 1, got 1.9; 0.9 is usual",
    ),
    Case(
        "steps of nothing",
        solver('"poly"', '"step"'),
        CHECK,
        "{here}/net/solver.prototxt: stepsize: expected 1 or more for lr_policy step, got 0; write the "
        "iterations\n{here}/net/solver.prototxt: gamma: expected above 0 for lr_policy step, got none; 0.1 is usual",
    ),
    Case(
        "a device that Caffe does not know",
        solver("CPU", "TPU"),
        CHECK,
        "{here}/net/solver.prototxt:9: SolverMode has no 'TPU'; did you mean CPU?",
    ),
    Case(
        "a name left over in a solver",
        solver("0.02", "$RATE"),
        CHECK,
        "{here}/net/solver.prototxt:3: $RATE has no value (known here: none); write the value itself",
    ),
    Case(
        "settings that are a picture",
        beside("net/evolution.prototxt", b"\x89PNG\r\n\x1a\n"),
        CHECK,
        "{here}/net/evolution.prototxt: expected a prototxt, a text in UTF-8, got byte 0x89 at 0; name the prototxt, "
        "not the caffemodel, or save it as UTF-8",
    ),
    Case(
        "settings of a network that is not there",
        edited("evolution.prototxt", "environment", 'train_val: "none.prototxt" environment'),
        CHECK,
        "{here}/net/none.prototxt: no such file; see prototxt/lenet/ for what a network's folder holds",
    ),
    Case(
        "a layer larger than Caffe's",
        edited("train_val.prototxt", "num_output: 64", "num_output: 4294967295"),
        CHECK,
        "{here}/net/train_val.prototxt:37: layer 'conv3': expected a top of at most 2147483647 values, "
        "which is Caffe's limit, got 100 x 4294967295 x 8 x 8; make it smaller",
    ),
    Case(
        "a filler that Caffe does not know",
        edited("train_val.prototxt", "xavier", "xavir"),
        CHECK,
        "{here}/net/train_val.prototxt:17: layer 'conv1': Caffe: Check failed: false Unknown filler "
        "name: xavir (filler.hpp:294)",
    ),
    Case(
        "a bottom that no layer writes",
        edited("train_val.prototxt", 'bottom: "pool1" top: "conv2"', 'bottom: "pol1" top: "conv2"'),
        CHECK,
        "{here}/net/train_val.prototxt:27: layer 'conv2': its bottom 'pol1' is the top of no layer "
        "before it",
    ),
    Case(
        "layers of 2013",
        edited("train_val.prototxt", "layer {", "layers {"),
        CHECK,
        "{here}/net/train_val.prototxt:5: LayerType has no 'Data'; did you mean DATA?",
    ),
    Case(
        "two layers of one name",
        edited("train_val.prototxt", 'name: "conv2"', 'name: "conv1"'),
        CHECK,
        "{here}/net/train_val.prototxt:17 and 27: layer 'conv1': expected every name once in phase TRAIN, got it of "
        "Convolution and Convolution; name one of them otherwise, also in the caffemodel",
    ),
    Case(
        "a layer that learns in testing alone",
        edited("train_val.prototxt", '"relu1" type: "ReLU"', '"relu1" type: "PReLU" include { phase: TEST }'),
        CHECK,
        "{here}/net/train_val.prototxt:25: layer 'relu1': expected phase TRAIN to have it too, as it learns, got it in "
        "TEST alone, whose weights no training makes; take its include away",
    ),
    Case(
        "a layer of another Caffe",
        edited("train_val.prototxt", '"ReLU" bottom: "pool1"', '"Permute" permute_param { } bottom: "pool1"'),
        CHECK,
        "{here}/net/train_val.prototxt:25: layer 'relu1': expected a layer of BVLC's Caffe, got permute_param of a "
        "layer of another Caffe, Permute; say it in layers of this one, or leave it out",
    ),
    Case(
        "a second data layer",
        edited("train_val.prototxt", 'layer {\n  name: "conv1"', 'layer { name: "more" type: "Data" top: "more" }\n'
               'layer {\n  name: "conv1"'),
        CHECK,
        "{here}/net/train_val.prototxt: net 'lenet': expected one data layer in phase TRAIN, got 'data', 'more'",
    ),
    Case(
        "a solver as a network",
        beside("none", ""),
        "count MODEL=net/solver.prototxt",
        "net/solver.prototxt: expected a network, got a solver; give the prototxt of its net",
    ),
    Case(
        "nothing to adopt",
        nothing,
        "adopt OUT=mine",
        "adopt: expected MODEL=, a prototxt, or SOLVER=, the one that trains it, and OUT=, a folder to make; for "
        "instance MODEL=train_val.prototxt OUT=my_net",
    ),
    Case(
        "adopted into a folder that is there",
        beside("none", ""),
        "adopt MODEL=net/train_val.prototxt OUT=net",
        "OUT=net: expected a folder that is not there yet, got one with something in it; name another",
    ),
    Case(
        "adopted into a folder of a file",
        beside("none", ""),
        "adopt MODEL=net/train_val.prototxt OUT=none/mine SHAPE=1x32x32",
        "none/mine: expected to write there, got File exists; name another OUT=",
    ),
    Case(
        "adopted by a solver without a net",
        beside("none", ""),
        "adopt SOLVER=net/solver.prototxt OUT=mine",
        "net/solver.prototxt: expected a solver that names its net, got none; give it as MODEL=",
    ),
    Case(
        "adopted without the size of an image",
        beside("net/train_val.prototxt", (LENET / "train_val.prototxt").read_text().replace("crop_size: 32", "")),
        "adopt MODEL=net/train_val.prototxt OUT=mine",
        "net/train_val.prototxt:5: layer 'data': does not say the shape of an image; give SHAPE=3x32x32",
    ),
    Case(
        "a net of many MB",
        beside("net/train_val.prototxt", "# " + "x" * (1 << 22)),
        CHECK,
        "{here}/net/train_val.prototxt: expected a prototxt of at most 4194304 bytes, got 4194306; name "
        "the prototxt, not the caffemodel",
    ),

    Case(
        "an empty caffemodel",
        caffemodel(lambda content: b""),
        WITH,
        "w.caffemodel: expected a caffemodel, found no layer with weights in it; name a trained one",
    ),
    Case(
        "a caffemodel cut off",
        caffemodel(half),
        WITH,
        "w.caffemodel: expected a caffemodel, got 148 bytes that are none, or are cut off; copy it anew",
    ),
    Case(
        "a caffemodel cut off, to shrink",
        caffemodel(half),
        SHRINK,
        "w.caffemodel: expected a caffemodel, got 148 bytes that are none, or are cut off; copy it anew",
    ),
    Case(
        "a caffemodel cut off, to evolve",
        caffemodel(half),
        "check NET=lenet WEIGHTS=w.caffemodel",
        "{here}/w.caffemodel: expected a caffemodel, got 148 bytes that are none, or are cut off; copy it anew",
    ),
    Case(
        "a text for a caffemodel",
        caffemodel(lambda content: b"weights\n" * 99),
        WITH,
        "w.caffemodel: expected a caffemodel, got a text; name the file that Caffe saved",
    ),
    Case(
        "a caffemodel of another network",
        caffemodel(),
        "check NET=lenet WEIGHTS=w.caffemodel",
        "{here}/w.caffemodel: layer 'conv1': expected its weights, got none; layers with weights there: "
        "ip; name the layer as the trained one is named",
    ),
    Case(
        "a caffemodel of another shape",
        caffemodel(other={"ip": [np.ones((3, 9), np.float32), np.ones(3, np.float32)]}),
        WITH,
        "w.caffemodel: layer 'ip': expected 3 x 16 = 48 and 3 = 3, got 3 x 9 = 27 and 3 = 3; the "
        "prototxt and the caffemodel belong to different networks",
    ),
    Case(
        "a caffemodel without the layer",
        caffemodel(other={"fc": [np.ones((3, 16), np.float32)]}),
        WITH,
        "w.caffemodel: layer 'ip': expected its weights, got none; layers with weights there: fc; name "
        "the layer as the trained one is named",
    ),
    Case(
        "a caffemodel without a bias",
        caffemodel(other={"ip": [np.ones((3, 16), np.float32)]}),
        WITH,
        "w.caffemodel: layer 'ip': expected 3 x 16 = 48 and 3 = 3, got 3 x 16 = 48; the prototxt and the "
        "caffemodel belong to different networks",
    ),
    Case(
        "a blob of more than it holds",
        caffemodel(dims(1 << 32, 1 << 32)),
        WITH,
        "w.caffemodel: layer 'ip': expected 4294967296 x 4294967296 values, got 48; it may be cut off, "
        "or written in a form only Caffe reads: load and save it there once",
    ),
    Case(
        "a blob of less than nothing",
        caffemodel(dims(-3, -16)),
        WITH,
        "w.caffemodel: layer 'ip': expected -3 x -16 values, got 48; it may be cut off, or written in a "
        "form only Caffe reads: load and save it there once",
    ),
    Case(
        "raw data of an unknown type",
        caffemodel(message(raw_of_type_9)),
        WITH,
        "w.caffemodel: layer 'ip': expected raw data of type 1 (floats) or 2 (halves), got 9; save it in "
        "one of these",
    ),
    Case(
        "a layer's name in another code",
        caffemodel(lambda content: content.replace(b"\x02ip", b"\x02\xff\xfe")),
        WITH,
        "w.caffemodel: expected a layer's name in UTF-8, got b'\\xff\\xfe'; copy it anew, or rename it",
    ),
    Case(
        "a folder for a caffemodel",
        caffemodel(),
        "count MODEL=model.prototxt WEIGHTS=.",
        ".: expected a caffemodel, got Is a directory; name another file",
    ),

    Case(
        "another file under MNIST's name",
        mnist_of_others,
        DATA,
        "{here}/data/raw/train-images-idx3-ubyte.gz: expected md5 f68b3c2dcbeaaa9fbdd348bbdeb94873 "
        "(9912422 bytes), got 88fe0549577f971cc6e32e30c3fde81d (9 bytes); remove it to have it "
        "downloaded, or replace it with the original file",
    ),
    Case(
        "an idx file cut off",
        mnist_with(train_images=b"\x1f\x8b\x08"),
        DATA,
        "{here}/data/raw/train-images-idx3-ubyte.gz: expected a whole gzip file, got Compressed file "
        "ended before the end-of-stream marker was reached; replace it with the original file",
    ),
    Case(
        "an idx file that is not packed",
        mnist_with(train_labels=b"\0\0\x08\x01"),
        DATA,
        "{here}/data/raw/train-labels-idx1-ubyte.gz: expected a whole gzip file, got Not a gzipped file "
        "(b'\\x00\\x00'); replace it with the original file",
    ),
    Case(
        "images where labels should be",
        mnist_with(train_labels=np.zeros((30, 28, 28))),
        DATA,
        "{here}/data/raw/train-labels-idx1-ubyte.gz: expected idx magic 2049 (1 dimensions of unsigned "
        "bytes), got 2051; replace it with the original file",
    ),
    Case(
        "a label too many",
        mnist_with(test_labels=np.zeros(11)),
        DATA,
        "{here}/data/raw/t10k-labels-idx1-ubyte.gz: expected 10 labels, one for each image of "
        "t10k-images-idx3-ubyte.gz, got 11; replace it with the original file",
    ),
    Case(
        "a digit above nine",
        mnist_with(test_labels=np.full(10, 10)),
        DATA,
        "{here}/data/raw/t10k-labels-idx1-ubyte.gz: expected labels from 0 to 9, got 10; replace it with "
        "the original file",
    ),
    Case(
        "a CIFAR-10 batch that is missing",
        cifar_with("data_batch_3", None),
        DATA,
        "{here}/data/raw/cifar-10-batches-py: expected data_batch_3 beside the other files, got none; "
        "unpack cifar-10-python.tar.gz anew",
    ),
    Case(
        "a CIFAR-10 pickle that runs a command",
        cifar_with("test_batch", b"cposix\nsystem\n(S'touch ran'\ntR."),
        DATA,
        "{here}/data/raw/cifar-10-batches-py/test_batch: expected md5 9a14e70462e8b61230dacf587dbb8b08 (12491 bytes), "
        "got fe6ce2bbcf154f226fa29e2feb9e77eb (31 bytes); remove it to have it downloaded, or "
        "replace it with the original file",
    ),
    Case(
        "a CIFAR-10 pickle cut off",
        cifar_with("test_batch", b"\x80\x02}"),
        DATA,
        "{here}/data/raw/cifar-10-batches-py/test_batch: expected md5 9a14e70462e8b61230dacf587dbb8b08 (12491 bytes), "
        "got 30545e04bf15533f95b99413e3a097d1 (3 bytes); remove it to have it downloaded, or "
        "replace it with the original file",
    ),
    Case(
        "binary batches cut off",
        cifar_with("test_batch.bin", bytes(3000)),
        DATA,
        "{here}/data/raw/cifar-10-batches-bin/test_batch.bin: expected records of 3073 bytes, got 3000 "
        "bytes; replace it with the original file",
    ),
    Case(
        "an archive cut off",
        cifar_archive(lambda path: path.write_bytes(path.read_bytes()[:9000])),
        DATA,
        "{here}/data/raw/cifar-10-python.tar.gz: expected a whole tar archive, got Compressed file ended "
        "before the end-of-stream marker was reached; remove it to have it downloaded, or replace it "
        "with the original file",
    ),
    Case(
        "an archive that is a text",
        cifar_archive(lambda path: path.write_text("see the other server\n" * 99)),
        DATA,
        "{here}/data/raw/cifar-10-python.tar.gz: expected a whole tar archive, got invalid header; "
        "remove it to have it downloaded, or replace it with the original file",
    ),
    Case(
        "STL-10 with a label too few",
        stl_with(train_y=bytes([1, 2, 3])),
        DATA,
        "{here}/data/raw/stl10_binary/train_y.bin: expected 6 labels, one for each image of train_X.bin, "
        "got 3; replace it with the original file",
    ),
    Case(
        "STL-10 with a class too many",
        stl_with(test_y=bytes([1, 2, 3, 11])),
        DATA,
        "{here}/data/raw/stl10_binary/test_y.bin: expected labels from 1 to 10, got 1 to 11; replace it "
        "with the original file",
    ),
    Case(
        "STL-10 images cut off",
        stl_with(train_X=bytes(99)),
        DATA,
        "{here}/data/raw/stl10_binary/train_X.bin: expected images of 27648 bytes, got 99 bytes; replace "
        "it with the original file",
    ),

    Case(
        "pictures that are nowhere",
        own('folder: "pictures"', lambda root: None),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: data set 'images': expected {here}/net/pictures, got no such folder "
        "or file; correct the path",
    ),
    Case(
        "pictures in a home that nobody has",
        own('folder: "~nobody.here/pictures"', lambda root: None),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: data set 'images': expected {here}/net/~nobody.here/pictures, got no "
        "such folder or file; correct the path",
    ),
    Case(
        "pictures without a folder",
        own("", lambda root: None),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: data set 'images': expected a folder of images or a list, got none; "
        'write dataset { name: "images" folder: "/my/pictures" }, or give SET=dataset.folder=/my/pictures',
    ),
    Case(
        "pictures that are no pictures",
        own(PICTURES, lambda root: [put("bar/2.png", "<html>")(root), cut("disc/4.png", 900)(root)]),
        DATA,
        "data set 'images': {here}/pictures/bar/2.png: expected an image, got 6 bytes that begin with b'<html>'; "
        "replace it with the original file\n"
        "{here}/pictures/disc/4.png: expected a whole image, got: image file is truncated; replace it with the "
        "original file\n"
        "replace or remove these 2 images, or leave them out by SET='dataset.leave_out_unreadable=true'",
    ),
    Case(
        "a list of pictures without labels",
        own(PICTURES, put("train.txt", "bar/0.png 0\ndisc/0.png\n")),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: data set 'images': {here}/pictures/train.txt:2: expected a path and a "
        "label, got 'disc/0.png'; add the label",
    ),
    Case(
        "a list of pictures of which one is gone",
        own(PICTURES, put("train.csv", "path,label\nbar/0.png,bar\ndisc/9.png,disc\n")),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: data set 'images': {here}/pictures/train.csv:3: expected an image "
        "disc/9.png, got no such file in {here}/pictures; bring it, or take the line out",
    ),
    Case(
        "pictures larger than what they are padded to",
        own(f"{PICTURES} fit: PAD width: 48 height: 48 leave_out_unreadable: true", lambda root: None),
        DATA,
        "data set 'images': expected images of test and train that can be read, got none; bring some",
    ),
    Case(
        "a folder of pictures for a data set that has its own",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "mnist" folder: "pictures"'),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: folder: expected none for 'mnist', which has its own, got pictures; "
        "take it out, or give dataset.name=images",
    ),
    Case(
        "boxes for a data set that has none",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "mnist" detection { width: 64 }'),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: detection.width: expected none for 'mnist', whose images have no "
        "boxes; take it out",
    ),
    Case(
        "the size of images with a class each for images with boxes",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "voc" detection { class_name: "cat" }'),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: image_size: expected none for 'voc', whose images have boxes, got 34; "
        "detection.width and detection.height say their size",
    ),
    Case(
        "colours of another number",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "mnist" channels: 4'),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: channels: expected 1 (grey), 3 (colours) or 0 (as the images are), "
        "got 4",
    ),
    Case(
        "nothing to test on",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "mnist" test_part: 0'),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: test_part: expected above 0 and below 1, a part of all images, got 0",
    ),
    Case(
        "darkest above brightest",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "mnist" darkest: 9 brightest: 3'),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: brightest: expected above darkest, 9, got 3; both 0: each image's own",
    ),
    Case(
        "a database that is nowhere",
        own('name: "lmdb" train: "train_lmdb"', lambda root: None),
        CHECK,
        "{here}/net/evolution.prototxt: dataset: data set 'lmdb': expected {here}/net/train_lmdb, got no such folder "
        "or file; correct the path",
    ),
    Case(
        "a validation part of images with boxes",
        boxes_settings("voc", "validation: 500"),
        "check NET=net",
        "{here}/net/evolution.prototxt: dataset: validation: expected 0 for voc, whose images with boxes have a split "
        "of their own for that, val, got 500; take it out",
    ),
    Case(
        "a validation part without a class",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "digits" validation: 3'),
        DATA,
        "data set 'digits': validation: expected images of every class to train on and to choose by, got 3 of 1437, "
        "which would be 0 of the 142 of class 0; choose another number",
    ),
    Case(
        "a validation part of everything",
        edited("evolution.prototxt", 'name: "mnist"', 'name: "digits" validation: 60000'),
        DATA,
        "data set 'digits': validation: expected fewer than its 1437 training images, got 60000",
    ),
    Case(
        "a database that is a text",
        boxes_of("parse27k", put("annotations.sqlite3", "pedestrians\n" * 99)),
        DATA,
        "{here}/data/raw/parse27k/annotations.sqlite3: expected an SQLite database, got: file is not a "
        "database; replace it with the original file",
    ),
    Case(
        "a database cut off",
        boxes_of("parse27k", cut("annotations.sqlite3", 5000)),
        DATA,
        "{here}/data/raw/parse27k/annotations.sqlite3: expected an SQLite database, got: database disk "
        "image is malformed; replace it with the original file",
    ),
    Case(
        "a database without a table",
        boxes_of("parse27k", sql("DROP TABLE Pedestrian")),
        DATA,
        "{here}/data/raw/parse27k/annotations.sqlite3: expected a table Pedestrian, got AttributeSet, "
        "Image, Sequence; replace it with the original file",
    ),
    Case(
        "a view for a table",
        boxes_of("parse27k", sql("ALTER TABLE Image RENAME TO I", "CREATE VIEW Image AS SELECT * FROM I")),
        DATA,
        "{here}/data/raw/parse27k/annotations.sqlite3: expected a table Image, got AttributeSet, I, "
        "Pedestrian, Sequence; replace it with the original file",
    ),
    Case(
        "an image outside the folder",
        boxes_of("parse27k", sql("UPDATE Image SET filename = '../../../etc/passwd' WHERE imageID = 10")),
        DATA,
        "{here}/data/raw/parse27k/annotations.sqlite3: Image 10: expected a directory below sequences/ "
        "and a filename, got 'drive1', '../../../etc/passwd'; correct it",
    ),
    Case(
        "a box in words",
        boxes_of("parse27k", sql("UPDATE Pedestrian SET box_min_x = 'left' WHERE pedestrianID = 3")),
        DATA,
        "{here}/data/raw/parse27k/annotations.sqlite3: Pedestrian 3: expected a box of four numbers, got "
        "['left', 8.0, 30.0, 56.0]; correct it or take it out",
    ),
    Case(
        "an image that is missing",
        boxes_of("parse27k", gone("sequences/drive6/a.png")),
        DATA,
        "{here}/data/raw/parse27k/annotations.sqlite3: Image 60: expected its image "
        "{here}/data/raw/parse27k/sequences/drive6/a.png, got no such file; bring it or take its row out",
    ),
    Case(
        "an image cut off",
        boxes_of("parse27k", put("sequences/drive6/a.png", b"\x89PNG\r\n\x1a\n")),
        DATA,
        "{here}/data/raw/parse27k/sequences/drive6/a.png: expected an image, got 8 bytes that begin with "
        "b'\\x89PNG\\r\\n\\x1a\\n'; replace it with the original file",
    ),
    Case(
        "a KITTI label of fourteen fields",
        boxes_of("kitti", put(LABEL, "Car 0 0 0 1 1 9 9 1 1 1 1 1 1")),
        DATA,
        "{here}/data/raw/kitti/training/label_2/000000.txt:1: expected a type and 14 numbers, got 'Car 0 "
        "0 0 1 1 9 9 1 1 1 1 1 1' (14 fields); replace it with the original file",
    ),
    Case(
        "a KITTI label in words",
        boxes_of("kitti", put(LABEL, "Car 0 0 0 left 1 9 9 1 1 1 1 1 1 1")),
        DATA,
        "{here}/data/raw/kitti/training/label_2/000000.txt:1: expected a type and 14 numbers, got 'Car 0 "
        "0 0 left 1 9 9 1 1 1 1 1 1 1' (15 fields); replace it with the original file",
    ),
    Case(
        "a KITTI label that is a picture",
        boxes_of("kitti", put(LABEL, b"\x89PNG")),
        DATA,
        "{here}/data/raw/kitti/training/label_2/000000.txt: expected a text file, got: 'utf-8' codec "
        "can't decode byte 0x89 in position 0: invalid start byte; replace it with the original file",
    ),
    Case(
        "KITTI without its drives",
        boxes_of("kitti", gone("mapping")),
        DATA,
        "{here}/data/raw/kitti: expected mapping/train_mapping.txt and train_rand.txt of "
        "devkit_object.zip, got neither; without the drives the split cannot be made: unpack it there",
    ),
    Case(
        "a KITTI drive that is not there",
        boxes_of("kitti", put("mapping/train_rand.txt", "2,1,99,1")),
        DATA,
        "{here}/data/raw/kitti/mapping/train_rand.txt: expected lines 1 to 3 of train_mapping.txt, got "
        "'99'; replace both with the original files",
    ),
    Case(
        "XML cut off",
        boxes_of("voc", put(A, "<annotation><object>")),
        DATA,
        "{here}/data/raw/pets/Annotations/a.xml: expected annotations in XML, got: no element found: "
        "line 1, column 20; replace it",
    ),
    Case(
        "XML with entities",
        boxes_of("voc", put(A, '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>')),
        DATA,
        "{here}/data/raw/pets/Annotations/a.xml: expected annotations in XML, got: a DOCTYPE, whose "
        "entities are not read; replace it",
    ),
    Case(
        "XML of many MB",
        boxes_of("voc", put(A, "<a>" + " " * (1 << 22) + "</a>")),
        DATA,
        "{here}/data/raw/pets/Annotations/a.xml: expected annotations of at most 4194304 bytes, got "
        "4194311; replace it with the original file",
    ),
    Case(
        "a corner in words",
        boxes_of("voc", swap(A, "<xmin>1<", "<xmin>left<")),
        DATA,
        "{here}/data/raw/pets/Annotations/a.xml: object 1: expected a number for xmin, got 'left'; "
        "correct it",
    ),
    Case(
        "an object without a box",
        boxes_of("voc", put(A, "<annotation><object><name>cat</name></object></annotation>")),
        DATA,
        "{here}/data/raw/pets/Annotations/a.xml: object 1: expected a name and a bndbox, got no bndbox; correct it",
    ),
    Case(
        "a listed image without annotations",
        boxes_of("voc", gone("Annotations/b.xml")),
        DATA,
        "{here}/data/raw/pets/ImageSets/Main/train.txt:2: expected its annotations "
        "{here}/data/raw/pets/Annotations/b.xml, got no such file; bring it, or unlist it",
    ),
    Case(
        "an image in two lists",
        boxes_of("voc", put("ImageSets/Main/val.txt", "a\n")),
        DATA,
        "{here}/data/raw/pets/ImageSets/Main/val.txt: expected images that are not in train.txt, got a "
        "in both; take it out of one",
    ),
    Case(
        "a class that nobody asked for",
        boxes_of("voc", swap(A, "<name>cat", "<name>dog")),
        DATA,
        "{here}/data/raw/pets/Annotations/a.xml: object 1: expected a class of cat, got 'dog' (1 box); "
        "list 'dog' in the classes or in dontcare; the whole set holds cat (2), dog (1)",
    ),
    Case(
        "an image listed twice",
        boxes_of("voc", put("ImageSets/Main/train.txt", "a\nb\na\n")),
        DATA,
        "{here}/data/raw/pets/ImageSets/Main/train.txt:3: expected every image once, got 'a' again, listed in line 1 "
        "before; take one out",
    ),
    Case(
        "XML of another tool",
        boxes_of("voc", put(A, "<annotations><image/></annotations>")),
        DATA,
        "{here}/data/raw/pets/Annotations/a.xml: expected <annotation> of Pascal VOC, got <annotations>; export it as "
        "Pascal VOC",
    ),
    Case(
        "KITTI's text that is YOLO's",
        pets("kitti_text", labels__a_txt="0 0.5 0.5 0.5 0.5\n", labels__b_txt=""),
        DATA,
        "{here}/data/raw/pets/labels/a.txt:1: expected a type and 14 numbers, got '0 0.5 0.5 0.5 0.5' (5 fields); "
        "replace it with the original file",
    ),
    Case(
        "JSON cut off",
        pets("coco", train_json='{"images": ['),
        DATA,
        "{here}/data/raw/pets/train.json: expected COCO's JSON, got: Expecting value: line 1 column 13 (char 12); "
        "replace it",
    ),
    Case(
        "JSON of nested lists",
        pets("coco", train_json="[" * 100_000),
        DATA,
        "{here}/data/raw/pets/train.json: expected COCO's JSON, got: lists within lists without end; replace "
        "it",
    ),
    Case(
        "YOLO without the classes' names",
        pets("yolo", labels__a_txt="0 0.5 0.5 0.5 0.5\n"),
        DATA,
        "{here}/data/raw/pets: expected a data.yaml, classes.txt or obj.names with the classes' names, got none; "
        "write one",
    ),
    Case(
        "YOLO with outlines",
        pets("yolo", labels__a_txt="0 0.1 0.1 0.5 0.1 0.5 0.5\n", classes_txt="cat\n"),
        DATA,
        "{here}/data/raw/pets/labels/a.txt:1: expected a class's number and four fractions, got '0 0.1 0.1 0.5 0.1 0.5 "
        "0.5' (7 fields); export boxes, neither outlines nor scores",
    ),
    Case(
        "levels upside down",
        boxes_settings("voc", "darkest: 9 brightest: 3", "detection"),
        "check NET=net",
        "{here}/net/evolution.prototxt: dataset: detection: brightest: expected above darkest, 9, got 3; both 0: each "
        "image's own",
    ),
    Case(
        "nothing to score",
        boxes_settings("voc", "validation_part: 1.0", "detection"),
        "check NET=net",
        "{here}/net/evolution.prototxt: dataset: detection: validation_part: expected above 0 and below 1, got 1",
    ),
]
