"""The page as a whole has its parts in their order, and is written to one file."""

import base64
import hashlib
import time
from contextlib import nullcontext
from pathlib import Path

from evolve import __version__
from evolve.base import files
from evolve.figures.report import origin, tables
from evolve.figures.report.answers import answers
from evolve.figures.report.confusion import confusion
from evolve.figures.report.diagram import diagram
from evolve.figures.report.kernels import kernels
from evolve.figures.report.live import live
from evolve.figures.report.markup import Markup, element, join, section
from evolve.figures.report.pictures import detections
from evolve.figures.report.summary import bar, summary
from evolve.figures.report.survival import survival
from evolve.figures.report.trends import curves
from evolve.figures.run import Run, seed_numbers
from evolve.runs import out_place, paths, run_folder, state

STYLE, SCRIPT = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
# Seconds without a reader's hand on it after which the page of a run at work is loaded again.
RENEWED = 30


def write(folder: Path, out: Path | None = None, wanted: int = 0, at_work: bool | None = None) -> Path:
    """Writes the report of the run in `folder`, also while it goes on; a reader sees the old page or the new.

    Returns its path: `out` is a file that ends in .html, or a folder, the run's own by default. `wanted` and `at_work`
    are as for state.read. UserError where the run has no generation, and nobody is at work on its first, and where
    `out` cannot be written; OSError where the run's own folder cannot be.
    """
    target = out or folder
    if target.suffix.lower() == ".html":
        path = target
    else:
        path = out_place.as_folder(target, "a folder, or a .html file") / paths.REPORT
    out_place.outside_generations(path, path.parent)
    written = page(folder.absolute(), path.absolute(), wanted, at_work)
    with files.named_by_out(out) if out else nullcontext():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != written.encode():
            files.write_whole(path, written)
    return path


def page(folder: Path, path: Path, wanted: int = 0, at_work: bool | None = None) -> str:
    """The text of the page of the run in `folder` as it is now, which will lie at `path`; errors as `write`."""
    generations = run_folder.read_lineage(folder) if run_folder.committed(folder) else []
    now = state.read(folder, generations, wanted, at_work)
    # Of all pages only this one is written anew by the run itself.
    renewed = now.at_work and path == folder / paths.REPORT
    if now.at_work and not generations:
        title, notice, sections = f"{folder.parent.name}, {folder.name}", "", _young(folder, now)
    else:
        run = Run.read(folder)
        title, notice = f"{run.network} on {run.dataset}, {seed_numbers([run])}", run.notice
        sections = _sections(folder, path, run, now)
    there = {name: part for name, part in sections.items() if part}
    header = _header(title, notice, list(there))
    parts = [header, element("main", *there.values()), _footer(now, renewed)]
    return framed(title, join(parts), RENEWED if renewed else None)


def framed(title: str, content: Markup, renewed: int | None = None) -> str:
    """A page of its own with this content, in the report's style, loaded again after `renewed` seconds."""
    body = element("body", content, element("script", Markup(SCRIPT)), data_renewed=renewed)
    return f"<!DOCTYPE html>\n{element('html', _head(title), body, lang='en')}\n"


def _young(folder: Path, now: state.State) -> dict[str, Markup | None]:
    """Of a run whose generation 1 is at work."""
    return {"Summary": section("Summary", *bar(now)), "Training now": live(folder, now)}


def _sections(folder: Path, path: Path, run: Run, now: state.State) -> dict[str, Markup | None]:
    return {
        "Summary": summary(run, now),
        "Training now": live(folder, now),
        "Curves": curves(folder, run),
        "Confusion": confusion(run),
        "Right and wrong": answers(folder, run),
        tables.title(run): tables.papers_tables(run),
        "Network": diagram(folder, run),
        "Survival": survival(run),
        "Kernels": kernels(folder, run),
        "Detections": detections(folder, run),
        "Siblings": tables.siblings(run),
        "Every generation": tables.lineage(run_folder.table(folder)),
        "Settings and versions": origin.origin(folder, run),
        "Files": origin.files(folder, run, path),
    }


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


def _header(title: str, notice: str, titles: list[str]) -> Markup:
    note = element("p", f"NOTE: {notice}", class_="notice", role="note") if notice else None
    links = [element("li", element("a", name, href=f"#{name.lower().replace(' ', '-')}")) for name in titles]
    return element("header", element("h1", title), note, element("nav", element("ul", *links), aria_label="Sections"))


def _footer(now: state.State, renewed: bool) -> Markup:
    """The page of a run that is not done is old as soon as it is written: it says of when it is."""
    how = "the run writes it anew every half minute" if renewed else "`make report` renews it"
    written = "" if now.finished else f" Written {time.strftime('%Y-%m-%d %H:%M:%S %Z')}; {how}."
    return element("footer", f"Cavefish {__version__}.{written}")
