"""A generation looks at one's own images: read, prepared as in training, run on any engine, told and drawn."""
