"""The views of selected runs without a browser: settings apart from results, networks, curves of runs of all sorts."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from streamlit.testing.v1 import AppTest

from mnist_lab.figures.theme import run_colour
from mnist_lab.store import open_store
from mnist_lab.store.artefacts import VALIDATION_PREDICTIONS
from tests.made_runs import ONE, SMALL, WIDE, add_course, add_run
from tests.ui.conftest import labelled
from tests.ui.test_versus import select, view, words

Visit = Callable[[str], AppTest]
COURSE = [
    {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.85, "seconds": 2.0},
    {"epoch": 2, "loss": 0.3, "accuracy": 0.9, "val_loss": 0.3, "val_accuracy": 0.88, "seconds": 2.0},
    {"epoch": 3, "loss": 0.2, "accuracy": 0.95, "val_loss": 0.35, "val_accuracy": 0.90, "seconds": 2.0},
]


def tables(app: AppTest) -> list[list[list[str]]]:
    """The tables of runs as texts, signs before them, row by row."""
    found = []
    for element in app.get("html"):
        body = re.sub(r"<style>.*?</style>", "", element.proto.body, flags=re.S)
        rows = re.findall(r"<tr.*?</tr>", body, flags=re.S)
        cells = [re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.S) for row in rows]
        signed = [[re.sub(r'<span data-sign="(.*?)".*?>', r"\1 ", cell) for cell in row] for row in cells]
        found.append([[html.unescape(re.sub(r"<.*?>", " ", cell)).strip() for cell in row] for row in signed])
    return found


def lines(table: list[list[str]]) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in table}


def test_settings_show_what_differs_and_all_if_wanted(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    a = add_run(store, [1], name="a", training=replace(ONE, label_smoothing=0.0))
    b = add_run(store, [2], name="b", training=replace(ONE, label_smoothing=0.1))
    app = view(select(app, a, b), "Settings")
    settings, results = tables(app)
    assert settings[1:] == [["label_smoothing", "0.1", "≠ 0.0"]]
    assert not [row for row in results if row[0] in lines(settings)], "results are no settings"
    labelled(app, "toggle", "All settings").set_value(True)
    every = lines(tables(app.run())[0])
    assert every["limit"] == ["none", "none"] and every["keep_checkpoints"] == ["no", "no"] and len(every) > 20
    app = view(view(app, "Curves"), "Settings")
    assert len(tables(app)[0]) == len(every), "the switch is as it was left"


def test_results_have_intervals_the_best_of_each_metric_and_a_mark_where_they_are_flattered(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    plain = add_course(store, add_run(store, range(6), name="plain"), COURSE)
    with store.artefacts.writing(plain.id, VALIDATION_PREDICTIONS) as path:
        np.savez(path, probabilities=np.eye(10)[[1] * 100], labels=np.full(100, 1), indices=np.arange(100))
    flattered = add_run(store, range(6), name="flattered", training=replace(ONE, split="test-as-validation"))
    add_course(store, flattered, COURSE)
    results = lines(tables(view(select(app, flattered, plain), "Settings"))[1])
    theirs, ours = zip(*results.values(), strict=True)
    by_name = dict(zip(results, ours, strict=True))
    assert by_name["Lowest validation loss"] == "0.3 in epoch 2"
    assert by_name["Highest validation accuracy (95 %)"] == "90.00 % (82.56 – 94.48) in epoch 3"
    assert by_name["Lowest training loss"] == "0.2 in epoch 3"
    assert re.fullmatch(r"98\.33 % \(\d\d\.\d\d – \d\d\.\d\d\)", by_name["Test accuracy (95 %)"])
    marked = {name for name, text in zip(results, theirs, strict=True) if text.startswith("⚠️")}
    assert marked == {"Test accuracy (95 %)", "Highest validation accuracy (95 %)", "Lowest validation loss"}
    assert not [text for text in ours if "⚠️" in text]


def test_networks_are_held_against_the_one_that_is_chosen(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    slim, wide = add_run(store, [1], name="slim", network=SMALL), add_run(store, [1], name="wide", network=WIDE)
    app = view(select(app, slim, wide), "Networks")
    (table,) = tables(app)
    assert table[1] == ["", "1 layer that is the same in all"]
    assert table[2][0] == "2" and table[2][1].startswith("Dense 32, relu")
    assert table[2][2].startswith("≠ units 32 → 16") and "12,560 parameters (−12,560)" in table[2][2]
    assert lines(table)["Parameters"][1] == "12,730 −12,720 (−50.0 %)"
    labelled(app, "selectbox", "Hold the others against").set_value(slim.id)
    (table,) = tables(app.run())
    assert table[2][1].startswith("≠ units 16 → 32") and lines(table)["Parameters"][0] == "25,450 +12,720 (+99.9 %)"


def test_the_same_network_is_said_to_be_the_same(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    app = view(select(app, add_run(store, [1], name="a"), add_run(store, [2], name="b")), "Networks")
    assert "They have the same network." in words(app)


def test_names_are_texts_in_the_columns_under_the_colour_of_their_run(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [add_run(store, [1], name=name) for name in ("<script>x</script>", '"><b>', "same", "same")]
    app = view(select(app, *runs), "Networks")
    (element,) = app.get("html")
    assert "<script" not in element.proto.body and "<b>" not in element.proto.body
    heads = re.findall(r'data-sign="." style="--sign: (#\w+)" title="(.*?)"', element.proto.body)[:4]
    assert {colour for colour, _ in heads} == {run_colour(run.id) for run in runs}
    named = {html.unescape(name) for _, name in heads}
    assert named == {"<script>x</script>", '"><b>', *(f"same ({run.id[:8]})" for run in runs[2:])}


def test_curves_of_runs_of_all_sorts(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    whole = add_course(store, add_run(store, [1], name="whole", training_images=1000), COURSE)
    diverged = add_run(store, None, name="diverged", status="failed", test_accuracy=None)
    add_course(store, diverged, [{**COURSE[0], "loss": None, "val_loss": None, "val_accuracy": None}])
    young = add_run(store, None, name="young", status="running", test_accuracy=None, heartbeat=4e9)
    add_course(store, young, [], [{"step": 1, "epoch": 0.1, "loss": 2.0, "accuracy": 0.1}])
    queued = store.create(SMALL, ONE, name="*queued*")
    app = view(select(app, whole, diverged, young, queued), "Curves")
    assert not app.exception and not app.error
    left = next(caption.value for caption in app.caption if "Without such a curve" in caption.value)
    assert {"diverged", "young", r"\*queued\*"} == set(left.removeprefix("Without such a curve: ")[:-1].split(", "))
    for axis in ("step", "time"):
        app.session_state["kept.curve-axis"] = axis
        app.session_state["kept.curve-metrics"] = ["loss", "val_loss", "learning_rate"]
        app.session_state["kept.curve-within"] = app.session_state["kept.curve-log"] = True
        app.session_state["kept.curve-smoothing"] = 0.9
        app = app.run()
        assert not app.exception and not app.error
    labelled(app, "toggle", "Within the epochs")
    app.session_state["kept.curve-metrics"] = []
    app = app.run()
    assert not app.exception and not app.error
    assert labelled(app, "toggle", "Within the epochs").disabled


def test_an_ensemble_stands_against_its_members_and_a_run_of_other_images_is_refused(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [add_run(store, range(start, start + 10), name=f"**n{start}**") for start in (0, 10, 20)]
    app = view(select(app, *runs), "Ensemble")
    assert not app.exception and not app.error
    (members,) = (each.value for each in app.dataframe if "Ensemble − member" in each.value)
    # Each place is wrong in one of three: together they are right everywhere.
    assert members["Only the ensemble right"].tolist() == [10, 10, 10]
    assert members["Verdict"].tolist() == ["ensemble is better"] * 3
    assert "360 of 360 images right" in words(app) and "It gets every image right." in words(app)
    app = view(select(app, runs[0], add_run(store, [1], name="moved", moved=5)), "Ensemble")
    assert not app.exception and "cannot be put together" in " ".join(each.value for each in app.error)


def test_a_view_that_a_late_message_names_is_not_taken_for_the_user_s_choice(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [add_run(store, [number], name=f"n{number}") for number in range(2)]
    app = select(app, runs[0])
    late = app._tree.get_widget_states()
    app = select(app, *runs)
    assert labelled(app, "segmented_control", "View").value == "Verdict"
    # A browser that has not heard of the second run yet sends what it shows.
    app._run(late)
    assert labelled(app, "segmented_control", "View").value == "Verdict"
