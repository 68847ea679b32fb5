"""Files made to run code, to write elsewhere, or to fill the memory: each is refused, and nothing of it happens."""

import bz2
import copyreg
import gzip
import io
import pickle
import struct
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from miniatures import voc
from small_files import expecting, pickled

import evolve.datasets.boxes.voc
from evolve.base.errors import UserError
from evolve.datasets import array_pickle
from evolve.datasets.images import cifar10, mnist
from evolve.datasets.published import BrokenArchive, Published, contents, members
from evolve.datasets.raw_file import RawFile

LITTLE = 1 << 21  # bytes


@contextmanager
def in_little_memory() -> Iterator[None]:
    """What the block takes, measured."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()


# Pickles

ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
DTYPE = b"cnumpy\ndtype\nU\x02%bK\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff%btb"


def array(shape: bytes, kind: bytes, values: bytes) -> bytes:
    """An array as NumPy pickles it, with that shape and kind (both pickled) and values."""
    return (
        ARRAY + b"K\x00\x85U\x01b\x87R(K\x01" + shape + kind
        + b"\x89T" + len(values).to_bytes(4, "little") + values + b"tb."
    )  # fmt: skip


BYTES, OBJECTS = DTYPE % (b"u1", b"K\x00"), DTYPE % (b"O8", b"K?")
# Eight bytes that are said to hold no object, with a field that is one: NumPy would follow them as an address.
FIELDS = (
    b"cnumpy\ndtype\nU\x02V8K\x00K\x01\x87R(K\x04U\x01|NU\x01a\x85}U\x01a" + OBJECTS + b"K\x00\x86sK\x08K\x01K\x00tb"
)
PICKLES = {
    "a command": (b"cposix\nsystem\nU\x09touch ran\x85R.", "posix.system, which no array needs"),
    "a command, in Python 2's words": (b"cos\nsystem\n.", "os.system, which no array needs"),
    "an expression": (b"c__builtin__\neval\n.", "__builtin__.eval, which no array needs"),
    "an attribute of what is allowed": (
        b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.__new__\x93.", "numpy.ndarray.__new__, which no array needs",
    ),
    "copyreg": (b"ccopyreg\n_reconstructor\n.", "copyreg._reconstructor, which no array needs"),
    "an instance": (b"(ios\nsystem\n.", "instruction b'i', which no array needs"),
    "an object": (b"(cnumpy\nndarray\no.", "instruction b'o', which no array needs"),
    "a new object": (b"cnumpy\nndarray\n)\x81.", "instruction b'\\x81', which no array needs"),
    "a persistent id": (b"Pnumber\n.", "instruction b'P', which no array needs"),
    "a binary persistent id": (b"K\x01Q.", "instruction b'Q', which no array needs"),
    "an extension": (b"\x82\x01.", "instruction b'\\x82', which no array needs"),
    "an array called by its size": (b"cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85\x85R.", "a call that makes no array"),
    "a scalar": (b"cnumpy.core.multiarray\nscalar\n.", "numpy.core.multiarray.scalar, which no array needs"),
    "an array of that size at first": (ARRAY + b"J\xff\xff\xff\x7f\x85U\x01b\x87R.", "a call that makes no array"),
    "an array larger than its bytes": (
        array(b"J\xff\xff\xff\x7f\x85", BYTES, b"1"), "cannot reshape array of size 1 into shape (2147483647,)",
    ),
    "an array of objects": (array(b"K\x01\x85", OBJECTS, b"12345678"), "an array of something else than numbers"),
    "objects behind a kind of bytes": (
        array(b"K\x01\x85", FIELDS, b"12345678"), "an array of something else than numbers",
    ),
    "a place in a memo without end": (b"K\x01r\xff\xff\xff\x7f0.", "instruction b'0', which no array needs"),
    "a string without end": (b"T\xff\xff\xff\x7fabc.", "a pickle that was cut off"),
    "bytes without end": (b"\x8e" + struct.pack("<Q", 1 << 62) + b"abc.", "a pickle that was cut off"),
    "a bytearray without end": (b"\x96" + struct.pack("<Q", 1 << 40), "instruction b'\\x96', which no array needs"),
    "a number without end": (b"\x8b\xff\xff\xff\x7f1.", "instruction b'\\x8b', which no array needs"),
    "a key that is a tuple": (b"}K\x01\x85K\x02s.", "a tuple for a key"),
    "dictionaries without end": (b"}" * array_pickle.MOST, f"more than {array_pickle.MOST} instructions"),
}  # fmt: skip


@pytest.mark.parametrize("name", PICKLES)
def test_pickles(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content, says = PICKLES[name]
    with pytest.raises(ValueError) as error:
        array_pickle.loads(content)
    assert str(error.value) == says
    assert not list(tmp_path.iterdir())


def test_the_exploits_are_exploits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own unpickler does what the first of them asks for."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(PICKLES["a command"][0])
    assert (tmp_path / "ran").exists()


def test_an_extension_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    copyreg.add_extension("os", "system", 7)
    try:
        with pytest.raises(ValueError, match="^instruction b'.x82', which no array needs$"):
            array_pickle.loads(b"\x82\x07.")
    finally:
        copyreg.remove_extension("os", "system", 7)


def test_memory_that_a_pickle_announces() -> None:
    for content, _ in PICKLES.values():
        if len(content) < 1000:
            with in_little_memory(), pytest.raises(ValueError):
                array_pickle.loads(content)


def test_labels_that_are_lists_of_themselves() -> None:
    """Ten lists of ten times the list before them are ten thousand million labels."""
    lists = b"]" + b"".join(b"q" + bytes([n]) + b"0](" + (b"h" + bytes([n])) * 10 + b"e" for n in range(10))
    assert len(pickle.loads(lists + b".")) == 10
    content = pickled(np.zeros((1, 3, 32, 32), np.uint8), np.array([1]))
    begin = content.index(b"labels") + len(b"labels")
    nested = b"](" + b"](K\x01e" * 2 + b"e"
    with in_little_memory(), pytest.raises(UserError) as error:
        cifar10.pickled(Path("data_batch_1"), content[:begin] + nested + b"u.")
    assert str(error.value) == (
        "data_batch_1: expected a pickled batch with data and labels, got labels that are no list of whole numbers; "
        "replace it with the original file"
    )


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


def test_ten_thousand_members_are_not_kept(tmp_path: Path) -> None:
    archive(tmp_path / "set.tar", *[(member(f"set/{number}"), b"") for number in range(10_000)])
    with in_little_memory():
        assert sum(1 for _ in members(tmp_path / "set.tar")) == 10_000


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", XML)
def test_xml(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    root = voc(tmp_path / "pets", {}, {"a": []})
    file = root / "Annotations" / "a.xml"
    file.write_text(XML[name].replace("{secret}", str(tmp_path / "secret")), encoding=encoding)
    with in_little_memory(), pytest.raises(UserError) as error:
        evolve.datasets.boxes.voc.photo(root, "a", "list:1")
    assert str(error.value) == f"{file}: {DOCTYPE}"


def test_xml_of_many_levels(tmp_path: Path) -> None:
    root = voc(tmp_path / "pets", {}, {"a": []})
    (root / "Annotations" / "a.xml").write_text("<a>" * 400_000 + "</a>" * 400_000)
    assert evolve.datasets.boxes.voc.photo(root, "a", "list:1").boxes == []
