"""The margin of zeros: the same on all four sides, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base.errors import UserError
from evolve.datasets.fitting import margin


@given(own=st.integers(1, 64), zeros=st.integers(0, 100))
def test_margins_make_up_the_difference(own: int, zeros: int) -> None:
    assert margin("x", own, own + 2 * zeros, least=own) == zeros


@pytest.mark.parametrize("image_size", [27, 26, 0, -4, 29, 33])
def test_a_small_or_lopsided_size_is_refused(image_size: int) -> None:
    with pytest.raises(UserError) as error:
        margin("mnist", 28, image_size, least=28)
    assert str(error.value) == (
        f"data set 'mnist': expected an even image_size of at least 28, got {image_size}; "
        "28 and 32 are the usual ones"
    )
