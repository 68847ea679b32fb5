"""The report in a real headless Chromium: opens without an error, its script works, and a phone is wide enough."""

import csv
import html
import shutil
import subprocess
from pathlib import Path

import pytest

from evolve.figures import report
from evolve.runs import run_folder
from tests.figures.conftest import Fabricate, Lineage
from tests.figures.report_page import Page, with_settings, with_weights

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr "
    "--dump-dom"
).split()
# Says how wide a page's content is in a window as wide as a phone.
PHONE = """<!DOCTYPE html><iframe width=390 height=800 srcdoc="{page}"></iframe><script>
document.querySelector("iframe").addEventListener("load", (event) => {{
  const page = event.target.contentDocument.documentElement;
  document.title = `${{page.scrollWidth}} of ${{page.clientWidth}}`;
}});</script>"""

# Counts how often a page is loaded, first with every fold open.
WATCHED = """<!DOCTYPE html><iframe srcdoc="{page}"></iframe><script>
let loads = 0;
document.querySelector("iframe").addEventListener("load", (event) => {{
  const folds = [...event.target.contentDocument.querySelectorAll("details")];
  document.title = `${{loads += 1}} times, ${{folds.filter((fold) => fold.open).length}} of ${{folds.length}} open`;
  for (const fold of folds) fold.open = true;
}});</script>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


def opened(page: Path, profile: Path, seconds: int = 2) -> tuple[str, list[str]]:
    """The document after so many of its own `seconds`, which pass at once, and what the browser's console said."""
    budget = f"--virtual-time-budget={1000 * seconds}"
    command = [str(CHROMIUM), *FLAGS, budget, f"--user-data-dir={profile}", page.resolve().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def page(fabricated: Fabricate, lineage: Lineage) -> Path:
    run = fabricated("seed1", lineage(13, dataset="digits", notice="drawn"))
    with_settings(run, "generations: 13\n")
    with_weights(run)
    run_folder.write_lineage(run)
    return report.write(run)


@pytest.fixture
def page_at_work(page: Path) -> Path:
    """The same of a run that goes on to 20 generations."""
    return report.write(page.parent, wanted=20, at_work=True)


def test_opens_without_errors_and_shows_lineage_csv(page: Path, tmp_path: Path) -> None:
    shown, said = opened(page, tmp_path / "profile")
    assert said == []
    document = Page(shown)
    with open(page.with_name("lineage.csv"), encoding="utf-8") as file:
        rows = [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)]
    assert document.lineage() == rows
    # The script ran: it is what shows a value under the pointer now.
    assert document.all("div", role="status") and not [words for _, words in document.all("title")][1:]
    hovers = [attrs["data-tip"] for _, attrs, _ in document.elements if "data-tip" in attrs]
    assert "generation 13\nsynapses: 1,110" in hovers


def test_a_page_that_asks_for_more_is_heard_of(page: Path, tmp_path: Path) -> None:
    worse = page.with_name("worse.html")
    worse.write_text(page.read_text().replace("</main>", '<img alt="" src="outside.png"><script>1</script></main>'))
    said = opened(worse, tmp_path / "profile")[1]
    assert len([line for line in said if "Content Security Policy" in line]) == 2


def test_a_phone_is_wide_enough(page: Path, tmp_path: Path) -> None:
    phone = page.with_name("phone.html")
    phone.write_text(PHONE.format(page=html.escape(page.read_text())))
    shown = opened(phone, tmp_path / "profile")[0]
    assert shown.count("<title>390 of 390</title>") == 1


def test_a_run_at_work_is_shown_anew(page_at_work: Path, tmp_path: Path) -> None:
    shown, said = opened(page_at_work, tmp_path / "profile")
    assert said == [] and "13 of 20 generations done; at work on generation 14" in shown
    watched = page_at_work.with_name("watched.html")
    watched.write_text(WATCHED.format(page=html.escape(page_at_work.read_text())))
    folds = page_at_work.read_text().count("<details")
    # What the reader opened stays so.
    assert f"<title>2 times, {folds} of {folds} open</title>" in opened(watched, tmp_path / "profile", 45)[0]
    assert "<title>1 times, 1 of " in opened(watched, tmp_path / "profile", 20)[0]


def test_a_run_that_is_done_is_left_alone(page: Path, tmp_path: Path) -> None:
    watched = page.with_name("watched.html")
    watched.write_text(WATCHED.format(page=html.escape(page.read_text())))
    assert "<title>1 times, 1 of " in opened(watched, tmp_path / "profile", 300)[0]
