"""The environmental factors F_c and F_s of equation (3): what the environment leaves of a parent's synapses.

Probabilities times F are capped at 1, as probabilities must be. Without an environment (F = 1) the smallest
probability that equations (4) and (5) give is 1/e, so F is what sets the pace.
"""

import math
from collections.abc import Callable

from evolve.base.errors import UserError
from evolve.genetics.encoding import PAPERS, Encoding, Factors, SelectionPressure

# [Cluster16]: an offspring has at most 80 % of the synapses of its direct ancestor; settings may say otherwise.
LARGEST_OFFSPRING = 0.8

# Enough for any smooth function, and to corner a step.
_EVALUATIONS = 30

# [Cluster16], Table 1: generation -> architectural efficiency.
TABLE_1 = {
    "MNIST": {1: 1.0, 5: 5.20, 7: 12.09, 9: 32.23, 11: 62.74, 13: 125.09},
    "STL10": {1: 1.0, 3: 2.37, 5: 5.81, 7: 14.99, 9: 38.22, 10: 56.27},
    "CIFAR10": {1: 1.0, 2: 1.64, 3: 2.82, 4: 5.06, 5: 8.39, 6: 14.39},
}


def solve(
    encoding: Encoding,
    target: float,
    synapse_to_cluster: float = 1.0,
    parents: int = 1,
    pressure: SelectionPressure = PAPERS,
) -> Factors:
    """The factors, F_s = `synapse_to_cluster` F_c for clusters, for which the expected offspring has `target` synapses.

    To a relative 1e-4. UserError if not even F without limit keeps that many, or the target is not positive.
    """
    most = encoding.synapses
    if not 0 < target <= most:
        raise UserError(f"environment: expected offspring of {target:.0f} synapses, but the parent has {most}")

    def excess(factor: float) -> float:
        return encoding.expected(encoding.factors(factor, synapse_to_cluster)) - target

    most_factor = highest(encoding, synapse_to_cluster, parents, pressure)
    return encoding.factors(root(excess, 0.0, most_factor, tolerance=1e-4 * target), synapse_to_cluster)


def highest(
    encoding: Encoding, synapse_to_cluster: float = 1.0, parents: int = 1, pressure: SelectionPressure = PAPERS
) -> float:
    """The F_c from which on nothing changes: the smallest probability times F is 1 for clusters and synapses.

    That is 1/e to the power of the pressure; of a mean of several parents, of which only one has the synapse, a part.
    """
    cluster, synapse = math.exp(pressure.cluster) * parents, math.exp(pressure.synapse) * parents
    one = encoding.factors(1.0, synapse_to_cluster)
    return max(cluster / one.cluster, synapse / one.synapse) * 1.0001


def on_pace(waypoints: dict[int, float], generation: int) -> float:
    """Architectural efficiency due at `generation`: geometric between the waypoints, the last pace continued."""
    known = sorted(waypoints)
    if generation <= known[0]:
        return waypoints[known[0]]
    later = [g for g in known if g >= generation]
    after = later[0] if later else known[-1]
    before = max(g for g in known if g < after)
    growth = (waypoints[after] / waypoints[before]) ** (1 / (after - before))
    return float(waypoints[before] * growth ** (generation - before))


def root(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """A root of an increasing function by the Illinois method: each evaluation looks at every synapse.

    Of a function with steps, where no value may be within `tolerance` of zero, the step is found; `high` of one that
    is not above zero there either.
    """
    at_low, at_high = function(low), function(high)
    if at_high <= 0:
        return high
    middle = high
    side = 0
    for _ in range(_EVALUATIONS):
        if abs(at_high) <= tolerance:
            break
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = function(middle)
        if abs(value) <= tolerance:
            break
        if value > 0:
            high, at_high = middle, value
            at_low = at_low / 2 if side == 1 else at_low
            side = 1
        else:
            low, at_low = middle, value
            at_high = at_high / 2 if side == -1 else at_high
            side = -1
    return middle
