"""Cavefish evolves trained Caffe networks into far smaller, faster ones."""

__version__ = "0.2.0"
