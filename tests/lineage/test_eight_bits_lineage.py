"""`precision: INT8` over a lineage: every generation is on its grid as Caffe scored it, trained as cast or not."""

import numpy as np
import pytest

from evolve.network import grid, weights
from evolve.runs import paths
from evolve.runs.metrics import Metrics
from tests.lineage.conftest import Place


@pytest.mark.parametrize("as_cast", [False, True])
def test_every_generation_is_on_its_grid(place: Place, as_cast: bool) -> None:
    place.set(f"precision: INT8\ntrain_as_cast: {str(as_cast).lower()}")
    run = place.evolve(2)
    for number in (1, 2):
        folder = paths.generation(run, number)
        learned, metrics = weights.read(folder / paths.WEIGHTS), Metrics.read(folder)
        assert (metrics.number_format, metrics.bits) == ("INT8", 8)
        for each in metrics.range:
            on_grid, scales = grid.rounded(learned[each.layer][0])
            assert np.array_equal(on_grid, learned[each.layer][0])
            bias = learned[each.layer][1]
            assert np.array_equal(bias.astype(np.float16).astype(np.float32), bias)
            assert each.error is not None and 0 < each.error < 0.02
            assert (each.smallest_scale, each.largest_scale) == (scales[scales > 0].min(), scales.max())
        assert metrics.flushed_synapses == sum(each.flushed for each in metrics.range)
        assert metrics.score.accuracy is not None and metrics.score.accuracy > 0.5
