"""Streets that never were, drawn with NumPy and OpenCV by a seed: people walk, stand and hide behind each other."""
