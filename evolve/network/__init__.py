"""Networks as data: prototxts, weights and what follows from them. Protobuf and NumPy only, no Caffe running."""
