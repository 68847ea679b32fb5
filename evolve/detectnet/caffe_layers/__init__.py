"""The layers that run within Caffe: thin ones over the modules beside, and the only code here that imports caffe."""
