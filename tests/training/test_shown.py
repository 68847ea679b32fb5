"""Which images are shown: as a choice among all of them at once has it, however they come in batches."""

import numpy as np
import pytest

from evolve.training import shown

CLASSES, IMAGES = 5, 200


def chosen_at_once(scores: np.ndarray, labels: np.ndarray, most: int) -> list[int]:
    """By definition: a class's images by how telling they are, first of all classes first."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares, answers = powers / powers.sum(axis=1, keepdims=True), scores.argmax(axis=1)
    share = shares[np.arange(len(scores)), answers]
    chosen: list[int] = []
    for wrong in (True, False):
        rows = []
        for name in range(CLASSES):
            own = [k for k in range(len(scores)) if labels[k] == name and (answers[k] != name) == wrong]
            own.sort(key=lambda k: (-share[k] if wrong else share[k], k))
            rows += [(rank, -share[k] if wrong else share[k], k) for rank, k in enumerate(own)]
        chosen += [k for *_, k in sorted(rows)[:most]]
    return chosen


@pytest.mark.parametrize("batch", [1, 7, 200])
@pytest.mark.parametrize("most", [3, 12, 300])
def test_batches_choose_what_all_at_once_would(batch: int, most: int) -> None:
    random = np.random.default_rng(batch + most)
    scores = random.normal(0, 3, (IMAGES, CLASSES)).astype(np.float32)
    labels = np.minimum(random.integers(0, 9, IMAGES), CLASSES - 1)  # the last class is the most frequent
    images = np.arange(IMAGES, dtype=np.float32).reshape(-1, 1, 1, 1)
    memory = np.zeros((batch, 1, 1, 1), np.float32)
    kept = shown.Shown(most)
    for start in range(0, IMAGES, batch):
        # A net has one place for every batch.
        part = slice(start, min(IMAGES, start + batch))
        memory[: part.stop - start] = images[part]
        kept.add(memory[: part.stop - start], scores[part], labels[part])
    seen = kept.seen()
    assert [each.place for each in seen] == chosen_at_once(scores.astype(float), labels, most)
    assert all(each.image.item() == each.place and each.label == labels[each.place] for each in seen)


def test_what_is_a_distribution_stays_one_and_nonsense_ends_nothing() -> None:
    scores = np.array([[0.25, 0.75], [1.0, 0.0], [np.nan, np.inf]], np.float32)
    kept = shown.Shown(5)
    for k in range(3):
        kept.add(np.zeros((1, 1), np.float32), scores[k : k + 1], np.array([1]))
    assert {each.place: each.probability for each in kept.seen()} == pytest.approx({0: 0.75, 1: 1.0, 2: 0.0})
    assert [each.place for each in kept.seen()] == [1, 2, 0]
