"""How far a sweep has come, by hand."""

from __future__ import annotations

import pytest

from mnist_lab.sweeps.progress import Progress
from mnist_lab.sweeps.sweep import Search

COUNTS = {"complete": 5, "pruned": 3, "failed": 2, "impossible": 7, "running": 1}


def test_impossible_networks_and_those_under_way_are_not_done() -> None:
    progress = Progress(COUNTS, 0.9, 30)
    assert progress.done == 10
    assert progress.words(Search(trials=20)) == (
        "10 of 20 trials, 3 ended early, 2 failed · 1 under way · 7 impossible networks"
    )
    assert Progress({"complete": 1}).words() == "1 trial"
    assert Progress({"running": 2}).words(is_running=False) == "0 trials · 2 to go on with"


def test_the_limit_that_comes_first_decides_how_long_it_goes_on() -> None:
    progress = Progress(COUNTS, 0.9, 30)
    assert progress.share(Search(trials=20), 50.0) == pytest.approx(0.5)
    assert progress.share(Search(trials=20, seconds=60), 50.0) == pytest.approx(50 / 60)
    assert progress.share(Search(trials=20, epochs=40), 50.0) == pytest.approx(0.75)
    assert progress.share(Search(trials=5), 50.0) == 1.0
    assert progress.seconds_left(Search(trials=20), 50.0) == pytest.approx(50)
    assert progress.seconds_left(Search(trials=20, seconds=60), 50.0) == pytest.approx(10)
    assert progress.seconds_left(Search(trials=20, epochs=36), 50.0) == pytest.approx(10)
    assert Progress({"impossible": 3}).seconds_left(Search(), 5.0) is None
