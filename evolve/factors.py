"""What an evolution's settings make of the environment at one generation: F_c, F_s, and the most synapses allowed."""

import numpy as np

from evolve import settings
from evolve.errors import UserError
from evolve.genetics import environment, synthesis
from evolve.genetics.encoding import LayerEncoding
from evolve.network import efficiency
from evolve.network.topology import Stage
from evolve.network.weights import Weights

# Neurons that lose their last way in or out take their synapses with them. In a small network they are many, so F is
# solved for what trial draws really keep; in a large one they weigh nothing, and the expected draw is as good.
_TRIALS, _SMALL, _TOLERANCE = 8, 1_000_000, 0.005


def of(
    chosen: settings.Settings,
    generation: int,
    stages: list[Stage],
    parent: Weights,
    encodings: list[LayerEncoding],
    ancestor_synapses: int,
    seed: int,
) -> tuple[environment.Factors, float]:
    """The factors, and the number of synapses that a draw may not exceed.

    UserError if the environment asks for fewer synapses than the neurons have biases.
    """
    block = settings.environment(chosen, generation)
    synapses = efficiency.total(efficiency.count(stages, parent), "synapses")
    limit = environment.LARGEST_OFFSPRING * synapses
    if block.type == block.CONSTANT:
        return environment.Factors(block.cluster_factor, block.synapse_factor), limit
    ratio = 1.0 if chosen.encoding == chosen.SYNAPSE else block.synapse_to_cluster
    if block.type == block.SYNAPSE_BUDGET:
        return _solved(stages, parent, encodings, block.synapse_budget * synapses, ratio, (seed, generation)), limit
    # On a pace, an offspring is at least as efficient as is due.
    target = min(limit, ancestor_synapses / environment.on_pace(_waypoints(block), generation))
    return _solved(stages, parent, encodings, target, ratio, (seed, generation)), target


def _solved(
    stages: list[Stage],
    parent: Weights,
    encodings: list[LayerEncoding],
    target: float,
    ratio: float,
    seed: tuple[int, int],
) -> environment.Factors:
    """The factors for which the expected offspring has `target` synapses, biases included."""
    biases = efficiency.total(efficiency.count(stages, parent), "biases")
    most = sum(int(np.count_nonzero(encoding.synapse)) for encoding in encodings)
    # Biases stay with their neurons; the draw decides on the rest.
    if target <= biases:
        raise UserError(
            f"generation {seed[1]}: a budget of {target:.0f} synapses, but the neurons' biases alone are {biases}; "
            "give the environment a milder pace"
        )
    if most > _SMALL:
        return environment.solve(encodings, target - biases, ratio)

    def excess(factor: float) -> float:
        # The same random numbers at every F, so that more F never keeps less.
        tried = environment.Factors(factor, factor * ratio)
        return synthesis.trial(stages, parent, encodings, tried, seed, _TRIALS) - target

    factor = environment.root(excess, 0.0, environment.highest(ratio), tolerance=_TOLERANCE * target)
    return environment.Factors(factor, factor * ratio)


def _waypoints(block: settings.Environment) -> dict[int, float]:
    if block.waypoint:
        return {point.generation: point.architectural_efficiency for point in block.waypoint}
    return environment.TABLE_1[block.Table.Name(block.table_1)]
