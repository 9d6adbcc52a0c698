"""My digits reckoned: against NumPy, SciPy and by counting."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from mnist_lab import my_digits
from mnist_lab.my_digits import Score
from mnist_lab.store import Digit, PracticeAnswer
from mnist_lab.store.digits import digest_of


def digit(number: int, label: int = 0) -> Digit:
    image = np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)
    return Digit(digest_of(image), "Anna", label, image, "draw", float(number))


def test_a_score_is_the_share_of_numpy_with_the_interval_of_scipy() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, 57).astype(np.uint8)
    probabilities = rng.dirichlet(np.ones(10), 57).astype(np.float32)
    score = my_digits.score(labels, probabilities)
    assert score.accuracy == pytest.approx(np.mean(np.argmax(probabilities, 1) == labels))
    assert score.interval == pytest.approx(binomtest(score.right, 57).proportion_ci(method="wilson"))
    assert (Score(0, 0).accuracy, Score(0, 0).interval) == (None, None)


def test_images_and_labels_keep_their_order_also_when_there_are_none() -> None:
    digits = [digit(3, 1), digit(1, 9)]
    assert np.array_equal(my_digits.images_of(digits)[1], digits[1].image)
    assert my_digits.labels_of(digits).tolist() == [1, 9]
    assert my_digits.images_of([]).shape == (0, 28, 28)


def test_practice_asks_for_every_digit_once_in_ten_and_in_another_order_each_time() -> None:
    asked: list[int] = []
    for _ in range(50):
        asked.append(my_digits.to_ask(asked, seed=7))
    rounds = [tuple(asked[start : start + 10]) for start in range(0, 50, 10)]
    assert all(sorted(each) == list(range(10)) for each in rounds)
    assert len(set(rounds)) == 5
    first = Counter(my_digits.to_ask([], seed) for seed in range(500))
    assert len(first) == 10
    assert max(first.values()) < 90, "50 each would be even"


def test_practice_is_scored_by_run_and_times_count_where_the_answer_was_right() -> None:
    answers = [
        PracticeAnswer("b", 1, 1, 3.0), PracticeAnswer("a", 2, 2, 1.0), PracticeAnswer("b", 3, 8, 0.1),
        PracticeAnswer("b", 4, 4, 2.0), PracticeAnswer("b", 5, 5, 7.0),
    ]  # fmt: skip
    scores = my_digits.practice_scores(answers)
    assert list(scores) == ["b", "a"]
    assert (scores["b"].score.right, scores["b"].score.images) == (3, 4)
    assert (scores["b"].seconds, scores["b"].best) == (3.0, 2.0)
    never = my_digits.practice_scores([PracticeAnswer("c", 1, 7, 1.0)])["c"]
    assert (never.score.right, never.seconds, never.best) == (0, None, None)


def test_one_in_five_is_held_out_by_its_image_alone_whoever_keeps_it_and_whatever_comes_later() -> None:
    digits = [digit(number) for number in range(1000)]
    held_out = {each.digest for each in digits if my_digits.is_held_out(each)}
    assert binomtest(len(held_out), 1000, 0.2).pvalue > 1e-3
    later = [replace(each, writer="Ben", label=3, created=9.0, origin="import") for each in reversed(digits[:500])]
    assert {each.digest for each in later if my_digits.is_held_out(each)} == {
        each.digest for each in digits[:500] if each.digest in held_out
    }
    # By hand, for those who come after: the first 32 bits of SHA-256 divide by five.
    image = np.full((28, 28), 9, np.uint8)
    assert my_digits.is_held_out(Digit(digest_of(image), "A", 1, image, "draw", 0.0)) is (
        int.from_bytes(hashlib.sha256(bytes([9] * 784)).digest()[:4], "big") % 5 == 0
    )


def test_too_few_digits_are_told_how_many_are_needed() -> None:
    digits = [digit(number) for number in range(200)]
    learns = [each for each in digits if not my_digits.is_held_out(each)]
    kept = [each for each in digits if my_digits.is_held_out(each)]
    assert my_digits.lacking(learns[:20] + kept[:5]) == ""
    assert "there are 19 and 5" in my_digits.lacking(learns[:19] + kept[:5])
    assert "there are 100 and 4" in my_digits.lacking(learns[:100] + kept[:4])
