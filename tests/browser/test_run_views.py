"""The views of selected runs in Chromium: curves smoothed, scaled and zoomed, settings and networks as diffs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_lab.figures.theme import run_colour
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from tests.browser.actions import chart, drag_across, eventually, run_names, settled, table, tick_run, traces
from tests.browser.server import ROOT, open_page, screenshot
from tests.made_runs import ONE, SMALL, WIDE, add_course, add_run

CURVES = "Curves of the selected runs"
EPOCHS, STEPS = 12, 10


@pytest.fixture(scope="module")
def made(start_server):
    """A server with two runs, "slim" and "wide", that were not trained; and the runs by name."""
    server = start_server(ROOT / "app.py")
    home = Path(server.environment["MNIST_LAB_HOME"])
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    runs = {}
    for name, network, split in (("slim", SMALL, "holdout"), ("wide", WIDE, "test-as-validation")):
        training = replace(ONE, split=split, epochs=EPOCHS, label_smoothing=0.1 * (name == "wide"))
        run = add_run(store, range(5), name=name, network=network, training=training, training_images=STEPS * 128)
        falling = [math.exp(-epoch / 4) + 0.02 * (epoch % 3) for epoch in range(1, EPOCHS + 1)]
        epochs = [
            {"epoch": number, "loss": y, "accuracy": 1 - y / 2, "val_loss": y + 0.1, "val_accuracy": 0.9 - y / 2,
             "seconds": 2.0, "fit_seconds": 1.5}
            for number, y in enumerate(falling, 1)
        ]  # fmt: skip
        points = [
            {"step": step, "epoch": step / STEPS, "loss": 1 / step, "accuracy": 1 - 1 / step}
            for step in range(1, EPOCHS * STEPS + 1)
        ]
        runs[name] = add_course(store, run, epochs, points)
    store.close()
    return server, runs


def open_view(page, name: str) -> None:
    settled(page)
    page.locator(".st-key-run-view").get_by_text(name, exact=True).click()
    settled(page)


def switch(page, words: str) -> None:
    settled(page)
    page.get_by_text(words, exact=True).click()


def axis(page, name: str, what: str):
    return chart(page, CURVES, f"node.layout.{name}.{what}")


def test_two_runs_are_held_against_each_other(made, page):
    server, runs = made
    open_page(page, f"{server.url}runs", "Runs")
    eventually(page, lambda: set(run_names(page)) >= set(runs), True)
    tick_run(page, "slim")
    page.locator(".st-key-details").wait_for()
    tick_run(page, "wide")
    page.locator(".st-key-run-view").get_by_text("Networks", exact=True).wait_for()

    open_view(page, "Curves")
    accuracy = {run.id: f"val_accuracy-{run.id}" for run in runs.values()}
    seen = eventually(page, lambda: traces(page, CURVES), lambda found: set(found) >= set(accuracy.values()))
    assert not any(uid.endswith("-raw") for uid in seen), "smoothing is off until it is wanted"
    assert seen[accuracy[runs["wide"].id]]["name"] == "⚠️ wide (test as validation)"
    colours = chart(page, CURVES, "Object.fromEntries(node._fullData.map(t => [t.meta, t.marker.color]))")
    assert colours == {run.id: run_colour(run.id) for run in runs.values()}
    switch(page, "Training loss")
    eventually(page, lambda: axis(page, "yaxis", "title.text"), "Training loss")
    assert axis(page, "yaxis2", "title.text") == "Validation accuracy"
    loss = f"loss-{runs['slim'].id}"
    assert traces(page, CURVES)[loss]["n"] == EPOCHS
    switch(page, "Within the epochs")
    eventually(page, lambda: traces(page, CURVES)[loss]["n"], EPOCHS * STEPS)

    settled(page)
    drag_across(page, CURVES, 0.25, 0.75)
    zoomed = eventually(page, lambda: axis(page, "xaxis", "range"), lambda range_: range_[0] > 1)
    slider = page.get_by_role("slider", name="Smoothing")
    slider.focus()
    slider.press("End")
    eventually(page, lambda: f"{loss}-raw" in traces(page, CURVES), True)
    switch(page, "Log scale")
    eventually(page, lambda: axis(page, "yaxis", "type"), "log")
    assert axis(page, "xaxis", "range") == zoomed, "zoom is lost"
    screenshot(page, "curves-smoothed")
    switch(page, "Time")
    eventually(page, lambda: axis(page, "xaxis", "title.text"), "Training time (s)")
    assert axis(page, "xaxis", "range") != zoomed, "seconds are no epochs"

    open_view(page, "Settings")
    settings = eventually(page, lambda: {row["Setting"]: row for row in table(page, "Setting")}, bool)
    assert set(settings) == {"split", "label_smoothing", "layer 2 Dense units"}
    assert (settings["label_smoothing"]["slim"], settings["label_smoothing"]["wide"]) == ("0.0", "0.1")
    switch(page, "All settings")
    eventually(page, lambda: len(table(page, "Setting")), lambda count: count > 20)
    results = {row["Result"]: row for row in table(page, "Result")}
    assert results["Lowest training loss"]["slim"].endswith("in epoch 12")
    assert results["Highest validation accuracy (95 %)"]["wide"].startswith("⚠️")

    open_view(page, "Networks")
    layers = eventually(page, lambda: table(page, "Layer"), bool)
    assert [row["Layer"] for row in layers] == ["", "2", "3", "Parameters", "Multiply-adds"]
    # The newest run is the first of the table, and the base.
    assert layers[1]["slim"].startswith("units 32 → 16") and layers[1]["wide"].startswith("Dense 32, relu")
    switch(page, "All layers")
    eventually(page, lambda: [row["Layer"] for row in table(page, "Layer")][:3], ["1", "2", "3"])
    screenshot(page, "networks-compared")

    open_view(page, "Curves")
    eventually(page, lambda: axis(page, "yaxis", "type"), "log")
    assert page.errors == []
