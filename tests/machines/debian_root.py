"""The README's commands in a bare Debian: a debootstrap root, a user without rights, empty caches. For root alone.

    python -m tests.machines.debian_root trixie                                      both commands, GEN=13
    python -m tests.machines.debian_root trixie --run 'make evolve NET=lenet GEN=2' --show ~/data:/data \\
        --set CAVEFISH_DATA=/data

Debian's packages come from the mirror that this machine's own apt configuration names, the checkout from this one's
last commit. At the end stands a line: release, command, exit status, seconds of CPU, wall time. The root is kept
(--folder), so that another command finds what the last one built; --fresh empties the user's home before.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "third_party/caffe"))

from apt_sources import debian_mirrors, machine_sources, own_suites  # noqa: E402

PACKAGES = "git,make,g++,python3,python3-venv,ca-certificates"  # the README's, and what HTTPS needs
USER, NUMBER = "cavefish", 4242
HOME = Path("/home") / USER
COMMANDS = ("make evolve NET=lenet GEN=13", "make test")
# What the network here may need to be reached; nothing else of this machine's environment goes in.
KEPT = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT")
SCRIPTS = Path("/usr/share/debootstrap/scripts")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def make_root(suite: str, root: Path) -> None:
    """A minimal root of a Debian release with the README's packages, once."""
    if (root / "whole").exists():
        return
    shutil.rmtree(root, ignore_errors=True)
    mirror = debian_mirrors(machine_sources(), (suite, "bookworm", *own_suites()))[0].uris[0]
    options = ["--variant=minbase", f"--include={PACKAGES}"]
    command = ["debootstrap", *options, suite, str(root), mirror, str(script(suite))]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (root / "whole").touch()


def script(suite: str) -> Path:
    """debootstrap's way to make a release: the release's own, or sid's where this debootstrap is older than it."""
    own = SCRIPTS / suite
    return own if own.exists() else SCRIPTS / "sid"


def configure(root: Path) -> None:
    """The network as it is here, and a user without rights."""
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    acquire = [line for line in dump.splitlines() if line.startswith("Acquire::")]
    (root / "etc/apt/apt.conf.d/90machine").write_text("\n".join(acquire) + "\n")
    if Path(CERTIFICATES).exists():
        shutil.copy(CERTIFICATES, root / CERTIFICATES[1:])
    users = root / "etc/passwd"
    if f"{USER}:" not in users.read_text():
        with users.open("a") as stream:
            stream.write(f"{USER}:x:{NUMBER}:{NUMBER}::{HOME}:/bin/sh\n")


def check_out(root: Path, fresh: bool) -> None:
    """This checkout's last commit in the user's home, over what an earlier command left there."""
    home = root / str(HOME)[1:]
    if fresh:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "cavefish").exists():
        subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(home / "cavefish")], check=True)
    git = ["git", "-c", "safe.directory=*", "-C", str(home / "cavefish")]
    subprocess.run([*git, "fetch", "--quiet", str(ROOT), "HEAD"], check=True)
    subprocess.run([*git, "reset", "--quiet", "--hard", "FETCH_HEAD"], check=True)
    subprocess.run(["chown", "-R", f"{NUMBER}:{NUMBER}", str(home)], check=True)


def inside(root: Path, command: str, shown: list[str], settings: list[str]) -> list[str]:
    """The command line that runs `command` there: mounts and processes of its own, which end with it."""
    mounts = [f"mount --rbind /dev {shlex.quote(str(root / 'dev'))}"]
    for pair in shown:
        source, _, target = pair.partition(":")
        place = root / (target or source).lstrip("/")
        make_place(place, Path(source).is_dir())
        mounts.append(f"mount --bind {shlex.quote(source)} {shlex.quote(str(place))}")
    kept = [f"{name}={os.environ[name]}" for name in KEPT if name in os.environ]
    system = ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "PIP_CERT=" + CERTIFICATES, f"HOME={HOME}"]
    shell = ["sh", "-c", f"cd {HOME}/cavefish && {command}"]
    user = ["chroot", f"--userspec={NUMBER}:{NUMBER}", str(root), "env", "-i", *system, *kept, *settings, *shell]
    script = " && ".join([*mounts, f"exec {shlex.join(user)}"])
    return ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={root / 'proc'}", "sh", "-c", script]


def make_place(place: Path, folder: bool) -> None:
    """An empty folder or file to mount another one on."""
    (place if folder else place.parent).mkdir(parents=True, exist_ok=True)
    if not folder:
        place.touch()


def measured(command: list[str]) -> tuple[int, float, float]:
    """Exit status, seconds of CPU and of wall time of a command."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return status, cpu, time.monotonic() - begun


def main() -> int:
    """Make the root, run the commands, print a line for each; returns the first status that is not 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", help="bookworm (Debian 12), trixie (13) or forky (what 14 becomes)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/machines"), help="where roots are kept")
    parser.add_argument("--run", action="append", help="a command in place of the README's two")
    parser.add_argument("--show", action="append", default=[], help="FROM[:TO] a file or folder of this machine's")
    parser.add_argument("--set", action="append", default=[], help="NAME=value in the commands' environment")
    parser.add_argument("--fresh", action="store_true", help="with an empty home")
    options = parser.parse_args()
    if os.geteuid() or not shutil.which("debootstrap"):
        print("debian_root: expected root's rights and debootstrap; apt-get install debootstrap", file=sys.stderr)
        return 2
    if missing := [pair for pair in options.show if not Path(pair.partition(":")[0]).exists()]:
        print(f"debian_root: --show {missing[0]}: no such file or folder here", file=sys.stderr)
        return 2
    root = options.folder / options.suite
    make_root(options.suite, root)
    configure(root)
    check_out(root, options.fresh)
    worst = 0
    for command in options.run or COMMANDS:
        status, cpu, wall = measured(inside(root, command, options.show, options.set))
        print(f"{options.suite}: {command}: status {status}, {cpu:.0f} s of CPU, {wall:.0f} s", flush=True)
        worst = worst or status
    return worst


if __name__ == "__main__":
    sys.exit(main())
