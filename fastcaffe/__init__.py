"""Fast Convolution, Pooling, ReLU and others inside real, unmodified Caffe: `import caffe`, then `fastcaffe.enable()`.

A shared library puts its own creators into Caffe's layer registry. Nets that are made afterwards have the fast layers;
prototxts, caffemodels, solvers and pycaffe stay what they are. README.md has the rest.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from fastcaffe.library import library_path, mapped_libraries

# How long a thread that waits for others spins before it sleeps. With libgomp's own 300,000 rounds, threads that share
# their cores with other processes spin away the time that the others would need: ten times slower. This costs nothing
# where cores are free.
SPIN = "10000"

_library: ctypes.CDLL | None = None


class NotAvailable(RuntimeError):
    """The fast layers cannot be had here; the text says why and what to do. Stock Caffe works as before."""


class LayerLine(NamedTuple):
    """One living layer of a type that is replaced, and what its passes have run on.

    `passes` maps "forward", "backward", ... to the name of a kernel, or to "stock: why"; empty before the first run.
    """

    type: str
    name: str
    passes: dict[str, str]

    @property
    def stock(self) -> bool:
        """Whether a pass of this layer fell back to Caffe's own code."""
        return any(on.startswith("stock") for on in self.passes.values())


def enable(
    types: Iterable[str] | None = None,
    threads: int | None = None,
    library: Path | None = None,
    together: bool | None = None,
) -> list[str]:
    """Makes layers fast that are created from now on; returns the types that this is about.

    types: only these (["Pooling", "ReLU"] keeps every bit of stock Caffe's results); default: all.
    threads: how many OpenMP threads the layers use, in every thread of Python (default: what was asked for before, else
    what OMP_NUM_THREADS says, else every core).
    library: a built library; default: FASTCAFFE_LIBRARY, else the cache's. Raises NotAvailable.
    together: BatchNorm + Scale (+ ReLU) and Eltwise + ReLU (+ Split) that follow each other in place go through memory
    once. For whole passes, as a solver makes them: a blob that is read between two of these layers, or the gradient of
    one that ReLU works on, is not what Caffe shows there. Default: no, unless FASTCAFFE_TOGETHER is set.
    """
    loaded = _load(library)
    wanted = list(types) if types is not None else available()
    if unknown := sorted(set(wanted) - set(available())):
        raise ValueError(f"no fast {', '.join(unknown)}; there are {', '.join(available())}")
    if threads is not None:
        loaded.fastcaffe_set_threads(threads)
    loaded.fastcaffe_disable()
    if together is not None:
        loaded.fastcaffe_take_together(int(together))
    if wanted:
        loaded.fastcaffe_enable(",".join(wanted).encode())
    return wanted


def disable() -> None:
    """Makes layers stock Caffe's own again that are created from now on; those that exist stay as they are."""
    if _library:
        _library.fastcaffe_disable()


def absent_stays_absent(promised: bool = True) -> None:
    """Promises of layers that are created from now on that weights which are zero stay so (or takes it back).

    Their gradients are left as they are then, where few weights exist; without the promise every gradient is there.
    """
    if _library:
        _library.fastcaffe_absent_stays_absent(int(promised))


def blobs_between_unread(promised: bool = True) -> None:
    """Promises that nobody reads the blobs between layers of TRAIN nets that are created from now on, or takes it back.

    Layers with few synapses, and the layers behind them, hand on what they make with one image a lane of a vector then,
    as their lines in layers() say. Blobs in between hold NaN. Neighbours are taken together, as by enable(). For passes
    over the whole net, as a solver makes them; what goes in and what comes out, losses, parameters and their gradients
    are as ever.
    """
    if _library:
        _library.fastcaffe_blobs_between_unread(int(promised))


def weights_stay(net: Any, promised: bool = True) -> None:
    """Promises that nobody writes the weights of a net in the TEST phase any more, or takes it back.

    `net` is a caffe.Net that has its weights. From its next pass on, what its layers make of their weights is made
    once, as engines do that compile a net, instead of being compared with them at every pass; their lines in layers()
    say "weights stay". Who writes weights all the same promises it anew afterwards: a weight changed here and there is
    not seen else, nor most often a caffemodel that has nearly all weights in common with the last. Other weights
    altogether (by copy_from, share_with, a solver's step) are noticed: then the promise is void, and every pass looks
    at them again. Raises ValueError, and promises nothing, if a layer for training has some of them: a solver writes
    these.
    """
    if not _library:
        return
    names = [name for name, blobs in net.params.items() if len(blobs)]
    weights = (ctypes.c_void_p * len(names))(*(net.params[name][0].data.ctypes.data for name in names))
    refused = _library.fastcaffe_weights_stay(weights, len(names), int(promised))
    if refused >= 0:
        raise ValueError(
            f"layer '{names[refused]}': expected weights that stay, got those of a net in the TRAIN phase, "
            "which a solver writes; promise it of a net that has its own."
        )


def available() -> list[str]:
    """The layer types that the library can replace. Raises NotAvailable."""
    return _text("fastcaffe_types").split(",")


def layers() -> list[LayerLine]:
    """The living layers that were created while enabled, in the order of their creation."""
    lines = (line.split("\t") for line in _text("fastcaffe_layers").splitlines()) if _library else []
    return [LayerLine(type_, name, dict(item.split("=", 1) for item in passes)) for type_, name, *passes in lines]


def machine() -> dict[str, str]:
    """What bits depend on; empty if the library is not loaded.

    simd, onednn (its version), onednn_isa, threads, together where enable() takes neighbouring layers together, and
    below which densities of synapses layers run on sparse code: sparse_below, sparse_few_channels_below,
    sparse_large_below and sparse_lanes_below of convolutions, sparse_inner_product_below, sparse_few_images_below of
    those whose weights stay, and with AVX-512 sparse_lanes_kept_below of both in nets whose blobs in between nobody
    reads; none of these where FASTCAFFE_SPARSE=0 has them run on dense code.
    """
    told = dict(line.split("=", 1) for line in _text("fastcaffe_machine").splitlines()) if _library else {}
    dense = os.environ.get("FASTCAFFE_SPARSE") == "0"
    return {name: value for name, value in told.items() if not (dense and name.startswith("sparse_"))}


def _text(function: str) -> str:
    return getattr(_load(None), function)().decode(errors="replace")


def _load(path: Path | None) -> ctypes.CDLL:
    """The library, loaded once for the process."""
    global _library
    if _library is None:
        found = path or _find()
        if "OMP_WAIT_POLICY" not in os.environ:  # read by libgomp when it is loaded, which is now
            os.environ.setdefault("GOMP_SPINCOUNT", SPIN)
        try:
            loaded = ctypes.CDLL(str(found))
        except OSError as error:
            # A cache that was tidied up may lack what lay beside it.
            anew = "" if path or _given() else f"; remove {found.parent}, then {_build()}"
            raise NotAvailable(f"the fast layers cannot be loaded: {error}{anew}") from error
        for name in ("fastcaffe_types", "fastcaffe_layers", "fastcaffe_machine"):
            getattr(loaded, name).restype = ctypes.c_char_p
        _library = loaded
    return _library


def _find() -> Path:
    """The library for the Caffe that this process has imported."""
    if "caffe" not in sys.modules:
        raise NotAvailable("the fast layers go into a Caffe that is there: import caffe first, then enable().")
    if given := _given():
        return Path(given)
    libcaffe = mapped_libraries(Path("/proc/self/maps").read_text()).get("caffe")
    if libcaffe is None:
        raise NotAvailable("no libcaffe.so in this process: its Caffe is linked statically, or not Caffe.")
    path = library_path(libcaffe)
    if not path.exists():
        raise NotAvailable(f"the fast layers are not built for {libcaffe}: {_build()}")
    return path


def _given() -> str:
    """The user's own library; "" where there is none."""
    return os.environ.get("FASTCAFFE_LIBRARY", "")


def _build() -> str:
    """The command that builds the library for this process's Caffe."""
    return f"{sys.executable} {Path(__file__).with_name('build.py')} --python {sys.executable}"
