"""The doubt that an image shows a digit: the formula, and what the shipped judge says of real and of no digits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mnist_lab import datasets, drawing, not_a_digit, starter
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import open_store


def test_doubt_is_scipy_s_entropy_as_a_share_of_the_largest() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.full(10, 0.3), 50)
    np.testing.assert_allclose(not_a_digit.doubt(probabilities), stats.entropy(probabilities, base=10, axis=1))


def test_doubt_is_nothing_where_it_is_certain_and_one_where_all_are_equal() -> None:
    np.testing.assert_allclose(not_a_digit.doubt([np.eye(10)[3], np.full(10, 0.1)]), [0, 1], atol=1e-12)


def test_without_a_judge_an_image_is_taken_for_a_digit() -> None:
    assert not_a_digit.is_digit(float("nan"))
    assert not_a_digit.is_digit(not_a_digit.THRESHOLD)
    assert not not_a_digit.is_digit(1.0)
    assert "0.97" in not_a_digit.words(0.97)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_LAB_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MNIST_LAB_STORE", raising=False)
        store = open_store()
        starter.register(store)
        asked = InferenceClient()
        yield asked
        asked.close()
        store.close()


@pytest.mark.mnist
def test_at_most_one_in_a_hundred_of_mnist_s_test_images_is_said_to_be_no_digit(client: InferenceClient) -> None:
    data = datasets.load("mnist")
    doubts = client.ask("doubt", 120.0, images=data.x_test[::5])
    alarms = int((doubts > not_a_digit.THRESHOLD).sum())
    # What a rate of 1 % would exceed in one sample of 2,000 out of a thousand.
    assert alarms <= stats.binom.ppf(0.999, len(doubts), 0.01)
    shipped = np.load(starter.ROBUST.folder / "predictions.npz")
    np.testing.assert_allclose(doubts, not_a_digit.doubt(shipped["probabilities"][::5]), atol=2e-3)
    assert (not_a_digit.doubt(shipped["probabilities"]) > not_a_digit.THRESHOLD).mean() <= 0.01


def test_paper_full_of_ink_a_cross_hatching_and_grains_are_no_digits(client: InferenceClient) -> None:
    hatching = [[[x, 40], [x, 240]] for x in range(40, 250, 35)] + [[[40, y], [240, y]] for y in range(40, 250, 35)]
    full = np.full((280, 280), 255, np.uint8)
    grains = np.kron(np.random.default_rng(1).random((20, 20)) < 0.4, np.ones((14, 14))).astype(np.uint8) * 255
    images = [
        drawing.from_strokes(hatching, 9).image,
        drawing.prepare(full, ()).image,
        drawing.prepare(grains, ()).image,
    ]
    doubts = client.ask("doubt", 120.0, images=np.stack([image for image in images if image is not None]))
    assert len(doubts) == 3
    assert (doubts > not_a_digit.THRESHOLD).all()
    blank = client.ask("doubt", 120.0, images=np.zeros((1, 28, 28), np.uint8))
    assert np.isfinite(blank).all()
    assert 0 <= blank[0] <= 1


def test_a_store_without_the_judge_gives_no_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    infer = pytest.importorskip("mnist_lab.keras_side.infer")
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))
    monkeypatch.delenv("MNIST_LAB_STORE", raising=False)
    store = open_store()
    assert np.isnan(infer.Answers(store).doubt(np.zeros((2, 28, 28), np.uint8))).all()
    store.close()
