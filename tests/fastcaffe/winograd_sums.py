"""What convolutions by Winograd's filtering sum up, for bounds on their rounding.

In one dimension a tile's outputs are y = A^T [(G g) * (B^T d)] of the kernel g and the four inputs d (Lavin and Gray,
2015), in two the same along rows and columns, summed up over the channels. Each number that is added
on the way to y_i is at most |A^T| [(|G| |g|) * (|B^T| |d|)] by its absolute value, which is sum_kd E_ikd |g_k| |d_d|
with E_ikd = sum_p |A_pi| |G_pk| |B_dp|. A sum of which every summand has passed at most r roundings, u each, on its way
from exact numbers to the result is within about r u of the sum of its summands' absolute values (Higham, Accuracy and
Stability of Numerical Algorithms, 2002, chapter 3). On the longest way there are, along both axes together,

    two of the inputs' transform (one addition an axis), four of the weights' (two; halves are exact),
    one for each product that is added up, and four of the outputs' transform (two); one of the bias.

The gradients of weights are the same form with weights and outputs exchanged: two of the inputs' transform, two of the
output gradients', one for each product, and four at the end, and one where they are added to what is there. The
gradient of the bottom is a convolution with turned kernels, whose padding is 2 less the convolution's.

Of a tile's 4 x 4 inputs FORM has only those that an output sees: its bound follows from the same nine numbers a channel
as in other code, but each of them times several weights instead of one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]

B = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]).T
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
A = np.array([[1, 1, 1, 0], [0, 1, -1, -1]]).T
FORM = np.einsum("pi,pk,dp->ikd", *map(np.abs, (A, G, B)))
FORWARD, WEIGHTS = 11, 9  # roundings beside those of products


class Sums(NamedTuple):
    """How many roundings a summand passes at most, and the sums of absolute values."""

    roundings: int
    sizes: np.ndarray


def of(sizes: Arrays, passes: dict[str, str]) -> dict[str, Sums]:
    """The sums of each blob that a layer's pass on `winograd` wrote, of a run whose numbers are absolute values."""
    found: dict[str, Sums] = {}
    wrote = {name for name, on in passes.items() if on == "winograd"}
    for label in {name.split(": ")[0] for name in sizes} if wrote else ():
        found |= {f"{label}: {name}": sums for name, sums in _of_round(Round(sizes, label), wrote).items()}
    return found


class Round:
    """The blobs of a round."""

    def __init__(self, sizes: Arrays, label: str) -> None:
        given = {name.removeprefix(f"{label}: "): values.astype(np.float64) for name, values in sizes.items()}
        self.weights, self.bias = given["layer param 0"], given.get("layer param 1", np.zeros(1))
        self.weights_diff = given["layer param 0 diff given"]
        count = sum(name.startswith("in") for name in given)
        self.bottoms = [given[f"in{i} given"] for i in range(count)]
        self.tops = [given[f"top{i} diff given"] for i in range(count)]
        before, after = self.bottoms[0].shape[2:], self.tops[0].shape[2:]
        self.pads = [(out - size + 2) // 2 for size, out in zip(before, after, strict=True)]


def _of_round(given: Round, wrote: set[str]) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    outputs, channels = given.weights.shape[:2]
    turned, turned_pads = given.weights[:, :, ::-1, ::-1].swapaxes(0, 1), [2 - pad for pad in given.pads]
    for i, (bottom, top) in enumerate(zip(given.bottoms, given.tops, strict=True)):
        if "forward" in wrote:
            sums = convolved(bottom, given.weights, given.pads) + given.bias[:, None, None]
            found[f"top{i}"] = Sums(channels + FORWARD, sums)
        if "backward data" in wrote:
            found[f"bottom{i} diff"] = Sums(outputs + FORWARD, convolved(top, turned, turned_pads))
    if "backward weights" in wrote:
        pairs = list(zip(given.bottoms, given.tops, strict=True))
        sums = given.weights_diff + sum(correlated(bottom, top, given.pads) for bottom, top in pairs)
        products = sum(top[:, 0, ::2, ::2].size for top in given.tops)  # tiles of all images
        found["layer param 0 diff"] = Sums(products + len(pairs) + WEIGHTS, sums)
    return found


def convolved(bottom: np.ndarray, weights: np.ndarray, pads: list[int]) -> np.ndarray:
    """The sums of |y|, of the absolute values of bottom and weights."""
    height, width = (size + 2 * pad - 2 for size, pad in zip(bottom.shape[2:], pads, strict=True))
    per_place = np.einsum("ikd,jle,ockl->ijocde", FORM, FORM, weights)
    sums = np.einsum("nctude,ijocde->notiuj", tiles(bottom, pads, height, width), per_place, optimize=True)
    images, outputs, rows, _, columns, _ = sums.shape
    return sums.reshape(images, outputs, 2 * rows, 2 * columns)[:, :, :height, :width]


def correlated(bottom: np.ndarray, top: np.ndarray, pads: list[int]) -> np.ndarray:
    """The same of a weight's gradient, of those of bottom and top gradients."""
    height, width = top.shape[2:]
    seen = tiles(bottom, pads, height, width)
    rows, columns = seen.shape[2:4]
    padded = np.zeros((*top.shape[:2], 2 * rows, 2 * columns))
    padded[:, :, :height, :width] = top
    pairs = padded.reshape(*top.shape[:2], rows, 2, columns, 2)
    return np.einsum("notiuj,nctude,ikd,jle->ockl", pairs, seen, FORM, FORM, optimize=True)


def tiles(bottom: np.ndarray, pads: list[int], height: int, width: int) -> np.ndarray:
    """The 4 x 4 inputs of each tile: images, channels, rows and columns of tiles, rows, columns."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    padded = np.zeros((*bottom.shape[:2], 2 * rows + 2, 2 * columns + 2))
    padded[:, :, pads[0] : pads[0] + bottom.shape[2], pads[1] : pads[1] + bottom.shape[3]] = bottom
    return np.lib.stride_tricks.sliding_window_view(padded, (4, 4), axis=(2, 3))[:, :, ::2, ::2]
