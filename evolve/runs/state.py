"""How far a run is says its folder: generations done, whether the stop rule ended it, who is at work on the next."""

from dataclasses import dataclass
from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.runs import paths, run_folder, training_log
from evolve.runs.metrics import Metrics
from evolve.settings import networks, settings
from evolve.settings.settings import Settings


@dataclass(frozen=True)
class State:
    """`wanted` is 0 where neither a command nor the settings say.

    `iteration` of `iterations` are the next generation's, or 0.
    `fallen` says what ended the run before it was where it was to go, or "".
    """

    done: int
    wanted: int
    at_work: bool
    fallen: str = ""
    iteration: int = 0
    iterations: int = 0

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return bool(self.wanted and self.done >= self.wanted or self.fallen) and not self.at_work

    def words(self) -> str:
        """One line says how far the run is."""
        if self.at_work:
            return self._working()
        if self.fallen:
            return f"ended at generation {self.done}: {self.fallen}"
        if self.done < self.wanted:
            return f"{self.done} of {counted(self.wanted, 'generation')} done; the same `make evolve` goes on"
        return f"{counted(self.done, 'generation')}, all done" if self.wanted else f"{self.done} done"

    def _working(self) -> str:
        of = f"{self.done} of " if self.wanted > self.done else ""
        done = of + counted(max(self.wanted, self.done), "generation")
        trained = f": iteration {self.iteration:,} of {self.iterations:,}" if self.iterations else ""
        return f"{done} done; at work on generation {self.done + 1}{trained}"


def read(folder: Path, generations: list[Metrics], wanted: int = 0, at_work: bool | None = None) -> State:
    """The state that the run's folder says now, with the metrics of its `generations`.

    `wanted` and `at_work` are known to whoever is at work on it; 0: as the last command asked, else as its settings
    say; None: see who holds the run.
    """
    done = len(generations)
    kept = wanted_settings(folder)
    wanted = wanted or run_folder.asked(folder) or (int(kept.generations) if kept else 0)
    if not (run_folder.at_work(folder) if at_work is None else at_work):
        return State(done, wanted, False, _ended(kept, generations))
    return State(done, wanted, True, "", *training(folder, done + 1))


def _ended(kept: Settings | None, generations: list[Metrics]) -> str:
    if not generations:
        return ""
    if diverged(generations[-1]):
        return how_it_diverged(generations[-1])
    fell = kept and fell_too_far(kept, generations[0], generations[-1])
    return how_it_fell(kept, generations[-1]) if kept and fell else ""


def fell_too_far(kept: Settings, ancestor: Metrics, metrics: Metrics) -> bool:
    """The stop rule: whether a generation's score is below the ancestor's by more than `stop_when_accuracy_drops`.

    The score is the deciding one, on a validation part where there is one. An evolution ends so; never where the
    setting is 0, or the net says no score.
    """
    allowed = kept.stop_when_accuracy_drops
    if not allowed or not metrics.score.judged or not ancestor.score.judged:
        return False
    return bool(ancestor.score.deciding - metrics.score.deciding > allowed)


def diverged(metrics: Metrics) -> bool:
    """Whether a generation is no better than one answer for every image: it does not breed."""
    return metrics.score.is_constants(metrics.training.loss)


def how_it_diverged(metrics: Metrics) -> str:
    """Words say what is no better than that, of a generation that diverged."""
    score, constant = metrics.score, metrics.score.constant
    assert constant and score.accuracy is not None
    loss = metrics.training.loss if score.loss is None else score.loss
    said = "" if loss is None else f" and loss {loss:.4f}"
    best = "" if loss is None else f" and {constant.loss:.4f}"
    return (
        f"accuracy {score.accuracy:.4f}{said} {'are' if said else 'is'} no better than one answer for every image, "
        f"{constant.accuracy:.4f}{best}"
    )


def how_it_fell(kept: Settings, metrics: Metrics) -> str:
    """Words say what fell how far, of a generation that fell too far."""
    return f"{metrics.score.deciding_title} fell by more than {kept.stop_when_accuracy_drops:g}"


def settings_file(folder: Path) -> Path | None:
    """The settings' file that the run keeps, under whatever schedule's name; None where there is none."""
    return next(iter(networks.settings_files(folder / paths.PROTOTXTS)), None)


def wanted_settings(folder: Path) -> Settings | None:
    """The settings that the run was begun with, over the defaults; None where they cannot be read."""
    try:
        if (folder / paths.SETTINGS).is_file() and (whole := settings.read_whole(folder / paths.SETTINGS)):
            return whole
        # Earlier releases kept no other.
        path = settings_file(folder)
        return settings.read(path) if path else None
    except UserError:
        return None


def training(run: Path, number: int) -> tuple[int, int]:
    """Iteration and iterations of a generation's training, as Caffe's log and solver say; zeros if it is not at it."""
    unfinished = under_way(run, number)
    try:
        reached = training_log.reached(unfinished / paths.TRAIN_LOG)
        solver = prototxt_text.read(unfinished / paths.SOLVER, caffe_pb2.SolverParameter())
    except (OSError, UserError):
        return 0, 0
    return (reached, int(solver.max_iter)) if reached <= solver.max_iter else (0, 0)


def under_way(run: Path, number: int) -> Path:
    """The folder where that generation is being made; where there are siblings, the first one that is made now."""
    siblings = sorted((run / paths.siblings(number)).glob(f".*{paths.UNFINISHED}"))
    return siblings[0] if siblings else paths.unfinished(paths.generation(run, number))
