"""What a stranger brings: a network, in one prototxt, in two or inside a solver, its solver, and its caffemodel."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from evolve.adoption import merging
from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.lineage import solver as solvers
from evolve.network import layers
from evolve.network.axes import Net
from evolve.network.foreign import reading
from evolve.network.foreign.reading import Reading
from evolve.network.weights import Weights


@dataclass(frozen=True)
class Given:
    """All of it, read. `solver` is a caffe_pb2.SolverParameter, `weights` empty without a caffemodel."""

    reading: Reading
    text: str  # of the prototxt, for lines
    solver: Any = None
    solver_file: Path | None = None
    weights: Weights | None = None
    caffemodel: Path | None = None

    @property
    def net(self) -> Net:
        """The network in today's form."""
        return self.reading.net

    def located(self, error: UserError) -> UserError:
        """`error` with file and line of the layer that its message begins with."""
        return prototxt_text.located(error, self.reading.path, self.text)


def read(model: Path | None, solver: Path | None, caffemodel: Path | None) -> Given:
    """Reads what is given; without `model` the solver says where its net is. UserError naming file and line."""
    parameter = _solver(solver) if solver else None
    if model is None:
        assert solver, "a model or a solver"
        found, text = _of_solver(parameter, solver)
    else:
        layers.load_beside(model.parent)
        found, text = _read(model, parameter)
    learned = None
    if caffemodel:
        found, learned = found.with_weights(caffemodel)
    return Given(found, text, parameter, solver, learned, caffemodel)


def _solver(file: Path) -> Any:
    """The solver's message. UserError, for a network too, which is what MODEL= takes."""
    try:
        return solvers.read(file).parameter
    except UserError:
        try:
            reading.parse(prototxt_text.substitute(prototxt_text.read_text(file), reading.ANYWHERE, file), file)
        except UserError:
            pass
        else:
            raise UserError(f"{file}: expected a solver, got a network; give it as MODEL=") from None
        raise


def _read(path: Path, solver: Any) -> tuple[Reading, str]:
    text = prototxt_text.substitute(prototxt_text.read_text(path), reading.ANYWHERE, path)
    return _parsed(text, path, solver), text


def _parsed(text: str, path: Path, solver: Any) -> Reading:
    training = list(solver.train_state.stage) if solver else []
    testing = [list(state.stage) for state in solver.test_state] if solver else []
    if testing and (solver.test_net or solver.test_net_param):
        testing = testing[:1]  # as of its test nets the first is read
    return reading.parse(text, path, without_python=True, training=training, testing=testing)


def _of_solver(solver: Any, file: Path) -> tuple[Reading, str]:
    """The net or nets that a solver has within itself, or names."""
    inside = [getattr(solver, name) for name in ("net_param", "train_net_param") if solver.HasField(name)]
    inside += list(solver.test_net_param)[:1]
    if inside:
        texts = [text_format.MessageToString(net) for net in inside]
        return _one_of([_parsed(text, file, solver) for text in texts], file), "\n".join(texts)
    names = [name for name in (solver.net, solver.train_net, *list(solver.test_net)[:1]) if name]
    if not names:
        raise UserError(f"{file}: expected a solver that names its net, got none; give it as MODEL=")
    read = [_read(_beside(name, file), solver) for name in names]
    for name in names:
        layers.load_beside(_beside(name, file).parent)
    return _one_of([found for found, _ in read], read[0][0].path), read[0][1]


def _one_of(readings: list[Reading], path: Path) -> Reading:
    """One network of the one or two (for training and for testing) that a solver has."""
    first, *rest = readings
    if not rest:
        return first
    net, said = merging.merged(first.net, rest[0].net)
    notes = [*first.notes, *rest[0].notes, f"{path}: the nets for training and for testing are one", *said]
    outputs = list(dict.fromkeys([*first.outputs, *rest[0].outputs]))
    return Reading(net, first.path, notes, first.scales | rest[0].scales, outputs)


def _beside(name: str, solver: Path) -> Path:
    found = named(name, [solver.parent])
    if found is None:
        raise UserError(
            f"{solver}: expected the net that it trains, '{name}', here or beside it, got no such file; give it as "
            "MODEL="
        )
    return found


def named(name: str, folders: Iterable[Path], within: str = "") -> Path | None:
    """What a prototxt in one of `folders` means by `name`: seen from here, as Caffe does, from there, or beside it.

    A file, or a folder with the file `within` in it; None for "", and where there is none.
    """
    places = [Path(name), *(folder / part for folder in folders for part in (name, Path(name).name))] if name else []
    return next((path for path in places if (path / within).is_file()), None)
