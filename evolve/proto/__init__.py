"""Cavefish's own protobuf messages; ``*_pb2.py`` is generated from the ``.proto`` files by ``make proto``."""
