"""From a generation to an engine: ONNX files, half precision, and what a small device makes of them."""
