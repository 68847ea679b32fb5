"""Downloads against a server on this machine that breaks off, ignores Range, or has another file."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from evolve.base.errors import UserError
from evolve.datasets import download as module
from evolve.datasets import lookup, prepare
from evolve.datasets.download import DownloadFailed, download
from evolve.datasets.raw_file import RawFile

mnist = lookup.module("mnist")

CONTENT = np.random.default_rng(3).bytes(300_000)
FILE = RawFile("file.gz", hashlib.md5(CONTENT).hexdigest(), len(CONTENT))


@dataclass
class Server:
    """``breaks[i]``: the bytes that the i-th answer sends before the connection is cut."""

    files: dict[str, bytes]
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "/file.gz") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            server.asked.append((self.path, asked))
            if self.path not in server.files:
                self.send_error(404)
                return
            body = server.files[self.path]
            start = int(asked[len("bytes=") : -1]) if asked and server.ranges else 0
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = server.breaks.pop(0) if server.breaks else len(body)
            self.wfile.write(body[start : start + cut])

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    described = Server({"/file.gz": CONTENT})
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(described))
    described.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield described
    http.shutdown()
    http.server_close()
    thread.join()


def test_goes_on_where_it_broke_off(server: Server, tmp_path: Path, lines: list[str]) -> None:
    server.breaks = [100_000, 50_000]
    download([server.url()], tmp_path / "raw" / "file.gz", FILE, lines.append)
    assert (tmp_path / "raw" / "file.gz").read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["", "bytes=100000-", "bytes=150000-"]
    assert not (tmp_path / "raw" / "file.gz.part").exists()


def test_a_server_that_ignores_range_starts_again(server: Server, tmp_path: Path, lines: list[str]) -> None:
    server.breaks, server.ranges = [100_000], False
    download([server.url()], tmp_path / "file.gz", FILE, lines.append)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["", "bytes=100000-"]


def test_goes_on_with_the_part_of_an_earlier_run(server: Server, tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "file.gz.part").write_bytes(CONTENT[:299_999])
    download([server.url()], tmp_path / "file.gz", FILE, lines.append)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["bytes=299999-"]


@pytest.mark.parametrize("size", [1000, 300_000, 300_001])
def test_a_part_of_something_else_is_given_up(
    server: Server, tmp_path: Path, lines: list[str], size: int
) -> None:
    (tmp_path / "file.gz.part").write_bytes(bytes(size))
    download([server.url()], tmp_path / "file.gz", FILE, lines.append)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def test_a_part_without_network_is_kept(tmp_path: Path, lines: list[str], server: Server) -> None:
    server.breaks = [1000, 0]
    with pytest.raises(DownloadFailed) as failure:
        download([server.url()], tmp_path / "file.gz", FILE, lines.append)
    assert str(failure.value) == f"127.0.0.1:{server.port}: broke off after 1000 of 300000 bytes"
    assert (tmp_path / "file.gz.part").read_bytes() == CONTENT[:1000]


def test_the_next_mirror_has_it(server: Server, tmp_path: Path, lines: list[str]) -> None:
    server.files["/wrong"] = b"x" + CONTENT[1:]
    urls = [server.url("/missing"), server.url("/wrong"), "http://127.0.0.1:1/refused", server.url()]
    download(urls, tmp_path / "file.gz", FILE, lines.append)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert f"{server.url('/missing')}: HTTP 404 Not Found" in lines
    assert "http://127.0.0.1:1/refused: Connection refused" in lines


def test_a_wrong_file_gets_no_name(server: Server, tmp_path: Path, lines: list[str]) -> None:
    wrong = bytes(len(CONTENT))
    server.files["/file.gz"] = wrong
    with pytest.raises(DownloadFailed) as failure:
        download([server.url()], tmp_path / "file.gz", FILE, lines.append)
    assert str(failure.value) == (
        f"127.0.0.1:{server.port}: expected md5 {FILE.md5} (300000 bytes), "
        f"got {hashlib.md5(wrong).hexdigest()} (300000 bytes)"
    )
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_an_endless_answer_is_cut(server: Server, tmp_path: Path, lines: list[str]) -> None:
    server.files["/file.gz"] = bytes(10 * len(CONTENT))
    with pytest.raises(DownloadFailed, match=r"\(more than 300000 bytes\)$"):
        download([server.url()], tmp_path / "file.gz", FILE, lines.append)


def test_a_file_where_the_folder_should_be(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "raw").write_text("")
    with pytest.raises(UserError) as error:
        download([], tmp_path / "raw" / "file.gz", FILE, lines.append)
    assert str(error.value) == (
        f"{tmp_path}/raw: expected a place to write file.gz, got File exists; "
        "choose another folder, or give the right to write there"
    )


def test_progress_says_how_long_it_will_take() -> None:
    assert module._progress(RawFile("a.gz", "", 10_000_000), 2_500_000, 500_000.0) == (
        "a.gz: 2.5 of 10.0 MB (25 %), 0.50 MB/s, 15 s left"
    )


def test_prepare_downloads_what_is_missing_once(
    server: Server,
    tmp_path: Path,
    place: Callable[..., dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    lines: list[str],
) -> None:
    contents = place(tmp_path / "elsewhere")
    server.files = {f"/{name}": content for name, content in contents.items()}
    monkeypatch.setenv("CAVEFISH_OFFLINE", "0")
    monkeypatch.setattr(mnist, "MIRRORS", (server.url("/gone/"), server.url("/")))
    done = prepare("mnist", image_size=28, or_else="digits", data=tmp_path, report=lines.append)
    assert done.name == "mnist" and done.notice == ""
    asked = [path for path, _ in server.asked]
    assert sorted(path for path in asked if "gone" not in path) == sorted(server.files)
    prepare("mnist", image_size=32, data=tmp_path, report=lines.append)
    assert len(server.asked) == len(asked)
