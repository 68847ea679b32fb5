"""What an evolution's settings make of the environment at one generation: F_c, F_s, and the most synapses allowed."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from evolve.base.errors import UserError
from evolve.genetics import environment, synthesis
from evolve.genetics.encoding import Encoding, Factors, SelectionPressure
from evolve.network import count
from evolve.network.graph import Graph
from evolve.network.weights import Weights
from evolve.settings import settings

# Neurons that lose their last way in or out take their synapses with them. In a small network they are many, so F is
# solved for what trial draws really keep; in a large one they weigh nothing, and the expected draw is as good.
_TRIALS, _SMALL, _TOLERANCE = 8, 1_000_000, 0.005


def of(
    wanted: settings.Settings,
    generation: int,
    graph: Graph,
    parent: Weights,
    encoding: Encoding,
    ancestor_synapses: int,
    seed: int,
    fewest: int | None = None,
    parents: int = 1,
) -> tuple[Factors, float]:
    """The factors, and the number of synapses that a draw may not exceed.

    Of several `parents`, `parent` is all that an offspring may inherit, and `fewest` the synapses of the smallest one,
    which the block's parts are of.
    UserError if the environment asks for fewer synapses than the neurons have biases.
    """
    block = settings.environment(wanted, generation)
    synapses = count.total(count.of_graph(graph, parent), "synapses") if fewest is None else fewest
    limit = block.largest_offspring * synapses
    if block.type == block.CONSTANT:
        return Factors(block.cluster_factor, block.synapse_factor), limit
    if block.type == block.SYNAPSE_BUDGET:
        target = block.synapse_budget * synapses
    else:
        # On a pace, an offspring is at least as efficient as is due.
        limit = target = min(limit, ancestor_synapses / environment.on_pace(_waypoints(block), generation))
    return _solved(graph, parent, encoding, target, limit, block, (seed, generation), parents), limit


def pressure(block: settings.Environment) -> SelectionPressure:
    """The selection pressure that a block of the environment's schedule names."""
    return SelectionPressure(block.selection_pressure, block.synapse_selection_pressure or block.selection_pressure)


def spared(block: settings.Environment, layers: Iterable[str]) -> dict[str, float]:
    """What the layers' probabilities are multiplied by, name -> times, of those that the block of the schedule spares.

    A layer that several lines mean is spared as the most of them says.
    """
    return {
        layer: max(times)
        for layer in layers
        if (times := [line.times for line in block.spared if matches(line.layer, layer)])
    }


def matches(pattern: str, layer: str) -> bool:
    """Whether a line of the schedule that names a layer, or a pattern with * and ?, means this layer."""
    return pattern == layer or fnmatchcase(layer, pattern)


def _solved(
    graph: Graph,
    parent: Weights,
    encoding: Encoding,
    target: float,
    limit: float,
    block: settings.Environment,
    seed: tuple[int, int],
    parents: int,
) -> Factors:
    """The factors for which the expected offspring has `target` synapses, biases included, and one has `limit`."""
    biases = count.total(count.of_graph(graph, parent), "biases")
    # Biases stay with their neurons; the draw decides on the rest.
    if target <= biases:
        raise UserError(
            f"generation {seed[1]}: a budget of {target:.0f} synapses, but the neurons' biases alone are {biases}; "
            "give the environment a milder pace"
        )
    ratio, beta = block.synapse_to_cluster, pressure(block)
    if encoding.synapses > _SMALL:
        return environment.solve(encoding, target - biases, ratio, parents, beta)

    def trials(factor: float) -> list[int]:
        # The same random numbers at every F, so that more F never keeps less.
        return synthesis.trial(graph, parent, encoding, encoding.factors(factor, ratio), seed, _TRIALS)

    def solved(wanted: float) -> float:
        highest = environment.highest(encoding, ratio, parents, beta)
        return environment.root(lambda factor: _mean(trials(factor)) - wanted, 0.0, highest, tolerance)

    tolerance = _TOLERANCE * target
    factor = solved(target)
    # Draws of a hundred thousand synapses are alike: where the solution lies beyond the limit, within its tolerance,
    # every one of them would.
    if min(trials(factor), default=0) > limit:
        factor = solved(target - tolerance)
    return encoding.factors(factor, ratio)


def _mean(counts: list[int]) -> float:
    return sum(counts) / max(1, len(counts))


def _waypoints(block: settings.Environment) -> dict[int, float]:
    if block.waypoint:
        return {point.generation: point.architectural_efficiency for point in block.waypoint}
    return environment.TABLE_1[block.Table.Name(block.table_1)]
