"""Which libraries a process has loaded, as the system lists them."""

from pathlib import Path

from fastcaffe.library import mapped_libraries

MAPS = """\
55d0c8a00000-55d0c8a01000 r--p 00000000 fe:01 131 /usr/bin/python3.11
7f0000000000-7f0000001000 r-xp 00001000 fe:01 132    /home/a user/my  nets/.venv/caffe/libcaffe.so.1.0.0
7f0000001000-7f0000002000 r--p 00002000 fe:01 132    /home/a user/my  nets/.venv/caffe/libcaffe.so.1.0.0
7f0000002000-7f0000003000 r-xp 00000000 fe:01 133    /usr/lib/libprotobuf.so.32
7f0000003000-7f0000004000 r-xp 00000000 fe:01 134    /usr/lib/libglog.so.1/of/another.so
7f0000004000-7f0000005000 rw-p 00000000 00:00 0      [heap]
7f0000005000-7f0000006000 rw-p 00000000 00:00 0
"""


def test_a_path_may_have_spaces() -> None:
    """A checkout below such a folder had no fast layers, and no run."""
    assert mapped_libraries(MAPS) == {
        "caffe": Path("/home/a user/my  nets/.venv/caffe/libcaffe.so.1.0.0"),
        "protobuf": Path("/usr/lib/libprotobuf.so.32"),
    }
