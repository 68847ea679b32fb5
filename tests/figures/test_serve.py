"""`make serve` shows runs over HTTP, changes nothing, and lets nobody out of the folder of runs."""

import errno
import http.client
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from evolve.base.errors import UserError
from evolve.command import command
from evolve.figures import serve
from tests.figures.conftest import Fabricate, Lineage
from tests.figures.report_page import Page, with_settings


@pytest.fixture
def runs(fabricated: Fabricate, lineage: Lineage, tmp_path: Path) -> Path:
    """Two runs of a network, and what nobody is to see."""
    (tmp_path / "secret.txt").write_text("secret")
    for name in ("runs/lenet/seed1", "runs/lenet/a b"):
        run = fabricated(name, lineage(3))
        with_settings(run, "generations: 3\n")
    (tmp_path / "runs/lenet/seed1/out").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "runs/lenet/seed1/.holder").write_text("1")
    return tmp_path / "runs"


@contextmanager
def served(runs: Path, host: str) -> Iterator[int]:
    """The port of the runs' server, which listens at `host`."""
    found: list[int] = []
    known = threading.Event()

    def ready(address: str) -> None:
        found.append(int(address.rstrip("/").rpartition(":")[2]))
        known.set()

    threading.Thread(target=serve.serve, args=(runs, host, 0, ready), daemon=True).start()
    assert known.wait(20)
    yield found[0]


@pytest.fixture
def port(runs: Path) -> Iterator[int]:
    with served(runs, serve.LOOPBACK) as found:
        yield found


def ask(port: int, path: str, method: str = "GET", host: str = "") -> tuple[int, str, str]:
    """Status, content type or location, and content."""
    connection = http.client.HTTPConnection(serve.LOOPBACK, port, timeout=300)
    connection.request(method, path, headers={"Host": host} if host else {})
    answered = connection.getresponse()
    content = answered.read().decode("utf-8", "replace")
    where = answered.getheader("Location") or answered.getheader("Content-Type") or ""
    connection.close()
    return answered.status, where, content


def test_the_index_lists_every_run(port: int) -> None:
    status, kind, content = ask(port, "/")
    page = Page(content)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert {attrs["href"] for attrs, _ in page.all("a")} == {"lenet/seed1/", "lenet/a%20b/"}
    assert "3 generations, all done" in page.all("main")[0][1]


def test_a_run_that_another_user_keeps_for_himself_hides_no_other(
    port: int, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = os.stat

    def stat(path: Any, *how: Any, **more: Any) -> os.stat_result:
        if isinstance(path, (str, Path)) and f"{runs}/lenet/seed1/" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return asked(path, *how, **more)

    monkeypatch.setattr(os, "stat", stat)
    status, _, content = ask(port, "/")
    assert status == 200 and "lenet/a%20b/" in {attrs["href"] for attrs, _ in Page(content).all("a")}


def test_a_runs_page_and_its_files(port: int, runs: Path) -> None:
    assert ask(port, "/lenet/seed1")[:2] == (301, "/lenet/seed1/")
    status, _, content = ask(port, "/lenet/a%20b/")
    assert status == 200 and Page(content).all("h1")[0][1] == "lenet on MNIST, seed 1"
    assert not (runs / "lenet/a b/report.html").exists()
    status, kind, content = ask(port, "/lenet/seed1/gen001/metrics.json")
    assert (status, kind) == (200, "text/plain; charset=utf-8")
    assert content == (runs / "lenet/seed1/gen001/metrics.json").read_text()
    assert ask(port, "/lenet/seed1/gen001/metrics.json", "HEAD")[::2] == (200, "")


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/lenet/seed1/../../../secret.txt", "/lenet/seed1/out",
     "/lenet/seed1/.holder", "/lenet/", "/lenet/none/", "/lenet/seed1/gen001/", "/lenet/seed1/%00", "//etc/passwd"],
)  # fmt: skip
def test_what_is_not_there_to_see(port: int, path: str) -> None:
    status, _, content = ask(port, path)
    assert status in (301, 404) and "secret" not in content


@pytest.mark.parametrize("path", ["/%5cevil.example/x", "/\\evil.example/x", "//evil.example/x/y", "/evil.example%2fx"])
def test_nobody_is_sent_elsewhere(port: int, path: str) -> None:
    assert ask(port, path)[0] == 404


def test_a_damaged_run_hides_no_other(port: int, runs: Path) -> None:
    (runs / "lenet/seed1/gen002/metrics.json").write_text("{")
    status, _, content = ask(port, "/")
    assert status == 200 and "metrics.json" in content and "3 generations, all done" in content
    assert ask(port, "/lenet/seed1/")[0] == 404


def test_runs_that_lie_elsewhere_are_not_listed(port: int, runs: Path, fabricated: Fabricate, lineage: Lineage) -> None:
    (runs / "lenet/linked").symlink_to(fabricated("elsewhere/lenet/seed9", lineage(2)))
    assert "linked" not in ask(port, "/")[2]
    assert ask(port, "/lenet/linked/")[0] == 404


def test_a_page_that_was_put_into_a_run_runs_no_script(port: int, runs: Path) -> None:
    (runs / "lenet/seed1/other.html").write_text("<script>alert(1)</script>")
    connection = http.client.HTTPConnection(serve.LOOPBACK, port, timeout=300)
    connection.request("GET", "/lenet/seed1/other.html")
    assert connection.getresponse().getheader("Content-Security-Policy") == "sandbox"
    connection.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(port: int, runs: Path, method: str) -> None:
    before = sorted(runs.rglob("*"))
    assert ask(port, "/lenet/seed1/gen001/metrics.json", method)[0] == 501
    assert sorted(runs.rglob("*")) == before


@pytest.mark.parametrize("at", [serve.LOOPBACK, "0.0.0.0", "localhost"])
def test_a_foreign_page_cannot_lead_a_browser_here(runs: Path, at: str) -> None:
    """A page of evil.example whose name was made to lead here asks under that name (DNS rebinding)."""
    with served(runs, at) as port:
        for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "[::1", "", "localhost.example"):
            status, _, content = ask(port, "/", host=name or " ")
            assert status == 403 and "give HOST=the name" in content
        for name in ("localhost", "LocalHost", "127.0.0.1", "[::1]", "192.168.7.9", socket.gethostname()):
            assert [ask(port, "/", host=each)[0] for each in (name, f"{name}:{port}")] == [200, 200], name


def test_an_address_that_is_taken(port: int, runs: Path) -> None:
    expected = rf"127\.0\.0\.1:{port}: Address already in use; name another with HOST= or PORT="
    with pytest.raises(UserError, match=expected):
        serve.serve(runs, port=port)


def test_ports_and_names_that_no_machine_has(runs: Path) -> None:
    with pytest.raises(UserError) as refused:
        serve.serve(runs, port=70000)
    assert str(refused.value) == "PORT=70000: expected a whole number from 1 to 65535; for instance PORT=8765"
    name = "ä" * 64
    with pytest.raises(UserError, match=f"^{name}:8765: no name of a machine; name another with HOST= or PORT=$"):
        serve.serve(runs, name)


def test_a_reader_who_goes_away_is_not_told_of(runs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serve._Server(serve.LOOPBACK, 0, runs) as server:
        for error in (ConnectionResetError(), ValueError("a fault")):
            try:
                raise error
            except (ConnectionError, ValueError):
                server.handle_error(None, ("somewhere", 1))
    said = capfd.readouterr().err
    assert "ConnectionResetError" not in said and "ValueError: a fault" in said


def test_stopped_there_is_nothing_to_go_on_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise command.Interrupted(2)

    monkeypatch.setattr(serve, "serve", stopped)
    assert command.main(["serve"]) == 130 and capsys.readouterr().err == "cavefish: stopped\n"
