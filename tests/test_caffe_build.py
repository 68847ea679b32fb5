"""The builder of real Caffe, without building: apt sources, edits, cache key, leftovers, what it tells."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

import pytest

RECIPE = Path(__file__).resolve().parents[1] / "third_party" / "caffe"
sys.path.append(str(RECIPE))
SECONDS = 300.0  # far more than anything here takes, on a machine with other things to do

apt_sources = importlib.import_module("apt_sources")
boost_python = importlib.import_module("boost_python")
caffe_edits = importlib.import_module("caffe_edits")
caffe_source = importlib.import_module("caffe_source")
compilation = importlib.import_module("compilation")
debian_packages = importlib.import_module("debian_packages")
given_wheel = importlib.import_module("given_wheel")
interpreter = importlib.import_module("interpreter")
object_cache = importlib.import_module("object_cache")
processors = importlib.import_module("processors")
stages = importlib.import_module("stages")
wheel_cache = importlib.import_module("wheel_cache")
wheel_file = importlib.import_module("wheel_file")
wheel_needs = importlib.import_module("wheel_needs")

_SPEC = importlib.util.spec_from_file_location("caffe_builder", RECIPE / "build.py")  # PyPI has a package `build`
assert _SPEC and _SPEC.loader
builder = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(builder)

DEB822 = """\
# the release and its updates
Types: deb deb-src
URIs: http://mirror.invalid/debian
# a comment between fields
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/some.gpg

Types: deb
URIs: http://mirror.invalid/security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://node.invalid/
Suites: nodistro
Components: main

Types: deb
URIs: http://inline.invalid/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN KEY-----
 .
 abc
"""
ONE_LINE = """\
# deb http://commented.invalid/debian bookworm main
deb [arch=amd64 signed-by=/k/one.gpg] http://mirror.invalid/debian bookworm main contrib # the release
deb http://mirror.invalid/debian bookworm-updates main
deb-src   http://mirror.invalid/debian\tbookworm main
deb http://cloud.invalid/apt cloud-sdk-bookworm main
deb [ trusted=yes ] http://other.invalid/apt bookworm stable
"""


def run_builder(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The builder as its user runs it."""
    command = [sys.executable, str(RECIPE / "build.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=600)


def test_no_builder_is_told_which_caffe_the_tests_run_on() -> None:
    """`make test` exports all four, whether they were given or not."""
    assert not {"CAFFE_ROOT", "CAFFE_SRC", "CAFFE_WHEEL", "CAFFE_CUDA"} & os.environ.keys()


def test_deb822_keeps_the_release_and_leaves_out_the_rest() -> None:
    parsed = apt_sources.parse_deb822(DEB822)
    serving = [source for source in parsed if source.serves("bookworm")]
    assert [source.uris[0] for source in serving] == [
        "http://mirror.invalid/debian",
        "http://inline.invalid/debian",
    ]
    assert serving[0].suites == ("bookworm", "bookworm-updates")
    assert serving[0].trust == {"Signed-By": "/usr/share/keyrings/some.gpg"}


def test_private_sources_name_no_updates_and_keep_an_inline_key() -> None:
    mirrors = apt_sources.debian_mirrors(apt_sources.parse_deb822(DEB822), ["bookworm"])
    text = apt_sources.private_sources(mirrors, "deb-src", "bullseye")
    suites = [line for line in text.splitlines() if line.startswith("Suites")]
    assert suites == ["Suites: bullseye"] * 2
    assert "Types: deb-src\nURIs: http://mirror.invalid/debian\nSuites: bullseye\nComponents: main\n" in text
    again = apt_sources.parse_deb822(text)
    assert again[1].trust["Signed-By"].split() == ["-----BEGIN", "KEY-----", ".", "abc"]


def test_one_line_sources_with_options_and_comments() -> None:
    parsed = apt_sources.parse_one_line(ONE_LINE)
    serving = [source for source in parsed if source.serves("bookworm")]
    assert [source.uris for source in serving] == [("http://mirror.invalid/debian",)] * 2
    assert serving[0].components == ("main", "contrib")
    assert serving[0].trust == {"Signed-By": "/k/one.gpg"}


def test_both_forms_are_read_from_a_folder_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.invalid bookworm main\n")
    (tmp_path / "sources.list.d/b.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/c.list.disabled").write_text("deb http://c.invalid bookworm main\n")
    uris = {source.uris[0] for source in apt_sources.machine_sources(tmp_path)}
    assert "http://a.invalid" in uris and "http://mirror.invalid/debian" in uris
    assert "http://c.invalid" not in uris


OS_RELEASES = {
    "trixie": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_CODENAME=trixie\nID=debian\n',
    "noble": 'PRETTY_NAME="Ubuntu 24.04 LTS"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n',
    "fedora": 'NAME="Fedora Linux"\nID=fedora\nPRETTY_NAME="Fedora Linux 43"\n',
}


def test_any_debian_knows_where_debian_12_is(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text(OS_RELEASES["trixie"])
    suites = apt_sources.own_suites(tmp_path / "os-release")
    assert suites[0] == "trixie" and "sid" in suites
    machine = apt_sources.parse_one_line("deb [signed-by=/k] http://m.invalid/debian trixie main\n")
    mirrors = apt_sources.debian_mirrors(machine, ("bookworm", *suites))
    assert apt_sources.private_sources(mirrors, "deb", "bookworm") == (
        "Types: deb\nURIs: http://m.invalid/debian\nSuites: bookworm\nComponents: main\nSigned-By: /k\n"
    )


@pytest.mark.parametrize(("name", "called"), [("noble", "Ubuntu 24.04 LTS"), ("fedora", "Fedora Linux 43")])
def test_what_is_no_debian_is_told_of_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, called: str
) -> None:
    (tmp_path / "os-release").write_text(OS_RELEASES[name])
    assert apt_sources.own_suites(tmp_path / "os-release") == ()
    system = apt_sources.system_name(tmp_path / "os-release")
    machine = apt_sources.parse_one_line("deb http://ubuntu.invalid/ubuntu noble main universe\n")
    monkeypatch.setattr(debian_packages, "machine_sources", lambda: machine)
    monkeypatch.setattr(debian_packages, "own_suites", lambda: ())
    monkeypatch.setattr(debian_packages, "system_name", lambda: system)
    with pytest.raises(stages.UserError, match=rf"this machine \({called}\) names no Debian\nrepository") as error:
        debian_packages.require_mirrors()
    assert "`make caffe-wheel` on a Debian" in str(error.value) and "CAFFE_WHEEL=" in str(error.value)


def test_private_apt_has_no_hook_and_no_pin_of_the_machine(tmp_path: Path) -> None:
    text = debian_packages.private_configuration(tmp_path, ['Acquire::http::Proxy "http://p.invalid";'])
    assert text.startswith('Acquire::http::Proxy "http://p.invalid";\n')
    for line in (
        'Dir::Etc::Parts "{}/empty.d";',
        'Dir::State::Status "{}/status";',
        'Dir::Cache "{}/cache";',
    ):
        assert line.format(tmp_path) in text


def test_recorded_packages_are_used_only_if_all_are_unchanged(tmp_path: Path) -> None:
    record = tmp_path / "complete.json"
    assert debian_packages.recorded_files(record) == []
    (tmp_path / "a.deb").write_bytes(b"a")
    record.write_text(f'{{"a.deb": "{debian_packages.sha256_of(tmp_path / "a.deb")}"}}')
    assert debian_packages.recorded_files(record) == [tmp_path / "a.deb"]
    (tmp_path / "a.deb").write_bytes(b"b")
    assert debian_packages.recorded_files(record) == []


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        ("one_argument_bytes_limit", "x->SetTotalBytesLimit(kMax, 99);", "x->SetTotalBytesLimit(kMax);"),
        ("bytes_of_arrays", "d = a.tostring()\n", "d = a.tobytes()\n"),
        ("bytes_of_arrays", "np.fromstring(d, dtype=int).sum()", "np.frombuffer(d, dtype=int).copy().sum()"),
        ("grey_argument", "read(f, as_grey=True)", "read(f, as_gray=True)"),
        ("without_six", "import six\nfor k in six.iteritems(a.b):\n", "for k in iter(a.b.items()):\n"),
        ("without_six", "len(six.next(six.itervalues(b)))", "len(next(iter(b.values())))"),
        (
            "late_image_imports",
            "import skimage.io\nfrom scipy.ndimage import zoom\ndef f():\n    if x:\n        y = zoom(x)\n",
            "def f():\n    if x:\n        from scipy.ndimage import zoom\n        y = zoom(x)\n",
        ),
    ],
)
def test_an_edit_changes_its_spot_once(edit: str, before: str, after: str) -> None:
    change = getattr(caffe_edits, edit)
    assert change(before) == after
    assert change(after) == after


def test_edits_that_are_already_made_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "python/caffe").mkdir(parents=True)
    (tmp_path / "python/caffe/io.py").write_text("x.tostring()\n")
    told = caffe_edits.apply_edits(tmp_path)
    assert [text for text, made in told.items() if made] == ["python/caffe/io.py: tobytes and frombuffer (NumPy 2.3)"]
    assert (tmp_path / "python/caffe/io.py").read_text() == "x.tobytes()\n"


def test_the_key_follows_recipe_python_machine_and_source(tmp_path: Path) -> None:
    recipe, source = tmp_path / "recipe", tmp_path / "source"
    (source / "src/caffe/proto").mkdir(parents=True)
    (source / "src/caffe/proto/caffe.proto").write_text("1")
    recipe.mkdir()
    (recipe / "build.py").write_text("one")
    keys = [wheel_cache.cache_key(recipe, "3.11", "x86_64", None)]
    (recipe / "README.md").write_text("not of the recipe")
    assert wheel_cache.cache_key(recipe, "3.11", "x86_64", None) == keys[0]
    keys.append(wheel_cache.cache_key(recipe, "3.12", "x86_64", None))
    keys.append(wheel_cache.cache_key(recipe, "3.11", "aarch64", None))
    keys.append(wheel_cache.cache_key(recipe, "3.11", "x86_64", str(source)))
    (source / "src/caffe/proto/caffe.proto").write_text("2")
    keys.append(wheel_cache.cache_key(recipe, "3.11", "x86_64", str(source)))
    (recipe / "build.py").write_text("two")
    keys.append(wheel_cache.cache_key(recipe, "3.11", "x86_64", None))
    assert len(set(keys)) == len(keys)


def test_what_is_no_source_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(stages.UserError, match="is no Caffe source tree"):
        wheel_cache.cache_key(RECIPE, "3.11", "x86_64", str(tmp_path))


def test_leftovers_go_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "building-abc/source").mkdir(parents=True)
    (tmp_path / "building-abc/source/half.o").write_text("")
    for kept in ("downloads", "0123"):
        (tmp_path / kept).mkdir()
    assert wheel_cache.remove_leftovers(tmp_path) == ["building-abc"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0123", "downloads"]


def test_a_wheel_appears_whole(tmp_path: Path) -> None:
    made, wheel = tmp_path / "building-x", tmp_path / "key" / "a.whl"
    made.mkdir()
    (made / "a.whl").write_text("new")
    wheel.parent.mkdir()
    (wheel.parent / "stale").write_text("")
    wheel_cache.put_in_place(made, wheel)
    assert [path.name for path in wheel.parent.iterdir()] == ["a.whl"] and not made.exists()


def test_a_second_builder_waits_and_names_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = (
        f"import sys; sys.path.append({str(RECIPE)!r}); import pathlib, wheel_cache\n"
        f"with wheel_cache.builder_lock(pathlib.Path({str(tmp_path)!r})):\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
    )
    command, pipe, flock = [sys.executable, "-c", holder], subprocess.PIPE, fcntl.flock
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdin and first.stdout and first.stdout.readline() == "held\n"

        def waits(file: TextIO, operation: int) -> None:
            # Only now is it let go: the second one is about to wait.
            if operation == fcntl.LOCK_EX:
                print(file=first.stdin, flush=True)
            flock(file, operation)

        monkeypatch.setattr(fcntl, "flock", waits)
        with wheel_cache.builder_lock(tmp_path):
            assert first.wait(SECONDS) == 0
    assert f"another build of Caffe (pid {first.pid}) is running" in capsys.readouterr().err


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(stages.UserError, match="XDG_CACHE_HOME chooses another"):
        with wheel_cache.builder_lock(tmp_path / "file" / "cache"):
            pass


def test_a_missing_compiler_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(stages.UserError) as error:
        compilation.require_compiler()
    assert str(error.value).startswith("g++, gcc, make, objdump, strip not found: apt-get install g++ make")


def test_compilers_are_as_many_as_a_quota_has_room_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processors, "usable", lambda: 3)
    made: list[tuple[str, ...]] = []
    said: list[str] = []
    build = SimpleNamespace(
        source=tmp_path, objects=None, cuda=None, configuration=lambda: "", stages=SimpleNamespace(begin=said.append),
        make=lambda *words, each_line=None: made.append(words),
    )  # fmt: skip
    compilation.Build.compile(build)
    assert made == [("proto",), ("-j3", "py")] and said == ["compiling: 2 files, 3 at a time"]


@pytest.mark.parametrize("place", ["third_party/caffe", "fastcaffe"])
def test_processors_are_counted_by_one_text(place: str) -> None:
    """A link, or a copy in a checkout that was copied without links."""
    root = RECIPE.parents[1]
    assert (root / place / "processors.py").read_bytes() == (root / "evolve/base/processors.py").read_bytes()


def test_the_callers_flags_do_not_reach_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CXXFLAGS", "MAKEFLAGS", "CPATH"):
        monkeypatch.setenv(name, "-j7")
    env = compilation.build_environment(Path("/s"), Path("/s/lib"))
    assert not {"CXXFLAGS", "MAKEFLAGS", "CPATH"} & set(env)
    assert env["PATH"].startswith("/s/usr/bin:")


def test_a_failed_command_ends_with_its_log(tmp_path: Path) -> None:
    log_path = tmp_path / "build.log"
    with log_path.open("w") as log, pytest.raises(stages.CommandFailed, match="ended with status 3"):
        stages.run(["sh", "-c", "seq 30; exit 3"], log)
    assert stages.last_lines(log_path).split() == [str(number) for number in range(11, 31)]


def test_an_interrupted_command_leaves_no_child(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.append({str(RECIPE)!r}); import signal, stages\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "soon = stages.status_soon\n"
        "stages.status_soon = lambda child: print('waiting', flush=True) or soon(child)\n"
        f"stages.run(['sh', '-c', 'sleep 3600 & echo $! > {tmp_path}/pid; wait'],"
        f" open('{tmp_path}/log', 'w'))\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        grandchild = wait_for_text(tmp_path / "pid")
        # On a busy machine the grandchild can be quicker than its grandparent's way out of Popen.
        assert parent.stdout and parent.stdout.readline() == "waiting\n"
        parent.send_signal(signal.SIGINT)
        parent.wait(SECONDS)
    deadline = time.monotonic() + SECONDS
    while is_running(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(grandchild)


def wait_for_text(path: Path) -> str:
    """The text of a file once it has a whole line."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text().strip()
        time.sleep(0.02)
    raise TimeoutError(path)


def is_running(pid: str) -> bool:
    """Whether a process is there and not merely waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_wheel_has_metadata_record_and_licences(tmp_path: Path) -> None:
    package = tmp_path / "caffe"
    (package / "proto").mkdir(parents=True)
    (package / "_caffe.so").write_bytes(b"\x7fELF")
    (package / "proto/caffe_pb2.py").write_text("")
    path = tmp_path / "caffe-1.0+99bd997.01234567-cp311-cp311-linux_x86_64.whl"
    wheel_file.write_wheel(path, package, "cp311-cp311-linux_x86_64", {"LICENSE": b"terms"})
    with zipfile.ZipFile(path) as archive:
        info = "caffe-1.0+99bd997.01234567.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        assert "Name: caffe\nVersion: 1.0+99bd997.01234567\n" in metadata
        assert "Requires-Dist: numpy>=1.23\nRequires-Dist: protobuf>=3.20.2\n" in metadata
        assert archive.read(f"{info}/licenses/LICENSE") == b"terms"
        recorded = {line.split(",")[0] for line in archive.read(f"{info}/RECORD").decode().splitlines()}
        assert recorded == set(archive.namelist())


def test_the_stand_in_answers_for_the_versions_that_hdf5_asks_for() -> None:
    dump = (
        "0000000000000000      DF *UND*\t0000000000000000 (CURL_4) curl_easy_init\n"
        "0000000000000000      DF *UND*\t0000000000000000 (GLIBC_2.2.5) free\n"
        "  required from libcurl.so.4:\n    0x0d1f2d14 0x00 07 CURL_4\n"
        "  required from libc.so.6:\n    0x09691a75 0x00 02 GLIBC_2.2.5\n"
    )
    assert wheel_file.s3_symbols(dump) == {"CURL_4": ["curl_easy_init"]}


def fake_python(folder: Path, **told: object) -> Path:
    """An interpreter that tells of itself what a test wants."""
    about = {"version": "3.11", "implementation": "cpython", "platform": "linux-x86_64", "include": "/x", "numpy": None}
    path = folder / "python"
    path.write_text(f"#!/bin/sh\necho '{json.dumps(about | told)}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"version": "3.10"}, "cpython 3.10"),
        ({"version": "3.15"}, "cpython 3.15"),
        ({"version": "3.11", "implementation": "pypy"}, "pypy 3.11"),
        ({"version": "3.13", "free_threaded": True}, "cpython 3.13, free-threaded"),
    ],
)
def test_an_interpreter_that_no_wheel_can_be_for_is_refused(tmp_path: Path, told: dict[str, object], kind: str) -> None:
    done = run_builder("--python", str(fake_python(tmp_path, **told)), XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 2 and not done.stdout
    assert f"is {kind}; Caffe is built for CPython 3.11 to 3.14:\nPYTHON= one of these" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_does_not_run_is_refused(tmp_path: Path) -> None:
    done = run_builder("--python", "/nowhere/python", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "'/nowhere/python' is not a Python that runs (No such file or directory)" in done.stderr


def test_an_interpreters_own_words_are_shown(tmp_path: Path) -> None:
    shim = fake_python(tmp_path)
    shim.write_text("#!/bin/sh\necho 'pyenv: version 3.13.9 is not installed' >&2\nexit 1\n")
    done = run_builder("--python", str(shim), XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 2 and "It says\n    pyenv: version 3.13.9 is not installed\n" in done.stderr


def test_print_key_builds_nothing(tmp_path: Path) -> None:
    fake = fake_python(tmp_path)
    done = run_builder("--python", str(fake), "--print-key", XDG_CACHE_HOME=str(tmp_path / "cache"), CAFFE_SRC="")
    key, wheel = done.stdout.split()
    assert wheel.endswith(f"/cavefish/caffe/{key}/caffe-1.0+99bd997.{key[:8]}-cp311-cp311-linux_x86_64.whl")
    assert not (tmp_path / "cache").exists()


def test_all_that_a_build_lacks_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    fake = fake_python(tmp_path)
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    done = run_builder(
        "--python", str(fake), "--check", PATH=str(tmp_path / "bin"), XDG_CACHE_HOME=str(tmp_path), CAFFE_SRC=""
    )
    compiler, mirrors = done.stdout.strip().split("\n\n")
    assert done.returncode == 2
    assert compiler.startswith("g++, gcc, make, objdump, strip not found: apt-get install g++ make")
    assert mirrors.startswith("Caffe's libraries come from Debian's packages")


def wheels(folder: Path, *pythons: str) -> list[Path]:
    """Empty files named as wheels for these Pythons."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"caffe-1.0+99bd997.01234567-{python}-{python}-linux_x86_64.whl" for python in pythons]
    for path in paths:
        path.write_bytes(b"")
    return paths


def test_a_given_wheel_is_taken_alone_or_out_of_a_folder(tmp_path: Path) -> None:
    older, newer = wheels(tmp_path / "wheels", "cp312", "cp313")
    fake = fake_python(tmp_path, version="3.13")
    for given in (newer, newer.parent):
        done = run_builder("--python", str(fake), CAFFE_WHEEL=str(given), XDG_CACHE_HOME=str(tmp_path / "cache"))
        assert (done.returncode, done.stdout.strip()) == (0, str(newer)), done.stderr
    done = run_builder("--python", str(fake), "--check", CAFFE_WHEEL=str(older))
    assert done.returncode == 2
    assert f"CAFFE_WHEEL='{older}': expected a wheel for cp313-cp313-linux_x86_64, got {older.name}" in done.stdout
    assert "`make caffe-wheel PYTHON=python3.13` on a Debian makes one." in done.stdout
    done = run_builder("--python", str(fake), CAFFE_WHEEL=str(tmp_path / "none"))
    assert done.returncode == 2 and f"CAFFE_WHEEL='{tmp_path}/none': no such file or folder" in done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "Py_TYPE(&class_type) = incref(class_metatype().get());",
            "Py_SET_TYPE(&class_type, incref(class_metatype().get()));",
        ),
        ("Py_SIZE(self) = holder_offset;", "Py_SET_SIZE(self, holder_offset);"),
        (
            "#if PY_VERSION_HEX >= 0x02060000\nPy_SIZE(r) =\n#else\nr->ob_size =\n#endif\n  -(n(a));",
            "Py_SET_SIZE(r, -(n(a)));",
        ),
        ('FILE *fs = _Py_fopen(f, "r");', 'FILE *fs = fopen(f, "r");'),
        (
            "if (Py_TYPE(self) == &type && Py_SIZE(self) != n) {}",
            "if (Py_TYPE(self) == &type && Py_SIZE(self) != n) {}",
        ),
    ],
)
def test_boost_python_is_edited_for_later_pythons(before: str, after: str) -> None:
    assert boost_python.edited(before) == boost_python.edited(after) == after


def test_boost_pythons_files_are_told_from_numpys_and_others() -> None:
    named = [
        "boost/libs/python/src/object/class.cpp",
        "boost/libs/python/src/str.cpp",
        "boost/libs/python/src/numpy/dtype.cpp",
        "boost/libs/python/test/str.cpp",
        "boost/libs/python/src/fabscript",
    ]
    assert [name for name in named if boost_python.SOURCES.search(name)] == named[:2]


def test_objects_are_kept_but_for_the_one_that_knows_python(tmp_path: Path) -> None:
    first, second, kept = tmp_path / "first", tmp_path / "second", tmp_path / "objects/key"
    for name in ("src/caffe/net.o", "src/caffe/layer_factory.o", "src/caffe/util/io.o"):
        path = first / ".build_release" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "work").mkdir()
    object_cache.keep(kept, first, tmp_path / "work")
    assert object_cache.lay(kept, second) == 2
    laid = sorted(path.relative_to(second / ".build_release") for path in second.rglob("*.o"))
    assert laid == [Path("src/caffe/net.o"), Path("src/caffe/util/io.o")]
    assert object_cache.lay(tmp_path / "nothing", second) == 0


def test_objects_follow_options_and_edits_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = object_cache.objects_folder(tmp_path, "A := 1\n")
    assert folder == object_cache.objects_folder(tmp_path, "A := 1\n")
    others = {object_cache.objects_folder(tmp_path, "A := 2\n")}
    for place, name, value in (
        (object_cache, "c_library", lambda: "another C library"),
        (object_cache, "sha256_of", lambda path: "other edits"),
        (object_cache, "LIBRARIES", ("one",)),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(place, name, value)
            others.add(object_cache.objects_folder(tmp_path, "A := 1\n"))
    assert len(others | {folder}) == 5


DUMP = """
  NEEDED               libcaffe.so.1.0.0
  NEEDED               libc.so.6
  NEEDED               libfoo.so.3
  required from libc.so.6:
    0x069691b4 0x00 04 GLIBC_2.34
0000000000000000      DF *UND*  0000000000000000 (GLIBC_2.4)  __stack_chk_fail
0000000000000000      DF *UND*  0000000000000000 (GLIBCXX_3.4.30)  _ZSt3foo
"""


def test_a_wheels_needs_are_compared_with_what_systems_have() -> None:
    needs = wheel_needs.needs([DUMP, "  NEEDED   libm.so.6\n"], {"libcaffe.so.1.0.0"})
    assert str(needs) == "GLIBC 2.34, GLIBCXX 3.4.30, libc.so.6, libfoo.so.3, libm.so.6"
    assert needs.complaints() == [
        "GLIBCXX_3.4.30, where GLIBCXX_3.4.29 is the newest that they all have",
        "libfoo.so.3, which is not in the wheel",
    ]


def test_the_wheel_that_these_tests_load_runs_on_other_systems() -> None:
    package = Path(importlib.import_module("caffe").__file__ or "").parent
    binaries = sorted(package.glob("*.so*"))
    needs = wheel_needs.needs([wheel_needs.objdump(path) for path in binaries], {path.name for path in binaries})
    if not (package / "include").exists():
        pytest.skip("a Caffe of the user's own")
    assert needs.versions["GLIBC"] >= (2, 2, 5) and not [each for each in needs.complaints() if "GLIBC" not in each]


class _Apt:
    """apt-get that writes its words into the log, and fails."""

    def __init__(self, told: Any, words: str) -> None:
        self.stages, self._words = told, words

    def run(self, *arguments: str, cwd: Path) -> None:
        print(self._words, file=self.stages.log, flush=True)
        raise stages.CommandFailed("apt-get ended with status 100")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("E: Write error - write (28: No space left on device)", "the disk is full.\nMake room where the cache "),
        ("E: You don't have enough free space in /home/me/.", "the disk is full.\nMake room where the cache "),
        ("E: Could not resolve 'mirror.invalid'", "this step needs the Debian mirror of this machine's own apt "),
    ],
)
def test_a_full_disk_is_no_mirror_that_cannot_be_reached(tmp_path: Path, words: str, said: str) -> None:
    with (tmp_path / "log").open("w") as log, stages.Stages(7, log) as told, pytest.raises(stages.UserError) as error:
        debian_packages.fetch_packages(_Apt(told, words), tmp_path, ["libboost"])
    assert str(error.value).startswith(f"Debian's packages cannot be downloaded: {said}")


def test_the_source_has_a_second_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"caffe"
    (tmp_path / "good").write_bytes(content)
    (tmp_path / "wrong").write_bytes(b"another")
    monkeypatch.setattr(caffe_source, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(caffe_source.PrivateApt, "run", no_index)
    monkeypatch.setattr(caffe_source, "require_mirrors", lambda: [])
    archives = [f"file://{tmp_path}/{name}" for name in ("none", "wrong", "good")]
    with (tmp_path / "log").open("w") as log, stages.Stages(7, log) as told:
        monkeypatch.setattr(caffe_source, "ARCHIVES", archives[:2])
        with pytest.raises(stages.UserError, match=r"(?s)cannot be downloaded.*CAFFE_SRC.*sha256 "):
            caffe_source.fetch_source(tmp_path / "downloads", told)
        monkeypatch.setattr(caffe_source, "ARCHIVES", archives)
        found = caffe_source.fetch_source(tmp_path / "downloads", told)
    assert found.read_bytes() == content and [path.name for path in found.parent.iterdir()] == [caffe_source.TARBALL]
    assert "what came has another sha256" in (tmp_path / "log").read_text()


def no_index(apt: object, *arguments: str, cwd: Path) -> None:
    """In place of apt-get: a mirror that no longer has the release."""
    raise stages.CommandFailed("apt-get ended with status 100")


def test_the_mirrors_pool_is_asked_before_the_archives() -> None:
    mirror = apt_sources.parse_one_line("deb http://m.invalid/debian/ bookworm main\n")[0]
    first, *archives = caffe_source.addresses([mirror, mirror])
    assert first == f"http://m.invalid/debian/pool/main/c/caffe/{caffe_source.TARBALL}"
    assert archives == list(caffe_source.ARCHIVES)


def test_upstreams_makefile_sees_no_path_with_blanks(tmp_path: Path) -> None:
    cache = tmp_path / "my cache $1 #"
    cache.mkdir()
    headers = tmp_path / "check out/numpy"
    headers.mkdir(parents=True)
    (headers / "Python.h").write_text("")
    python = interpreter.Interpreter("python", "3.12", "cpython", "linux-x86_64", str(headers), str(headers))
    with builder.plain_path(cache) as work, (tmp_path / "log").open("w") as log, stages.Stages(7, log) as told:
        text = compilation.Build(python, cache, work, told, None).configuration()
        assert (work / "numpy-headers").resolve() == headers and (work / "python-headers/Python.h").exists()
    assert "check out" not in text and "my cache" not in text and str(work) in text
    assert not work.exists() and cache.exists()
    with builder.plain_path(tmp_path) as work:
        assert work == tmp_path
