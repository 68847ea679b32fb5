"""Where this machine takes its Debian packages from: its apt sources, in both forms that apt knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

MOVING = ("stable", "testing", "unstable", "sid")  # suites that are another release's by and by
ONE_LINE = re.compile(
    r"^(?P<type>deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>[^#]*)"
)
OPTION_NAMES = {"signed-by": "Signed-By", "trusted": "Trusted", "check-valid-until": "Check-Valid-Until"}


@dataclass(frozen=True)
class AptSource:
    """One repository of the machine: addresses, suites, components, and how its signature is checked."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    trust: dict[str, str] = field(default_factory=dict)  # Signed-By and the like, as deb822 writes them

    def serves(self, codename: str) -> bool:
        """Whether this is the distribution itself: its release proper (no -updates, no security), main."""
        return codename in self.suites and "main" in self.components

    def stanza(self, kind: str, suite: str) -> str:
        """The deb822 text of this repository with another type and suite, main only."""
        lines = [f"Types: {kind}", f"URIs: {' '.join(self.uris)}", f"Suites: {suite}", "Components: main"]
        return "\n".join([*lines, *(f"{name}: {value}" for name, value in self.trust.items())]) + "\n"


def parse_one_line(text: str) -> list[AptSource]:
    """The repositories of a classic sources.list; deb-src lines count too, they name the same mirror."""
    sources = []
    for line in text.splitlines():
        if match := ONE_LINE.match(line.strip()):
            options = [option.partition("=") for option in (match["options"] or "").split()]
            trust = {OPTION_NAMES[name]: value for name, _, value in options if name in OPTION_NAMES}
            components = tuple(match["components"].split())
            sources.append(AptSource((match["uri"],), (match["suite"],), components, trust))
    return sources


def parse_deb822(text: str) -> list[AptSource]:
    """The repositories of a .sources file; disabled stanzas are left out."""
    sources = []
    for fields in deb822_stanzas(text):
        if fields.get("enabled", "yes").lower() in ("no", "false", "off", "0", "without", "disable"):
            continue
        trust = {name: fields[name.lower()] for name in OPTION_NAMES.values() if name.lower() in fields}
        words = {name: tuple(fields.get(name, "").split()) for name in ("uris", "suites", "components")}
        sources.append(AptSource(**words, trust=trust))
    return sources


def deb822_stanzas(text: str) -> Iterable[dict[str, str]]:
    """Fields by lower-case name; continuation lines (an inline key) keep their line breaks."""
    uncommented = [line for line in text.splitlines() if not line.startswith("#")]
    for block in re.split(r"\n[ \t]*(?:\n[ \t]*)*\n", "\n".join(uncommented) + "\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line[:1].isspace() and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def machine_sources(apt_folder: Path = Path("/etc/apt")) -> list[AptSource]:
    """All repositories of this machine, in the order in which apt reads them."""
    sources: list[AptSource] = []
    parts = sorted((apt_folder / "sources.list.d").glob("*"))
    for path in [apt_folder / "sources.list", *parts]:
        if path.is_file() and path.suffix in (".list", ".sources"):
            text = path.read_text(errors="replace")
            sources += parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text)
    return sources


def own_suites(os_release: Path = Path("/etc/os-release")) -> tuple[str, ...]:
    """The suites that this machine's own packages come from, if it is a Debian; none on any other system."""
    text = os_release.read_text() if os_release.exists() else ""
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)', text, re.M))
    if fields.get("ID") != "debian":
        return ()
    return tuple(filter(None, (fields.get("VERSION_CODENAME"), *MOVING)))


def system_name(os_release: Path = Path("/etc/os-release")) -> str:
    """What the machine calls itself: Ubuntu 24.04 LTS."""
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', os_release.read_text() if os_release.exists() else "", re.M)
    return match[1] if match else "unknown"


def debian_mirrors(sources: Iterable[AptSource], suites: Iterable[str]) -> list[AptSource]:
    """The repositories that serve one of these suites: Debian itself, which has all its releases in one place."""
    wanted = tuple(suites)
    return [source for source in sources if any(source.serves(suite) for suite in wanted)]


def private_sources(mirrors: Iterable[AptSource], kind: str, suite: str) -> str:
    """The private list: one suite, its packages (deb) or its sources (deb-src), from each of the mirrors."""
    return "\n".join(dict.fromkeys(mirror.stanza(kind, suite) for mirror in mirrors))
