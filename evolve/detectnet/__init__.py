"""What DetectNet needs and BVLC Caffe lacks: Caffe Python layers over modules of plain NumPy and OpenCV."""
