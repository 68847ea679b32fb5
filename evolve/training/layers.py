"""Which code Caffe's layers run on: the fast ones of fastcaffe, or stock Caffe's own. Runs in the worker."""

import os
from typing import Any

_enabled: dict[str, Any] = {"layers": "stock"}


def enable() -> None:
    """Makes this process's layers fast, unless FAST=0 says otherwise or they cannot be had; `which` says how it went.

    They run on THREADS threads (1 by default). Call it after `import caffe`.
    """
    global _enabled
    if os.environ.get("FAST") == "0":
        return
    try:
        import fastcaffe

        types = fastcaffe.enable(threads=int(os.environ.get("THREADS", "1")))
        _enabled = {"layers": "fast", "fast_types": types, **fastcaffe.machine()}
    except Exception as error:
        # Whatever is wrong with them, stock Caffe does the same work.
        _enabled = {"layers": "stock", "why": str(error)}


def which(report: Any = None) -> dict[str, Any]:
    """``layers`` fast or stock, and what the fast ones' bits depend on or why there are none."""
    return dict(_enabled)
