"""The papers' numbers, against the arithmetic that they must obey."""

from pathlib import Path

from evolve.figures import papers
from evolve.lineage import experiment


def test_E_is_the_plain_mean_of_the_layers_listed() -> None:
    # To the rounding of the printed ratios: STL-10's 5.955 is printed 5.96, CIFAR-10's 2.826 is printed 2.82.
    for paper in (papers.MNIST, papers.STL10, papers.CIFAR10):
        ratios = paper.cluster_efficiency
        assert abs(sum(ratios) / len(ratios) - paper.mean) < 0.01


def test_the_last_generation_is_the_one_that_tables_2_and_3_list() -> None:
    assert (papers.MNIST.last, papers.STL10.last, papers.CIFAR10.last) == (13, 10, 6)
    assert papers.MNIST.accuracy[13] == 0.9775
    assert papers.MNIST.architectural_efficiency[13] == 125.09


def test_the_papers_network_is_known_by_its_layers_and_neurons() -> None:
    assert papers.MNIST.is_of([32, 32, 64, 64, 10])
    assert not papers.MNIST.is_of([32, 32, 64, 64])
    assert not papers.MNIST.is_of([20, 50, 500, 10])
    # The widths of CIFAR-10's fully connected layers are not known.
    assert papers.CIFAR10.is_of([96, 256, 384, 384, 256, 1024, 512, 10])
    assert papers.STL10.is_of([32, 32, 64, 64, 10])


def test_the_shipped_networks_are_the_papers() -> None:
    for name, paper in (("lenet", papers.MNIST), ("lenet_stl10", papers.STL10), ("alexnet_cifar10", papers.CIFAR10)):
        chosen = experiment.load(name)
        layers = chosen.net(Path("/data-set")).layer
        widths = [layer.convolution_param.num_output or layer.inner_product_param.num_output for layer in layers]
        assert paper.is_of([width for width in widths if width])
        assert papers.of(chosen.settings.dataset.name) is paper
        assert chosen.settings.generations == paper.last


def test_digits_stand_in_for_mnist_and_are_marked() -> None:
    assert papers.of("digits") is None and papers.stood_in_for("digits") is papers.MNIST
    assert papers.of("mnist") is papers.MNIST and papers.stood_in_for("mnist") is None
    assert papers.of("streets") is None is papers.stood_in_for("streets")
