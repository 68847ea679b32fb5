"""The page as a whole: its parts in their order, and the one file that they are written to.

What a detector saw, first and last generation: the pictures that the run itself wrote.

Links to whatever the run's folder holds, relative to the page.

What a run was made from and with: settings, data set, versions.

The offspring that were born together, generation by generation, and which of them lived.
"""

import base64
import hashlib
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from google.protobuf import text_format

from evolve import __version__
from evolve.base import sheet
from evolve.figures import measured
from evolve.figures.measured import Measured
from evolve.figures.report import kernels, tables
from evolve.figures.report.chart import curves
from evolve.figures.report.markup import Markup, details, element, join, number, section
from evolve.figures.report.script import RENEWED, SCRIPT
from evolve.figures.report.style import STYLE
from evolve.figures.report.summary import summary
from evolve.figures.report.survival import heat_map
from evolve.runs import generation, measurements, paths, run_folder, state

# A picture as written by the run, or smaller: a page of two has to go into a mail.
_WIDTH = 1280
_LARGEST = 400_000


def detections(folder: Path, run: Measured) -> Markup | None:
    """The section with one picture or two; None where the run wrote none."""
    numbers = [made["generation"] for made in run.generations]
    there = [number for number in numbers if _path(folder, number).is_file()]
    shown = [_picture(_path(folder, number), number) for number in dict.fromkeys([*there[:1], *there[-1:]])]
    found = [each for each in shown if each]
    about = "Validation images with what is labelled and what was found; confidence is the logarithm of a box's votes."
    return section("Detections", *found, about=about) if found else None


def _path(folder: Path, number: int) -> Path:
    return paths.generation(folder, number) / paths.DETECTIONS


def _picture(path: Path, number: int) -> Markup | None:
    try:
        address, width, height = kernels.photograph(path.read_bytes(), _WIDTH, _LARGEST)
    except OSError:
        return None
    words = f"Validation images with labelled and detected boxes at generation {number}"
    image = element("img", src=address, width=width, height=height, alt=words)
    return element("figure", image, element("figcaption", f"generation {number}"), class_="wide")


def files(folder: Path, run: Measured, page: Path) -> Markup:
    """The section with the run's own files, the prototxts it was made from, and every generation's."""
    own = [folder / name for name in (paths.LINEAGE, measurements.FILE) if (folder / name).is_file()]
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
    size = f" {sheet.short(path.stat().st_size)}B"
    return element("span", element("a", path.name, href=address(path, page)), size)


# Where something lies on the disk of whoever made the run is nobody else's business.
_LEFT_OUT = frozenset({"caffe_path"})


def origin(folder: Path, run: Measured) -> Markup:
    """The section with the settings, and which versions of what trained which generations."""
    versions = [element("h3", "Versions"), _definitions(_versions(run))]
    return section("Settings and versions", _definitions(_data(run)), *_settings(folder), *versions)


def spans(numbers: list[int]) -> str:
    """`1–3, 5`."""
    parts: list[list[int]] = []
    for each in numbers:
        if parts and each == parts[-1][-1] + 1:
            parts[-1].append(each)
        else:
            parts.append([each])
    return ", ".join(f"{part[0]}–{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _data(run: Measured) -> dict[str, str]:
    data = run.ancestor["dataset"]
    known = {"network": run.network, "data set": str(data["name"]), "data set's sha256": str(data.get("sha256", ""))}
    return known | {"seed": str(run.seed), "precision": _precision(run)}


def _precision(run: Measured) -> str:
    """metrics.json's type of numbers, which a detector's own precision hides where both have that name."""
    found = dict.fromkeys(str(made.get("precision", "")) for made in run.generations)
    return ", ".join(each for each in found if not re.match(r"[\d.]", each))


def _settings(folder: Path) -> list[Markup]:
    path = state.settings_file(folder)
    if path is None:
        return []
    own = element("pre", path.read_text(encoding="utf-8", errors="replace"), tabindex=0)
    whole = state.wanted_settings(folder)
    every = element("pre", text_format.MessageToString(whole), tabindex=0) if whole else None
    return [details(path.name, own), *([details("every setting, defaults too", every)] if every else [])]


def _versions(run: Measured) -> dict[str, str]:
    """Each value with its generations where it is not the same in all."""
    found: dict[str, dict[str, list[int]]] = {}
    for made in run.generations:
        for name, value in made.get("versions", {}).items():
            if name not in _LEFT_OUT:
                found.setdefault(name, {}).setdefault(_text(value), []).append(made["generation"])
    return {name.replace("_", " "): _joined(values) for name, values in found.items()}


def _joined(values: dict[str, list[int]]) -> str:
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{value} (generations {spans(numbers)})" for value, numbers in values.items())


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _definitions(known: dict[str, str]) -> Markup:
    pairs = [element("div", element("dt", name), element("dd", value)) for name, value in known.items() if value]
    return element("dl", *pairs, class_="facts")


def siblings(run: Measured) -> Markup | None:
    """The section, a row a sibling, the one that became the generation first; None where every offspring was alone."""
    born = [(made["generation"], one) for made in run.generations for one in _ranked(made.get("siblings", []))]
    if not born:
        return None
    columns = ["generation", "sibling", "synapses", "A-E", *run.scores.values(), "fitness", "parent", ""]
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    rows = [_row(run, generation, one) for generation, one in born]
    table = tables.scrolled("siblings", element("thead", head), element("tbody", *rows))
    about = (
        "Offspring of the same parents, each with its own draw; the fittest is the generation. Fitness is the score "
        "less what synapses cost (synapse_cost); parent: its rank among the parents of the next generation."
    )
    folded = details(f"{len(born)} siblings", table, opened=len(born) <= tables.MOST_ROWS)
    return section("Siblings", folded, about=about)


def _ranked(born: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fittest first; those that could not live last."""
    return sorted(born, key=lambda one: (one["fitness"] is None, -(one["fitness"] or 0), one["sibling"]))


def _row(run: Measured, generation: int, one: dict[str, Any]) -> Markup:
    cells = [number(one["sibling"], str(one["sibling"])), _figure(one.get("synapses"), sheet.whole)]
    cells.append(_figure(one.get("architectural_efficiency"), "{:.2f}".format))
    cells += [_figure(one.get(name), sheet.score) for name in [*run.scores, "fitness"]]
    cells.append(_figure(one["parent"] or None, str))
    return element("tr", element("th", str(generation), scope="row"), *(element("td", cell) for cell in cells),
                   element("td", one["why"], class_="words"))  # fmt: skip


def _figure(value: Any, say: Any) -> Markup | None:
    return number(value, say(value)) if isinstance(value, int | float) else None


FILE = "report.html"


def write(run: Path, out: Path | None = None, wanted: int = 0, at_work: bool | None = None) -> Path:
    """Writes the report of `run`, also while it goes on, and returns its path; a reader sees the old page or the new.

    `out` is a file that ends in .html, or a folder; the run's own by default. `wanted` and `at_work` are as for
    state.read. UserError where the run has no generation.
    """
    target = out or run
    path = target if target.suffix == ".html" else target / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    made = measured.read(run)
    written = page(run, path.absolute(), made, state.read(run, made, wanted, at_work))
    if not path.exists() or path.read_text(encoding="utf-8") != written:
        generation.write_whole(path, written)
    return path


def page(run: Path, path: Path, made: Measured, now: state.State) -> str:
    """The text of the page that will lie at `path`."""
    folder = run.absolute()
    sections = {
        "Summary": summary(made, now),
        "Curves": curves(made),
        "Beside the papers": tables.beside_the_papers(made),
        "Survival": heat_map(made),
        "Kernels": kernels.kernels(folder, made),
        "Detections": detections(folder, made),
        "Siblings": siblings(made),
        "Every generation": tables.lineage(run_folder.table(run)),
        "Settings and versions": origin(folder, made),
        "Files": files(folder, made, path),
    }
    there = {title: part for title, part in sections.items() if part}
    # Of all pages only this one is written anew by the run itself.
    renewed = now.at_work and path == folder / FILE
    parts = [_header(made, list(there)), element("main", *there.values()), _footer(now, renewed), _script()]
    body = element("body", *parts, data_renewed=RENEWED if renewed else None)
    title = f"{made.network} on {made.dataset}, {measured.seed_numbers([made])}"
    return f"<!DOCTYPE html>\n{element('html', _head(title), body, lang='en')}\n"


def _head(title: str) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        # Nothing is asked of any network, whatever a run's files say: the browser sees to that.
        element("meta", http_equiv="Content-Security-Policy", content=_policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Markup(STYLE)),
    )


def _policy() -> str:
    return f"default-src 'none'; img-src data:; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'"


def _digest(words: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()}"


def _header(run: Measured, titles: list[str]) -> Markup:
    notice = element("p", f"NOTE: {run.notice}", class_="notice", role="note") if run.notice else None
    links = [
        element("li", element("a", title, href=f"#{title.lower().replace(' ', '-')}")) for title in titles
    ]
    named = element("h1", f"{run.network} on {run.dataset}, {measured.seed_numbers([run])}")
    return element("header", named, notice, element("nav", element("ul", *links), aria_label="Sections"))


def _footer(now: state.State, renewed: bool) -> Markup:
    """Of a run that is not done the page is old as soon as it is written: it says of when it is."""
    how = "the run writes it anew after each generation" if renewed else "`make report` renews it"
    written = "" if now.finished else f" Written {time.strftime('%Y-%m-%d %H:%M:%S %Z')}; {how}."
    return element("footer", f"Cavefish {__version__}.{written}")


def _script() -> Markup:
    return join([element("script", Markup(SCRIPT))])
