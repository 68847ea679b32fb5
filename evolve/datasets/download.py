"""A file comes from the first mirror that has it whole, and goes on where it broke off.

What has arrived lies in ``<file>.part`` until its md5 is right, and only then gets its name: a file that has
its name is whole. A broken-off .part is continued (HTTP Range) by the next try, mirror or run.
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from evolve.base.files import locked, refusals, sync
from evolve.base.progress import Report
from evolve.datasets.raw_file import RawFile

TIMEOUT = 10.0  # seconds to connect, and longest silence
TRIES = 4  # on one mirror, as long as each one gets further
PAUSE = 1.0  # seconds before going on with the same mirror
EVERY = 2.0  # seconds between two lines of progress
PIECE = 1 << 16


class DownloadFailed(Exception):
    """No mirror gave the right file; the message says what each of them did instead."""


class _Broken(Exception):
    """This try failed; the message says how."""


def download(urls: Sequence[str], target: Path, file: RawFile, report: Report) -> None:
    """Brings the file from the first of ``urls`` that works to ``target``.

    Raises DownloadFailed, or UserError if the disk is full or the folder cannot be written.
    """
    with refusals(target, file.size):
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target, "downloading it", report):
            if target.exists():  # another process brought it while this one waited
                return
            reasons: dict[str, list[str]] = {}
            for url in urls:
                reason = _from_mirror(url, target, file, report)
                if not reason:
                    return
                report(f"{url}: {reason}")
                reasons.setdefault(reason, []).append(urllib.parse.urlsplit(url).netloc)
    raise DownloadFailed("; ".join(f"{', '.join(hosts)}: {reason}" for reason, hosts in reasons.items()))


def _from_mirror(url: str, target: Path, file: RawFile, report: Report) -> str:
    """Empty if ``target`` is there now, else why this mirror could not bring it."""
    part = target.with_name(target.name + ".part")
    reason = ""
    for attempt in range(TRIES):
        before = _size(part)
        if attempt:
            time.sleep(PAUSE)
        try:
            if before < file.size:
                _receive(url, part, file, report)
            _commit(part, target, file)
            return ""
        except _Broken as broken:
            reason = str(broken)
        # A wrong .part is gone by now. Unless the .part grew, or was an old one that proved wrong, the same
        # mirror would only do the same again.
        if _size(part) <= before and not (before and not _size(part)):
            break
    return reason


def _receive(url: str, part: Path, file: RawFile, report: Report) -> None:
    """Adds to ``part`` what the server sends; raises _Broken if that ends before the file does."""
    start = _size(part)
    with _answer(url, start) as answer:
        if not _continues(answer, start):  # it ignores Range, and sends the whole file again
            start = 0
        _store(answer, part, start, file, report)
    if _size(part) < file.size:
        raise _Broken(f"broke off after {_size(part)} of {file.size} bytes")


def _answer(url: str, start: int) -> http.client.HTTPResponse:
    """The server's answer to a request for the file from byte ``start`` on; _Broken if there is none."""
    headers = {"User-Agent": "cavefish"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
        return answer
    except urllib.error.HTTPError as error:
        raise _Broken(f"HTTP {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Broken(getattr(error.reason, "strerror", None) or str(error.reason)) from None
    except (http.client.HTTPException, OSError) as error:
        raise _Broken(f"no answer: {str(error) or type(error).__name__}") from None


def _continues(answer: http.client.HTTPResponse, start: int) -> bool:
    sent = answer.headers.get("Content-Range", "")
    return answer.status == http.HTTPStatus.PARTIAL_CONTENT and sent.startswith(f"bytes {start}-")


def _store(answer: http.client.HTTPResponse, part: Path, start: int, file: RawFile, report: Report) -> None:
    began = said = time.monotonic()
    got = start
    with part.open("ab" if start else "wb") as out:
        for piece in _pieces(answer, file.size + 1 - start):
            out.write(piece)
            got += len(piece)
            now = time.monotonic()
            if now - said >= EVERY:
                said = now
                report(_progress(file, got, (got - start) / (now - began)))
        out.flush()
        os.fsync(out.fileno())
    report(f"{file.name}: {got} bytes in {time.monotonic() - began:.1f} s from {answer.url}")


def _pieces(answer: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
    """What the server sends, up to ``most`` bytes: one too many shows another file, and fills no disk."""
    while most > 0:
        try:
            piece = answer.read(min(PIECE, most))
        except (OSError, http.client.HTTPException):
            return  # what is missing is seen by the size, and asked for again
        if not piece:
            return
        most -= len(piece)
        yield piece


def _progress(file: RawFile, got: int, rate: float) -> str:
    left = (file.size - got) / rate if rate else 0.0
    return (
        f"{file.name}: {got / 1e6:.1f} of {file.size / 1e6:.1f} MB ({100 * got // file.size} %), "
        f"{rate / 1e6:.2f} MB/s, {left:.0f} s left"
    )


def _commit(part: Path, target: Path, file: RawFile) -> None:
    """Gives a right file its name; a wrong one is removed and raises _Broken with both md5."""
    with part.open("rb") as content:  # piece by piece: an archive may be larger than memory
        found = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != file.md5:
        size = f"{_size(part)} bytes" if _size(part) <= file.size else f"more than {file.size} bytes"
        part.unlink()
        raise _Broken(f"expected md5 {file.md5} ({file.size} bytes), got {found} ({size})")
    os.replace(part, target)
    sync(target.parent)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
