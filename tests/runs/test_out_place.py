"""OUT= makes no folder that is called as a file is, and nothing in a committed generation, whichever verb writes."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.command import command
from evolve.runs import out_place
from tests.runs import made_up


def test_a_folder_is_not_called_as_a_file_is(tmp_path: Path) -> None:
    for name in ("curves.PNG", "net.onnx", "net.tar.gz"):
        with pytest.raises(UserError) as refused:
            out_place.as_folder(tmp_path / name)
        assert str(refused.value) == (
            f"OUT={tmp_path / name}: expected a folder, got the name of another file; name a folder for what is made"
        )
    for name in ("curves", "v1.0", ".hidden", "there.png"):
        (tmp_path / "there.png").mkdir(exist_ok=True)
        assert out_place.as_folder(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize(
    ("verb", "name", "expected"),
    [
        ("plot", "curves.png", "a folder for curves.png and curves.svg"),
        ("report", "page.pdf", "a folder, or a .html file"),
        ("frontier", "frontier.svg", "a folder"),
        ("device DEVICE=orin GEN=1", "orin.zip", "a folder"),
        ("fold MODEL=d.prototxt WEIGHTS=w.caffemodel", "small.caffemodel", "a folder for both files"),
        ("shrink MODEL=d.prototxt WEIGHTS=w.caffemodel", "small.caffemodel", "a folder for both files"),
        ("classify IMAGE=photos", "seen.png", "a folder, or a .json file"),
    ],
)
def test_every_verb_asks_where_it_writes(
    verb: str, name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    run = made_up.write(tmp_path / "net" / "seed1", [made_up.metrics(1, 0.9)])
    words = verb.split() + ([] if "MODEL=" in verb else [f"RUN={run}"])
    assert command.main([*words, f"OUT={name}"]) == 2
    told = f"OUT={name}: expected {expected}, got the name of another file; name a folder for what is made"
    assert capsys.readouterr().err == f"cavefish: {told}\n" and not (tmp_path / name).exists()
    inside = f"{run}/gen001"
    for place in (inside, f"{inside}/new/folder"):
        assert command.main([*words, f"OUT={place}"]) == 2
        assert "expected a place outside a committed generation; name another OUT=\n" in capsys.readouterr().err
    if ".json" in expected:
        assert command.main([*words, f"OUT={inside}/seen.json"]) == 2
        assert f"{inside}/seen.json: expected a place outside a committed generation" in capsys.readouterr().err
    assert sorted(path.name for path in (run / "gen001").iterdir()) == ["DONE.json", "metrics.json"]
