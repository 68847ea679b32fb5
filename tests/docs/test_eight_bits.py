"""docs/eight_bits.md: its commands are ones that the verbs know, and its settings, figures and files are there."""

import re
from pathlib import Path

import pytest

from evolve.command import arguments, verbs
from evolve.settings import changes, networks, settings
from trt import calibration, training_images
from trt.onnx import target
from trt.speed import comparison, engines

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/eight_bits.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^make (\w+) (.*?)(?: +#.*)?$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("verb", "words"), COMMANDS)
def test_commands(verb: str, words: str) -> None:
    given = [word.replace("'", "") for word in re.findall(r"(?:[^\s']|'[^']*')+", words)]
    known = arguments.checked(verb, verbs.found()[verb].ARGUMENTS.split(), given)
    if "ENGINE" in known:
        assert engines.chosen(known["ENGINE"]) == known["ENGINE"].split(",")
    target.named(known.get("FOR", ""))
    if "SET" in known:
        read = settings.read(networks.find("lenet") / networks.EVOLUTION, changes.single(known["SET"]))
        assert read.precision == read.INT8 or read.two_of_four == 0.1


def test_every_new_word_is_shown() -> None:
    words = " ".join(words for _, words in COMMANDS)
    assert {"INT8=", "FOR=", "INPUTS=", "SCORES="} <= set(re.findall(r"[A-Z0-9]+=", words))
    assert "`IMAGES=`" in PAGE and "`WIDE=a,b`" in PAGE


def test_figures() -> None:
    assert f"({training_images.COUNT})" in PAGE and f"above {calibration.TOLERATED:.0%}".replace("%", " %") in PAGE
    assert f"to {comparison.LARGEST['int8']:g} of".replace("0.", ".") in PAGE.replace("\n", " ")
    assert calibration.METHOD in PAGE and calibration.SUFFIX in PAGE


def test_files_that_it_names() -> None:
    for name in re.findall(r"\]\((\.\./[^)]+)\)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
