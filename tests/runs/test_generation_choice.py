"""The choice among generations, and words that hold of it."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.runs import choice
from evolve.runs.measurements import Speed
from tests.runs import made_up

ACCURACIES = [0.9900, 0.9930, 0.9850, 0.9849, 0.9851, 0.9500]
LINEAGE = [made_up.metrics(number, accuracy) for number, accuracy in enumerate(ACCURACIES, start=1)]
UNTIMED = [Speed()] * len(LINEAGE)


def timed(*fps: float | None) -> list[Speed]:
    return [Speed(fps=each, fps_engine="openvino f32 1 thread" if each else "") for each in fps]


def among(speeds: list[Speed] = UNTIMED, within: float = choice.WITHIN) -> choice.Choice:
    found = choice.among(LINEAGE, speeds, within)
    assert found
    return found


@pytest.mark.parametrize(("within", "number"), [(0.005, 5), (0.0, 2), (0.0049, 5), (0.04, 6), (1.0, 6)])
def test_the_smallest_is_the_last_that_scores_enough_though_one_before_did_not(within: float, number: int) -> None:
    found = among(within=within)
    assert (found.smallest.number, found.fastest.number, found.timed) == (number, number, False)


def test_the_fastest_is_so_by_frames_per_second_where_all_eligible_were_timed_on_one_engine() -> None:
    found = among(timed(100, 400, 300, None, 200, 900))
    assert (found.smallest.number, found.fastest.number, found.timed) == (5, 2, True)
    assert "2.0 times the frames per second (openvino f32 1 thread)" in found.saved(found.smallest)
    assert among(timed(100, 400, None, None, 200, 900)).fastest.number == 5


def test_of_equals_the_better_one_is_chosen() -> None:
    same = [made_up.metrics(1, 0.99), made_up.metrics(2, 0.986, synapses=9), made_up.metrics(2, 0.989, synapses=9)]
    found = choice.among(same, [Speed()] * 3)
    assert found and found.smallest.metrics.score.value == 0.989


def test_a_validation_part_decides_and_test_images_are_told_of() -> None:
    first = made_up.with_score(LINEAGE[0], accuracy=0.99, validation_accuracy=0.98)
    second = made_up.with_score(LINEAGE[1], accuracy=0.97, validation_accuracy=0.979)
    found = choice.among([first, second], UNTIMED[:2])
    assert found and found.smallest.number == 2
    assert found.words().endswith("−2.0 points of accuracy")


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (530, 10, "53 times fewer synapses"),
        (1000, 514, "49 % fewer synapses"),
        (1000, 512, "2.0 times fewer synapses"),
        (1000, 930, "7 % fewer synapses"),
        (1000, 996, "as many synapses"),
        (1000, 1000, "as many synapses"),
        (1000, 1030, "3 % more synapses"),
        (1000, 0, "no synapses"),
    ],
)
def test_counts_in_words_that_hold(was: int, now: int, words: str) -> None:
    assert choice.fewer(was, now, "synapses") == words


def test_a_line_for_every_state_of_a_run() -> None:
    alone = choice.among(LINEAGE[:1], UNTIMED[:1])
    assert alone and alone.words() == "generation 1 is the ancestor: nothing is smaller yet"
    gained = "generation 5: 5.1 times fewer synapses, 5.0 times fewer MACs, −0.5 points of accuracy"
    assert among().words() == gained
    worse = choice.among([LINEAGE[0], LINEAGE[5]], UNTIMED[:2])
    assert worse and worse.words() == (
        "no offspring is within 0.5 points of generation 1's accuracy; the last is generation 6: 7.6 times fewer "
        "synapses, 6.0 times fewer MACs, −4.0 points of accuracy"
    )
    worse = choice.among([LINEAGE[0], LINEAGE[5]], UNTIMED[:2], within=0.01)
    assert worse and worse.words().startswith("no offspring is within 1 point of generation 1's accuracy; ")
    neither = choice.among([LINEAGE[0], made_up.metrics(2, 0.99, synapses=143978, macs=10_715_776)], UNTIMED[:2])
    assert neither and neither.words() == "generation 2: as many synapses, as many MACs, the same accuracy"


def test_detectors_are_chosen_by_average_precision() -> None:
    found = choice.among([made_up.detector(each) for each in LINEAGE], UNTIMED)
    assert found and found.smallest.number == 1
    assert "average precision" in found.words()


def test_without_a_score_there_is_no_choice(tmp_path: Path) -> None:
    unscored = made_up.with_score(LINEAGE[0], accuracy=None)
    assert choice.among([unscored], UNTIMED[:1]) is None
    run = made_up.write(tmp_path / "run", [unscored])
    with pytest.raises(UserError) as refused:
        choice.of_run(run)
    assert str(refused.value) == (
        f"{run}: expected an accuracy or an average precision of every generation to go by, got none; give the net an "
        "Accuracy layer"
    )


def test_of_a_test_loss_alone_there_is_no_choice_and_the_refusal_says_where_it_stands() -> None:
    assert choice.unjudged([made_up.with_score(LINEAGE[0], loss=0.5)]) == (
        "expected an accuracy or an average precision of every generation to go by, got none; give the net an Accuracy "
        "layer, or see `make table` for the test loss and name a generation by its number"
    )


@pytest.mark.parametrize(("lacking", "which"), [([1], "generation 1"), ([2, 6], "generations 2, 6")])
def test_which_generations_have_no_score(lacking: list[int], which: str) -> None:
    some = [made_up.with_score(each) if each.generation in lacking else each for each in LINEAGE]
    assert choice.among(some, UNTIMED) is None and choice.unjudged(LINEAGE) == ""
    assert choice.unjudged(some) == (
        f"expected an accuracy or an average precision of every generation to go by, got none of {which}; without the "
        f"folder of generation {lacking[0]} the same `make evolve` makes it anew, and what follows"
    )
