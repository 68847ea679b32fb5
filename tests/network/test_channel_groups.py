"""Channels are joined as somebody does it who joins them pair by pair."""

import numpy as np
import pytest

from evolve.network.channels import ChannelGroups


def by_hand(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """The group of every channel, groups in the order of their oldest channels."""
    groups = [{number} for number in range(count)]
    for a, b in pairs:
        one, other = (next(group for group in groups if number in group) for number in (a, b))
        if one is not other:
            one |= other
            groups.remove(other)
    ordered = sorted(groups, key=min)
    return [next(k for k, group in enumerate(ordered) if number in group) for number in range(count)]


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_those_of_joining_pair_by_pair(seed: int) -> None:
    random = np.random.default_rng(seed)
    groups, handed_out = ChannelGroups(), 0
    pairs: list[tuple[int, int]] = []
    for _ in range(12):
        new = groups.new(int(random.integers(0, 30)))
        assert new.tolist() == list(range(handed_out, handed_out + len(new)))
        handed_out += len(new)
        many = int(random.integers(0, 6)) if handed_out else 0
        one, other = random.integers(0, max(1, handed_out), (2, many))
        groups.join(one, other)
        pairs += zip(one.tolist(), other.tolist(), strict=True)
    assert groups.numbered().tolist() == by_hand(handed_out, pairs)


def test_one_with_many_at_once_and_a_chain_from_its_end() -> None:
    groups = ChannelGroups()
    groups.new(3000)
    groups.join(np.full(50, 2999), np.arange(50)[::-1])
    groups.join(np.arange(100, 2000), np.arange(101, 2001))
    wanted = by_hand(3000, [(2999, k) for k in range(50)] + [(100, 101)])
    numbered = groups.numbered()
    assert len(set(numbered[100:2001].tolist())) == 1 and len(set(numbered.tolist())) == 3000 - 50 - 1900
    assert numbered[:101].tolist() == wanted[:101] and numbered[2999] == 0


def test_none() -> None:
    assert ChannelGroups().numbered().tolist() == []
