"""Prototxts and caffemodels as strangers have them, read as what today's Caffe would have in their place.

`reading.read` is the one way in. What was made of a file is said in `Reading.notes`, a line each.
"""
