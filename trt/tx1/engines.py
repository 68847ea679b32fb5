"""Engines by the TensorRT that is here, 5 to 10: from ONNX, or with its Caffe parser up to 8. Python 3.6.

What a TensorRT can do is asked of its module, not guessed from its version.
"""

import os

import tensorrt

WORKSPACE = 1 << 28  # bytes: a TX1 shares its 4 GB with everything else
_WORDS = {"half": "half precision", "int8": "8 bits"}
_LOGGER = tensorrt.Logger(tensorrt.Logger.ERROR)  # to standard error


class Refused(Exception):
    """TensorRT made no engine; what it says of it stands above, on standard error."""


class Engine:
    """An engine, and whether its shapes begin with the batch."""

    def __init__(self, engine, explicit_batch):
        self.engine = engine
        self.explicit_batch = explicit_batch


def from_onnx(path, precision):
    """The engine of an ONNX file: of half precision and int8 in the file's own types, and TensorRT's flag set."""
    _expect(os.path.exists(path), "%s: is not there; README.md says which files this device has" % path)
    builder = tensorrt.Builder(_LOGGER)
    flag = getattr(getattr(tensorrt, "NetworkDefinitionCreationFlag", None), "EXPLICIT_BATCH", None)
    network = builder.create_network() if flag is None else builder.create_network(1 << int(flag))
    parser = tensorrt.OnnxParser(network, _LOGGER)
    with open(path, "rb") as file:
        parsed = parser.parse(file.read())
    if not parsed:
        words = parser.get_error(0).desc() if parser.num_errors else "it does not say why"
        raise Refused("%s: TensorRT %s does not take it: %s" % (path, tensorrt.__version__, words))
    # From 10 on there is no other kind, and no flag is needed.
    explicit = flag is not None or not hasattr(builder, "max_batch_size")
    return Engine(_built(builder, network, precision, path), explicit)


def from_caffe(prototxt, caffemodel, outputs, precision):
    """The engine of a deploy prototxt and its caffemodel; `outputs` are the blobs that are wanted."""
    _expect(hasattr(tensorrt, "CaffeParser"), "TensorRT %s has no Caffe parser; --from onnx" % tensorrt.__version__)
    _expect(precision != "int8", "8 bits stand in ONNX files alone; --from onnx")
    builder = tensorrt.Builder(_LOGGER)
    network = builder.create_network()
    parser = tensorrt.CaffeParser()
    kind = tensorrt.float16 if precision == "half" else tensorrt.float32
    blobs = parser.parse(deploy=prototxt, model=caffemodel, network=network, dtype=kind)
    for name in outputs:
        blob = blobs.find(name) if blobs else None
        if blob is None:
            raise Refused("%s: TensorRT %s does not take it, or finds no blob '%s' in it"
                          % (prototxt, tensorrt.__version__, name))
        network.mark_output(blob)
    return Engine(_built(builder, network, precision, prototxt), False)


def _built(builder, network, precision, path):
    for kind, bits in (("half", "fp16"), ("int8", "int8")):
        fast = precision != kind or getattr(builder, "platform_has_fast_" + bits, True)
        _expect(fast, "this GPU is not fast in %s; --precision float" % _WORDS[kind])
    if precision == "int8":
        # TensorRT 8 was the first to take the scales that stand in a graph.
        known = hasattr(getattr(tensorrt, "INetworkDefinition", None), "add_quantize")
        _expect(known, "TensorRT %s takes no 8 bits from ONNX; --precision half" % tensorrt.__version__)
    if hasattr(builder, "max_batch_size"):
        builder.max_batch_size = 1
    if not hasattr(builder, "create_builder_config"):
        builder.max_workspace_size = WORKSPACE
        builder.fp16_mode = precision == "half"
        engine = builder.build_cuda_engine(network)
    else:
        engine = _configured(builder, network, precision)
    _expect(engine is not None, "%s: TensorRT %s builds no engine of it" % (path, tensorrt.__version__))
    return engine


def _configured(builder, network, precision):
    """The engine by a builder's configuration, which TensorRT has from 6 on; None where it builds none."""
    config = builder.create_builder_config()
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE)
    else:
        config.max_workspace_size = WORKSPACE
    # 2:4 sparse weights are looked for where the GPU has tensor cores for them; others compute as ever.
    for flag in ({"half": "FP16", "int8": "INT8"}.get(precision), "SPARSE_WEIGHTS"):
        if flag and hasattr(tensorrt.BuilderFlag, flag):
            config.set_flag(getattr(tensorrt.BuilderFlag, flag))
    if hasattr(builder, "build_engine"):
        return builder.build_engine(network, config)
    plan = builder.build_serialized_network(network, config)
    return tensorrt.Runtime(_LOGGER).deserialize_cuda_engine(plan) if plan else None


def _expect(condition, words):
    if not condition:
        raise Refused(words)
