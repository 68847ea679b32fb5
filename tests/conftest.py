"""Hypothesis tries the same few examples wherever tests run, however long each takes there.

`make test PYTEST=--hypothesis-profile=search` tries many others: what it finds is mended, and becomes an example.
"""

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow]  # a machine with other things to do

settings.register_profile(
    "usual", max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=_SLOW
)
settings.register_profile("search", max_examples=1000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile("usual")
