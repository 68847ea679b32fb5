"""Hypothesis tries the same few examples wherever tests run, however long each takes there.

`make test PYTEST=--hypothesis-profile=search` tries many others: what it finds is mended, and becomes an example.
"""

import os

from hypothesis import HealthCheck, settings

# The words of the `make test` that this may run under are not those of a make that a test calls.
for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL"):
    os.environ.pop(name, None)

_SLOW = [HealthCheck.too_slow]  # a machine with other things to do

settings.register_profile(
    "usual", max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=_SLOW
)
settings.register_profile("search", max_examples=1000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile("usual")
