"""The page as a whole: its parts in their order, and the one file that they are written to."""

import base64
import hashlib
import time
from pathlib import Path

from evolve import __version__, generation, run_folder
from evolve.figures import measured
from evolve.figures.measured import Measured
from evolve.figures.report import state, tables
from evolve.figures.report.curves import curves
from evolve.figures.report.detections import detections
from evolve.figures.report.files import files
from evolve.figures.report.heat import heat_map
from evolve.figures.report.kernels import kernels
from evolve.figures.report.markup import Markup, element, join
from evolve.figures.report.origin import origin
from evolve.figures.report.script import RENEWED, SCRIPT
from evolve.figures.report.siblings import siblings
from evolve.figures.report.style import STYLE
from evolve.figures.report.summary import summary

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
        "Kernels": kernels(folder, made),
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
