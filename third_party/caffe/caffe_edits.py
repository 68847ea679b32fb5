"""The few edits that Caffe 1.0 needs today, each found by the few tokens that name its place.

An edit whose place is not there (a source tree where it is already done) changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple


class Edit(NamedTuple):
    """One change to one file, and why it is needed."""

    path: str
    why: str
    change: Callable[[str], str]


def one_argument_bytes_limit(text: str) -> str:
    """Protobuf 3.6 dropped the second argument (a warning threshold) of SetTotalBytesLimit."""
    return re.sub(r"(SetTotalBytesLimit\(\s*\w+)\s*,\s*\w+\s*\)", r"\1)", text)


def late_image_imports(text: str) -> str:
    """Import skimage and scipy before the very lines that read and scale images, not with the module."""
    for line, use in (
        ("import skimage.io", "skimage.io.imread("),
        ("from skimage.transform import resize", "= resize("),
        ("from scipy.ndimage import zoom", "= zoom("),
    ):
        if re.search(rf"^{re.escape(line)}\n", text, flags=re.M):
            text = re.sub(rf"^{re.escape(line)}\n", "", text, flags=re.M)
            text = re.sub(rf"^([ \t]+)(.*{re.escape(use)})", rf"\1{line}\n\1\2", text, flags=re.M)
    return text


def bytes_of_arrays(text: str) -> str:
    """NumPy 2.3 has no tostring, and fromstring no longer reads bytes; the copy keeps the result writable."""
    text = text.replace(".tostring()", ".tobytes()")
    return re.sub(r"\bnp\.fromstring\(([^()]*)\)", r"np.frombuffer(\1).copy()", text)


def grey_argument(text: str) -> str:
    """skimage 0.16 renamed imread's argument."""
    return text.replace("as_grey=", "as_gray=")


def without_six(text: str) -> str:
    """Python 3 needs no six: plain items, values and next."""
    text = re.sub(r"^import six\n", "", text, flags=re.M)
    text = re.sub(r"\bsix\.iter(items|values)\(([\w.]+)\)", r"iter(\2.\1())", text)
    return text.replace("six.next(", "next(")


EDITS = (
    Edit("src/caffe/util/io.cpp", "SetTotalBytesLimit of one argument (protobuf 3.6)", one_argument_bytes_limit),
    Edit("python/caffe/io.py", "skimage and scipy imported where used", late_image_imports),
    Edit("python/caffe/io.py", "tobytes and frombuffer (NumPy 2.3)", bytes_of_arrays),
    Edit("python/caffe/io.py", "as_gray (skimage 0.16)", grey_argument),
    Edit("python/caffe/pycaffe.py", "Python 3 without six", without_six),
    Edit("python/caffe/net_spec.py", "Python 3 without six", without_six),
)


def apply_edits(source: Path, edits: Iterable[Edit] = EDITS) -> dict[str, bool]:
    """Edit a source tree in place; returns, for each edit, whether it changed anything."""
    results = {}
    for edit in edits:
        path = source / edit.path
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        changed = edit.change(text)
        if changed != text:
            path.write_text(changed, encoding="utf-8", errors="surrogateescape")
        results[f"{edit.path}: {edit.why}"] = changed != text
    return results
