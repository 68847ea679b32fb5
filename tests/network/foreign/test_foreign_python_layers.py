"""Python layers that nobody reads and nobody has are left out; what they read is an output then."""

from pathlib import Path

from evolve.network.foreign import reading

CLUSTER = """layer { name: "cluster" type: "Python" bottom: "coverage" bottom: "boxes" top: "list"
  python_param { module: "my.clustering" layer: "Cluster" } }
"""
HEADS = """layer { name: "c" type: "ReLU" bottom: "x" top: "coverage" }
layer { name: "b" type: "ReLU" bottom: "x" top: "boxes" }
"""
READER = 'layer { name: "all" type: "Concat" bottom: "coverage" bottom: "boxes" top: "all" }\n'


def read(text: str, without: bool = True) -> reading.Reading:
    return reading.parse(text, Path("net.prototxt"), without_python=without)


def test_its_bottoms_are_outputs_even_where_another_layer_reads_them() -> None:
    found = read(HEADS + READER + CLUSTER)
    assert [layer.name for layer in found.net.layer] == ["c", "b", "all"]
    assert found.outputs == ["coverage", "boxes"]
    assert found.notes == [
        "net.prototxt: layer 'cluster': left out, as no layer reads what Python's my.clustering.Cluster makes of "
        "'coverage', 'boxes'; outputs instead"
    ]


def test_one_behind_another_goes_too() -> None:
    score = 'layer { name: "s" type: "Python" bottom: "list" top: "s" python_param { module: "m" layer: "S" } }'
    found = read(HEADS + CLUSTER + score)
    assert [layer.name for layer in found.net.layer] == ["c", "b"] and found.outputs == ["coverage", "boxes"]
    assert len(found.notes) == 2


def test_one_that_is_read_or_asked_for_or_known_stays() -> None:
    last = 'layer { name: "r" type: "ReLU" bottom: "list" top: "r" }'
    known = CLUSTER.replace("my.clustering", "evolve.detectnet.layers").replace('"Cluster"', '"ClusterDetections"')
    loss = CLUSTER.replace('top: "list"', 'top: "list" loss_weight: 1')
    for text in (HEADS + CLUSTER + last, HEADS + known, HEADS + loss):
        found = read(text)
        assert "cluster" in [layer.name for layer in found.net.layer] and not found.outputs and not found.notes
    assert "cluster" in [layer.name for layer in read(HEADS + CLUSTER, without=False).net.layer]


def test_one_in_place_stays_where_a_layer_behind_it_reads_it() -> None:
    in_place = 'layer { name: "p" type: "Python" bottom: "coverage" top: "coverage" python_param { module: "m" } }\n'
    assert [layer.name for layer in read(HEADS + in_place + READER).net.layer] == ["c", "b", "p", "all"]
    # What reads the blob before it is in place knows nothing of it.
    found = read(HEADS + READER + in_place)
    assert [layer.name for layer in found.net.layer] == ["c", "b", "all"] and found.outputs == ["coverage"]
