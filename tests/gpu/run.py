"""All that only a GPU can show, in eight minutes at most, of a pack alone: no network, nothing installed.

    sh PACK/run.sh --out results          on the machine with the GPU
    sh PACK/run.sh --dry                  on any: each step up to where it needs a driver
    python -m tests.gpu.run PACK …        the same with this Python

Each step has a process of its own and its seconds; what one has measured is in OUT/results.json before the next begins.
Exit status 0: every step was done, and passed if it can fail; 3: there is no GPU; 1: else.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from evolve.base import processors
from tests.gpu import agree, caffes_tests, engines, facts, masks, step_times, trainings
from tests.gpu.session import NeedsGpu, Result, Session, Step, TimeIsUp

CODE = Path(__file__).resolve().parents[2]
MOST_SECONDS = 470.0
# In this order: what a later one would build on comes first, and the last one takes the rest.
STEPS: dict[str, tuple[float, Step]] = {
    "facts": (10, facts.run),
    "caffe's tests": (40, caffes_tests.run),
    "agree": (60, agree.run),
    "masks": (25, masks.run),
    "lenet": (50, trainings.lenet),
    "steps": (80, step_times.run),
    "engines": (60, engines.run),
    "alexnet": (MOST_SECONDS, trainings.alexnet),
}


def parser() -> argparse.ArgumentParser:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="the folder that tests.gpu.pack made")
    parser.add_argument("--out", type=Path, help="a folder for results.json")
    parser.add_argument("--only", help="steps, with commas between them")
    parser.add_argument("--dry", action="store_true", help="up to where a driver is needed, in one process")
    parser.add_argument("--step", help=argparse.SUPPRESS)  # one, of a process of its own
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help=f"of all steps; default {MOST_SECONDS:g}")
    return parser


def main(words: list[str]) -> int:
    """Parse the command line, run the steps, and return the exit status."""
    options = parser().parse_args(words)
    os.environ.setdefault("GLOG_minloglevel", "2")  # read when Caffe is loaded
    pack = options.pack.resolve()
    if options.step:
        print(json.dumps(_outcome(options.step, Session(pack, Path.cwd(), options.seconds))))
        return 0
    names = options.only.split(",") if options.only else list(STEPS)
    with tempfile.TemporaryDirectory(prefix="cavefish-gpu-") as scratch:
        if options.dry:
            results = {name: _told(name, _outcome(name, Session(pack, Path(scratch), 60, dry=True))) for name in names}
        else:
            results = _in_turn(names, pack, Path(scratch), options.seconds, options.out and options.out.resolve())
    return _status(results, options.dry)


def _in_turn(names: list[str], pack: Path, scratch: Path, seconds: float, out: Path | None) -> dict[str, Result]:
    began, results = time.monotonic(), {}
    for name in names:
        left = seconds - (time.monotonic() - began)
        results[name] = _told(name, _child(name, pack, scratch, min(STEPS[name][0], left)))
        if out:
            out.mkdir(parents=True, exist_ok=True)
            (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    return results


def _child(name: str, pack: Path, scratch: Path, seconds: float) -> Result:
    """What a step's own process answers; its log is in `scratch`, the end of it in the answer where it broke."""
    if seconds < 5:
        return {"skipped": "no time was left"}
    log = scratch / f"{name.replace(' ', '_')}.log"
    command = [sys.executable, "-m", "tests.gpu.run", str(pack), "--step", name, "--seconds", f"{seconds:.0f}"]
    cores = str(processors.usable())
    path = os.pathsep.join(filter(None, [str(CODE), os.environ.get("PYTHONPATH")]))
    threads = {"OPENBLAS_NUM_THREADS": cores, "OMP_NUM_THREADS": cores}
    environment = {**threads, **os.environ, "PYTHONPATH": path}
    with log.open("w") as stream:
        try:
            done = subprocess.run(
                command, cwd=scratch, env=environment, stdout=subprocess.PIPE, stderr=stream, text=True,
                timeout=seconds + 10,
            )  # fmt: skip
            return dict(json.loads(done.stdout.splitlines()[-1]))
        except subprocess.TimeoutExpired:
            why = f"took more than {seconds:.0f} s"
        except (IndexError, ValueError):
            why = f"ended with status {done.returncode}"
    return {"broken": why, "log": log.read_text(errors="replace").splitlines()[-15:]}


def _outcome(name: str, session: Session) -> Result:
    began = time.monotonic()
    try:
        result = STEPS[name][1](session)
    except NeedsGpu as end:
        result = {"needs a GPU": str(end)}
    except TimeIsUp as end:
        result = {"cut short": str(end)}
    except Exception:
        result = {"broken": traceback.format_exc().splitlines()[-1], "log": traceback.format_exc().splitlines()[-15:]}
    return {**result, "step's seconds": round(time.monotonic() - began, 2)}


def _told(name: str, result: Result) -> Result:
    print(f"{name}: {json.dumps(result)}", flush=True)
    return result


def _status(results: dict[str, Result], dry: bool) -> int:
    if any("broken" in result or result.get("passed") is False for result in results.values()):
        return 1
    return 0 if dry or not any("needs a GPU" in result for result in results.values()) else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
