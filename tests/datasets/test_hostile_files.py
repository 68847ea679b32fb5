"""Files made to run code, to write elsewhere, or to fill the memory: each is refused, and nothing of it happens."""

import bz2
import gzip
import io
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from miniatures import voc
from small_files import expecting

from evolve.base.errors import UserError
from evolve.datasets import lookup
from evolve.datasets.archive import BrokenArchive, members
from evolve.datasets.detection import Photo
from evolve.datasets.layouts import pascal_voc
from evolve.datasets.layouts.images import Images
from evolve.datasets.layouts.places import places
from evolve.datasets.published import Published, contents
from evolve.datasets.raw_file import RawFile

mnist = lookup.module("mnist")

LITTLE = 1 << 22  # bytes: what is in cycles stays for a while, the longer the more there is beside it


@contextmanager
def in_little_memory() -> Iterator[None]:
    """What the block takes, measured."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()


# Archives


def archive(path: Path, *added: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as made:
        for member, content in added:
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


FORM = Published(RawFile("set.tar.gz", "", 0), "set", (), ())
OUTSIDE = ("/tmp/cavefish-was-here/a.bin", "../../a.bin", "set/../../../a.bin", "a.bin")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_elsewhere_writes_nothing(tmp_path: Path, name: str) -> None:
    """The file is taken for what its md5 says it is, in memory; where its name leads is nobody's business."""
    form = expecting(FORM, {"a.bin": b"content"})
    archive(tmp_path / "set.tar", (member(name), b"content"))
    _, found = contents((form,), "set", "", tmp_path, print)
    assert found == {"a.bin": (tmp_path / "set.tar" / "set" / "a.bin", b"content")}
    assert [path.name for path in tmp_path.rglob("*")] == ["set.tar"] and not Path("/tmp/cavefish-was-here").exists()


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.SYMTYPE, "a.bin"), (tarfile.LNKTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "set/a.bin"), (tarfile.CHRTYPE, ""), (tarfile.BLKTYPE, ""), (tarfile.FIFOTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)  # fmt: skip
def test_links_and_devices_are_no_files(tmp_path: Path, kind: bytes, link: str) -> None:
    form = expecting(FORM, {"a.bin": b"content"})
    path = archive(tmp_path / "set.tar", (member("set/a.bin", kind, link), b""))
    with pytest.raises(UserError) as error:
        contents((form,), "set", "", tmp_path, print)
    assert str(error.value) == (
        f"{path}: expected set/a.bin in it, got none; remove it to have it downloaded, or replace it with the original "
        "file"
    )


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_a_header_that_fills_the_memory(tmp_path: Path, kind: bytes, pack: Callable[[bytes], bytes]) -> None:
    """Eight MiB of zeros, which packed are some thousand bytes."""
    plain = archive(tmp_path / "plain", (member("name", kind), bytes(1 << 23))).read_bytes()
    (tmp_path / "set.tar").write_bytes(pack(plain))
    with in_little_memory(), pytest.raises(BrokenArchive) as error:
        list(members(tmp_path / "set.tar"))
    assert str(error.value) == f"a header of {1 << 23} bytes"


def test_a_length_below_zero(tmp_path: Path) -> None:
    """Python 3.11 goes back by it, and reads the same header for ever (CVE-2025-8194)."""
    header = bytearray(member("a.bin").tobuf())
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"  # -512
    header[148:156] = b"%06o\0 " % (sum(header) - sum(header[148:156]) + 8 * 32)
    (tmp_path / "set.tar").write_bytes(bytes(header) * 3 + bytes(1024))
    with pytest.raises(BrokenArchive, match=r"^a header of -\d+ bytes$"):
        list(members(tmp_path / "set.tar"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_length_that_nobody_lives_to_see_the_end_of(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """tarfile skips a file block by block, also where no more come: an hour of them for some TB."""
    header = member("a.bin")
    header.size = 1 << 60
    (tmp_path / "set.tar").write_bytes(pack(header.tobuf(tarfile.GNU_FORMAT) + bytes(20480)))
    with pytest.raises(BrokenArchive, match="^unexpected end of data$"):
        list(members(tmp_path / "set.tar"))


@pytest.mark.parametrize("left_out", [0, 512, 1024])
def test_an_archive_may_end_with_its_last_file(tmp_path: Path, left_out: int) -> None:
    whole = member("a.bin").tobuf() + member("b.bin").tobuf() + bytes(1024)
    (tmp_path / "set.tar").write_bytes(whole[: len(whole) - left_out])
    assert [name for name, _ in members(tmp_path / "set.tar")] == ["a.bin", "b.bin"]


def test_ten_thousand_members_are_not_kept(tmp_path: Path) -> None:
    archive(tmp_path / "set.tar", *[(member(f"set/{number}"), b"") for number in range(10_000)])
    with in_little_memory():
        assert sum(1 for _ in members(tmp_path / "set.tar")) == 10_000


def test_no_name_is_interned(tmp_path: Path) -> None:
    """The table of interned strings grows by all that came by, in one go of several MB, and Python 3.12 keeps them."""
    ((name, _),) = members(archive(tmp_path / "set.tar", (member("set/of one/name, nowhere else/"), b"")))
    twin = name[:1] + name[1:]
    assert name == "name, nowhere else" and sys.intern(twin) is twin


def test_mnist_packed_a_thousand_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "LARGEST", 1 << 16)
    packed = gzip.compress(bytes(1 << 24))
    with in_little_memory(), pytest.raises(UserError) as error:
        mnist.decode(Path("images.gz"), packed, 3)
    assert str(error.value) == (
        "images.gz: expected at most 65536 bytes unpacked, got more; replace it with the original file"
    )


# XML

SECRET = "what no annotation may read"
DOCTYPE = "expected annotations in XML, got: a DOCTYPE, whose entities are not read; replace it"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
XML = {
    "a thousand million laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><annotation>&l11;</annotation>',
    "quadratic blowup": f'<!DOCTYPE a [<!ENTITY l "{"x" * 9999}">]><annotation>{"&l;" * 9999}</annotation>',
    "a file": '<!DOCTYPE a [<!ENTITY f SYSTEM "file://{secret}">]><annotation><filename>&f;</filename></annotation>',
    "a file as a parameter": '<!DOCTYPE a [<!ENTITY % f SYSTEM "file://{secret}"> %f;]><annotation/>',
    "a DTD elsewhere": '<!DOCTYPE a SYSTEM "http://localhost:1/a.dtd"><annotation/>',
}


def photo(root: Path) -> Photo:
    """The one image of a Pascal VOC folder, as a list names it."""
    place = places(root, pascal_voc.KEPT)[""]
    return pascal_voc.photo(pascal_voc.annotations(place), Images(place.images), "a", "list:1")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", XML)
def test_xml(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    root = voc(tmp_path / "pets", {}, {"a": []})
    file = root / "Annotations" / "a.xml"
    file.write_text(XML[name].replace("{secret}", str(tmp_path / "secret")), encoding=encoding)
    with in_little_memory(), pytest.raises(UserError) as error:
        photo(root)
    assert str(error.value) == f"{file}: {DOCTYPE}"


def test_xml_of_many_levels(tmp_path: Path) -> None:
    root = voc(tmp_path / "pets", {}, {"a": []})
    deep = "<a>" * 400_000 + "</a>" * 400_000
    (root / "Annotations" / "a.xml").write_text(f"<annotation>{deep}</annotation>")
    assert photo(root).boxes == []
