"""A lineage.csv that was kept: read as the run that it was, or refused with what is missing."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.datasets import lookup
from evolve.figures import frontier, kept_lineage

RESULTS = Path(__file__).resolve().parents[2] / "results"


def refused(name: str) -> str:
    with pytest.raises(UserError) as error:
        kept_lineage.read(Path(name))
    return str(error.value)


def test_network_run_and_seed_are_in_the_name() -> None:
    for file, expected in (
        ("lenet/lenet_bvlc-long-seed2.csv", ("lenet_bvlc", 2, "mnist", 13)),
        ("alexnet_cifar10/dense-seed1.csv", ("alexnet_cifar10", 1, "cifar10", 6)),
    ):
        run = kept_lineage.read(Path(f"{expected[2]}:{RESULTS / file}"))
        assert (run.network, run.seed, run.ancestor.dataset.name, len(run.generations)) == expected


def test_what_decided_is_kept_beside_the_accuracy(tmp_path: Path) -> None:
    kept = (RESULTS / "lenet/lenet-seed1.csv").read_text().splitlines()
    added = [f"{kept[0]},validation_accuracy", *(f"{line},0.25" for line in kept[1:])]
    (tmp_path / "lenet-seed1.csv").write_text("\n".join(added) + "\n")
    score = kept_lineage.read(Path(f"mnist:{tmp_path / 'lenet-seed1.csv'}")).generations[-1].score
    assert score.deciding == 0.25 != score.value


def test_the_three_seeds_of_the_results_are_one_line() -> None:
    (each,), _ = frontier.gather([Path(f"mnist:{RESULTS}/lenet/lenet-seed{seed}.csv") for seed in (1, 2, 3)])
    line = each.lines["synapses"][0]
    assert (line.title, line.seeds) == ("lenet", [1, 2, 3])
    # As results/lenet/README.md has them.
    last = line.points[-1]
    assert f"{last.compression:.2f} ± {last.compression_spread:.2f}" == "127.82 ± 2.53"
    assert f"{last.score:.4f} ± {last.score_spread:.4f}" == "0.9897 ± 0.0013"


def test_what_a_name_must_say(tmp_path: Path) -> None:
    known = ", ".join(lookup.names())
    for name in ("lenet-seed1.csv", "imagenet:lenet-seed1.csv"):
        assert refused(name) == (
            f"RUN={name}: expected the data set that it was measured on and a colon before it; known are: {known}"
        )
    assert refused("mnist:/x/seed1.csv") == (
        "RUN=mnist:/x/seed1.csv: expected a name like lenet-seed1.csv, of a network under prototxt/ and its run"
    )


def test_a_file_that_is_not_there() -> None:
    assert refused("mnist:lenet-seed9.csv") == (
        "lenet-seed9.csv: expected a run's lineage.csv, got No such file or directory; name another file"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "other columns, or no generation"), (b"generation,synapses\n", "other columns, or no generation"),
     (b"a,b\n1,2\n", "other columns, or no generation"),
     (b"generation,synapses\n1,9\n", "one without architectural_efficiency in every row"),
     (b"generation,synapses\n1,many\n", "could not convert string to float: 'many'"),
     (b"\xff\xfe", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte")],
)  # fmt: skip
def test_other_files(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "lenet-seed1.csv"
    file.write_bytes(content)
    assert refused(f"mnist:{file}") == f"{file}: expected a run's lineage.csv, got {why}; name another file"
