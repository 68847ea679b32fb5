"""Rows: every synapse is in exactly one row, every row in exactly one block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_loops import stage

from evolve.genetics import rows


@given(outputs=st.integers(1, 5), inputs=st.integers(1, 5), side=st.integers(1, 5))
def test_a_row_is_one_output_times_one_input(outputs: int, inputs: int, side: int) -> None:
    weights = np.arange(outputs * inputs * side * side, dtype=np.float32).reshape(outputs, inputs, side, side)
    found = rows.as_rows(weights, stage("conv", outputs, inputs, side * side))
    assert found.shape == (outputs * inputs, side * side)
    for output in range(outputs):
        for source in range(inputs):
            assert found[output * inputs + source].tolist() == weights[output, source].ravel().tolist()


def test_the_patch_of_a_map_is_one_cluster_of_the_layer_after_the_last_pooling() -> None:
    # Caffe flattens a map of 3 channels, 2 x 2, channel after channel.
    weights = np.array([[0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]], np.float32)
    found = rows.as_rows(weights, stage("ip1", outputs=1, inputs=3, patch=4))
    assert found.tolist() == [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]


def test_rows_are_a_view() -> None:
    weights = np.zeros((2, 3, 5, 5), np.float32)
    rows.as_rows(weights, stage("conv", 2, 3, 25))[5, 24] = 7
    assert weights[1, 2, 4, 4] == 7


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (65535, 1), (65536, 1), (65537, 1), (200_000, 3), (5, 70_000)])
def test_blocks_cover_every_row_once(shape: tuple[int, int]) -> None:
    seen = np.zeros(shape[0], int)
    for block in rows.blocks(np.empty(shape, bool)):
        seen[block] += 1
        assert seen[block].size
    assert (seen == 1).all()


@pytest.mark.parametrize("synapses", [1, 2, 16, 25])
def test_row_sums(synapses: int) -> None:
    numbers = np.random.default_rng(synapses).integers(-9, 9, (50, synapses)).astype(np.float32)
    sums = rows.row_sums(numbers)
    assert sums.dtype == np.float32
    assert sums.tolist() == [sum(row) for row in numbers.tolist()]


def test_row_sums_of_a_column_is_no_view_of_it() -> None:
    numbers = np.ones((3, 1), np.float32)
    rows.row_sums(numbers)[:] = 0
    assert numbers.sum() == 3
