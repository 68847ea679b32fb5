"""Damage to a small valid file, as disks, networks, editors and ill will do it; a seed decides every byte.

Bits flipped, bytes changed, tails cut, parts left out, repeated, interchanged or taken from another file, lengths made
enormous, and odd words where a number or a name stood.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence

LARGEST = 1 << 14  # bytes of a file, that repeats may lead to
_DIGITS = re.compile(rb"\d+")
ODD = (
    *(b"", b"\0", b"-1", b"nan", b"1e999", b"-0", b"0", b"\xff\xfe", b"9" * 400, b"4294967295"),
    *(b"-9223372036854775808", b"<", b"&a;", b"]]>", b"\n", b"\xc2\xb2", b"{", b"}", b'"', b"'", b"$X", b"#", b"../"),
    *(b"1_0", b"[", b":", b","),
)
_LENGTHS = tuple(
    number.to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for number in ((1 << 8 * size) - 1, (1 << 8 * size - 1) - 1, 1 << 8 * size - 1, 0)
    for order in ("little", "big")
) + (b"\xff\xff\xff\xff\x07", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x10")  # protobuf's
Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def mutants(good: Sequence[bytes], count: int, seed: int, begin: int = 0) -> Iterator[bytes]:
    """``count`` damaged files from number ``begin`` on, each one to four changes away from one of ``good``."""
    for number in range(begin, count):
        rng = random.Random(seed * 1_000_003 + number)  # each for itself: any one can be made again
        content = rng.choice(good)
        for _ in range(rng.choice((1, 1, 2, 4))):
            content = rng.choice(MUTATIONS)(rng, content, good)[: max(LARGEST, *map(len, good))]
        yield content


def _part(rng: random.Random, content: bytes, longest: int) -> tuple[int, int]:
    at = rng.randrange(len(content) + 1)
    return at, min(len(content), at + rng.randint(1, longest))


def _flip(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8) if content else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _random(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    at, end = _part(rng, content, 16)
    return content[:at] + rng.randbytes(end - at) + content[end:]


def _cut(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    return content[: rng.randrange(len(content) + 1)] if rng.random() < 0.3 else content


def _leave_out(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    at, end = _part(rng, content, 64)
    return content[:at] + content[end:]


def _repeat(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    at, end = _part(rng, content, rng.choice((4, 64, 1024)))
    return content[:at] + content[at:end] * rng.choice((1, 2, 3, 3, 1000)) + content[end:]


def _swap(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    a, b, c = sorted(rng.randrange(len(content) + 1) for _ in range(3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _splice(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    other = rng.choice(good)
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]


def _length(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    at, length = rng.randrange(len(content) + 1), rng.choice(_LENGTHS)
    return content[:at] + length + content[at + len(length) :]


def _odd(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    at, end = _part(rng, content, 6)
    return content[:at] + rng.choice(ODD) + content[end:]


def _number(rng: random.Random, content: bytes, good: Sequence[bytes]) -> bytes:
    found = list(_DIGITS.finditer(content[:4096]))
    if not found:
        return content
    at = rng.choice(found)
    return content[: at.start()] + rng.choice(ODD) + content[at.end() :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip, _random, _cut, _leave_out, _repeat, _swap, _splice, _length, _odd, _number
)  # fmt: skip
