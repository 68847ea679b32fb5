"""The report's arithmetic: ticks, shades, figures, and a pixel for each weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.base import sheet
from evolve.base.durations import duration
from evolve.figures.report import chart, kernels, markup, origin, survival

BLUE, VERMILION, GAP = (0, 114, 178, 255), (213, 94, 0, 255), (128, 128, 128, 110)


@given(st.lists(st.integers(0, 10**12) | st.floats(1e-3, 1e12), min_size=1, max_size=20))
def test_counts_lie_within_their_axis(values: list[float]) -> None:
    axis = chart.of_counts(values)
    assert all(-1e-9 <= axis.at(value) <= 1 + 1e-9 for value in values)
    ticks = axis.ticks()
    assert ticks == sorted(set(ticks)) and len(ticks) <= 18
    assert all(axis.low - 1e-9 <= tick <= axis.high * (1 + 1e-9) for tick in ticks)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_scores_lie_within_an_axis_between_0_and_1(values: list[float]) -> None:
    axis = chart.of_scores(values)
    assert 0 <= axis.low < axis.high <= 1 and axis.high - axis.low > 0.0099
    assert all(-1e-6 <= axis.at(value) <= 1 + 1e-6 for value in values)
    assert 3 <= len(axis.ticks()) <= 7


def test_ticks_are_round() -> None:
    assert chart.Scale(0.9750, 0.9958).ticks() == [0.975, 0.98, 0.985, 0.99, 0.995]
    assert chart.Scale(0, 1000).ticks() == [0, 200, 400, 600, 800, 1000]
    assert chart.Scale(900, 150_000, True).ticks() == [
        1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000
    ]  # fmt: skip
    assert chart.Scale(1, 1e6, True).ticks() == [10.0**power for power in range(7)]
    assert chart.Scale(1, 100, True).at(10) == pytest.approx(0.5)


def test_shades_are_of_the_logarithm() -> None:
    # By hand: 1 + 9 * (1 + log10(part) / 2), rounded.
    parts = {0.0: 0, 1e-5: 1, 0.01: 1, 0.02: 2, 0.1: 6, 0.3: 8, 0.5: 9, 1.0: 10}
    assert {part: survival.shade(part) for part in parts} == parts


def test_figures_as_people_read_them() -> None:
    short = {0: "0", 7: "7", 912: "912", 576_570: "577k", 999_950: "1M", 2_385_285_120: "2.39G", 0.005: "0.005"}
    assert {value: sheet.short(value) for value in short} == short
    parts = {0: "0", 1e-5: "<.1", 0.0049: "0.5", 0.0999: "10", 0.5: "50", 0.9999: "99", 1: "100"}
    assert {part: sheet.percent(part) for part in parts} == parts
    times = {66.2: "66 s", 754: "13 min", 7500: "2 h 5 min"}
    assert {seconds: duration(seconds) for seconds in times} == times
    rates = {7.273: "7.273", 137.5: "137.5", 3349.5: "3,350", 9999.4: "9,999", 9999.6: "10,000", 13608.2: "13,608"}
    assert {value: sheet.rate(value) for value in rates} == rates
    assert origin.spans([1, 2, 3, 5, 7, 8]) == "1–3, 5, 7–8"
    assert kernels.spread(list(range(1, 14))) == [1, 4, 7, 10, 13] and kernels.spread([1, 2]) == [1, 2]


def test_markup_escapes_whatever_is_plain() -> None:
    made = markup.element("p", "<&>", markup.element("b", '"'), None, class_="x", data_a="<'\">", open=True, b=None)
    assert made == '<p class="x" data-a="&lt;&#x27;&quot;&gt;" open>&lt;&amp;&gt;<b>&quot;</b></p>'
    assert markup.join(["a", markup.Markup("<br>")], "<") == "a&lt;<br>"
    assert markup.element("img", alt="") == '<img alt="">'


def test_a_pixel_for_each_weight() -> None:
    weights = np.zeros((2, 1, 2, 2), np.float32)
    weights[0, 0] = [[1, 0], [0, -1]]
    pixels = kernels.sheet(weights, blue_first=False)
    assert pixels.shape == (4, 7, 4)
    assert [tuple(pixels[1, 1]), tuple(pixels[2, 2])] == [VERMILION, BLUE]
    # Gone: nothing to be seen of it, whatever the page's colour; between kernels a line.
    assert pixels[1, 2, 3] == 0 and not pixels[1:3, 4:6, 3].any() and tuple(pixels[1, 3]) == GAP


def test_colours_in_the_order_of_the_data() -> None:
    weights = np.zeros((1, 3, 1, 2), np.float32)
    weights[0, :, 0, 0] = [1, 0, -1]
    assert tuple(kernels.sheet(weights, blue_first=False)[1, 1]) == (255, 128, 0, 255)
    assert tuple(kernels.sheet(weights, blue_first=True)[1, 1]) == (0, 128, 255, 255)
    assert kernels.sheet(weights, blue_first=True)[1, 2, 3] == 0


def test_a_row_for_each_output_and_a_column_for_each_input() -> None:
    weights = np.zeros((2, 5, 1, 1), np.float32)
    weights[1, 4] = -3
    pixels = kernels.sheet(weights, blue_first=False)
    assert pixels.shape == (5, 11, 4) and tuple(pixels[3, 9]) == BLUE and np.count_nonzero(pixels[..., 3] == 255) == 1


def test_no_frame_where_no_kernel_ever_was() -> None:
    pixels = kernels.sheet(np.ones((9, 1, 1, 1), np.float32), blue_first=False)
    assert pixels.shape == (5, 17, 4) and not pixels[3:, 3:].any() and tuple(pixels[3, 2]) == GAP
