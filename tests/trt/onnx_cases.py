"""One small net for each layer type that ONNX can say, and for each form that it takes."""

from typing import Any

from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2

# name -> layer, on bottoms in0 (and in1, in2), and their shapes.
_LAYERS = {
    "AbsVal": ("", "2x3x5x4"),
    "ArgMax": ("argmax_param { top_k: 2 }", "2x3x5x4"),
    "ArgMax along": ("argmax_param { top_k: 2 axis: 1 }", "2x5x3x2"),
    "ArgMax values": ("argmax_param { out_max_val: true }", "2x3x5x4"),
    "BNLL": ("", "2x3x5x4"),
    "BatchNorm": ("", "2x3x5x4"),
    "BatchNorm batch's": ("batch_norm_param { use_global_stats: false eps: 0.01 }", "4x3x5x4"),
    "Bias": ("", "2x3x5x4"),
    "Bias read": ("bias_param { axis: 0 }", "2x3x5x4 2x3"),
    "Clip": ("clip_param { min: -0.5 max: 1 }", "2x3x5x4"),
    "Concat": ("", "2x3x5x4 2x1x5x4 2x2x5x4"),
    "Convolution": ("convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride: 2 pad: 1 }", "2x3x7x8"),
    "Convolution dilated": ("convolution_param { num_output: 4 kernel_size: 3 dilation: 2 pad: 2 }", "2x3x7x8"),
    "Convolution groups": ("convolution_param { num_output: 6 group: 2 kernel_size: 3 bias_term: false }", "2x4x7x8"),
    "Convolution 1D": ("convolution_param { num_output: 4 kernel_size: 3 pad: 1 }", "2x3x9"),
    "Convolution 3D": ("convolution_param { num_output: 4 kernel_size: 2 }", "2x3x4x5x6"),
    "Convolution axis": ("convolution_param { num_output: 4 kernel_size: 2 axis: 2 }", "2x3x2x5x6"),
    "Crop": ("crop_param { axis: 2 offset: 1 offset: 2 }", "2x3x7x8 2x3x4x5"),
    "Deconvolution": ("convolution_param { num_output: 6 group: 2 kernel_size: 4 stride: 2 pad: 1 }", "2x4x5x4"),
    "Deconvolution dilated": ("convolution_param { num_output: 3 kernel_size: 3 dilation: 2 }", "2x4x5x4"),
    "Dropout": ("", "2x3x5x4"),
    "ELU": ("elu_param { alpha: 0.5 }", "2x3x5x4"),
    "Eltwise SUM": ("eltwise_param { coeff: 1 coeff: -0.5 coeff: 2 }", "2x3x5x4 2x3x5x4 2x3x5x4"),
    "Eltwise PROD": ("eltwise_param { operation: PROD }", "2x3x5x4 2x3x5x4"),
    "Eltwise MAX": ("eltwise_param { operation: MAX }", "2x3x5x4 2x3x5x4"),
    "Exp": ("exp_param { base: 2 scale: 0.5 shift: 1 }", "2x3x5x4"),
    "Flatten": ("flatten_param { axis: 2 }", "2x3x5x4"),
    "Im2col": ("convolution_param { kernel_size: 3 stride: 2 pad: 1 }", "2x3x7x8"),
    "InnerProduct": ("inner_product_param { num_output: 7 }", "2x3x5x4"),
    "InnerProduct rows": ("inner_product_param { num_output: 7 axis: 2 transpose: true }", "2x3x5x4"),
    "LRN": ("lrn_param { local_size: 5 alpha: 0.5 beta: 0.75 k: 2 }", "2x7x5x4"),
    "LRN within": ("lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }", "2x3x5x4"),
    "Log": ("log_param { base: 10 scale: 0.5 shift: 9 }", "2x3x5x4"),
    "MVN": ("", "2x3x5x4"),
    "MVN across": ("mvn_param { across_channels: true eps: 0.1 }", "2x3x5x4"),
    "MVN mean": ("mvn_param { normalize_variance: false }", "2x3x5x4"),
    "PReLU": ("", "2x3x5x4"),
    "PReLU shared": ("prelu_param { channel_shared: true }", "2x3x5x4"),
    "Pooling MAX": ("pooling_param { kernel_size: 3 stride: 2 }", "2x3x8x6"),
    "Pooling MAX padded": ("pooling_param { kernel_size: 3 stride: 2 pad: 1 }", "2x3x8x9"),
    "Pooling AVE": ("pooling_param { pool: AVE kernel_size: 3 stride: 2 }", "2x3x8x6"),
    "Pooling AVE padded": ("pooling_param { pool: AVE kernel_size: 4 stride: 3 pad: 1 }", "2x3x9x10"),
    "Pooling AVE floor": ("pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR }", "2x3x8x9"),
    "Pooling AVE global": ("pooling_param { pool: AVE global_pooling: true }", "2x3x8x6"),
    "Pooling MAX global": ("pooling_param { global_pooling: true }", "2x3x8x6"),
    "Power": ("power_param { power: 2 scale: 0.5 shift: 0.25 }", "2x3x5x4"),
    "Power line": ("power_param { scale: 0.5 shift: 0.25 }", "2x3x5x4"),
    "Power constant": ("power_param { power: 2 scale: 0 shift: 3 }", "2x3x5x4"),
    "ReLU": ("", "2x3x5x4"),
    "ReLU leaky": ("relu_param { negative_slope: 0.1 }", "2x3x5x4"),
    "Reduction SUM": ("reduction_param { axis: 1 coeff: 0.5 }", "2x3x5x4"),
    "Reduction ASUM": ("reduction_param { operation: ASUM }", "2x3x5x4"),
    "Reduction SUMSQ": ("reduction_param { operation: SUMSQ axis: 2 }", "2x3x5x4"),
    "Reduction MEAN": ("reduction_param { operation: MEAN axis: -2 }", "2x3x5x4"),
    "Reshape": ("reshape_param { shape { dim: 0 dim: -1 dim: 2 } }", "2x3x5x4"),
    "SPP": ("spp_param { pyramid_height: 3 }", "2x3x9x7"),
    "SPP AVE": ("spp_param { pyramid_height: 2 pool: AVE }", "2x3x9x7"),
    "Scale": ("scale_param { bias_term: true }", "2x3x5x4"),
    "Scale all": ("scale_param { axis: 2 num_axes: -1 }", "2x3x5x4"),
    "Scale read": ("scale_param { axis: 0 bias_term: true }", "2x3x5x4 2x3"),
    "Sigmoid": ("", "2x3x5x4"),
    "Softmax": ("", "2x5x3x4"),
    "Softmax last": ("softmax_param { axis: -1 }", "2x5x3x4"),
    "Swish": ("swish_param { beta: 2 }", "2x3x5x4"),
    "TanH": ("", "2x3x5x4"),
    "Threshold": ("threshold_param { threshold: 0.2 }", "2x3x5x4"),
    "Tile": ("tile_param { axis: 1 tiles: 3 }", "2x3x5x4"),
}

_NETS = {
    # Several tops.
    "Slice": 'layer { name: "l" type: "Slice" bottom: "in0" top: "a" top: "b" slice_param { slice_point: 1 } }',
    "Split": 'layer { name: "l" type: "Split" bottom: "in0" top: "a" top: "b" }',
    "Pooling places": 'layer { name: "l" type: "Pooling" bottom: "in0" top: "a" top: "b" '
    "pooling_param { kernel_size: 3 stride: 2 pad: 1 } }",
    "Silence": 'layer { name: "l" type: "Slice" bottom: "in0" top: "a" top: "b" slice_param { slice_point: 1 } } '
    'layer { name: "s" type: "Silence" bottom: "a" }',
    # Among equals it is the last.
    "ArgMax equals": 'layer { name: "t" type: "Threshold" bottom: "in0" top: "t" } '
    'layer { name: "l" type: "ArgMax" bottom: "t" top: "l" argmax_param { top_k: 7 } }',
    # Folded into weights of several layouts.
    "Deconvolution normalised": 'layer { name: "d" type: "Deconvolution" bottom: "in0" top: "d" '
    "convolution_param { num_output: 6 group: 3 kernel_size: 2 } } "
    'layer { name: "l" type: "Scale" bottom: "d" top: "d" scale_param { bias_term: true } }',
    "InnerProduct normalised": 'layer { name: "u" type: "InnerProduct" bottom: "in0" top: "u" '
    "inner_product_param { num_output: 6 transpose: true bias_term: false } } "
    'layer { name: "n" type: "BatchNorm" bottom: "u" top: "n" } layer { name: "l" type: "Bias" bottom: "n" top: "l" }',
    # What it reads are whole numbers: places that it finds itself.
    "Embed": 'layer { name: "m" type: "ArgMax" bottom: "in0" top: "m" argmax_param { axis: 1 } } '
    'layer { name: "l" type: "Embed" bottom: "m" top: "l" embed_param { input_dim: 3 num_output: 4 } }',
    "BatchReindex": 'layer { name: "m" type: "ArgMax" bottom: "in0" top: "m" argmax_param { axis: 0 } } '
    'layer { name: "f" type: "Reshape" bottom: "m" top: "f" reshape_param { shape { dim: -1 } } } '
    'layer { name: "l" type: "BatchReindex" bottom: "in0" bottom: "f" top: "l" }',
    "DummyData": 'layer { name: "p" type: "DummyData" top: "p" top: "q" dummy_data_param { shape { dim: 3 } '
    'shape { dim: 2 dim: 3 } data_filler { value: 0.5 } data_filler { value: -2 } } } '
    'layer { name: "l" type: "Scale" bottom: "in0" bottom: "p" top: "l" } '
    'layer { name: "m" type: "Scale" bottom: "l" bottom: "q" top: "m" scale_param { axis: 0 } }',
    "DummyData of zeros": 'layer { name: "p" type: "DummyData" top: "p" '
    "dummy_data_param { num: 2 channels: 3 height: 5 width: 4 } } "
    'layer { name: "l" type: "Eltwise" bottom: "in0" bottom: "p" top: "l" }',
    "Parameter": 'layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 3 } } } '
    'layer { name: "l" type: "Scale" bottom: "in0" bottom: "p" top: "l" }',
}


def nets() -> dict[str, Any]:
    """Each form's name (its type is the first word) and its net."""
    made = {name: _net(name.split()[0], words, shapes.split()) for name, (words, shapes) in _LAYERS.items()}
    return made | {name: _parsed(_input(0, "2x3x5x4") + layers) for name, layers in _NETS.items()}


def _net(kind: str, words: str, shapes: list[str]) -> Any:
    inputs = "".join(_input(number, shape) for number, shape in enumerate(shapes))
    bottoms = " ".join(f'bottom: "in{number}"' for number in range(len(shapes)))
    return _parsed(f'{inputs} layer {{ name: "l" type: "{kind}" {bottoms} top: "l" {words} }}')


def _input(number: int, shape: str) -> str:
    dims = " ".join(f"dim: {length}" for length in shape.split("x"))
    return f'layer {{ name: "in{number}" type: "Input" top: "in{number}" input_param {{ shape {{ {dims} }} }} }}\n'


def _parsed(text: str) -> Any:
    return text_format.Parse(text, caffe_pb2.NetParameter(name="one layer"))
