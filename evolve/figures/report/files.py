"""Links to whatever the run's folder holds, relative to the page."""

import os
from pathlib import Path
from urllib.parse import quote

from evolve import frames, paths
from evolve.figures import figures_text
from evolve.figures.measured import Measured
from evolve.figures.report.markup import Markup, details, element, join, section


def files(folder: Path, run: Measured, page: Path) -> Markup:
    """The section with the run's own files, the prototxts it was made from, and every generation's."""
    own = [folder / name for name in (paths.LINEAGE, frames.FILE) if (folder / name).is_file()]
    groups = {"the run": own, "prototxt": _in(folder / "prototxt")}
    for made in run.generations:
        place = paths.generation(folder, made["generation"])
        groups[place.name] = _in(place)
    there = {name: found for name, found in groups.items() if found}
    listed = [element("tr", element("th", name, scope="row"), _cell(each, page)) for name, each in there.items()]
    table = element("table", element("tbody", *listed), class_="files", aria_label="files")
    return section("Files", details("every file of the run", table))


def address(path: Path, page: Path) -> str:
    """How a page finds that file from where it lies."""
    return quote(Path(os.path.relpath(path, page.parent)).as_posix())


def _in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))


def _cell(found: list[Path], page: Path) -> Markup:
    return element("td", join((_link(path, page) for path in found), " "))


def _link(path: Path, page: Path) -> Markup:
    size = f" {figures_text.short(path.stat().st_size)}B"
    return element("span", element("a", path.name, href=address(path, page)), size)
