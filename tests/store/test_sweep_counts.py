"""Trials counted by the database, on both, against the trials themselves."""

from __future__ import annotations

from mnist_lab.store import NewTrial, RunStore, StateCount


def test_trials_are_counted_by_sweep_and_state(store: RunStore) -> None:
    first, second, empty = (store.create_sweep({"dimensions": []}, name=name, driver="me") for name in "abc")
    ends = [("complete", 0.5, 3), ("complete", 0.75, 4), ("pruned", 0.9, 1), ("failed", None, 0)]
    for number, (state, accuracy, epochs) in enumerate(ends):
        store.add_trial(first.id, "me", NewTrial(number, {}))
        store.update_trial(first.id, "me", number, state=state, accuracy=accuracy, epochs=epochs)
    store.add_trial(second.id, "me", NewTrial(0, {}))
    store.add_trial(second.id, "me", NewTrial(1, {}, reason="too small"))
    assert store.sweep_counts() == {
        first.id: {
            "complete": StateCount(2, 0.75, 7), "pruned": StateCount(1, 0.9, 1), "failed": StateCount(1, None, 0),
        },
        second.id: {"running": StateCount(1, None, 0), "impossible": StateCount(1, None, 0)},
    }  # fmt: skip
    assert empty.id not in store.sweep_counts()
