"""Frames per second of a run's generations, engine by engine: `make bench`."""
