"""Engines by the TensorRT that is here, 5 to 10: from ONNX, or with its Caffe parser up to 8. Python 3.6.

What a TensorRT can do is asked of its module, not guessed from its version.
"""

import tensorrt

WORKSPACE = 1 << 28  # bytes: a TX1 shares its 4 GB with everything else
_LOGGER = tensorrt.Logger(tensorrt.Logger.ERROR)  # to standard error


class Refused(Exception):
    """TensorRT made no engine; what it says of it stands above, on standard error."""


class Engine:
    """An engine, and whether its shapes begin with the batch."""

    def __init__(self, engine, explicit_batch):
        self.engine = engine
        self.explicit_batch = explicit_batch


def from_onnx(path, half):
    """The engine of an ONNX file: of half precision in the file's own types, and TensorRT's flag set."""
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
    return Engine(_built(builder, network, half, path), explicit)


def from_caffe(prototxt, caffemodel, outputs, half):
    """The engine of a deploy prototxt and its caffemodel; `outputs` are the blobs that are wanted."""
    if not hasattr(tensorrt, "CaffeParser"):
        raise Refused("TensorRT %s has no Caffe parser; --from onnx" % tensorrt.__version__)
    builder = tensorrt.Builder(_LOGGER)
    network = builder.create_network()
    parser = tensorrt.CaffeParser()
    kind = tensorrt.float16 if half else tensorrt.float32
    blobs = parser.parse(deploy=prototxt, model=caffemodel, network=network, dtype=kind)
    for name in outputs:
        blob = blobs.find(name) if blobs else None
        if blob is None:
            raise Refused("%s: TensorRT %s does not take it, or finds no blob '%s' in it"
                          % (prototxt, tensorrt.__version__, name))
        network.mark_output(blob)
    return Engine(_built(builder, network, half, prototxt), False)


def _built(builder, network, half, path):
    if half and not getattr(builder, "platform_has_fast_fp16", True):
        raise Refused("this GPU is not fast in half precision; --precision float")
    if hasattr(builder, "max_batch_size"):
        builder.max_batch_size = 1
    if not hasattr(builder, "create_builder_config"):
        builder.max_workspace_size = WORKSPACE
        builder.fp16_mode = half
        engine = builder.build_cuda_engine(network)
    else:
        engine = _configured(builder, network, half)
    if engine is None:
        raise Refused("%s: TensorRT %s builds no engine of it" % (path, tensorrt.__version__))
    return engine


def _configured(builder, network, half):
    """The engine by a builder's configuration, which TensorRT has from 6 on; None where it builds none."""
    config = builder.create_builder_config()
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE)
    else:
        config.max_workspace_size = WORKSPACE
    if half and hasattr(tensorrt.BuilderFlag, "FP16"):
        config.set_flag(tensorrt.BuilderFlag.FP16)
    if hasattr(builder, "build_engine"):
        return builder.build_engine(network, config)
    plan = builder.build_serialized_network(network, config)
    return tensorrt.Runtime(_LOGGER).deserialize_cuda_engine(plan) if plan else None
