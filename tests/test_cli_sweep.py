"""`sweep` on the command line: a file is driven to its end, stopped by Ctrl-C, and gone on with."""

from __future__ import annotations

import signal
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_lab.jobs import alone
from mnist_lab.jobs.confirming import confirm
from mnist_lab.store import RunStore
from mnist_lab.store.records import FINAL
from mnist_lab.sweeps.files import read_toml
from mnist_lab.sweeps.sweep import Sweep
from tests.sweeps.fakes import Evaluating, drive, driver_of, sweep
from tests.test_cli import PATIENCE, Place, Said, ended, here, kill_workers_of, place

__all__ = ["here", "place"]  # fixtures
pytest.importorskip("optuna")

FILE = """\
name = "tiny"
[search]
sampler = "random"
trials = {trials}
workers = 1
[training]
dataset = "digits"
limit = 150
epochs = {epochs}
[[searched]]
kind = "integer range"
field = "layers.1.units"
low = 2
high = 64
[architecture]
layers = [
    {{layer = "Flatten"}}, {{layer = "Dense", units = 8}}, {{layer = "Dense", units = 10, activation = "softmax"}},
]
"""
SWEEP_KEYS = {
    "id", "name", "status", "reason", "seconds", "created", "sweep", "counts", "epochs", "best", "front", "trials",
}  # fmt: skip
TRIAL_KEYS = {
    "number", "state", "values", "accuracy", "spread", "parameters", "multiply_adds", "epochs", "reason", "runs",
}  # fmt: skip


def written(folder: Path, trials: int = 2, epochs: int = 1) -> str:
    path = folder / "tiny.toml"
    path.write_text(FILE.format(trials=trials, epochs=epochs))
    return str(path)


def test_a_file_is_driven_to_its_end_stopped_and_gone_on_with(place: Place, tmp_path: Path) -> None:
    process = place.start("sweep", written(tmp_path, epochs=400), "--json")
    limit = time.monotonic() + PATIENCE

    def has_begun() -> bool:
        mine = [run for run in place.store.runs() if run.sweep] if (place.home / "lab.db").exists() else []
        return len(mine) == 2 and any(run.epochs_run for run in mine)

    while not has_begun():
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said = ended(process)
    document = said.document
    assert said.status == 1 and "The sweep is stopped" in said.complaint and document["id"][:8] in said.complaint
    # One trains, and one waits ahead.
    assert (document["status"], document["counts"]) == ("stopped", {"running": 2})
    store = place.store
    ahead, run = sorted(store.runs(sweep=document["id"]), key=lambda run: run.epochs_run)
    assert run.status == ahead.status == "stopped" and ahead.epochs_run == 0 < run.epochs_run < 400
    # Shorter from here on, as another would have made it by hand.
    values = {**store.get_sweep(document["id"]).sweep}
    values["training"]["epochs"] = 1
    store.change_sweep(document["id"], values)
    store.command_sweep(document["id"], "stop")
    for each, epochs in ((run, run.epochs_run), (ahead, 1)):
        store.set_figures(each.id, training={**each.training, "epochs": epochs})
    said = place.run("sweep", "--resume", document["id"][:8], "--json")
    assert said.status == 0, said.errors
    document = said.document
    assert set(document) == SWEEP_KEYS and all(set(each) == TRIAL_KEYS for each in document["trials"])
    assert document["counts"] == {"complete": 2} and document["front"] is None
    assert "tiny" in said.errors and "2/2" in said.errors
    for each in document["trials"]:
        (mine,) = (store.get(run_id) for run_id in each["runs"])
        assert mine.test_accuracy is None and mine.test_looks == 0 and mine.training["test_at_end"] is False
        assert not store.artefacts.has(mine.id, "predictions.npz")
        assert each["accuracy"] == pytest.approx(mine.validation_accuracy)
    trained = store.get(ahead.id)
    assert trained.status == "finished" and trained.prediction_seconds is not None and trained.prediction_seconds > 0
    kill_workers_of(place)


def test_sweeps_are_listed_shown_and_exported(place: Place, here: Callable[..., Said]) -> None:
    store = place.store
    done = drive(driver_of(store, sweep(trials=3))).record
    front = drive(driver_of(store, sweep(trials=3, cost="parameters"))).record
    listed = here("sweep", "--list", "--json").document
    assert [each["id"] for each in listed] == [front.id, done.id]
    assert listed[0]["counts"] == {"complete": 3}
    assert "3 of 3 trials" in here("sweep", "--list").out
    shown = here("sweep", "--show", done.id[:6], "--json").document
    assert set(shown) == SWEEP_KEYS and [each["number"] for each in shown["trials"]] == [0, 1, 2]
    best = max(shown["trials"], key=lambda trial: trial["accuracy"])
    assert shown["best"][0] == best["number"]
    assert f"{100 * best['accuracy']:.2f} %" in here("sweep", "--show", done.id).out
    assert here("sweep", "--show", front.id, "--json").document["front"]
    exported = here("sweep", "--export", done.id)
    assert read_toml(exported.out) == sweep(trials=3)
    assert tomllib.loads(exported.out)["search"]["trials"] == 3
    assert Sweep.from_dict(here("sweep", "--export", done.id, "--json").document) == sweep(trials=3)


def test_the_winner_is_confirmed_on_fresh_seeds_with_what_was_luck(place: Place, here: Callable[..., Said]) -> None:
    store = place.store
    done = drive(driver_of(store, sweep(trials=4))).record
    left = confirm(store, done, best=2, seeds=3, owner="me")
    crew = Evaluating(store, "me")
    while any(run.status not in FINAL for run in store.runs(ids=[run.id for run in left])):
        crew.tick()
    document = here("sweep", "--confirm", done.id, "--best", "2", "--seeds", "3", "--json").document
    assert document["missing"] == 0 and len(document["trials"]) == 2
    best = here("sweep", "--show", done.id, "--json").document["best"]
    assert [each["trial"] for each in document["trials"]] == best[:2]
    for each in document["trials"]:
        assert each["seeds"] == [43, 44, 45] and len(each["luck"]["interval"]) == 2
        assert each["luck"]["value"] == pytest.approx(each["search_accuracy"] - each["validation"]["value"])
    said = here("sweep", "--confirm", done.id, "--best", "2", "--seeds", "3")
    assert said.status == 0 and "fresh seeds got" in said.out and "LUCK" in said.out


def test_it_is_confirmed_with_as_many_trainings_at_once_as_the_search_had(
    place: Place, here: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def made(store: RunStore, owner: str | None, *, size: int, patient: bool) -> Evaluating:
        sizes.append(size)
        return Evaluating(store, owner, size)

    monkeypatch.setattr(alone, "make_crew", made)
    done = drive(driver_of(place.store, sweep(trials=3, workers=3))).record
    document = here("sweep", "--confirm", done.id, "--best", "2", "--seeds", "2", "--json").document
    assert document["missing"] == 0 and sizes == [3]


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (("sweep",), 2, "required"),
        (("sweep", "none.toml"), 1, "cannot be read"),
        (("sweep", "--show", "abcdef"), 1, "There is no sweep 'abcdef'"),
        (("sweep", "--resume", "abcdef"), 1, "There is no sweep"),
        (("sweep", "--list", "--add", "3"), 2, "--add"),
        (("sweep", "--list", "--best", "3"), 2, "--best"),
        (("sweep", "--confirm", "abcdef", "--seeds", "0"), 2, "--seeds"),
        (("sweep", "--confirm", "abcdef"), 1, "There is no sweep"),
        (("sweep", "--resume", "abcdef", "--add", "0"), 2, "--add"),
    ],
)
def test_a_wrong_word_is_one_sentence(
    words: tuple[str, ...], status: int, part: str, here: Callable[..., Said]
) -> None:
    said = here(*words)
    assert (said.status, said.out) == (status, "")
    assert part in said.complaint


def test_a_file_that_is_no_sweep_is_one_sentence_and_starts_nothing(
    place: Place, here: Callable[..., Said], tmp_path: Path
) -> None:
    path = Path(written(tmp_path))
    path.write_text(path.read_text().replace("high = 64", "high = 1"))
    said = here("sweep", str(path))
    assert said.status == 1 and "a range goes from a smaller value" in said.complaint
    assert not (place.home / "lab.db").exists()


def test_without_optuna_it_says_what_to_install(
    here: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_lab.jobs.sweeper.have_optuna", lambda: False)
    said = here("sweep", written(tmp_path))
    assert said.status == 1 and "requirements-sweep.txt" in said.complaint
