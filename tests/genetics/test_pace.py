"""The pace of Table 1: its own figures at its own generations, geometric between and after."""

import pytest

from evolve.genetics.environment import TABLE_1, on_pace

# Copied from [Cluster16], Table 1, for itself.
MNIST = [(1, 1.00), (5, 5.20), (7, 12.09), (9, 32.23), (11, 62.74), (13, 125.09)]
STL10 = [(1, 1.00), (3, 2.37), (5, 5.81), (7, 14.99), (9, 38.22), (10, 56.27)]
CIFAR10 = [(1, 1.00), (2, 1.64), (3, 2.82), (4, 5.06), (5, 8.39), (6, 14.39)]
TABLES = [("MNIST", MNIST), ("STL10", STL10), ("CIFAR10", CIFAR10)]


@pytest.mark.parametrize(("name", "rows"), TABLES)
def test_at_the_tables_generations(name: str, rows: list[tuple[int, float]]) -> None:
    assert sorted(TABLE_1[name]) == [generation for generation, _ in rows]
    for generation, efficiency in rows:
        assert on_pace(TABLE_1[name], generation) == pytest.approx(efficiency, rel=1e-12)


def test_geometric_between() -> None:
    # Halfway between 1.00 and 5.20 is their geometric mean; a quarter is its square root.
    assert on_pace(TABLE_1["MNIST"], 3) == pytest.approx(5.20**0.5)
    assert on_pace(TABLE_1["MNIST"], 2) == pytest.approx(5.20**0.25)
    assert on_pace(TABLE_1["MNIST"], 8) == pytest.approx((12.09 * 32.23) ** 0.5)


def test_the_last_pace_goes_on() -> None:
    growth = (125.09 / 62.74) ** 0.5
    assert on_pace(TABLE_1["MNIST"], 14) == pytest.approx(125.09 * growth)
    assert on_pace(TABLE_1["MNIST"], 20) == pytest.approx(125.09 * growth**7)


def test_before_the_first_waypoint() -> None:
    assert on_pace({4: 3.0, 6: 12.0}, 2) == 3.0
    assert on_pace({6: 12.0, 4: 3.0}, 5) == pytest.approx(6.0)


@pytest.mark.parametrize(("name", "rows"), TABLES)
def test_it_always_rises(name: str, rows: list[tuple[int, float]]) -> None:
    pace = [on_pace(TABLE_1[name], generation) for generation in range(1, 25)]
    assert all(later > earlier for earlier, later in zip(pace, pace[1:], strict=False))
