"""Settings: the commented defaults, what a network's own file changes of them, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.proto import evolution_pb2
from evolve.settings import networks, settings
from evolve.settings.settings import Length

BAD = sorted((Path(__file__).parents[1] / "bad").glob("evolution_*.prototxt"))


def read(tmp_path: Path, words: str) -> settings.Settings:
    path = tmp_path / "evolution.prototxt"
    path.write_text(words, encoding="utf-8")
    return settings.read(path)


def defaults() -> settings.Settings:
    return prototxt_text.read(networks.defaults(), evolution_pb2.EvolutionParameter())


# The defaults


def unset(message: Any, name: str) -> Iterator[str]:
    """Dotted names of the fields below `message` that the file does not set."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if not (len(value) if field.is_repeated else message.HasField(field.name)):
            yield f"{name}{field.name}"
        elif field.message_type:
            for each in value if field.is_repeated else [value]:
                yield from unset(each, f"{name}{field.name}.")


def test_every_field_has_its_default_in_the_one_file() -> None:
    """But for what has none; those are explained in a comment."""
    assert list(unset(defaults(), "")) == [
        "dataset.detection.class_name", "dataset.detection.dontcare", "environment.table_1", "environment.waypoint",
        "environment.spared",
    ]  # fmt: skip
    comments = [line.partition("#")[2] for line in networks.defaults().read_text(encoding="utf-8").splitlines()]
    named = ("table_1", "waypoint", "generation", "architectural_efficiency", "class_name", "dontcare", "spared")
    for without in named:
        assert any(without in comment for comment in comments)


def test_every_value_of_an_enum_is_in_the_one_file() -> None:
    words = networks.defaults().read_text(encoding="utf-8")
    enums = [enum for message in evolution_pb2.DESCRIPTOR.message_types_by_name.values() for enum in message.enum_types]
    assert sorted(enum.name for enum in enums) == [
        "BlockMembers", "ChannelOrder", "ClusterShape", "Encoding", "Fit", "Fit", "LocalResponse", "Orientation",
        "Precision", "Table", "Type",
    ]  # fmt: skip
    for enum in enums:
        for value in enum.values:
            assert value.name in words


def test_the_defaults_alone(tmp_path: Path) -> None:
    chosen = read(tmp_path, "# nothing of my own\n")
    assert chosen == defaults()
    assert settings.problems(chosen) == []
    # What the papers say, where they say it.
    assert chosen.encoding == chosen.CLUSTER and chosen.precision == chosen.HALF and chosen.generations == 13


@pytest.mark.parametrize("network", ["lenet", "lenet_bvlc"])
def test_the_networks_that_come_along(network: str) -> None:
    chosen = settings.read(networks.find(network) / networks.EVOLUTION)
    assert settings.environment(chosen, 2).type == evolution_pb2.EnvironmentParameter.PACE
    assert (chosen.dataset.name, chosen.dataset.or_else.name) == ("mnist", "digits")


# A file of one's own


def test_own_settings_come_first(tmp_path: Path) -> None:
    chosen = read(
        tmp_path,
        "generations: 7 precision: FLOAT inherit_weights: false truncation: 0 dataset { image_size: 28 }",
    )
    expected = defaults()
    text_format.Merge(
        "generations: 7 precision: FLOAT inherit_weights: false truncation: 0 dataset { image_size: 28 }", expected
    )
    assert chosen == expected
    assert chosen.dataset.name == "mnist"


def test_repeated_fields_replace(tmp_path: Path) -> None:
    assert list(read(tmp_path, 'offspring_training: "1ep"').offspring_training) == ["1ep"]
    assert list(read(tmp_path, 'offspring_training: "3it" offspring_training: "2it"').offspring_training) == [
        "3it",
        "2it",
    ]


def test_environment_blocks_start_from_the_default_block(tmp_path: Path) -> None:
    usual = defaults().environment[0]
    chosen = read(
        tmp_path,
        "environment { synapse_to_cluster: 2 } environment { from_generation: 5 type: CONSTANT cluster_factor: 0.5 }",
    )
    first, second = chosen.environment
    assert first.synapse_to_cluster == 2 and second.synapse_to_cluster == usual.synapse_to_cluster
    assert first.synapse_budget == second.synapse_budget == usual.synapse_budget
    assert (first.from_generation, first.type) == (usual.from_generation, usual.type)
    assert (second.from_generation, second.type, second.cluster_factor) == (5, second.CONSTANT, 0.5)


def test_waypoints_are_ones_own(tmp_path: Path) -> None:
    words = (
        "environment { type: PACE waypoint { generation: 1 architectural_efficiency: 1 } "
        "waypoint { generation: 9 architectural_efficiency: 50 } }"
    )
    points = read(tmp_path, words).environment[0].waypoint
    assert [(point.generation, point.architectural_efficiency) for point in points] == [(1, 1), (9, 50)]


def test_the_largest_budget_is_allowed(tmp_path: Path) -> None:
    assert read(tmp_path, "environment { synapse_budget: 0.8 }").environment[0].synapse_budget == 0.8


# What holds when


def test_the_schedule(tmp_path: Path) -> None:
    chosen = read(
        tmp_path,
        "environment { from_generation: 8 synapse_budget: 0.7 } environment { synapse_budget: 0.5 } "
        "environment { from_generation: 4 synapse_budget: 0.6 }",
    )
    budgets = [round(settings.environment(chosen, generation).synapse_budget, 3) for generation in range(2, 11)]
    assert budgets == [0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7]


def test_training_lengths(tmp_path: Path) -> None:
    words = 'ancestor_training: "9it" offspring_training: "2ep" offspring_training: "5it" offspring_training: "1.5ep"'
    chosen = read(tmp_path, words)
    lengths = [settings.training_length(chosen, generation, "mnist") for generation in range(1, 7)]
    assert [(length.amount, length.unit) for length in lengths] == [
        (9, "it"),
        (2, "ep"),
        (5, "it"),
        (1.5, "ep"),
        (1.5, "ep"),
        (1.5, "ep"),
    ]


@pytest.mark.parametrize(
    ("words", "images", "batch", "iterations"),
    [
        ("2200it", 60_000, 64, 2200),
        (" 1 it ", 60_000, 64, 1),
        ("1ep", 60_000, 64, 938),  # 937.5, rounded
        ("6.4ep", 60_000, 64, 6000),
        ("2.5ep", 1000, 64, 39),
        ("0.001ep", 100, 64, 1),  # at least one
    ],
)
def test_a_length_in_iterations(words: str, images: int, batch: int, iterations: int) -> None:
    assert Length.parse(words).iterations(images, batch) == iterations


@pytest.mark.parametrize(
    "words", ["", "2200", "ep", "0it", "0ep", "0.0ep", "2.5it", "-1it", "1e3it", "3 epochs", "5ep5", "infep"]
)
def test_no_length(words: str) -> None:
    with pytest.raises(UserError) as error:
        Length.parse(words)
    assert str(error.value) == f"expected a training length like '2200it' or '2.5ep', got '{words}'"


LIMIT = "Caffe counts no further: write fewer"


@pytest.mark.parametrize("words", ["2147483648it", "2147483648ep", "9" * 400 + "it"])
def test_a_length_beyond_what_caffe_counts(words: str) -> None:
    with pytest.raises(UserError) as error:
        Length.parse(words)
    assert str(error.value) == f"expected a training length of at most 2147483647, got '{words}'; {LIMIT}"


def test_epochs_beyond_what_caffe_counts() -> None:
    assert Length.parse("2147483647it").iterations(60_000, 64) == Length.parse("2147483647ep").iterations(64, 64)
    with pytest.raises(UserError) as error:
        Length.parse("3000000ep").iterations(60_000, 64)
    assert str(error.value) == (
        f"expected a training length of at most 2147483647 iterations, got 3e+06ep, which is 2812500000; {LIMIT}"
    )


# What is refused

ENVIRONMENT = "environment: "
BUDGET = ENVIRONMENT + "synapse_budget: expected above 0 and up to largest_offspring, 0.8, got "
RISE = ENVIRONMENT + "waypoint: expected generations and efficiencies that rise"
WAYPOINT = "waypoint {{ generation: {} architectural_efficiency: {} }}"


def waypoints(*points: tuple[int, float]) -> str:
    return "environment { type: PACE " + " ".join(WAYPOINT.format(*point) for point in points) + " }"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("generations: 0", "generations: expected 1 or more, got 0; the ancestor is generation 1"),
        ("truncation: 1.5", "truncation: expected 0 to 1, a part of the layer's strongest, got 1.5"),
        ("truncation: -0.1", "truncation: expected 0 to 1, a part of the layer's strongest, got -0.1"),
        ("truncation: nan", "truncation: expected 0 to 1, a part of the layer's strongest, got nan"),
        (
            'rewind_learning_rate: true offspring_solver: "other.prototxt"',
            "rewind_learning_rate: expected no offspring_solver beside it, for offspring go on with the ancestor's; "
            "got 'other.prototxt'",
        ),
        ("stop_when_accuracy_drops: -0.01", "stop_when_accuracy_drops: expected 0 (never) or a drop like 0.03"),
        ("stop_when_accuracy_drops: nan", "stop_when_accuracy_drops: expected 0 (never) or a drop like 0.03"),
        (
            'ancestor_training: "6000"',
            "ancestor_training: expected a training length like '2200it' or '2.5ep', got '6000'",
        ),
        (
            'dataset { or_else { offspring_training: "2.5it" } }',
            "dataset: or_else: offspring_training: expected a training length like '2200it' or '2.5ep', got '2.5it'",
        ),
        ("offspring_per_generation: 0", "offspring_per_generation: expected 1 or more, got 0"),
        ("parents: 0", "parents: expected 1 or more, got 0"),
        ("parents: 2", "parents: expected up to 1, the siblings that offspring_per_generation makes, got 2"),
        ("synapse_cost: nan", "synapse_cost: expected 0 or more, got nan"),
        ("synapse_cost: inf", "synapse_cost: expected 0 or more, got inf"),
        ("two_of_four: 1.5", "two_of_four: expected 0 to 1, a part of a layer's synapses, got 1.5"),
        ("two_of_four: nan", "two_of_four: expected 0 to 1, a part of a layer's synapses, got nan"),
        ("environment { synapse_budget: 0 }", BUDGET + "0"),
        ("environment { synapse_budget: 0.801 }", BUDGET + "0.801"),
        ("environment { synapse_budget: nan }", BUDGET + "nan"),
        ("environment { synapse_to_cluster: 0 }", ENVIRONMENT + "synapse_to_cluster: expected above 0, got 0"),
        ("environment { synapse_to_cluster: nan }", ENVIRONMENT + "synapse_to_cluster: expected above 0, got nan"),
        ("environment { synapse_to_cluster: inf }", ENVIRONMENT + "synapse_to_cluster: expected above 0, got inf"),
        ("environment { cluster_factor: -1 }", ENVIRONMENT + "cluster_factor: expected above 0, got -1"),
        ("environment { synapse_factor: 0 }", ENVIRONMENT + "synapse_factor: expected above 0, got 0"),
        (
            'environment { spared { layer: "conv1" times: 0.5 } }',
            ENVIRONMENT + "spared: layer 'conv1': expected times of 1 to 1e9, got 0.5",
        ),
        (
            'environment { spared { layer: "conv1" times: nan } }',
            ENVIRONMENT + "spared: layer 'conv1': expected times of 1 to 1e9, got nan",
        ),
        (
            'environment { spared { layer: "conv1" } }',
            ENVIRONMENT + "spared: layer 'conv1': expected times of 1 to 1e9, got 0",
        ),
        (
            'environment { spared { layer: "conv1" times: 2 } spared { layer: "conv1" times: 3 } }',
            ENVIRONMENT + "spared: layer 'conv1': expected once",
        ),
        ("environment { type: PACE }", ENVIRONMENT + "type PACE: expected table_1 or two waypoints and more"),
        (waypoints((1, 1)), ENVIRONMENT + "type PACE: expected table_1 or two waypoints and more"),
        (
            waypoints((1, 1), (2, 3)).replace("PACE", "PACE table_1: MNIST"),
            ENVIRONMENT + "table_1: expected no waypoints beside it, which would be followed instead, got 2; take one "
            "or the other out",
        ),
        (waypoints((1, 1), (1, 2)), RISE),
        (waypoints((5, 1), (2, 3)), RISE),
        (waypoints((1, 5), (2, 3)), RISE),
        (waypoints((1, 5), (2, 5)), RISE),
        (waypoints((1, 0.5), (2, 5)), ENVIRONMENT + "waypoint: expected architectural_efficiency of 1 and above"),
        (
            waypoints((1, 1), (2, float("inf"))),
            ENVIRONMENT + "waypoint: expected architectural_efficiency of 1 and above",
        ),
        (
            "environment { from_generation: 3 }",
            ENVIRONMENT + "expected a block that holds from generation 2 on (from_generation: 2)",
        ),
        (
            "environment { } environment { from_generation: 7 } environment { from_generation: 7 }",
            ENVIRONMENT + "expected one block from generation 7 on, got 2",
        ),
    ],
)
def test_problems(tmp_path: Path, words: str, problem: str) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, words)
    assert str(error.value) == f"{tmp_path}/evolution.prototxt: {problem}"


def test_all_problems_at_once() -> None:
    chosen = defaults()
    text_format.Merge("generations: 0 truncation: 2", chosen)
    del chosen.offspring_training[:]
    del chosen.environment[:]
    assert settings.problems(chosen) == [
        "generations: expected 1 or more, got 0; the ancestor is generation 1",
        "truncation: expected 0 to 1, a part of the layer's strongest, got 2",
        "offspring_training: expected a length like '2200it', got none",
        "environment: expected a block that holds from generation 2 on (from_generation: 2)",
    ]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_is_said_of(path: Path) -> None:
    """Each file begins with it."""
    with pytest.raises(UserError) as error:
        settings.read(path)
    says = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# says: ")
    assert str(error.value) == says.replace("{file}", str(path))


def test_there_are_bad_files() -> None:
    assert len(BAD) == 23


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        settings.read(tmp_path / "evolution.prototxt")
    assert str(error.value) == (
        f"{tmp_path}/evolution.prototxt: no such file; see prototxt/lenet/ for what a network's folder holds"
    )


def test_what_stands_in_trains_for_its_own_lengths(tmp_path: Path) -> None:
    words = 'dataset { or_else { name: "digits" ancestor_training: "7it" } } ancestor_training: "9it"'
    chosen = read(tmp_path, words + ' offspring_training: "5it"')
    assert settings.training_length(chosen, 1, "mnist") == settings.Length(9, "it")
    assert settings.training_length(chosen, 1, "digits") == settings.Length(7, "it")
    assert settings.training_length(chosen, 2, "digits") == settings.Length(5, "it")
