"""`make sweep` evolves the product of seeds and settings."""

import sys
from typing import TYPE_CHECKING

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, given_path, gpus, seeds, whole

if TYPE_CHECKING:
    from evolve.sweep.child import Ended
    from evolve.sweep.plan import Plan, PlannedRun, Wanted

WHAT = "evolve many: seeds times settings, side by side, here or on a Dask cluster"
# Arguments that every run gets as they are.
_HANDED_ON = ("NET", "GEN", "SCHEDULE", "WEIGHTS", "HALF_BLOBS", "FAST")
ARGUMENTS = "NET GEN SEEDS SET SCHEDULE WEIGHTS HALF_BLOBS FAST THREADS GPU SCHEDULER"


def run(arguments: Arguments) -> int:
    """Exit status 0; if runs failed 2, or 1 where one of them was not the user's to mend. Raises UserError."""
    from evolve.sweep import plan, summary

    if "GPU" in arguments and "SCHEDULER" in arguments:
        raise UserError("GPU=: expected none with SCHEDULER=; there a solver says solver_mode: GPU and device_id")
    planned = plan.make(wanted(arguments))
    ended = _on_a_cluster(planned, arguments["SCHEDULER"]) if "SCHEDULER" in arguments else _here(planned, arguments)
    ended = {each: ended[each] for each in planned.runs}
    for sheet in summary.sheets(ended):
        sheet.show()
    if failed := summary.failures(ended):
        print(f"cavefish: {len(failed)} of {counted(len(ended), 'run')} failed", *failed, sep="\n", file=sys.stderr)
    return summary.status(ended)


def wanted(arguments: Arguments) -> "Wanted":
    """What the arguments ask for. UserError."""
    from evolve.settings import changes
    from evolve.sweep.plan import Wanted

    return Wanted(
        network=arguments["NET"],
        schedule=arguments.get("SCHEDULE", ""),
        axes=changes.parse(arguments.get("SET", "")),
        seeds=seeds(arguments),
        generations=whole(arguments, "GEN", least=1),
        pretrained=given_path(arguments, "WEIGHTS"),
        threads=whole(arguments, "THREADS", least=1) or 1,
        words=tuple(f"{name}={arguments[name]}" for name in _HANDED_ON if name in arguments),
    )


def _here(planned: "Plan", arguments: Arguments) -> "dict[PlannedRun, Ended]":
    from evolve.base import processors, progress
    from evolve.sweep import local, plan
    from evolve.sweep.watch import Watch

    plan.prepare_data(planned)
    devices = gpus(arguments)
    at_once = min(len(planned.runs), len(devices) or max(1, processors.usable() // (whole(arguments, "THREADS") or 1)))
    progress.say(f"{counted(len(planned.runs), 'run')}, {at_once} side by side")
    with Watch(planned.runs) as watch:
        return local.run_all(planned.runs, at_once, watch, devices)


def _on_a_cluster(planned: "Plan", address: str) -> "dict[PlannedRun, Ended]":
    from evolve.sweep import cluster, plan
    from evolve.sweep.watch import Watch

    with cluster.connected(address) as client:
        plan.prepare_data(planned)
        with Watch(planned.runs) as watch:
            return cluster.run_all(planned.runs, client, watch)
