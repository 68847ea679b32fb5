"""Which of a generation's siblings is the fittest: by score, less what its synapses cost.

fitness = score - synapse_cost x synapses / the parent's synapses.
"""

from typing import Any

from evolve import settings

Metrics = dict[str, Any]


def score_name(made: Metrics) -> str:
    """What a generation is judged by; precision and recall could be traded for each other, ap has both."""
    return "accuracy" if "accuracy" in made else "ap"


def fitness(chosen: settings.Settings, made: Metrics, parent_synapses: int) -> float:
    """Of a generation with the metrics `made`."""
    cost = round(chosen.synapse_cost, 6) * made["synapses"] / parent_synapses
    return float(made[score_name(made)] - cost)


def ranked(chosen: settings.Settings, siblings: dict[int, Metrics], parent_synapses: int) -> list[tuple[int, float]]:
    """(sibling, fitness), the fittest first: of equals the one with fewer synapses, then the one born first."""
    fit = {number: fitness(chosen, made, parent_synapses) for number, made in siblings.items()}
    order = sorted(siblings, key=lambda number: (-fit[number], siblings[number]["synapses"], number))
    return [(number, fit[number]) for number in order]


def why(number: int, fit: float, best: tuple[int, float], siblings: dict[int, Metrics]) -> str:
    """Why a sibling was chosen, or not."""
    if number == best[0]:
        return "the fittest"
    if fit != best[1]:
        return f"{best[1] - fit:.4f} less fit than sibling {best[0]}"
    more = siblings[number]["synapses"] - siblings[best[0]]["synapses"]
    return f"as fit as sibling {best[0]}, " + (f"with {more} synapses more" if more else "which was born before")
