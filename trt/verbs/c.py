"""`make c` writes a network as one C file."""

from evolve.command.arguments import Arguments, given_path, whole
from trt.verbs.onnx import network

WHAT = "a run's generation, or a deploy prototxt and its caffemodel, as one C99 file and its header"
ARGUMENTS = "RUN NET GEN WITHIN MODEL WEIGHTS SHAPE BITS OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    from trt.c import export
    from trt.onnx import export as onnx

    bits = whole(arguments, "BITS", least=1)
    given = network(arguments, "c")
    out = onnx.out_file(given_path(arguments, "OUT") or given.folder, given.name, "", ".c")
    print("\n".join([*given.pair.notes, export.write(given.pair, out, bits)]))
    return 0
