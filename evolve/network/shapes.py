"""The shape of every blob of a net, from its prototxt alone: what Caffe's Net::Init would make of it.

Shapes are Caffe's own, batch axis included; a loss is a scalar, ().
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean
from evolve.network import layers, weights
from evolve.network.axes import Layer, Net, Shape, Shapes, count, written
from evolve.network.layers import LayerType, losses, sources
from evolve.network.layers.learned import LearnedBlob
from evolve.network.weighted import WeightedLayer

_MOST = (1 << 31) - 1  # values of a blob (Blob::Reshape)


class OfLabels(UserError):
    """A network that wants other labels than one an image, which is all that a data set has."""


@dataclass(frozen=True)
class Step:
    """A layer with the shapes it reads and writes, one each of its bottoms and tops."""

    layer: Layer
    bottoms: Shapes
    tops: Shapes
    unknown: Layer | None = None  # the layer of unknown type, somewhere before it, from which its shapes are guessed

    @cached_property
    def type(self) -> LayerType | None:
        """What is known of its type; None for an unknown one."""
        return layers.of(self.layer)

    @cached_property
    def weighted(self) -> WeightedLayer | None:
        """What its weights connect; None for a layer whose blobs, if any, connect no channels."""
        return self.type.connects(self.layer, self.bottoms, self.tops) if self.type and self.type.connects else None

    @cached_property
    def learned(self) -> list[LearnedBlob]:
        """The blobs that a layer without synapses learns, in Caffe's order."""
        return self.type.learned(self.layer, self.bottoms, self.tops) if self.type else []

    @property
    def blob_shapes(self) -> list[Shape]:
        """The shapes of all that it learns, in Caffe's order; none for a layer that learns nothing."""
        return self.weighted.blob_shapes if self.weighted else [blob.shape for blob in self.learned]

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image: a weight at each place it is applied at, zeros multiplied too.

        Only weights that connect channels count (as published counts do): 0 for BatchNorm, Scale, PReLU and the like.
        """
        return self.weighted.macs if self.weighted else 0

    @property
    def works_in_place(self) -> bool:
        """Whether its tops are its bottoms."""
        return list(self.layer.top) == list(self.layer.bottom)

    def blobs(self, of: weights.Weights, source: str) -> list[np.ndarray]:
        """Its blobs, in the shapes that it learns, among weights read from `source`. UserError unless they fit."""
        try:
            return weights.checked(self.layer.name, self.blob_shapes, of, source, bool(self.weighted))
        except UserError as error:
            raise _after_unknown(error, self.unknown) if self.unknown is not None else error from None


def of_inputs(steps: Iterable[Step]) -> dict[str, Shape]:
    """The shape of each blob that an Input layer among `steps` gives, the batch first."""
    inputs = [step for step in steps if step.layer.type == "Input"]
    return {top: shape for step in inputs for top, shape in zip(step.layer.top, step.tops, strict=True)}


def infer(net: Net, keep_unknown: bool = False, given: Mapping[str, Shape] | None = None) -> list[Step]:
    """The layers of `net` in order, with their shapes. The caller picks a phase (`phases.for_phase`) first.

    `given` names the shapes of blobs that no prototxt tells: those of data layers, and of unknown layers. A top of
    an unknown type (Python, for one) has, with `keep_unknown`, the shape of the layer's first bottom. The old way
    to name inputs, outside any layer, becomes an Input layer, as Caffe makes it one.
    UserError naming the layer for whatever does not fit, or a type that is not known here.
    """
    blobs: dict[str, Shape] = {}
    guessed: dict[str, Layer] = {}  # blob -> the layer of unknown type that its shape is guessed from
    steps, readers, labels = [], _Readers(), _Labels()
    for layer in [*sources.old_inputs(net), *net.layer]:
        bottoms = tuple(_read(layer, bottom, blobs) for bottom in layer.bottom)
        readers.check(layer)
        unknown = next((guessed[bottom] for bottom in layer.bottom if bottom in guessed), None)
        try:
            tops = _sized_tops(layer, bottoms, unknown, keep_unknown, given or {})
        except UserError as error:
            raise labels.explained(error, layer) from None
        labels.follow(layer, tops)
        for top, shape in zip(layer.top, tops, strict=True):
            if top in blobs and top not in layer.bottom:
                raise UserError(f"layer '{layer.name}': expected a top of its own, got '{top}', which another writes")
            blobs[top] = shape
        steps.append(Step(layer, bottoms, tops, unknown))
        if layers.of(layer) is None and layer.bottom and not set(layer.top) <= set(given or ()):
            unknown = unknown or layer
        guessed |= dict.fromkeys(layer.top, unknown) if unknown is not None else {}
    return steps


def _sized_tops(
    layer: Layer, bottoms: Shapes, unknown: Layer | None, keep_unknown: bool, given: Mapping[str, Shape]
) -> Shapes:
    try:
        tops = _tops(layer, bottoms, keep_unknown, given)
        for shape in tops[: len(layer.top)]:
            _expect_size(layer, bottoms, shape)
    except UserError as error:
        raise _after_unknown(error, unknown) if unknown is not None else error from None
    return tops


def _after_unknown(error: UserError, unknown: Layer) -> UserError:
    """The same error, said of the layer whose shapes were guessed."""
    return UserError(
        f"layer '{unknown.name}': expected a type that is known here, got {layers.kind(unknown)}, taken to leave the "
        f"shape of its first bottom as it is; behind it, {error}; leave it out, or register its type in layer_types.py"
    )


def _expect_size(layer: Layer, bottoms: Shapes, top: Shape) -> None:
    if min(top, default=1) < 1 and not bottoms:
        raise UserError(f"layer '{layer.name}': expected a shape of 1 and more along each axis, got {written(top)}")
    if min(top, default=1) < 1:
        before = ", ".join(map(written, bottoms))
        raise UserError(f"layer '{layer.name}': bottom {before} is too small for it, its top would be {written(top)}")
    if count(top) > _MOST:
        raise UserError(
            f"layer '{layer.name}': expected a top of at most {_MOST} values, which is Caffe's limit, got "
            f"{written(top)}; make it smaller"
        )


def _read(layer: Layer, bottom: str, blobs: dict[str, Shape]) -> Shape:
    if bottom in blobs:
        return blobs[bottom]
    hint = did_you_mean(bottom, blobs, f"there are: {', '.join(blobs) or 'none'}", quoted="'{}'")
    raise UserError(f"layer '{layer.name}': expected a bottom that a layer before it writes, got '{bottom}'; {hint}")


def _tops(layer: Layer, bottoms: Shapes, keep_unknown: bool, given: Mapping[str, Shape]) -> Shapes:
    known = layers.of(layer)
    if layer.top and all(top in given for top in layer.top) and not (known and bottoms):
        return tuple(given[top] for top in layer.top)
    if known:
        return known.infer(layer, bottoms)
    if not bottoms and layer.top:
        return sources.untold(layer, bottoms)
    if not keep_unknown:
        raise UserError(f"layer '{layer.name}': type {layer.type} is not known here; keep_unknown leaves it whole")
    return tuple(bottoms[0] for _ in layer.top)


class _Labels:
    """The blobs that are computed from labels alone: a source's with nothing but the batch, beside its images."""

    def __init__(self) -> None:
        self._batch = 0
        self._blobs = set[str]()

    def follow(self, layer: Layer, tops: Shapes) -> None:
        """Notes what `layer` writes."""
        if sources.gives_constants(layer):
            return
        if layer.bottom:
            if self._blobs.issuperset(layer.bottom):
                self._blobs.update(layer.top)
            return
        for top, shape in zip(layer.top, tops, strict=True):
            if len(shape) > 1:
                self._batch = self._batch or shape[0]
            elif shape == (self._batch,):
                self._blobs.add(top)

    def explained(self, error: UserError, layer: Layer) -> UserError:
        """`error` of `layer`, with what labels there are where it is about those."""
        known = layers.of(layer)
        about_others = known is not None and known.sink and not isinstance(error, losses.UnlikeBottoms)
        if about_others or self._blobs.isdisjoint(layer.bottom):
            return error
        return OfLabels(
            f"{error}; a data set has one label an image: a network of several, or of one for each place, does not "
            "evolve here, but is counted, shrunk and exported"
        )


class _Readers:
    """Who has read each blob since it was last written: Caffe lets nobody else read what is overwritten in place."""

    def __init__(self) -> None:
        self._readers: dict[str, list[str]] = {}

    def check(self, layer: Layer) -> None:
        """Notes what `layer` reads and writes. UserError if it overwrites what another layer reads.

        Caffe puts a Split behind a blob with several readers (InsertSplits); a layer that works in place then has
        another bottom than top, and the net is refused.
        """
        known = layers.of(layer)
        for top in layer.top:
            if top in layer.bottom and known and not known.in_place:
                raise UserError(f"layer '{layer.name}': expected a top of another name than its bottom, got '{top}'")
            others = self._readers.pop(top, [])
            if top in layer.bottom and (others or list(layer.bottom).count(top) > 1):
                raise UserError(
                    f"layer '{layer.name}': works in place on '{top}', which layer '{(others or [layer.name])[0]}' "
                    "reads too; give it a top of another name"
                )
        for bottom in layer.bottom:
            if bottom not in layer.top:
                self._readers.setdefault(bottom, []).append(layer.name)
