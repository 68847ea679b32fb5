"""SET=: which settings get which values, what is refused, and what the run keeps."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.runs import run_folder
from evolve.settings import changes, networks, settings


def read(words: str) -> list[list[str]]:
    return [[str(change) for change in axis] for axis in changes.parse(words)]


@pytest.mark.parametrize(
    ("words", "axes"),
    [
        ("", []),
        ("environment.synapse_budget=0.6", [["environment.synapse_budget=0.6"]]),
        (" precision = HALF , FLOAT ;", [["precision=HALF", "precision=FLOAT"]]),
        ("generations=4;truncation=.1,.25", [["generations=4"], ["truncation=0.1", "truncation=0.25"]]),
        ("inherit_weights=true,0", [["inherit_weights=true", "inherit_weights=false"]]),
        ("offspring_training=800it,2.5ep", [["offspring_training=800it", "offspring_training=2.5ep"]]),
        ("offspring_training=[\"800it\", '9it'],3it", [["offspring_training=[800it,9it]", "offspring_training=3it"]]),
        ('solver="a,b; [c].prototxt"', [['solver="a,b; [c].prototxt"']]),
        ("dataset.detection.class_name=[a cat,dog]", [['dataset.detection.class_name=["a cat",dog]']]),
    ],
)
def test_words(words: str, axes: list[list[str]]) -> None:
    assert read(words) == axes
    # What is canonical means the same when it is read again.
    assert read(";".join(f"{axis[0].partition('=')[0]}={','.join(a.partition('=')[2] for a in axis)}" for axis in axes)
                ) == axes  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("environment.synapses=0.6", "environment.synapses: no such setting; did you mean environment.synapse_budget?"),
        ("synapse_budget=0.6", "synapse_budget: no such setting; did you mean environment.synapse_budget?"),
        ("sinapse_budget=1", "sinapse_budget: no such setting; did you mean environment.synapse_budget?"),
        ("enviroment.type=PACE", "enviroment.type: no such setting; did you mean environment.type?"),
        ("presicion=HALF", "presicion: no such setting; did you mean precision?"),
        ("x=1", "x: no such setting; prototxt/evolution.defaults.prototxt has them all"),
        (
            "dataset.or_else=digits",
            "dataset.or_else: expected one of its settings: dataset.or_else.name, dataset.or_else.ancestor_training, "
            "dataset.or_else.offspring_training",
        ),
        (
            "environment.waypoint.generation=4",
            "environment.waypoint.generation: waypoints go together; write them into evolution.NAME.prototxt, and give "
            "SCHEDULE=NAME",
        ),
        *((
            path, f"{path.partition('=')[0]}: a spared layer and its times go together; write them into "
            "evolution.NAME.prototxt, and give SCHEDULE=NAME",
        ) for path in ("environment.spared=conv1", "environment.spared.layer=conv1", "spared.times=2")),
        ("seed=3", "seed: is not set so; give SEED=1, or SEEDS=1..8 to `make sweep`"),
        ("precision=HALF,WHOLE", "precision: expected one of HALF, BFLOAT16, FLOAT, INT8, got WHOLE"),
        ("generations=2.5", "generations: expected a whole number of 0 or more, got 2.5"),
        ("generations=-1", "generations: expected a whole number of 0 or more, got -1"),
        ("truncation=much", "truncation: expected a number, got much"),
        ("truncation=.1,,.2", "truncation: expected a number, got nothing"),
        ("truncation=[.1,.2]", "truncation: expected a number, got [.1,.2]"),
        ("truncation=.1 generations: 3", "truncation: expected a number, got .1 generations: 3"),
        ("inherit_weights=maybe", "inherit_weights: expected true or false, got maybe"),
        ("offspring_training=[]", "offspring_training: expected text, got nothing"),
        ("truncation=.1,0.10", "truncation: expected every value once, got 0.1 2 times"),
        ("truncation=.1;truncation=.2", "truncation: expected once, got 2 times; separate its values by commas"),
        (
            "environment.synapse_budget=.5;environment.cluster_factor=2",
            "environment.synapse_budget and environment.cluster_factor: of two types of environment; set "
            "environment.type too",
        ),
        ("truncation", "truncation: expected setting=value; for instance SET=environment.synapse_budget=0.6,0.67"),
        ("truncation=", "truncation=: expected setting=value; for instance SET=environment.synapse_budget=0.6,0.67"),
    ],
)
def test_bad_words(words: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        changes.parse(words)
    assert str(refused.value) == f"SET={message}"


def test_every_message_in_a_block_has_a_remedy() -> None:
    fields = settings.Environment.DESCRIPTOR.fields
    assert {field.name for field in fields if field.message_type} == changes._TOGETHER.keys()


def test_an_apostrophe_and_a_bracket_in_a_name_are_letters() -> None:
    words = "dataset.folder=/my/Tom's [new pictures; dataset.image_size=64; dataset.test=\"/a;b\"; generations=3"
    assert [(each.path, each.value) for each in changes.single(words)] == [
        ("dataset.folder", '"/my/Tom\\\'s [new pictures"'),
        ("dataset.image_size", "64"),
        ("dataset.test", '"/a;b"'),
        ("generations", "3"),
    ]
    assert changes.split("offspring_training=['1it', \"2it\"]; a=[1,[2,3]],4", ";") == [
        "offspring_training=['1it', \"2it\"]", "a=[1,[2,3]],4",
    ]  # fmt: skip


def test_one_run_has_one_value() -> None:
    assert [str(change) for change in changes.single("truncation=.1;generations=3")] == [
        "truncation=0.1", "generations=3",
    ]  # fmt: skip
    with pytest.raises(UserError) as refused:
        changes.single("truncation=.1,.2")
    assert str(refused.value) == (
        "SET=truncation: expected one value, got 2; `make sweep` takes several; one with a comma is written "
        'truncation="a,b"'
    )


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("environment.synapse_budget=.60", "synapse_budget=0.6-seed2"),
        ("generations=3;environment.type=PACE", "generations=3-type=PACE-seed2"),
        # As much of a path as is no other setting's: `name` and `ancestor_training` would be.
        ("dataset.or_else.name=digits", "or_else.name=digits-seed2"),
        ("ancestor_training=5it;dataset.or_else.ancestor_training=4it",
         "ancestor_training=5it-or_else.ancestor_training=4it-seed2"),
        ("offspring_training=[800it,2.5ep]", "offspring_training=800it+2.5ep-seed2"),
        ("solver='../a b/solver.prototxt'", "solver=.._a_b_solver.prototxt-seed2"),
    ],
)  # fmt: skip
def test_a_runs_name_tells_its_settings(words: str, name: str) -> None:
    assert run_folder.name("", changes.single(words), 2) == name
    assert run_folder.name("long", changes.single(words), 2) == f"long-{name}"


def test_the_order_of_settings_does_not_matter() -> None:
    one, other = (changes.single(words) for words in ("truncation=.1;generations=3", "generations=3;truncation=.1"))
    assert changes.text(one) == changes.text(other) == "generations=3;truncation=0.1"
    assert run_folder.name("", one, 1) == run_folder.name("", other, 1)


# What becomes of evolution.prototxt


OWN = """# my own
environment { synapse_budget: 0.5 synapse_to_cluster: 2 }
environment { from_generation: 5 type: PACE table_1: MNIST }
offspring_training: ["7it", "8it"]
"""


def changed(tmp_path: Path, own: str, words: str) -> settings.Settings:
    path = tmp_path / "evolution.prototxt"
    path.write_text(own)
    chosen = settings.read(path, changes.single(words))
    # What is kept says the same without SET=.
    kept = tmp_path / "kept.prototxt"
    kept.write_text(settings.own_text(path, changes.single(words)))
    assert settings.read(kept) == chosen
    return chosen


def test_a_setting_of_the_environment_is_set_in_every_block(tmp_path: Path) -> None:
    chosen = changed(tmp_path, OWN, "environment.largest_offspring=0.9;environment.type=SYNAPSE_BUDGET")
    assert [round(block.largest_offspring, 6) for block in chosen.environment] == [0.9, 0.9]
    assert [block.type for block in chosen.environment] == [chosen.environment[0].SYNAPSE_BUDGET] * 2
    # Whatever else the blocks have stays.
    assert [round(block.synapse_budget, 6) for block in chosen.environment] == [0.5, 0.67]
    assert chosen.environment[0].synapse_to_cluster == 2 and list(chosen.offspring_training) == ["7it", "8it"]


def test_without_a_block_it_is_the_defaults(tmp_path: Path) -> None:
    chosen = changed(tmp_path, "generations: 4\n", "environment.synapse_budget=0.5")
    (block,) = chosen.environment
    assert (block.synapse_budget, block.from_generation, chosen.generations) == (0.5, 2, 4)


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("synapse_budget=0.5", "SYNAPSE_BUDGET"), ("cluster_factor=2", "CONSTANT"), ("synapse_factor=2", "CONSTANT"),
        ("table_1=STL10", "PACE"), ("largest_offspring=.9", "PACE"), ("synapse_to_cluster=2", "PACE"),
        ("synapse_budget=0.5;environment.type=PACE", "PACE"),
    ],
)  # fmt: skip
def test_what_would_decide_nothing_brings_its_type_along(tmp_path: Path, setting: str, kind: str) -> None:
    """LeNet-5 keeps the paper's pace, under which a budget has no meaning."""
    own = (networks.find("lenet") / networks.EVOLUTION).read_text()
    (block,) = changed(tmp_path, own, f"environment.{setting}").environment
    assert block.Type.Name(block.type) == kind


def test_a_size_is_not_left_unread_beside_a_width(tmp_path: Path) -> None:
    own = 'dataset { name: "images" folder: "/a" width: 9 height: 8 }\n'
    dataset = changed(tmp_path, own, "dataset.image_size=40").dataset
    assert (dataset.image_size, dataset.width, dataset.height) == (40, 0, 0)
    dataset = changed(tmp_path, own, "dataset.image_size=40; dataset.width=7").dataset
    assert (dataset.image_size, dataset.width, dataset.height) == (40, 7, 0)


def test_a_table_is_not_left_unread_beside_waypoints(tmp_path: Path) -> None:
    own = """environment { type: PACE waypoint { generation: 1 architectural_efficiency: 1 }
  waypoint { generation: 5 architectural_efficiency: 2 } }
environment { from_generation: 7 type: CONSTANT waypoint { generation: 9 architectural_efficiency: 3 } }
"""
    chosen = changed(tmp_path, own, "environment.table_1=MNIST")
    assert [(block.Type.Name(block.type), block.Table.Name(block.table_1), len(block.waypoint)) for block in
            chosen.environment] == [("PACE", "MNIST", 0)] * 2  # fmt: skip
    (block,) = changed(tmp_path, "generations: 4\n", "environment.table_1=MNIST").environment
    assert (block.Table.Name(block.table_1), block.from_generation) == ("MNIST", 2)


def test_lists_are_replaced(tmp_path: Path) -> None:
    assert list(changed(tmp_path, OWN, "offspring_training=9it").offspring_training) == ["9it"]
    assert list(changed(tmp_path, OWN, "offspring_training=[1it,2it]").offspring_training) == ["1it", "2it"]


def test_what_the_settings_refuse_is_said_with_the_words(tmp_path: Path) -> None:
    path = tmp_path / "evolution.prototxt"
    path.write_text(OWN)
    with pytest.raises(UserError) as refused:
        settings.read(path, changes.single("environment.synapse_budget=0.9"))
    assert str(refused.value) == (
        f"{path} with SET='environment.synapse_budget=0.9': environment: synapse_budget: expected above 0 and up to "
        "largest_offspring, 0.8, got 0.9"
    )


def test_without_set_the_file_is_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "evolution.prototxt"
    path.write_text(OWN)
    assert settings.own_text(path) == OWN
    assert settings.own_text(path, changes.single("generations=3")).startswith(
        "# evolution.prototxt with SET='generations=3'\ngenerations: 3\n"
    )


def test_paths_are_seen_from_where_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the run keeps is the same wherever it goes on; ends of paths are in its name, with what tells them apart."""
    monkeypatch.chdir(tmp_path)
    assert read("dataset.folder=my pictures, ../other") == [
        [f'dataset.folder="{tmp_path}/my pictures"', f'dataset.folder="{tmp_path.parent}/other"']
    ]
    assert read("dataset.detection.folder=../other, other") == [
        [f'dataset.detection.folder="{tmp_path.parent}/other"', "dataset.detection.folder=other"]
    ]
    monkeypatch.setenv("HOME", "/home/me")
    assert read("dataset.train=~/list.txt") == [['dataset.train="/home/me/list.txt"']]
    names = {changes.single(f"dataset.folder=/{place}/{'x' * 300}")[0].name for place in "ab"}
    assert len(names) == 2 and all(len(name) < 80 for name in names)
    assert changes.single("dataset.folder=/a/my pictures")[0].name.startswith("dataset.folder=my_pictures-")
