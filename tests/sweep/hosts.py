"""Hosts that share this machine's files and have a network of their own: namespaces on one switch. For root alone."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Hosts:
    """So many hosts, 10.77.0.1 and on, on a switch that can be told to cut one off."""

    def __init__(self, count: int) -> None:
        self.names = {number: f"cavefish-{os.getpid()}-{number}" for number in range(1, count + 1)}
        self._switch = f"cavefish-{os.getpid()}-switch"

    def address(self, number: int) -> str:
        """A host's address."""
        return f"10.77.0.{number}"

    def on(self, number: int, *command: str) -> list[str]:
        """The command line that runs `command` on a host."""
        return ["ip", "netns", "exec", self.names[number], *command]

    def of(self, pid: int) -> int | None:
        """The host that a process is on; None where it is gone, or on none."""
        with contextlib.suppress(OSError):
            own = os.stat(f"/proc/{pid}/ns/net").st_ino
            return next((n for n, name in self.names.items() if Path("/run/netns", name).stat().st_ino == own), None)
        return None

    def cut_off(self, number: int) -> None:
        """Nothing reaches the host any more, and nobody is told so: connections hang."""
        _ip("-n", self._switch, "link", "set", f"port{number}", "down")

    def join(self, number: int) -> None:
        """It is reached again."""
        _ip("-n", self._switch, "link", "set", f"port{number}", "up")

    def make(self) -> None:
        """Namespaces, the switch and its cables. CalledProcessError where that is not allowed."""
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "br0", "up")
        for number, name in self.names.items():
            _ip("netns", "add", name)
            cable = ("type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("-n", self._switch, "link", "add", f"port{number}", *cable)
            _ip("-n", self._switch, "link", "set", f"port{number}", "master", "br0", "up")
            _ip("-n", name, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                _ip("-n", name, "link", "set", link, "up")

    def remove(self) -> None:
        """All of it; what runs there must have ended."""
        for name in (*self.names.values(), self._switch):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@contextlib.contextmanager
def hosts(count: int) -> Iterator[Hosts]:
    """They are there while the context is; skips the test where they cannot be made."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces are root's to make, with iproute2")
    made = Hosts(count)
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
        yield made
    finally:
        made.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True)
