"""What a run was made from and with is listed: settings, data set, versions, and all the files of its folder.

Those are links from a page that lies in the folder; one that lies elsewhere, to be handed on, would have dead ones.
"""

from pathlib import Path
from urllib.parse import quote

from google.protobuf import text_format

from evolve.base import sheet
from evolve.figures.report.markup import Markup, details, element, join, section
from evolve.figures.run import Run
from evolve.runs import measurements, paths, state

# Where something lies on the disk of whoever made the run is nobody else's business.
_LEFT_OUT = frozenset({"caffe_path"})


def origin(folder: Path, run: Run) -> Markup:
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


def _data(run: Run) -> dict[str, str]:
    data = run.ancestor.dataset
    known = {"network": run.network, "data set": data.name, "data set's sha256": data.sha256}
    formats = dict.fromkeys(metrics.number_format for metrics in run.generations)
    return known | {"seed": str(run.seed), "precision": ", ".join(formats)}


def _settings(folder: Path) -> list[Markup]:
    path = state.settings_file(folder)
    if path is None:
        return []
    own = element("pre", path.read_text(encoding="utf-8", errors="replace"), tabindex=0)
    whole = state.wanted_settings(folder)
    every = element("pre", text_format.MessageToString(whole), tabindex=0) if whole else None
    return [details(path.name, own), *([details("every setting, defaults too", every)] if every else [])]


def _versions(run: Run) -> dict[str, str]:
    """Each value with its generations where it is not the same in all."""
    known: dict[str, dict[str, list[int]]] = {}
    for metrics in run.generations:
        for name, value in vars(metrics.versions).items():
            if value is not None and name not in _LEFT_OUT:
                words = ", ".join(value) if isinstance(value, list) else str(value)
                known.setdefault(name, {}).setdefault(words, []).append(metrics.generation)
    return {name.replace("_", " "): _joined(values) for name, values in known.items()}


def _joined(values: dict[str, list[int]]) -> str:
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{value} ({_of(numbers)})" for value, numbers in values.items())


def _of(numbers: list[int]) -> str:
    return f"generation{'s' * (len(numbers) > 1)} {spans(numbers)}"


def _definitions(known: dict[str, str]) -> Markup:
    pairs = [element("div", element("dt", name), element("dd", value)) for name, value in known.items() if value]
    return element("dl", *pairs, class_="facts")


def files(folder: Path, run: Run, page: Path) -> Markup:
    """The section with the run's own files, the prototxts it was made from, and every generation's."""
    own = [folder / name for name in (paths.LINEAGE, measurements.FILE) if (folder / name).is_file()]
    groups = {"the run": own, paths.PROTOTXTS: _in(folder / paths.PROTOTXTS)}
    for metrics in run.generations:
        place = paths.generation(folder, metrics.generation)
        groups[place.name] = _in(place)
    linked = page.parent == folder
    rows = [_row(name, [_file(path, folder, linked) for path in each]) for name, each in groups.items() if each]
    table = element("table", element("tbody", *rows), class_="files", aria_label="files")
    return section("Files", details("every file of the run", table))


def _in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))


def _row(name: str, cells: list[Markup]) -> Markup:
    return element("tr", element("th", name, scope="row"), element("td", join(cells, " ")))


def _file(path: Path, folder: Path, linked: bool) -> Markup:
    name = element("a", path.name, href=quote(path.relative_to(folder).as_posix())) if linked else path.name
    return element("span", name, f" {sheet.short(path.stat().st_size)}B")
