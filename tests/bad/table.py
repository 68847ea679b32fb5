"""Bad inputs and what is said of each: how it is made, the command's words, the message, all in one place.

``{here}`` is the folder in which the command runs.
"""

from typing import NamedTuple

from tests.bad.inputs import (
    BAD, Make, beside, boxes_of, caffemodel, cifar_archive, cifar_with, dims, edited, gone, half, message, mnist_of_others,
    mnist_with, nothing, put, raw_of_type_9, sql, stl_with, swap,
)  # fmt: skip


class Case(NamedTuple):
    """One bad input."""

    name: str
    make: Make
    words: str
    says: str


def solver(old: str, new: str) -> Make:
    return edited("solver.prototxt", old, new)


import numpy as np
import bz2
CHECK, DATA = "check NET=net", "data NET=net"
WITH = "count MODEL=model.prototxt WEIGHTS=w.caffemodel"
SHRINK = "shrink MODEL=model.prototxt WEIGHTS=w.caffemodel OUT=small"
A = "Annotations/a.xml"
LABEL = "training/label_2/000000.txt"
CASES = [
    Case("no verb", nothing, "", ""),
    Case("an unknown verb", nothing, "evolv NET=lenet", ""),
    Case("evolve without a network", nothing, "evolve", ""),
    Case("a word of another verb", nothing, "doctor GEN=3", ""),
    Case("a word without its name", nothing, "evolve lenet", ""),
    Case("a misspelt word", nothing, "evolve NTE=lenet", ""),
    Case("no generation", nothing, "evolve NET=lenet GEN=0", ""),
    Case("generations in words", nothing, "evolve NET=lenet GEN=thirteen", ""),
    Case("a digit of another script", nothing, "evolve NET=lenet GEN=²", ""),
    Case("a number without end", nothing, "evolve NET=lenet GEN=" + "9" * 5000, ""),
    Case("a seed below zero", nothing, "evolve NET=lenet SEED=-1", ""),
    Case("half a thread", nothing, "evolve NET=lenet THREADS=.5", ""),
    Case("a schedule that is not there", nothing, "evolve NET=lenet SCHEDULE=longer", ""),
    Case("a network that is not there", nothing, "data NET=lennet", ""),
    Case("a run outside its folder", nothing, "evolve NET=lenet RUN=../../elsewhere", ""),
    Case("weights that are not there", nothing, "evolve NET=lenet WEIGHTS=none.caffemodel", ""),
    Case("shrink without weights", nothing, "shrink MODEL=model.prototxt", ""),
    Case("shrink without a place", nothing, "shrink MODEL=model.prototxt WEIGHTS=w.caffemodel", ""),
    Case("shrink onto itself", caffemodel(), "shrink MODEL=model.prototxt WEIGHTS=w.caffemodel OUT=.", ""),
    Case("a shape of two lengths", caffemodel(), "count MODEL=model.prototxt SHAPE=4x4", ""),
    Case("a shape of nothing", caffemodel(), "count MODEL=model.prototxt SHAPE=1x4x0", ""),
    Case("a shape without end", caffemodel(), "count MODEL=model.prototxt SHAPE=1x4x" + "9" * 5000, ""),
    Case("count of a folder", nothing, "count MODEL=.", ""),
    Case("count of a caffemodel", caffemodel(), "count MODEL=w.caffemodel", ""),
    Case("count of nothing", nothing, "count MODEL=none.prototxt", ""),
    Case("onnx without weights", caffemodel(), "onnx MODEL=model.prototxt", ""),
    Case("onnx of weights that are not there", caffemodel(), "onnx MODEL=model.prototxt WEIGHTS=none.caffemodel", ""),
    Case("onnx without a run", nothing, "onnx", ""),
    Case("an engine of another maker", nothing, "engine TENSORRT=onednn", ""),
    Case("engine without weights", caffemodel(), "engine MODEL=model.prototxt", ""),
    Case("tx1 without a run", nothing, "tx1", ""),
    Case("bench of an unknown run", nothing, "bench RUN=seed9", ""),
    Case("table of an unknown run", nothing, "table RUN=seed9", ""),
    Case("plot without a run", nothing, "plot", ""),
    Case("report of two runs", nothing, "report RUN=seed1,seed2", ""),

    Case("a solver that is not there", edited("evolution.prototxt", "offspring_solver.prototxt", "none.prototxt"), CHECK, ""),
    Case("a misspelt field of a solver", solver("power", "powre"), CHECK, ""),
    Case("a word for a number", solver("0.02", '"fast"'), CHECK, ""),
    Case("a type that no solver has", solver('"SGD"', '"Adamm"'), CHECK, ""),
    Case("a policy that no solver has", solver('"poly"', '"stepp"'), CHECK, ""),
    Case("no learning rate", solver("base_lr: 0.02", ""), CHECK, ""),
    Case("a learning rate that is no number", solver("0.02", "nan"), CHECK, ""),
    Case("too much momentum", solver("0.9", "1.9"), CHECK, ""),
    Case("steps of nothing", solver('"poly"', '"step"'), CHECK, ""),
    Case("a device that Caffe does not know", solver("CPU", "TPU"), CHECK, ""),
    Case("a name left over in a solver", solver("0.02", "$RATE"), CHECK, ""),
    Case("settings that are a picture", edited("evolution.prototxt", "#", "\0"), CHECK, ""),
    Case("settings of a network that is not there", edited("evolution.prototxt", "environment", 'train_val: "none.prototxt" environment'), CHECK, ""),
    Case("a layer larger than Caffe's", edited("train_val.prototxt", "num_output: 64", "num_output: 4294967295"), CHECK, ""),
    Case("a filler that Caffe does not know", edited("train_val.prototxt", "xavier", "xavir"), CHECK, ""),
    Case("a bottom that no layer writes", edited("train_val.prototxt", 'bottom: "pool1" top: "conv2"', 'bottom: "pol1" top: "conv2"'), CHECK, ""),
    Case("layers of 2013", edited("train_val.prototxt", "layer {", "layers {"), CHECK, ""),
    Case("a net of many MB", beside("net/train_val.prototxt", "# " + "x" * (1 << 22)), CHECK, ""),

    Case("an empty caffemodel", caffemodel(lambda content: b""), WITH, ""),
    Case("a caffemodel cut off", caffemodel(half), WITH, ""),
    Case("a caffemodel cut off, to shrink", caffemodel(half), SHRINK, ""),
    Case("a caffemodel cut off, to evolve", caffemodel(half), "check NET=lenet WEIGHTS=w.caffemodel", ""),
    Case("a text for a caffemodel", caffemodel(lambda content: b"weights\n" * 99), WITH, ""),
    Case("a caffemodel of another network", caffemodel(), "check NET=lenet WEIGHTS=w.caffemodel", ""),
    Case("a caffemodel of another shape", caffemodel(other={"ip": [np.ones((3, 9), np.float32), np.ones(3, np.float32)]}), WITH, ""),
    Case("a caffemodel without the layer", caffemodel(other={"fc": [np.ones((3, 16), np.float32)]}), WITH, ""),
    Case("a caffemodel without a bias", caffemodel(other={"ip": [np.ones((3, 16), np.float32)]}), WITH, ""),
    Case("a blob of more than it holds", caffemodel(dims(1 << 32, 1 << 32)), WITH, ""),
    Case("a blob of less than nothing", caffemodel(dims(-3, -16)), WITH, ""),
    Case("raw data of an unknown type", caffemodel(message(raw_of_type_9)), WITH, ""),
    Case("a layer's name in another code", caffemodel(lambda content: content.replace(b"\x02ip", b"\x02\xff\xfe")), WITH, ""),
    Case("a folder for a caffemodel", caffemodel(), "count MODEL=model.prototxt WEIGHTS=.", ""),

    Case("another file under MNIST's name", mnist_of_others, DATA, ""),
    Case("an idx file cut off", mnist_with(train_images=b"\x1f\x8b\x08"), DATA, ""),
    Case("an idx file that is not packed", mnist_with(train_labels=b"\0\0\x08\x01"), DATA, ""),
    Case("images where labels should be", mnist_with(train_labels=np.zeros((30, 28, 28))), DATA, ""),
    Case("a label too many", mnist_with(test_labels=np.zeros(11)), DATA, ""),
    Case("a digit above nine", mnist_with(test_labels=np.full(10, 10)), DATA, ""),
    Case("a CIFAR-10 batch that is missing", cifar_with("data_batch_3", None), DATA, ""),
    Case("a CIFAR-10 pickle that runs a command", cifar_with("test_batch", b"cposix\nsystem\n(S'touch ran'\ntR."), DATA, ""),
    Case("a CIFAR-10 pickle cut off", cifar_with("test_batch", b"\x80\x02}"), DATA, ""),
    Case("binary batches cut off", cifar_with("test_batch.bin", bytes(3000)), DATA, ""),
    Case("an archive cut off", cifar_archive(lambda path: path.write_bytes(path.read_bytes()[:9000])), DATA, ""),
    Case("an archive that is a text", cifar_archive(lambda path: path.write_text("see the other server\n" * 99)), DATA, ""),
    Case("STL-10 with a label too few", stl_with(train_y=bytes([1, 2, 3])), DATA, ""),
    Case("STL-10 with a class too many", stl_with(test_y=bytes([1, 2, 3, 11])), DATA, ""),
    Case("STL-10 images cut off", stl_with(train_X=bytes(99)), DATA, ""),

    Case("a database that is a text", boxes_of("parse27k", put("annotations.sqlite3", "pedestrians\n" * 99)), DATA, ""),
    Case("a database cut off", boxes_of("parse27k", lambda root: put("annotations.sqlite3", (root / "annotations.sqlite3").read_bytes()[:5000])(root)), DATA, ""),
    Case("a database without a table", boxes_of("parse27k", sql("DROP TABLE Pedestrian")), DATA, ""),
    Case("a view for a table", boxes_of("parse27k", sql("ALTER TABLE Image RENAME TO I", "CREATE VIEW Image AS SELECT * FROM I")), DATA, ""),
    Case("an image outside the folder", boxes_of("parse27k", sql("UPDATE Image SET filename = '../../../etc/passwd' WHERE imageID = 10")), DATA, ""),
    Case("a box in words", boxes_of("parse27k", sql("UPDATE Pedestrian SET box_min_x = 'left' WHERE pedestrianID = 3")), DATA, ""),
    Case("an image that is missing", boxes_of("parse27k", gone("sequences/drive6/a.png")), DATA, ""),
    Case("an image cut off", boxes_of("parse27k", put("sequences/drive6/a.png", b"\x89PNG\r\n\x1a\n")), DATA, ""),
    Case("a KITTI label of fourteen fields", boxes_of("kitti", put(LABEL, "Car 0 0 0 1 1 9 9 1 1 1 1 1 1")), DATA, ""),
    Case("a KITTI label in words", boxes_of("kitti", put(LABEL, "Car 0 0 0 left 1 9 9 1 1 1 1 1 1 1")), DATA, ""),
    Case("a KITTI label that is a picture", boxes_of("kitti", put(LABEL, b"\x89PNG")), DATA, ""),
    Case("KITTI without its drives", boxes_of("kitti", gone("mapping")), DATA, ""),
    Case("a KITTI drive that is not there", boxes_of("kitti", put("mapping/train_rand.txt", "2,1,99,1")), DATA, ""),
    Case("XML cut off", boxes_of("voc", put(A, "<annotation><object>")), DATA, ""),
    Case("XML with entities", boxes_of("voc", put(A, '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>')), DATA, ""),
    Case("XML of many MB", boxes_of("voc", put(A, "<a>" + " " * (1 << 22) + "</a>")), DATA, ""),
    Case("a corner in words", boxes_of("voc", swap(A, "<xmin>1<", "<xmin>left<")), DATA, ""),
    Case("an object without a box", boxes_of("voc", swap(A, "bndbox>", "box>")), DATA, ""),
    Case("a listed image without annotations", boxes_of("voc", gone("Annotations/b.xml")), DATA, ""),
    Case("an image in two lists", boxes_of("voc", put("ImageSets/Main/val.txt", "a\n")), DATA, ""),
    Case("a class that nobody asked for", boxes_of("voc", swap(A, "<name>cat", "<name>dog")), DATA, ""),
]
