"""Layouts in which people keep images with boxes: Pascal VOC's, KITTI's text, COCO's JSON and YOLO's text.

Each layout is a file here that says which files hold annotations and how photographs come of them; `folder` makes the
SOURCE of a file in datasets/ of it. The table of what is read and what is refused stands in datasets/README.md.
"""
