"""What an evolution's settings make of the environment at one generation: F_c, F_s, and the most synapses allowed."""

from evolve.base.errors import UserError
from evolve.genetics import environment, synthesis
from evolve.genetics.encoding import SelectionPressure
from evolve.genetics.environment import Encodings
from evolve.genetics.filters import FilterEncoding
from evolve.network import efficiency
from evolve.network.topology import Graph
from evolve.network.weights import Weights
from evolve.settings import settings

# Neurons that lose their last way in or out take their synapses with them. In a small network they are many, so F is
# solved for what trial draws really keep; in a large one they weigh nothing, and the expected draw is as good.
_TRIALS, _SMALL, _TOLERANCE = 8, 1_000_000, 0.005


def of(
    chosen: settings.Settings,
    generation: int,
    graph: Graph,
    parent: Weights,
    encodings: Encodings,
    ancestor_synapses: int,
    seed: int,
    fewest: int | None = None,
    parents: int = 1,
) -> tuple[environment.Factors, float]:
    """The factors, and the number of synapses that a draw may not exceed.

    Of several `parents`, `parent` is all that an offspring may inherit, and `fewest` the synapses of the smallest one,
    which the block's parts are of.
    UserError if the environment asks for fewer synapses than the neurons have biases.
    """
    block = settings.environment(chosen, generation)
    synapses = efficiency.total(efficiency.count(graph, parent), "synapses") if fewest is None else fewest
    limit = round(block.largest_offspring, 6) * synapses
    if block.type == block.CONSTANT:
        return environment.Factors(block.cluster_factor, block.synapse_factor), limit
    ratio = 1.0 if chosen.encoding == chosen.SYNAPSE else block.synapse_to_cluster
    if block.type == block.SYNAPSE_BUDGET:
        target = block.synapse_budget * synapses
    else:
        # On a pace, an offspring is at least as efficient as is due.
        limit = target = min(limit, ancestor_synapses / environment.on_pace(_waypoints(block), generation))
    found = _solved(graph, parent, encodings, target, ratio, (seed, generation), parents, pressure(block))
    return _synapses_come_too(found) if isinstance(encodings, FilterEncoding) else found, limit


def pressure(block: settings.Environment) -> SelectionPressure:
    """The selection pressure that a block of the environment's schedule names."""
    return SelectionPressure(block.selection_pressure, block.synapse_selection_pressure or block.selection_pressure)


def _solved(
    graph: Graph,
    parent: Weights,
    encodings: Encodings,
    target: float,
    ratio: float,
    seed: tuple[int, int],
    parents: int,
    selection: SelectionPressure,
) -> environment.Factors:
    """The factors for which the expected offspring has `target` synapses, biases included."""
    biases = efficiency.total(efficiency.count(graph, parent), "biases")
    # Biases stay with their neurons; the draw decides on the rest.
    if target <= biases:
        raise UserError(
            f"generation {seed[1]}: a budget of {target:.0f} synapses, but the neurons' biases alone are {biases}; "
            "give the environment a milder pace"
        )
    if environment.synapses(encodings) > _SMALL:
        return environment.solve(encodings, target - biases, ratio, parents, selection)

    def excess(factor: float) -> float:
        # The same random numbers at every F, so that more F never keeps less.
        tried = environment.Factors(factor, factor * ratio)
        return synthesis.trial(graph, parent, encodings, tried, seed, _TRIALS) - target

    highest = environment.highest(ratio, parents, selection)
    factor = environment.root(excess, 0.0, highest, tolerance=_TOLERANCE * target)
    return environment.Factors(factor, factor * ratio)


def _synapses_come_too(found: environment.Factors) -> environment.Factors:
    """An inherited filter brings all its synapses: F_s is so high that F_s P is 1 for each."""
    return environment.Factors(found.cluster, environment.highest(1.0))


def _waypoints(block: settings.Environment) -> dict[int, float]:
    if block.waypoint:
        return {point.generation: point.architectural_efficiency for point in block.waypoint}
    return environment.TABLE_1[block.Table.Name(block.table_1)]
