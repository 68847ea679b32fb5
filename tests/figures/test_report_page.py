"""What `make report` writes: one sound page whose figures are those of lineage.csv, and which needs nothing else."""

import base64
import csv
import hashlib
import io
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from evolve.base.errors import UserError
from evolve.command.command import main
from evolve.figures import report
from evolve.figures.report import kernels
from evolve.network import weights
from evolve.runs import run_folder
from evolve.runs.metrics import Data, Metrics, Sibling, Versions
from tests.figures.conftest import Fabricate, Lineage
from tests.figures.report_page import Page, with_settings, with_weights
from tests.runs import made_up
from tests.runs.made_up import detector, with_score

NOTICE = "MNIST could not be had (no network): the 1,797 handwritten digits of scikit-learn instead"


@pytest.fixture
def run(fabricated: Fabricate, lineage: Lineage) -> Path:
    """A whole run of 13 generations with settings and caffemodels."""
    made = fabricated("seed1", lineage(13))
    with_settings(made, "generations: 13\n")
    with_weights(made)
    return made


def detectors(generations: list[Metrics]) -> list[Metrics]:
    return [detector(metrics) for metrics in generations]


def read(run: Path, out: Path | None = None) -> Page:
    return Page(report.write(run, out).read_text(encoding="utf-8"))


def test_the_page_is_sound_and_nothing_is_without_words(run: Path) -> None:
    page = read(run)
    assert [words for _, words in page.all("h1")] == ["lenet on MNIST, seed 1"]
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    inner = [attrs["href"][1:] for attrs, _ in page.all("a") if attrs["href"].startswith("#")]
    assert len(inner) == 9 and set(inner) <= set(ids)
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs, _ in page.all("svg"))
    assert len(page.all("svg")) == 7 and all(attrs["alt"] for attrs, _ in page.all("img"))
    assert page.all("html")[0][0]["lang"] == "en"
    assert page.all("meta", name="viewport")[0][0]["content"].startswith("width=device-width")


def test_its_figures_are_those_of_lineage_csv(run: Path) -> None:
    run_folder.write_lineage(run)
    with open(run / "lineage.csv", encoding="utf-8") as file:
        rows = [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)]
    page = read(run)
    assert page.lineage() == rows and len(rows) == 13 and rows[12]["synapses"] == "1110"
    tiles = [attrs["value"] for attrs, _ in page.all("data")][:5]
    assert tiles == [rows[12][name] for name in ("synapses", "clusters", "macs", "caffemodel_bytes", "accuracy")]
    hovers = [words for _, words in page.all("title")]
    assert "generation 13\nsynapses: 1,110" in hovers
    assert "generation 13\nthis run: 0.9873\n[Cluster16], MNIST: 0.9775" in hovers
    assert "generation 12\nthis run: 0.9877" in hovers


def test_the_papers_tables_are_those_of_make_table(run: Path) -> None:
    words = re.sub(r"\s+", " ", read(run).text())
    assert "lenet on MNIST, seed 1, beside [Cluster16] Table 1 (MNIST)" in words
    assert "clusters at generation 13, beside [Cluster16] Table 2 (MNIST, generation 13)" in words
    assert "131,110129.71125.090.98730.97754.926" in words


def test_confusion_is_the_last_generations(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(2)
    counted = {"cat": {"cat": 8, "dog": 2}, "dog": {"dog": 9, "eel": 1}, "eel": {"eel": 3}}
    generations[1] = replace(generations[1], score=replace(generations[1].score, confusion=counted))
    page = read(fabricated("run", generations))
    cells = {attrs["title"]: (attrs.get("class"), words) for attrs, words in page.all("td") if "taken for" in
             attrs.get("title", "")}  # fmt: skip
    assert len(cells) == 9 and cells["cat\n8 taken for cat"] == (None, "8")
    assert cells["cat\n2 taken for dog"] == ("s6", "2") and cells["dog\n1 taken for eel"] == ("s3", "1")
    assert cells["eel\n0 taken for cat"] == (None, "")
    assert [attrs["value"] for attrs, _ in page.all("data")].count("0.8") == 1
    assert "Confusion" not in read(fabricated("other", lineage(2))).text()


def test_tables_are_called_after_the_papers_only_where_these_have_a_row(
    fabricated: Fabricate, lineage: Lineage
) -> None:
    assert "Beside the papers" in read(fabricated("run", lineage(2))).text()
    other = read(fabricated("other", lineage(2, dataset="digits")))
    assert "Beside the papers" not in other.text() and "Tables" in other.text()


def test_an_answer_that_no_test_image_has_is_a_column_too(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(1)
    score = replace(generations[0].score, confusion={"cat": {"cat": 1, "none": 3}, "dog": {"dog": 2}})
    page = read(fabricated("run", [replace(generations[0], score=score)]))
    titles = [attrs.get("title", "") for attrs, _ in page.all("td")]
    assert "cat\n3 taken for none" in titles and "dog\n0 taken for none" in titles


def test_survival_of_every_layer(run: Path) -> None:
    cells = [(attrs.get("title", ""), attrs.get("class"), words) for attrs, words in read(run).all("td")]
    # By hand: 1024 kernels, three quarters of them each time; 324 at generation 5, and a shade of 1 + 9 * (1 - 0.25).
    assert ("conv2\ngeneration 5: 324 of 1,024 kernels", "s8", "32") in cells
    assert ("conv2\ngeneration 1: 9,216 of 9,216 synapses", "s10", "100") in cells
    assert ("ip2\ngeneration 13: 10 of 10 neurons", "s10", "100") in cells


def test_kernels_as_pictures(run: Path) -> None:
    alts = [attrs["alt"] for attrs, _ in read(run).all("img")]
    shown = [re.sub(r"Kernels of (\w+), generation (\d+): (\d+) kernels.*", r"\1 \2 \3", words) for words in alts]
    first = [f"conv1 {n} {max(0, 6 - n)}" for n in (1, 4, 7, 10, 13)]
    assert shown == [*first, *(f"conv2 {n} {24 - n}" for n in (1, 4, 7, 10, 13))]


@pytest.mark.parametrize(("colours", "blue"), [("BGR", True), ("RGB", False), ("", False)])
def test_kernels_have_the_colours_of_their_images(fabricated: Fabricate, colours: str, blue: bool) -> None:
    run = fabricated("seed1", [made_up.metrics(dataset=Data("photos (images)", colours=colours))])
    with_weights(run, channels=3)
    picture = next(attrs["src"] for attrs, _ in read(run).all("img") if attrs["alt"].startswith("Kernels of conv1"))
    first = weights.read(run / "gen001" / "weights.caffemodel")["conv1"][0]
    with Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))) as image:
        pixels = np.asarray(image.convert("RGBA"))
    assert np.array_equal(pixels, kernels.sheet(first, blue_first=blue))


def test_nothing_is_asked_of_any_network(run: Path) -> None:
    content = report.write(run).read_text(encoding="utf-8")
    page = Page(content)
    for tag, attrs, _ in page.elements:
        assert not {"srcset", "action", "style", "onload"} & set(attrs), tag
        for name in ("href", "src"):
            assert not re.match(r"(?!data:)[a-z]+:|//", attrs.get(name, "")), attrs
    (_, style), (_, script) = page.all("style")[0], page.all("script")[0]
    assert not re.search(r"url\(|@import", style) and not re.search(r"https?:", content)
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0][0]["content"]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for words in (style, script):
        assert base64.b64encode(hashlib.sha256(words.encode()).digest()).decode() in policy


def test_what_a_run_says_is_text_and_never_markup(fabricated: Fabricate, lineage: Lineage) -> None:
    evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;"
    layers = {f"conv{evil}": (6, 12), "ip": (10, 640)}
    versions = Versions(core=evil, fast_types=[evil])
    generations = lineage(2, network=evil, dataset="streets", notice=evil, layers=layers, versions=versions)
    run = fabricated("a <b> & c", generations)
    with_settings(run, f"# </pre>{evil}\ngenerations: 2\n", name="evolution.a&b.prototxt")
    page = read(run)
    assert len(page.all("script")) == 1 and not page.all("img")
    assert page.all("h1")[0][1] == f"{evil} on streets, seed 1"
    assert page.all("p", role="note")[0][1] == f"NOTE: {evil}"
    assert f"# </pre>{evil}\n" in page.text() and f"conv{evil}" in page.text()


def test_files_are_links_in_the_runs_folder_and_names_elsewhere(run: Path, tmp_path: Path) -> None:
    (run / "gen001" / "a #1?.log").write_text("")
    (run / "gen001" / ".hidden").write_text("")
    there = {each.resolve() for each in run.glob("gen*/*") if not each.name.startswith(".")}
    page = read(run)
    links = [attrs["href"] for attrs, _ in page.all("a") if not attrs["href"].startswith("#")]
    found = {(run / unquote(link)).resolve() for link in links}
    assert there <= found and all(each.is_file() for each in found)
    assert run / "prototxt/evolution.prototxt" in found
    for out in (tmp_path / "else where", tmp_path / "x.html", tmp_path / "y.HTML"):
        path = report.write(run, out)
        assert path == (out if out.suffix else out / "report.html")
        kept = Page(path.read_text())
        assert not [attrs for attrs, _ in kept.all("a") if not attrs["href"].startswith("#")]
        assert all(each.name in kept.text() for each in there) and ".hidden" not in kept.text()


def caffes_log(folder: Path, iterations: int, start: float = 2.0) -> None:
    """A train.log as the solver writes it: five losses, each half of the one before, at 5 iterations a second."""
    lines = ["I1129 11:54:15.000000 1 solver.cpp:60] Solver scaffolding done."]
    for k in range(5):
        pace = "(5 iter/s, 2s/10 iters)" if k else "(-2e+29 iter/s, 0.1s/10 iters)"
        shown = f"Iteration {k * iterations // 4}"
        lines.append(f"I1129 11:54:16.1 1 solver.cpp:239] {shown} {pace}, loss = {start / 2**k:g}")
        lines.append(f"I1129 11:54:16.1 1 sgd_solver.cpp:112] {shown}, lr = 0.02")
    folder.mkdir(exist_ok=True)
    (folder / "train.log").write_text("\n".join(lines) + "\n")


def test_losses_are_those_of_caffes_logs(run: Path) -> None:
    for number in (1, 4, 13):
        caffes_log(run / f"gen{number:03d}", 800, start=float(number))
    hovers = [words for _, words in read(run).all("title") if words.startswith("generation ") and "\n" not in words]
    assert hovers == [
        "generation 1: 1.0000 → 0.0625",
        "generation 4: 4.0000 → 0.2500",
        "generation 13: 13.0000 → 0.8125",
    ]


def test_a_run_has_a_page_before_its_first_generation(tmp_path: Path) -> None:
    run = tmp_path / "lenet" / "seed1"
    with run_folder.held(run):
        with pytest.raises(UserError, match="expected a run with generations in it"):
            report.write(run, at_work=False)
        with_settings(run, "generations: 13\n")
        young = read(run)
        assert "0 of 13 generations done; at work on generation 1" in young.text()
        caffes_log(run / ".gen001.unfinished", 40)
        (run / ".gen001.unfinished" / "solver.prototxt").write_text("max_iter: 100\n")
        page = read(run)
    assert page.all("h1")[0][1] == "lenet, seed1" and page.all("body")[0][0]["data-renewed"] == "30"
    assert "at work on generation 1: iteration 40 of 100" in page.text()
    assert "5 iterations a second, 12 s left of this generation" in page.text()
    assert "generation 1: 2.0000 → 0.1250" in [words for _, words in page.all("title")]


def test_the_data_set_that_stands_in_is_said_first(fabricated: Fabricate, lineage: Lineage) -> None:
    page = read(fabricated("run", lineage(2, dataset="digits", notice=NOTICE)))
    said = f"NOTE: measured on digits, another data set than the paper's MNIST. {NOTICE}"
    assert page.text().index(said) < page.text().index("Summary")
    assert page.text().count(said) == 2 and page.all("h1")[0][1] == "lenet on digits (not MNIST), seed 1"


def test_an_unfinished_run_says_how_far_it_is(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(3))
    with_settings(run, "generations: 13\n", name="evolution.long.prototxt")
    page = read(run)
    assert "3 of 13 generations done; the same `make evolve` goes on" in page.text()
    assert page.all("progress")[0][0] | {"aria-label": ""} == {"value": "3", "max": "13", "aria-label": ""}
    assert "`make report` renews it" in page.text()


def test_a_run_at_work_says_on_what(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(3))
    with_settings(run, "generations: 13\n")
    with run_folder.held(run):
        assert "3 of 13 generations done; at work on generation 4" in read(run).text()
        unfinished = run / ".gen004.unfinished"
        unfinished.mkdir()
        (unfinished / "solver.prototxt").write_text("max_iter: 8000\n")
        (unfinished / "train.log").write_text("I1 solver.cpp:239] Iteration 400 (34 iter/s), loss = 1\n" * 2)
        assert "at work on generation 4: iteration 400 of 8,000" in read(run).text()
    sibling = run / ".gen004.siblings" / ".2.unfinished"
    sibling.parent.mkdir()
    unfinished.rename(sibling)
    with run_folder.held(run):
        assert "at work on generation 4: iteration 400 of 8,000" in read(run).text()
    # Killed, it leaves its pid behind, which may be another process's by now.
    (run / ".holder").write_text(f"{os.getpid()}\n")
    assert "at work" not in read(run).text()


def test_a_run_that_is_done_is_the_same_page_again(run: Path) -> None:
    first = report.write(run).read_text()
    assert "13 generations, all done" in first and "renews" not in first
    assert report.write(run, run).read_text() == first


def test_one_that_fell_too_far_has_ended(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(2)
    generations[1] = with_score(generations[1], accuracy=0.9)
    run = fabricated("run", generations)
    with_settings(run, "generations: 13\nstop_when_accuracy_drops: 0.0625\n")
    assert "ended at generation 2: accuracy fell by more than 0.0625" in read(run).text()


def test_one_generation(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", lineage(1))
    with_weights(run)
    page = read(run)
    assert len(page.lineage()) == 1 and len(page.all("svg")) == 7 and len(page.all("img")) == 2
    assert "1 done" in page.text() and not re.search(r"\bnan\b|\binf\b", page.text())


def test_what_was_not_measured_is_left_out(fabricated: Fabricate, lineage: Lineage) -> None:
    page = read(fabricated("run", [with_score(metrics) for metrics in lineage(2)]))
    assert [attrs["aria-label"].split(":")[0] for attrs, _ in page.all("svg")] == [
        "Chart of synapses", "Chart of clusters", "Chart of MACs of one image", "Chart of bytes of the caffemodel"
    ]  # fmt: skip


def test_a_detector(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", detectors(lineage(3, network="detectnet", dataset="streets", notice="drawn streets")))
    with_weights(run, channels=3)
    noise = np.random.default_rng(1).integers(0, 255, (900, 1600, 3), np.uint8)
    for number in (1, 2, 3):
        Image.fromarray(noise).save(run / f"gen00{number}" / "detections.png")
    (run / "gen003" / "detections.png").write_bytes((run / "gen003" / "detections.png").read_bytes())
    path = report.write(run)
    page = Page(path.read_text())
    hovers = [words for _, words in page.all("title")]
    assert "generation 3\nprecision: 0.7700\nrecall: 0.7300" in hovers
    assert "generation 2\nmAP: 0.5600\nAP: 0.6000" in hovers
    seen = [attrs for attrs, _ in page.all("img") if "detected" in attrs["alt"]]
    assert [each["alt"][-1] for each in seen] == ["1", "3"]
    # Noise, the worst there is, of 4 MB: smaller, and a JPEG.
    assert all((each["width"], each["height"]) == ("1280", "720") for each in seen)
    assert all(each["src"].startswith("data:image/jpeg;base64,") for each in seen)
    assert "NOTE: drawn streets" in page.text() and page.lineage()[2]["precision"] == "0.77"


def test_a_damaged_picture_or_caffemodel_costs_only_itself(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", detectors(lineage(2)))
    with_weights(run)
    (run / "gen002" / "weights.caffemodel").write_bytes(b"\xff\xff")
    (run / "gen001" / "detections.png").write_bytes(b"\x89PNG")
    with_settings(run, "generatoins: 2\n")
    page = read(run)
    assert not page.all("img") and "generatoins: 2" in page.text() and "2 done" in page.text()


def test_a_page_of_a_large_network_goes_into_a_mail(fabricated: Fabricate, lineage: Lineage) -> None:
    layers = {f"inception_{k}/3x3": (64 + k, 4096) for k in range(60)}
    run = fabricated("run", detectors(lineage(13, layers=layers)))
    with_weights(run, channels=3)
    assert report.write(run).stat().st_size < 1_000_000


def test_siblings(fabricated: Fabricate, lineage: Lineage) -> None:
    generations = lineage(3)
    siblings = [
        Sibling(sibling=1, fitness=0.97, why="0.0100 less fit than sibling 2", accuracy=0.97, synapses=60001),
        Sibling(sibling=2, fitness=0.98, parent=1, why="the fittest", accuracy=0.98, synapses=63990),
        Sibling(sibling=3, why="unfit: no synapse was left"),
    ]
    generations[2] = replace(generations[2], siblings=siblings)
    words = re.sub(r"\s+", " ", read(fabricated("run", generations)).text())
    # The fittest first, and what could not live last.
    assert (
        "generationsiblingsynapsesA-Eaccuracyfitnessparent3263,9900.98000.98001the fittest"
        "3160,0010.97000.97000.0100 less fit than sibling 233unfit: no synapse was left"
    ) in words


@pytest.mark.parametrize("kind", ["HALF", "BFLOAT16", "FLOAT"])
def test_the_precision_is_said(fabricated: Fabricate, lineage: Lineage, kind: str) -> None:
    generations = lineage(2, number_format=kind)
    for name, each in (("classifier", generations), ("detector", detectors(generations))):
        settings = read(fabricated(name, each)).all("section", id="settings-and-versions")[0][1]
        assert f"precision{kind}" in settings


def test_a_detector_that_fell_too_far_has_ended(fabricated: Fabricate, lineage: Lineage) -> None:
    run = fabricated("run", detectors(lineage(2)))
    with_settings(run, "generations: 13\nstop_when_accuracy_drops: 0.02\n")
    assert "ended at generation 2: average precision fell by more than 0.02" in read(run).text()


def test_versions_say_which_generations_and_no_path(run: Path, fabricated: Fabricate, lineage: Lineage) -> None:
    assert "Haswell (generations 1–2); Zen (generation 3)" in read(fabricated("short", lineage(3))).text()
    words = read(run).text()
    assert "Haswell (generations 1–2); Zen (generations 3–13)" in words and "/home/somebody" not in words


def test_the_verb(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["report", f"RUN={run}", f"OUT={tmp_path / 'page.html'}"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'page.html'}\n"
    with pytest.raises(UserError, match="expected a run with generations in it, found none"):
        report.write(tmp_path)
