"""Networks put together: votes counted by hand, tests by statsmodels, and what cannot be put together."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from mnist_lab import ensemble
from mnist_lab.errors import ArtefactMissing, LabError
from mnist_lab.predictions import read_predictions
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import PREDICTIONS
from tests.conftest import Here
from tests.made_runs import DIGITS, IMAGES, add_run


@pytest.fixture
def store(here: Here) -> RunStore:
    """The store that the command line of this test opens."""
    return open_store()


@pytest.fixture
def form(store: RunStore) -> Callable[..., ensemble.Ensemble]:
    return lambda *runs: ensemble.form(runs, partial(read_predictions, store))


def test_three_networks_that_err_in_different_places_are_right_together(store: RunStore, form) -> None:
    wrong = [set(range(12)), set(range(10, 24)), set(range(20, 40))]
    runs = [add_run(store, sorted(places), name=f"n{number}") for number, places in enumerate(wrong)]
    together = form(*runs)
    # Each is sure of what it says, so the mean is a vote: wrong where two of three are.
    outvoted = {place for place in range(40) if sum(place in places for places in wrong) > 1}
    assert np.flatnonzero(together.predictions.digits != DIGITS).tolist() == sorted(outvoted)
    assert together.right == IMAGES - len(outvoted)
    for member, places in zip(together.members, wrong, strict=True):
        assert member.accuracy == pytest.approx((IMAGES - len(places)) / IMAGES)
        assert (member.paired.only_a, member.paired.only_b) == (len(places - outvoted), len(outvoted - places))
    ps = [mcnemar([[0, m.paired.only_a], [m.paired.only_b, 0]], exact=True).pvalue for m in together.members]
    assert [member.corrected for member in together.members] == pytest.approx(multipletests(ps, method="holm")[1])
    beaten = sum(p < 0.05 for p in multipletests(ps, method="holm")[1])
    assert 0 < beaten < 3 and f"It is better than {beaten} of them" in together.sentence


def test_the_mean_of_probabilities_decides_and_not_the_vote(store: RunStore, form) -> None:
    runs = [add_run(store, [], name=name) for name in "abc"]
    chance = np.random.default_rng(3)
    said = chance.dirichlet(np.full(10, 0.3), (3, IMAGES)).astype(np.float32)
    for run, probabilities in zip(runs, said, strict=True):
        known = read_predictions(store, run)
        with store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez_compressed(path, probabilities=probabilities, labels=known.labels, indices=known.indices)
    together = form(*runs)
    np.testing.assert_allclose(together.predictions.probabilities, said.mean(0), atol=1e-6)
    votes = np.array([np.bincount(column, minlength=10).argmax() for column in said.argmax(2).T])
    assert (together.predictions.digits != votes).any()


def test_equal_networks_are_not_told_from_their_ensemble(store: RunStore, form) -> None:
    together = form(add_run(store, [1, 2], name="one"), add_run(store, [1, 2], name="other"))
    assert not any(member.is_beaten for member in together.members)
    assert "do not tell the ensemble and any of its members apart" in together.sentence


def test_a_member_that_is_better_than_its_ensemble_is_said_to_be(store: RunStore, form) -> None:
    poor = [add_run(store, range(60), name=name) for name in ("poor", "poorer")]
    good = add_run(store, [100, 101], name="good")
    together = form(*poor, good)
    # The two that err alike outvote the third.
    assert together.right == IMAGES - 60
    assert [member.is_ahead for member in together.members] == [False, False, True]
    assert "1 of them is better than it; the data do not tell it and the others apart." in together.sentence


def test_what_cannot_be_put_together_is_said(store: RunStore, form) -> None:
    run = add_run(store, [1], name="one")
    with pytest.raises(LabError, match="two networks at least"):
        form(run)
    with pytest.raises(LabError, match="one and moved cannot be put together: they were evaluated on other"):
        form(run, add_run(store, [1], name="moved", moved=5))
    with pytest.raises(ArtefactMissing):
        form(run, add_run(store, None, name="unseen"))


def test_the_command_prints_and_gives_the_same_as_json(store: RunStore, form, here: Here) -> None:
    runs: list[Run] = [add_run(store, places, name=f"n{places[0]}") for places in ([1, 2, 3], [4, 5], [6])]
    together = form(*runs)
    status, out, _ = here("ensemble", *(run.id for run in runs))
    assert status == 0 and out.startswith(together.sentence) and "n4" in out
    document = json.loads(here("ensemble", *(run.id for run in runs), "--json")[1])
    assert document == json.loads(json.dumps(together.to_json()))
    status, _, errors = here("ensemble", runs[0].id)
    assert status != 0 and "two networks at least" in errors
