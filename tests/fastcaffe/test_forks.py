"""A process that has run layers on several threads forks, and both go on: with the same threads and the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Told = Callable[..., Any]

# A child that has not ended after a minute hangs.
LINES = """
    import os, signal, time
    text = 'force_backward: true layer { name: "d" type: "Input" top: "d" '
    text += 'input_param { shape { dim: 20 dim: 7 dim: 13 dim: 11 } } } '
    text += 'layer { name: "c" type: "Convolution" bottom: "d" top: "c" loss_weight: 1 '
    text += 'convolution_param { num_output: 9 kernel_size: 3 weight_filler { type: "xavier" } } } '
    text += 'layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 2 } }'
    fastcaffe.enable(threads=3)
    n = net(text)
    n.blobs["d"].data[...] = np.random.default_rng(0).standard_normal(n.blobs["d"].data.shape)

    def threads():
        return len(os.listdir("/proc/self/task"))

    def step():
        n.clear_param_diffs()
        n.forward()
        n.backward()
        return b"".join(blob.tobytes() for blob in (n.blobs["p"].data, n.blobs["d"].diff, n.params["c"][0].diff))

    def forked(work):
        child = os.fork()
        if not child:
            signal.alarm(60)
            os._exit(work())
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def again():
        same = step() == first
        return 10 * same + threads() - alone

    alone = threads()
    first = step()
    more = threads() - alone
    tell([more, forked(again), forked(lambda: forked(again)), again()])
"""


@pytest.mark.parametrize("code", ["lanes", "onednn"])
def test_child_and_parent_go_on(told: Told, code: str) -> None:
    threads, *answers = told(LINES, FASTCAFFE_CONVOLUTION=code, FASTCAFFE_GRAIN="1")
    # 10: the same bits; 2: so many threads beside the first. A child that hangs answers -14, by the alarm.
    assert [threads, *answers] == [2, 12, 12, 12]
