"""Images with a class each as people have them: folders, lists, CSVs, databases of other tools.

``listed`` finds what is there and reads no pixel; ``own_set`` makes the data set, image by image, so that it may be
larger than the memory.
"""
