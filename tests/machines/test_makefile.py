"""The real Makefile in scratch checkouts: words, paths, two at once, a run at work, PYTHONPATH, interpreters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.machines.checkout import Checkout


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout that has its environment already."""
    checkout = Checkout(tmp_path_factory.mktemp("ready") / "checkout")
    assert checkout.make("setup").returncode == 0
    return checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


VALUES = [
    "a b  c",
    "$HOME $$ $(touch made) `touch made`",
    "a & b | c > d < e ; f",
    "(paren) [bracket] {brace} *.py ?",
    "'single' \"double\" \\back \\\\slash \\",
    "# no comment",
    "tab\there",
    "Höhle ÷ 鱼",
    "% %x",
    "~ ! ^",
]


@pytest.mark.parametrize("value", VALUES)
def test_a_words_value_arrives_whole(ready: Checkout, value: str) -> None:
    done = ready.make("evolve", f"SET={value}", "NET=lenet", f"OUT={value}")
    assert done.returncode == 0, done.stderr
    verb, *words = done.stdout.splitlines()[:-1]
    assert verb == "[evolve]" and sorted(words) == sorted(["[NET=lenet]", f"[SET={value}]", f"[OUT={value}]"])
    assert not (ready.folder / "made").exists()


def test_the_set_ups_own_words_are_not_handed_on(checkout: Checkout) -> None:
    done = checkout.make("count", "MODEL=a", f"PYTHON={sys.executable}", "VENV=other", "CAFFE_SRC=b c")
    assert done.stdout.splitlines()[:-1] == ["[count]", "[MODEL=a]"]
    assert (checkout.folder / "other/bin/python").exists()


def test_a_word_of_two_lines_is_refused(ready: Checkout) -> None:
    done = ready.make("evolve", "SET=a\nb")
    assert done.returncode == 2 and "expected every NAME=value on one line" in done.stderr


NAMES = ["with a blank", "dollar$HOME$", "hash#", "amp&ersand", "quo'te", "Höhle 鱼", "(a)`b`"]


@pytest.mark.parametrize("name", NAMES)
def test_a_checkout_of_any_name(tmp_path: Path, name: str) -> None:
    checkout = Checkout(tmp_path / name / "cavefish")
    first, again = checkout.make("doctor"), checkout.make("doctor")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    installs = [line for line in checkout.asked() if "-e ." in line]
    assert len(installs) == 1 and "setting up .venv" in first.stderr and not again.stderr


def test_two_at_once_set_up_once(checkout: Checkout) -> None:
    with checkout.start("setup", PIP_SECONDS="1") as first:
        deadline = time.monotonic() + 600
        while not checkout.asked() and time.monotonic() < deadline:
            time.sleep(0.02)
        second = checkout.make("setup")
        assert first.stderr is not None
        assert first.wait(600) == 0, first.stderr.read()
    assert second.returncode == 0
    assert "sets up .venv; waiting for it" in second.stderr
    assert sum("-e ." in line for line in checkout.asked()) == 1


def test_another_shell_finds_the_interpreter_that_made_it(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.make("setup").returncode == 0
    (tmp_path / "bin").mkdir()
    for name in ("python3.11", "python3"):
        (tmp_path / "bin" / name).symlink_to(sys.executable)
    other = {"PYTHON": "", "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    assert checkout.make("setup", **other).returncode == 0
    assert sum("-e ." in line for line in checkout.asked()) == 1


def test_an_environment_at_work_is_not_cleared(checkout: Checkout) -> None:
    assert checkout.make("setup").returncode == 0
    library = checkout.folder / ".venv/library.so"
    library.write_bytes(b"x" * 4096)
    code = "import mmap, sys; f = open(sys.argv[1]); m = mmap.mmap(f.fileno(), 0, prot=1); print(flush=True); input()"
    command = [sys.executable, "-c", code, str(library)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stdout.readline()
        (checkout.folder / "setup.py").write_text("# another\n")
        refused = checkout.make("table")
        run.communicate("\n")
    assert refused.returncode == 2 and library.exists()
    assert f"process {run.pid} (" in refused.stderr and "give VENV=another" in refused.stderr
    assert checkout.make("table").returncode == 0 and not library.exists()


@pytest.mark.parametrize("verb", ["setup", "clean"])
def test_a_folder_with_other_things_is_not_cleared(verb: str, checkout: Checkout) -> None:
    """Nor is another project's environment, whose VENV the shell has."""
    for name, inside in (("mine", "results.txt"), ("other", "pyvenv.cfg")):
        (checkout.folder / name).mkdir()
        (checkout.folder / name / inside).write_text("x")
        given, environment = ([f"VENV={name}"], {}) if name == "mine" else ([], {"VENV": name})
        refused = checkout.make(verb, *given, **environment)
        assert refused.returncode == 2 and f"VENV={name}: expected " in refused.stderr
        assert [each.name for each in (checkout.folder / name).iterdir()] == [inside]
    assert checkout.make(verb, "VENV=.").returncode == 2 and (checkout.folder / "Makefile").exists()
    (checkout.folder / "empty").mkdir()
    assert checkout.make(verb, "VENV=empty").returncode == 0


def test_one_that_could_not_be_finished_is_cleared_as_its_own(checkout: Checkout) -> None:
    assert checkout.make("setup", PIP_STATUS="1").returncode == 2
    (checkout.folder / ".venv/half").mkdir()
    assert checkout.make("setup").returncode == 0 and not (checkout.folder / ".venv/half").exists()
    assert checkout.make("clean").returncode == 0 and not (checkout.folder / ".venv").exists()


@pytest.mark.parametrize("name", ["CAFFE_WHEEL", "CAFFE_ROOT", "CAFFE_SRC"])
def test_a_caffe_of_ones_own_holds_for_the_next_call(name: str, checkout: Checkout) -> None:
    """However its path was written, until another one is said, or none."""
    own = checkout.folder.parent / ("wheels" if name == "CAFFE_WHEEL" else "caffe")
    (own / "python/caffe").mkdir(parents=True)
    (own / "python/caffe/_caffe.so").touch()
    undefined = {"CAFFE_WHEEL": ""}
    spelled = [f"../{own.name}", str(own), f"./..//{own.name}/"]
    for words in ([f"{name}={spelled[0]}"], [], [f"{name}={spelled[1]}"], [f"{name}={spelled[2]}"], []):
        # No compiler is needed where a wheel lies beside the source tree.
        beside = {} if name == "CAFFE_SRC" and words else undefined
        done = checkout.make("setup", *words, **beside)
        assert done.returncode == 0, done.stderr
        times = sum("-e ." in line for line in checkout.asked())
        assert times == 1
    other = "CAFFE_WHEEL" if name == "CAFFE_ROOT" else "CAFFE_ROOT"
    (own.parent / "wheels").mkdir(exist_ok=True)
    made = checkout.make("setup", f"{other}={own if other == 'CAFFE_ROOT' else own.parent / 'wheels'}", **undefined)
    assert made.returncode == 0, made.stderr
    assert sum("-e ." in line for line in checkout.asked()) == 2
    assert not (checkout.folder / ".venv" / name.lower().replace("_", "-")).exists()


def test_an_upgraded_python_has_an_environment_of_its_own(checkout: Checkout, tmp_path: Path) -> None:
    """/usr/bin/python3 is another one after a system's upgrade, by the same name."""
    python = tmp_path / "python3"
    for version in ("3.12", "3.13"):
        (tmp_path / f"python{version}").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (tmp_path / f"python{version}").chmod(0o755)
        python.unlink(missing_ok=True)
        python.symlink_to(f"python{version}")
        for _ in range(2):
            assert checkout.make("setup", f"PYTHON={python}").returncode == 0
    assert sum("-e ." in line for line in checkout.asked()) == 2


def test_fast_layers_that_went_with_the_cache_are_built_again(checkout: Checkout, tmp_path: Path) -> None:
    library = tmp_path / "a cache" / "libfastcaffe.so"
    library.parent.mkdir()
    for there in (True, True, False):
        if not there:
            library.unlink()
        assert checkout.make("evolve", FAST_LIBRARY=str(library)).returncode == 0
    assert sum(line.startswith("fastcaffe/build.py") for line in checkout.asked()) == 2 and library.exists()
    # Where none can be built, that is said once.
    for _ in range(2):
        assert checkout.make("evolve", "VENV=other").returncode == 0
    assert sum(line.startswith("fastcaffe/build.py") for line in checkout.asked()) == 3


def test_fast_layers_that_were_left_without_onednns_library_are_built_again(checkout: Checkout, tmp_path: Path) -> None:
    """The builder takes a library that is there for one that is whole."""
    library, ldd = tmp_path / "libfastcaffe.so", tmp_path / "bin" / "ldd"
    ldd.parent.mkdir()
    ldd.write_text("#!/bin/sh\n[ ! -s \"$1\" ] || echo 'libdnnl.so.3 => not found'\n")
    ldd.chmod(0o755)
    given = {"FAST_LIBRARY": str(library), "PATH": f"{ldd.parent}:{os.environ['PATH']}"}
    for tidied in (False, True, False):
        if tidied:
            library.write_text("left")
        assert checkout.make("evolve", **given).returncode == 0
    assert sum(line.startswith("fastcaffe/build.py") for line in checkout.asked()) == 2 and not library.read_text()


def test_pythonpath_comes_after_the_environment(checkout: Checkout) -> None:
    assert checkout.make("setup").returncode == 0
    packages = checkout.folder / ".venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    line = checkout.make("doctor", PYTHONPATH="/other caffe/python").stdout.splitlines()[-1]
    assert line == f"PYTHONPATH={checkout.folder}:{packages}:/other caffe/python"
    assert checkout.make("doctor").stdout.splitlines()[-1] == "PYTHONPATH="


def test_a_setting_up_pip_does_not_see_pythonpath(checkout: Checkout) -> None:
    interpreter = checkout.folder / "interpreter"
    interpreter.write_text(interpreter.read_text().replace('"$*"', '"$* ${PYTHONPATH:-none}"'))
    assert checkout.make("setup", PYTHONPATH="/other").returncode == 0
    assert [line.split()[-1] for line in checkout.asked() if "-e ." in line] == ["none"]


def test_without_a_home(ready: Checkout) -> None:
    assert ready.make("doctor", HOME="").returncode == 0


def test_a_failing_pip_is_told_and_tried_again(checkout: Checkout) -> None:
    failed = checkout.make("setup", PIP_STATUS="1")
    assert failed.returncode == 2 and "pip could not install what setup.py lists" in failed.stderr
    assert checkout.make("setup").returncode == 0


def test_an_extra_is_installed_once_for_its_verb(checkout: Checkout) -> None:
    for _ in range(2):
        assert checkout.make("sweep", "NET=tiny", "SCHEDULER=tcp://there:1").returncode == 0
    assert [line for line in checkout.asked() if ".[dask]" in line] == [
        "-m pip install --quiet --disable-pip-version-check -e .[dask]"
    ]
    assert checkout.make("tx1", "TENSORRT=rtx").returncode == 0
    assert checkout.asked()[-2].endswith("-e .[engine,rtx]")


def test_tests_have_setuptools_where_an_environment_has_none(checkout: Checkout) -> None:
    assert checkout.make("test").returncode == 0
    (asked,) = [line for line in checkout.asked() if ".[test]" in line]
    assert asked == "-m pip install --quiet --disable-pip-version-check -e .[test] setuptools"


def stand_in(folder: Path, name: str, script: str) -> Path:
    """An interpreter in `folder` that is a shell script."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def path_without_pythons(folder: Path) -> str:
    """A PATH with what the Makefile needs and no Python."""
    folder.mkdir(exist_ok=True)
    for name in ("make", "sh", "cat", "sha256sum", "touch", "printf", "env", "sleep", "realpath"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return str(folder)


def test_the_second_of_two_names_is_found(checkout: Checkout, tmp_path: Path) -> None:
    """Debian 13 has python3 and no python3.11; dash's `command -v a b` looks at a alone."""
    path = path_without_pythons(tmp_path / "bin")
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    assert checkout.make("setup", PYTHON="", PATH=path).returncode == 0
    assert (checkout.folder / ".venv/made-by").read_text() == f"{tmp_path}/bin/python3\n"


def test_a_shim_that_does_not_run_is_passed_over(checkout: Checkout, tmp_path: Path) -> None:
    path = path_without_pythons(tmp_path / "bin")
    stand_in(tmp_path / "bin", "python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127")
    (tmp_path / "bin/python3.12").symlink_to(sys.executable)
    assert checkout.make("setup", PYTHON="", PATH=path).returncode == 0
    assert (checkout.folder / ".venv/made-by").read_text() == f"{tmp_path}/bin/python3.12\n"


@pytest.mark.parametrize("given", ["", "/no where/python$x"])
def test_no_interpreter(checkout: Checkout, tmp_path: Path, given: str) -> None:
    done = checkout.make("setup", PYTHON=given, PATH=path_without_pythons(tmp_path / "bin"))
    assert done.returncode == 2
    assert f"make: PYTHON={given}: expected a Python from 3.11 to 3.14; apt-get install python3" in done.stderr


def test_a_given_interpreter_says_itself_why_it_fails(checkout: Checkout, tmp_path: Path) -> None:
    broken = stand_in(tmp_path / "bin", "python3.13", "echo 'pyenv: version `3.13.9 is not installed' >&2; exit 1")
    done = checkout.make("setup", PYTHON=str(broken))
    assert done.returncode == 2 and "pyenv: version `3.13.9 is not installed" in done.stderr


def test_a_folder_that_is_not_the_users(checkout: Checkout) -> None:
    checkout.folder.joinpath(".venv.lock").mkdir()
    done = checkout.make("setup")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "make: .venv.lock: Is a directory; the checkout must be yours to write to" in done.stderr


def test_an_environment_in_no_folder(checkout: Checkout) -> None:
    done = checkout.make("setup", "VENV=nowhere/.venv")
    said = "make: nowhere/.venv.lock: No such file or directory; VENV= is to lie in a folder that is there"
    assert done.returncode == 2 and said in done.stderr.splitlines()


def test_caffes_wheel_is_built_for_a_chosen_interpreter(ready: Checkout) -> None:
    done = ready.make("caffe-wheel", "OUT=some wheels", PYTHONPATH="/other")
    assert done.returncode == 0, done.stderr
    python = "build/caffe-wheel/bin/python"
    assert ready.asked()[-1] == f"third_party/caffe/build.py --python {python} --out some wheels"
    assert ready.make("caffe-wheel").returncode == 0 and ready.asked()[-1].endswith(" --out dist")


CUDA_ASKED = 'echo "cuda ${CAFFE_CUDA:-none}" >> asked'


def test_a_caffe_with_cuda_is_remembered_until_it_is_not_wanted(checkout: Checkout) -> None:
    interpreter = checkout.folder / "interpreter"
    interpreter.write_text(interpreter.read_text().replace("*/build.py*)", f"*/build.py*) {CUDA_ASKED};"))
    for words in (["setup", "GPU=1"], ["setup"], ["evolve", "GPU=0"], ["setup", "GPU=1", "CUDA_ARCH=75-90"],
                  ["setup", "GPU=0"], ["setup"]):  # fmt: skip
        done = checkout.make(*words)
        assert done.returncode == 0, done.stderr
    # Caffe's builder and the fast layers', once for each Caffe.
    asked = [line for line in checkout.asked() if line.startswith("cuda ")]
    assert asked == [f"cuda {wanted}" for wanted in ("default", "75-90", "none") for _ in range(2)]


def test_set_up_takes_no_number_of_a_device(checkout: Checkout) -> None:
    done = checkout.make("setup", "GPU=0,1")
    assert done.returncode == 2 and "GPU=0,1: expected 1, a Caffe with CUDA, or 0, one for CPUs" in done.stderr
    assert "[GPU=0,1]" in checkout.make("evolve", "GPU=0,1").stdout
