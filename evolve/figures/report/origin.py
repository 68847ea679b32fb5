"""What a run was made from and with: settings, data set, versions."""

import re
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from evolve.figures.measured import Measured
from evolve.figures.report import state
from evolve.figures.report.markup import Markup, details, element, section

# Where something lies on the disk of whoever made the run is nobody else's business.
_LEFT_OUT = frozenset({"caffe_path"})


def origin(folder: Path, run: Measured) -> Markup:
    """The section with the settings, and which versions of what trained which generations."""
    versions = [element("h3", "Versions"), _definitions(_versions(run))]
    return section("Settings and versions", _definitions(_data(run)), *_settings(folder), *versions)


def spans(numbers: list[int]) -> str:
    """`1–3, 5`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
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
