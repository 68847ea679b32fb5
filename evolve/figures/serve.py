"""`make serve`: runs to be looked at in a browser, on this machine or another; nothing can be changed through it.

Pages are those of `make report`, written when they are asked for, and the files of a run's folder as they are. What
lies outside, what a link leads out to, and what begins with a dot is not there.
"""

import ipaddress
import mimetypes
import socket
import sys
from collections.abc import Callable, Container
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from evolve.base import sheet
from evolve.base.errors import UserError
from evolve.figures.report.markup import Markup, element
from evolve.figures.report.page import framed, page
from evolve.runs import paths, run_folder, state

LOOPBACK, PORT = "127.0.0.1", 8765
_TEXTS = (".prototxt", ".log", ".csv", ".json", ".txt")
_PAGE = "text/html; charset=utf-8"
_RENEWED = 10  # seconds after which a page of runs at work is loaded again
_AS_IT_IS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_FOREIGN = {"Content-Security-Policy": "sandbox"}  # a file that was put into a run runs no script of its own


def serve(runs: Path, host: str = LOOPBACK, port: int = PORT, ready: Callable[[str], None] = print) -> None:
    """Serves the runs below `runs` until it is interrupted; `ready` gets the address, and port 0 takes a free one.

    UserError where the address cannot be had.
    """
    runs = runs.resolve()
    try:
        server = _Server(host, port, runs)
    except OverflowError:
        raise UserError(f"PORT={port}: expected a whole number from 1 to 65535; for instance PORT={PORT}") from None
    except (OSError, TypeError) as error:
        # The latter is what Python says of a name that cannot be asked for.
        why = getattr(error, "strerror", None) or "no name of a machine"
        raise UserError(f"{host}:{port}: {why}; name another with HOST= or PORT=") from error
    with server:
        ready(f"http://{host}:{server.server_port}/")
        server.serve_forever(poll_interval=0.2)


class _Server(ThreadingHTTPServer):
    """Of the runs below `runs`, in a thread a request."""

    def __init__(self, host: str, port: int, runs: Path) -> None:
        self.runs = runs
        super().__init__((host, port), _Handler)
        self.names = {name.lower() for name in ("localhost", host, socket.gethostname(), self.server_name)}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader who went away is nobody's fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD."""

    server: _Server
    server_version, sys_version = "cavefish", ""

    def do_GET(self) -> None:
        """The page or file of the address."""
        if not _is_meant(self.headers.get("Host", ""), self.server.names):
            return self.send_error(403, "another name than this server has: ask by its address, or give HOST=the name")
        asked = unquote(urlsplit(self.path).path)
        parts = [part for part in asked.split("/") if part]
        try:
            found = answer(self.server.runs, asked)
        except (OSError, UserError, ValueError):
            found = None
        if found is None:
            return self.send_error(404)
        if len(parts) == 2 and not asked.endswith("/"):
            # Links of a run's page are relative to its folder.
            return self._moved(f"/{quote('/'.join(parts))}/")
        kind, content = found
        headers = _AS_IT_IS if kind == _PAGE else _AS_IT_IS | _FOREIGN
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET

    def _moved(self, where: str) -> None:
        self.send_response(301)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        """Nothing: a terminal is for what matters."""


def _is_meant(asked: str, names: Container[str]) -> bool:
    """Whether a browser was sent here by an address or one of `names`, and not by a page that made its name lead here.

    An address leads nowhere else, so a page that was loaded by one came from here.
    """
    try:
        name = urlsplit(f"//{asked}").hostname or ""
        return name in names or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def answer(runs: Path, path: str) -> tuple[str, bytes] | None:
    """Content type and content of an address's path; None where nothing is. OSError, UserError: it cannot be read."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return _PAGE, index(runs).encode()
    if any(part.startswith(".") for part in parts):
        return None
    place = runs.joinpath(*parts)
    if not place.resolve().is_relative_to(runs):
        return None
    run = runs.joinpath(*parts[:2])
    if len(parts) == 2 or len(parts) == 3 and parts[2] == paths.REPORT:
        return _PAGE, page(run, run / paths.REPORT).encode()
    return (_kind(place), place.read_bytes()) if place.is_file() else None


def _kind(file: Path) -> str:
    if file.suffix in _TEXTS:
        return "text/plain; charset=utf-8"
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def index(runs: Path) -> str:
    """The page with a row a run, those at work first, the newest before the others."""
    known = [run for network in runs.glob("[!.]*") for run in network.glob("[!.]*") if _is_run(run, runs)]
    known.sort(key=lambda run: (not run_folder.at_work(run), -run.stat().st_mtime))
    head = element("tr", *(element("th", name, scope="col") for name in ("run", "A-E", "score", "")))
    rows = [_row(run) for run in known]
    table = element("table", element("thead", head), element("tbody", *rows), aria_label="runs", class_="runs")
    shown = table if rows else element("p", f"No run in {runs} yet; make evolve makes one.")
    at_work = any(run_folder.at_work(run) for run in known)
    return framed("Runs", element("main", element("h1", "Runs"), shown), _RENEWED if at_work else None)


def _is_run(run: Path, runs: Path) -> bool:
    if not run.is_dir() or not run.resolve().is_relative_to(runs):
        return False
    return bool(run_folder.committed(run)) or run_folder.at_work(run)


def _row(run: Path) -> Markup:
    name = f"{run.parent.name}/{run.name}"
    link = element("th", element("a", name, href=f"{quote(name)}/"), scope="row")
    try:
        generations = run_folder.read_lineage(run) if run_folder.committed(run) else []
    except UserError as error:
        # One run that is damaged hides no other.
        return element("tr", link, element("td"), element("td"), element("td", str(error), class_="words"))
    words = element("td", state.read(run, generations).words(), class_="words")
    if not generations:
        return element("tr", link, element("td"), element("td"), words)
    last = generations[-1]
    score = sheet.score(last.score.value) if last.score.judged else ""
    return element("tr", link, element("td", sheet.times(last.architectural_efficiency)), element("td", score), words)
