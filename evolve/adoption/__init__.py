"""A stranger's network becomes a folder of three prototxts that evolves: `make adopt`."""
