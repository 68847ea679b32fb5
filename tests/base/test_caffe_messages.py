"""Caffe's messages are loaded once, whichever thread wants the first of them: protobuf refuses a second time."""

import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from evolve.base import caffe_messages


def test_many_threads_load_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real, loaded = caffe_messages._load(), []

    def load() -> ModuleType:
        loaded.append(real)
        time.sleep(0.05)  # long enough for whoever does not wait to begin too
        return real

    monkeypatch.setattr(caffe_messages, "_load", load)
    messages = caffe_messages._Messages()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: messages.Datum, range(8)))
    assert loaded == [real] and set(found) == {real.Datum}
