"""The papers' genetics, one idea a file: clusters, encoding, environment, synthesis. Pure NumPy."""
