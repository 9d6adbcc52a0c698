"""What pages say of runs and networks: words, tables, and how long one edit takes."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.figures.network import network_diagram
from mnist_lab.layers import Conv2D, Dense, Flatten, Parallel
from mnist_lab.shapes import Analysis, analyse
from mnist_lab.store import Run
from mnist_lab.studies import presets
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui.frame import escape, progress_words, sentence
from mnist_lab.ui.network_view import layer_frame
from mnist_lab.ui.run_picker import run_words
from mnist_lab.ui.run_table import run_frame

SMALL = Architecture((Flatten(), Dense(10, "softmax")))


def a_run(**known: Any) -> Run:
    """A run of which nothing is known but what every row has."""
    values: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__)
    values |= {
        "id": "ab" * 16, "name": "a run", "notes": "", "starred": False, "status": "queued", "command": "",
        "position": 1.0, "created": 1e9, "architecture": SMALL.to_dict(), "training": TrainingConfig().to_dict(),
        "parameters": 7850, "trainable_parameters": 7850, "multiply_adds": 7840, "split": "holdout", "epochs_run": 0,
    }  # fmt: skip
    return Run(**(values | known))


# Words ----------------------------------------------------------------------------------------------------------------

TRAINING = {"phase": "training", "epoch": 3, "epochs": 10, "step": 120, "steps": 430, "images_per_second": 12_300.4}


@pytest.mark.parametrize(
    ("status", "progress", "words"),
    [
        ("queued", None, "waiting in the queue"),
        ("running", None, "starting"),
        ("running", {}, "starting"),
        ("running", {"phase": "starting"}, "starting"),
        ("running", {"phase": "loading"}, "loading the images"),
        ("running", {"phase": "building"}, "building the network"),
        ("running", {"phase": "training"}, "training"),
        ("running", TRAINING, "epoch 3 of 10 · step 120 of 430 · 12,300 images/s"),
        (
            "running", TRAINING | {"seconds_left": 65.2},
            "epoch 3 of 10 · step 120 of 430 · 12,300 images/s · 1 min 05 s left",
        ),
        ("running", TRAINING | {"phase": "validating", "images_per_second": None}, "epoch 3 of 10 · validating"),
        ("paused", TRAINING | {"seconds_left": 65.2}, "paused · epoch 3 of 10 · step 120 of 430"),
        ("paused", None, "paused · starting"),
        ("running", {"phase": "evaluating"}, "evaluating"),
    ],
)  # fmt: skip
def test_progress_is_told_in_words(status: str, progress: dict[str, Any] | None, words: str) -> None:
    assert progress_words(a_run(status=status, progress=progress)) == words


def test_text_of_a_user_is_shown_as_it_was_typed() -> None:
    text = r"*a* _b_ `c` [d](e) #f $g$ ~h~ <i> :red[j] | \k 1. + - !"
    escaped = escape(text)
    unescaped = "".join(ch for i, ch in enumerate(escaped) if ch != "\\" or escaped[i - 1 : i] == "\\")
    assert unescaped == text
    for mark in r"*_`[]()#$~<>:|+-.!":
        assert escaped.count("\\" + mark) == text.count(mark), mark
    assert escape("Zwölf, 12 → ★") == "Zwölf, 12 → ★"


@pytest.mark.parametrize("shown", [escape, sentence])
def test_addresses_emoji_and_icons_stay_letters(shown: Callable[[str], str]) -> None:
    # They are looked for when the escapes have been read: something that nobody sees keeps them apart.
    for text in ("http://a.b", "HTTPS://a.b", "www.a.b", "a@b.c", ":smile:", ":material/home:"):
        assert "\u2060" in shown(text), text
        assert re.sub(r"[\\\u2060]", "", shown(text)) == text
    assert "\u2060" not in shown("Received: 3, at 10:30; a: b")


def test_an_error_quotes_what_it_received_and_names_files_by_their_last_name() -> None:
    said = sentence("/srv/x/MNIST_LAB_DATA.npz holds '![a](b) <i> $x$ `c` _d_'.\n# More")
    assert said == r"MNIST_LAB_DATA.npz holds '!\[a\](b) \<i> \$x\$ \`c\` \_d\_'. # More"


def test_a_run_in_a_list_is_told_apart_and_marked_where_it_is_flattered() -> None:
    assert run_words(a_run()) == "a run"
    known = a_run(test_accuracy=0.9931, starred=True, split="test-as-validation")
    assert run_words(known, with_id=True) == "★ a run · 99.31 % (test as validation) · ababab"


# Runs -----------------------------------------------------------------------------------------------------------------


def test_unknown_figures_of_runs_are_missing_and_known_ones_stay_numbers() -> None:
    known = a_run(
        status="finished", test_accuracy=0.99, test_accuracy_low=0.98, test_accuracy_high=0.995, best_epoch=3,
        validation_accuracy=0.985, images_per_second=1000.0, seconds=12.5, epochs_run=5, dataset="mnist",
        device="CPU", split="test-as-validation", starred=True,
    )  # fmt: skip
    for runs in ([a_run()], [a_run(), known]):
        frame = run_frame(runs)
        assert len(frame) == len(runs)
        row = frame.iloc[0]
        figures = ["Test accuracy", "Validation accuracy", "Best epoch", "Images/s", "Seconds"]
        assert row[figures].isna().all()
        assert list(row[["★", "95 % interval", "Data", "Device", "Notes"]]) == [""] * 5
        assert all(pd.api.types.is_numeric_dtype(frame[name]) for name in [*figures, "Epochs", "Parameters"])
    row = frame.iloc[1]
    assert row["95 % interval"] == "98.00 – 99.50"
    assert row["Split"] == "⚠️ test-as-validation"
    assert (row["Test accuracy"], row["Best epoch"], row["Epochs"], row["★"]) == (0.99, 3, 5, "★")
    assert len(run_frame([])) == 0


# Networks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets())
def test_the_rows_of_the_table_sum_to_the_totals(name: str) -> None:
    analysis = analyse(presets()[name].architecture)
    frame = layer_frame(analysis, 128)
    assert len(frame) == len(analysis.rows)
    assert frame["Parameters"].sum() == analysis.parameters == presets()[name].parameters
    assert frame["Mult-adds"].sum() == analysis.multiply_adds
    assert frame["Share"].sum() == pytest.approx(1.0)
    assert not frame.isna().any().any()


def test_of_an_impossible_network_the_unknown_is_empty_and_the_layer_at_fault_is_marked() -> None:
    analysis = analyse(Architecture((Conv2D(4), Conv2D(4, (99, 99)), Flatten(), Dense(10))))
    frame = layer_frame(analysis, 1)
    assert list(frame["Layer"].str.startswith("⚠️")) == [False, True, False, False]
    assert frame["Parameters"].notna().tolist() == [True, False, False, False]
    assert (frame["Output"] == "?").tolist() == [False, True, True, True]
    assert (frame["Sees"] == "").tolist()[1:] == [True] * 3


def test_an_empty_network_has_an_empty_table() -> None:
    assert len(layer_frame(analyse(Architecture()), 128)) == 0


def test_layers_inside_a_block_are_numbered_by_their_place() -> None:
    block = Parallel(((Conv2D(4, padding="same"),), ()))
    frame = layer_frame(analyse(Architecture((block, Flatten(), Dense(10)))), 1)
    assert list(frame["#"]) == ["1", "1, branch 1, layer 1", "2", "3"]


# A contract of speed: one edit of the largest network of the shelf, in CPU time of this process ---------------------

EDITS = 20
MOST_SECONDS = 0.050


def test_one_edit_of_the_largest_preset_takes_less_than_50_ms_of_work() -> None:
    largest = max(presets().values(), key=lambda each: len(list(each.architecture.walk())))
    layers = largest.architecture.layers
    place = next(i for i, layer in enumerate(layers) if isinstance(layer, Conv2D))
    first = layers[place]
    assert isinstance(first, Conv2D)
    taken = []
    for number in range(EDITS + 2):
        edited = replace(first, filters=first.filters + number)
        network = Architecture((*layers[:place], edited, *layers[place + 1 :]), largest.architecture.input_shape)
        began = time.process_time()
        analysis: Analysis = analyse(network)
        frame = layer_frame(analysis, 128)
        figure = network_diagram(analysis.rows)
        taken.append(time.process_time() - began)
        assert len(frame) == len(analysis.rows) and figure.data
    # The first two load and warm up.
    assert statistics.median(taken[2:]) < MOST_SECONDS, [f"{1000 * each:.0f} ms" for each in taken]
