"""`python -m tests.bench.speed`: training steps and inference, engine beside engine; README.md has the rest."""

import argparse
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.bench.speed import machine, table
from tests.bench.speed.networks import NETWORKS, Network, write_case
from tests.bench.speed.process import ENGINES, INFERENCE_ONLY, EngineProcess, make, runner
from tests.bench.speed.rounds import interleaved, medians
from tests.bench.speed.table import Median, Round


def main() -> None:
    arguments = _arguments()
    if missing := machine.packages_missing():
        raise SystemExit(missing)
    arguments.out.mkdir(parents=True, exist_ok=True)
    rounds: list[Round] = []
    rows: list[Median] = []
    said: dict[str, dict[str, str]] = {}
    for name in arguments.nets:
        with tempfile.TemporaryDirectory() as folder:
            for threads in arguments.threads:
                measured = _measure(NETWORKS[name], Path(folder), threads, arguments, said)
                rounds += measured
                rows += _medians(measured)
                _write(arguments.out, rounds, rows, said)
    print("\n" + (arguments.out / "table.txt").read_text())


def _measure(
    network: Network, folder: Path, threads: int, arguments: argparse.Namespace, said: dict[str, dict[str, str]]
) -> list[Round]:
    """Every engine on one network with so many threads: agreement with stock Caffe first, then the rounds."""
    batches = write_case(network, folder)
    for maker in ("stock", "pytorch"):
        make(folder, maker)
    result = []
    with ExitStack() as stack:
        processes = [stack.enter_context(EngineProcess(name, folder, threads)) for name in arguments.engines]
        for process in processes:
            said[process.engine] = process.ask("describe")
        for pass_, batch in batches.items():
            able = [process for process in processes if pass_ == "forward" or process.engine not in INFERENCE_ONLY]
            for process in able:
                differences = process.ask("check", pass_=pass_)
                far = ", ".join(f"{what} {value:.1e}" for what, value in differences.items())
                print(f"{network.name} {pass_}, threads {threads}: {process.engine} beside stock: {far}", flush=True)
            times = interleaved(
                {process.engine: runner(process, pass_) for process in able}, arguments.rounds, arguments.seconds
            )
            result += [
                Round(network.name, pass_, batch, threads, engine, number, ms)
                for engine, each in times.items()
                for number, ms in enumerate(each, start=1)
            ]
    return result


def _medians(measured: list[Round]) -> list[Median]:
    """The rows of steps.csv for one network and number of threads."""
    grouped: dict[tuple[str, int, int], dict[str, list[float]]] = {}
    for row in measured:
        grouped.setdefault((row.pass_, row.batch, row.threads), {}).setdefault(row.engine, []).append(row.ms)
    net = measured[0].net
    return [Median(net, *key, engine, ms) for key, times in grouped.items() for engine, ms in medians(times).items()]


def _write(out: Path, rounds: list[Round], rows: list[Median], said: dict[str, dict[str, str]]) -> None:
    """After every network, so that nothing measured is lost."""
    table.write(rounds, out / "rounds.csv")
    table.write([row for row in rows if row.engine in table.LISTED], out / "steps.csv")
    (out / "table.txt").write_text("\n".join(table.lines(rows)) + "\n")
    (out / "machine.txt").write_text("\n".join(machine.description(said)) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/speed-results"), help="folder for the CSV files")
    parser.add_argument("--nets", type=_names(NETWORKS), default=list(NETWORKS), help="separated by commas")
    parser.add_argument("--engines", type=_names(ENGINES), default=list(ENGINES), help="separated by commas")
    parser.add_argument("--threads", type=lambda given: [int(each) for each in given.split(",")], default=[1, 2])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long an engine runs in a round")
    return parser.parse_args()


def _names(known: object) -> Callable[[str], list[str]]:
    def parse(given: str) -> list[str]:
        names = given.split(",")
        if unknown := [name for name in names if name not in known]:  # type: ignore[operator]
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")  # type: ignore
        return names

    return parse


if __name__ == "__main__":
    main()
