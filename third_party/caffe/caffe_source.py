"""Caffe's own source: one tarball, known by its sha256, wherever it comes from."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from apt_sources import AptSource
from debian_packages import PrivateApt, cannot_download, require_mirrors, sha256_of
from stages import CommandFailed, Stages, UserError

RELEASE = "bullseye"  # the last Debian release whose archive has Caffe's source
TARBALL = "caffe_1.0.0+git20180821.99bd997.orig.tar.gz"
SHA256 = "e0eb3f06794f7402c77b7dec8e8480273ee1a1bb192e9122b621a69d4147ad0c"
POOL = f"pool/main/c/caffe/{TARBALL}"
# Debian's archives of what its mirrors no longer have.
ARCHIVES = (
    f"https://snapshot.debian.org/archive/debian/20230601T000000Z/{POOL}",
    f"https://archive.debian.org/debian/{POOL}",
)


def fetch_source(downloads: Path, stages: Stages) -> Path:
    """Caffe's tarball: from a former build, the mirror's index, its pool, or an archive. UserError if from none."""
    folder = downloads / "source"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / TARBALL
    if is_known(target):
        return target
    try:
        apt = PrivateApt(downloads, "deb-src", RELEASE, stages)
        apt.run("source", "--download-only", "--tar-only", "caffe", cwd=folder)
    except CommandFailed:
        stages.say("source: not in the mirror's index (see the log)")
    if is_known(target) or any(download(address, target, stages) for address in addresses(require_mirrors())):
        return target
    own = ",\nor CAFFE_SRC to a source tree of BVLC Caffe 1.0 (git 99bd997)"
    why = cannot_download("Caffe's source", stages, own)
    raise UserError(
        f"{why}\nThe tarball itself, from wherever, may also be put into {folder}:\n{TARBALL}, sha256 {SHA256}"
    )


def is_known(path: Path) -> bool:
    """Whether this is the tarball; another file of its name is removed."""
    if path.is_file() and sha256_of(path) == SHA256:
        return True
    path.unlink(missing_ok=True)
    return False


def addresses(mirrors: list[AptSource]) -> list[str]:
    """Where the tarball may be without an index that names it."""
    pools = [f"{uri.rstrip('/')}/{POOL}" for mirror in mirrors for uri in mirror.uris if uri.startswith("http")]
    return list(dict.fromkeys([*pools, *ARCHIVES]))


def download(address: str, target: Path, stages: Stages) -> bool:
    """Whether the tarball came from this address; anything else that came is not kept."""
    stages.say(f"source: {address}")
    partial = target.with_name(f"{target.name}.part")
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, partial.open("wb") as out:
            while block := answer.read(1 << 20):
                out.write(block)
    except (urllib.error.URLError, OSError) as error:
        stages.say(f"source: {error}")
        partial.unlink(missing_ok=True)
        return False
    if not is_known(partial):
        stages.say("source: what came has another sha256")
        return False
    partial.rename(target)
    return True
