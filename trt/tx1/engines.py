"""Engines by the TensorRT that is here, 5 to 10: from ONNX, or with its Caffe parser up to 8. Python 3.6.

What a TensorRT can do is asked of its module, not guessed from its version.
"""

import os

import table
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
    """The engine of an ONNX file: of half precision and int8 in the file's own types, and TensorRT's flag set.

    Where a flag of half precision would let TensorRT compute anything in 16 bits, nodes that stay in 32 are told to:
    those that the .wide.txt beside the file names.
    """
    _expect(os.path.exists(path), table.not_there(path))
    builder = tensorrt.Builder(_LOGGER)
    creation = getattr(tensorrt, "NetworkDefinitionCreationFlag", None)
    flag = getattr(creation, "EXPLICIT_BATCH", None)
    typed = getattr(creation, "STRONGLY_TYPED", None) if precision == "half" else None
    bits = [1 << int(each) for each in (flag, typed) if each is not None]
    network = builder.create_network(sum(bits)) if bits else builder.create_network()
    parser = tensorrt.OnnxParser(network, _LOGGER)
    with open(path, "rb") as file:
        parsed = parser.parse(file.read())
    if not parsed:
        words = parser.get_error(0).desc() if parser.num_errors else "it does not say why"
        raise Refused("%s: TensorRT %s does not take it: %s" % (path, tensorrt.__version__, words))
    # From 10 on there is no other kind, and no flag is needed.
    explicit = flag is not None or not hasattr(builder, "max_batch_size")
    wide = _wide(path) if precision == "half" and typed is None else set()
    _keep_wide(network, wide)
    return Engine(_built(builder, network, precision, path, typed is not None, bool(wide)), explicit)


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


def _wide(path):
    """Names of the nodes of an ONNX file in half precision that stay in 32 bits."""
    listed = os.path.splitext(path)[0] + ".wide.txt"
    if not os.path.exists(listed):
        return set()
    with open(listed, encoding="utf-8") as file:
        return set(file.read().splitlines())


def _keep_wide(network, names):
    if not names:
        return
    for number in range(network.num_layers):
        layer = network.get_layer(number)
        # Layers are named after their nodes; of several that one became, the later ones have a number behind.
        if names.isdisjoint((layer.name, layer.name.rpartition("_")[0])):
            continue
        kinds = [layer.get_output(output).dtype for output in range(layer.num_outputs)]
        if tensorrt.float32 in kinds or tensorrt.float16 in kinds:
            layer.precision = tensorrt.float32
        for output, kind in enumerate(kinds):
            if kind in (tensorrt.float32, tensorrt.float16):
                layer.set_output_type(output, tensorrt.float32)


def _built(builder, network, precision, path, typed=False, wide=False):
    """The engine; `typed`: the network has its types, which no flag decides, `wide`: some of its layers do."""
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
        builder.strict_type_constraints = wide
        engine = builder.build_cuda_engine(network)
    else:
        engine = _configured(builder, network, "" if typed else precision, wide)
    _expect(engine is not None, "%s: TensorRT %s builds no engine of it" % (path, tensorrt.__version__))
    return engine


def _configured(builder, network, precision, wide):
    """The engine by a builder's configuration, which TensorRT has from 6 on; None where it builds none."""
    config = builder.create_builder_config()
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE)
    else:
        config.max_workspace_size = WORKSPACE
    # 2:4 sparse weights are looked for where the GPU has tensor cores for them; others compute as ever.
    flags = [{"half": "FP16", "int8": "INT8"}.get(precision), "SPARSE_WEIGHTS"]
    if wide:
        # What makes a layer's precision binding; the older name goes with TensorRT 9.
        known = hasattr(tensorrt.BuilderFlag, "OBEY_PRECISION_CONSTRAINTS")
        flags.append("OBEY_PRECISION_CONSTRAINTS" if known else "STRICT_TYPES")
    for flag in flags:
        if flag and hasattr(tensorrt.BuilderFlag, flag):
            config.set_flag(getattr(tensorrt.BuilderFlag, flag))
    if hasattr(builder, "build_engine"):
        return builder.build_engine(network, config)
    plan = builder.build_serialized_network(network, config)
    return tensorrt.Runtime(_LOGGER).deserialize_cuda_engine(plan) if plan else None


def _expect(condition, words):
    if not condition:
        raise Refused(words)
