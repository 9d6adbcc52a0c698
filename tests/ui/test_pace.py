"""How often tabs look: as they like while they are few, ever less often in a crowd."""

import pytest

from mnist_lab.ui import pace


@pytest.fixture
def look(monkeypatch):
    """A look of a tab at a time; how many seconds it then waits where it would wait one."""
    looks: dict[str, float] = {}
    kept = {"tab": "", "now": 0.0}
    monkeypatch.setattr(pace, "_looks", lambda: looks)
    monkeypatch.setattr(pace.state, "get", lambda name, default: kept[name])
    monkeypatch.setattr(pace.state, "put", lambda name, value: kept.update({name: value}))
    monkeypatch.setattr(pace.time, "monotonic", lambda: kept["now"])

    def one(tab: str, now: float = 0.0) -> float:
        kept.update(tab=tab, now=now)
        return pace.slowed(1.0)

    return one


def test_the_more_tabs_the_less_often_each_looks(look):
    waits = [look(str(number)) for number in range(33)]
    assert waits == [1.0] * 4 + [2.0] * 4 + [4.0] * 8 + [8.0] * 16 + [16.0]
    assert look("0") == 16.0, "a tab counts once"


def test_tabs_that_look_no_more_are_forgotten(look):
    for number in range(10):
        look(str(number))
    assert look("0", now=pace.FORGET_SECONDS) == 4.0
    assert look("0", now=pace.FORGET_SECONDS + 0.1) == 1.0


def test_a_tab_without_a_name_gets_one_of_its_own(look):
    assert [look("") for _ in range(5)] == [1.0] * 4 + [2.0]
