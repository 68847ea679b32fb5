"""Databases that convert_imageset or DIGITS made, as they are. docs/your_images.md says how they are named."""

from evolve.datasets import OwnSource
from evolve.datasets.own import database

SOURCE = OwnSource("your databases", database.listed, database.state, any_size=False)
