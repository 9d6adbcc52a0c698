"""Selected runs against each other on the Runs page, and one run epoch by epoch: what is said, shown and asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab import kept_epochs
from mnist_lab.architecture import Architecture
from mnist_lab.errors import InferenceError
from mnist_lab.layers import Dense, Flatten
from mnist_lab.predictions import read_predictions
from mnist_lab.store import Run, RunStore, open_store
from mnist_lab.store.artefacts import MODEL, PREDICTIONS, VALIDATION_PREDICTIONS, epoch_predictions, epoch_weights
from mnist_lab.ui import frame
from tests.made_runs import DIGITS, ONE, SMALL, WIDE, add_run
from tests.ui.conftest import labelled

FIRST = 1797 - len(DIGITS)
"""The place of the first test image in the data set."""
DEEP = Architecture((Flatten(), Dense(8, "relu"), Dense(8, "relu"), Dense(10, "softmax")))

Visit = Callable[[str], AppTest]


def select(app: AppTest, *runs: Run) -> AppTest:
    app.session_state["kept.selected-runs"] = tuple(run.id for run in runs)
    return app.switch_page("pages/runs.py").run()


def view(app: AppTest, name: str) -> AppTest:
    app.session_state["kept.run-view"] = name
    return app.run()


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.warning])


def lists(app: AppTest) -> list[str]:
    """The lists of images that can be chosen; empty where there is no choice."""
    return [option for group in app.button_group if str(group.key).startswith("pair.") for option in group.options]


def test_the_better_of_two_runs_is_named_with_the_images_that_part_them(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    good = add_run(store, range(4), name="good")
    bad = add_run(store, range(2, 60), name="bad", network=WIDE)
    app = select(app, good, bad)
    assert not app.exception and not app.error
    assert "good is better than bad on these 360 images" in words(app)
    assert "another seed" in words(app), "one training each is no word on the networks"
    app = view(app, "Images")
    assert set(lists(app)) == {"Only good is right (56)", "Only bad is right (2)", "Both are wrong (2)"}


def test_what_chance_explains_is_no_difference(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    app = select(app, add_run(store, [1, 2], name="one"), add_run(store, [3], name="two", network=WIDE))
    assert "do not tell" in words(app) and "is better" not in words(app)


def test_runs_on_other_images_are_not_compared_and_the_page_says_why(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    app = select(app, add_run(store, [1], name="one"), add_run(store, [3], name="two", fingerprint="g" * 12, moved=5))
    assert "🚫" in words(app)
    app = view(app, "Images")
    assert "🚫" in words(app) and not lists(app)


def test_hostile_names_are_text(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    app = select(
        app, add_run(store, range(4), name="**x** <b>"), add_run(store, range(50), name=":red[y]", network=WIDE)
    )
    assert r"\*\*x\*\* \<b\>" in words(app)
    assert not app.exception


def test_eleven_runs_are_too_many_for_one_comparison(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    app = select(app, *(add_run(store, [number], name=str(number)) for number in range(11)))
    assert "At most 10 runs are compared at once; 11 are selected." in words(app)
    assert "is better" not in words(app) and "compared by their seeds alone" in app.info[0].value


def test_of_more_than_ten_runs_the_seeds_are_compared(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    small = seeds_of(store, [30, 32, 31, 33, 30, 31, 32, 33], "small")
    wide = seeds_of(store, [3, 4, 5, 3, 4, 5, 4, 3], "wide", WIDE)
    app = select(app, *small, *wide)
    assert not app.exception and not app.error
    assert "wide is better than small from seed to seed too" in words(app)
    assert "8 seeds" in words(app) and not app.info


# All that the verdict says --------------------------------------------------------------------------------------------


def seeds_of(store: RunStore, wrong: Sequence[int], name: str, network: Architecture = SMALL) -> list[Run]:
    return [
        add_run(store, range(count), name=f"{name}, seed {seed}", network=network, training=replace(ONE, seed=seed))
        for seed, count in enumerate(wrong, 1)
    ]


def frames(app: AppTest) -> dict[str, pd.DataFrame]:
    """The tables of the page, by the names of their columns; of a name that several have, the last."""
    return {column: element.value for element in app.dataframe for column in element.value.columns}


def test_two_runs_have_their_four_counts_their_difference_and_their_looks(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    bad = add_run(store, range(2, 60), name="bad", network=WIDE, test_looks=7)
    good = add_run(store, range(4), name="good", test_looks=1)
    app = select(app, good, bad)
    (counts,) = app.table
    assert counts.value.to_numpy().tolist() == [
        ["300 both right", "56 only A right"], ["2 only B right", "2 neither right"]
    ]  # fmt: skip
    assert {metric.label: metric.value for metric in app.metric} == {
        "Accuracy of A less that of B": "+15.00 points", "McNemar's exact p": "< 0.001",
    }  # fmt: skip
    assert "**bad**: 7 times" in words(app) and "**good**: 1 time ·" in words(app)
    assert "Train at least 3 seeds of each" in app.warning[0].value
    app = app.button("swap-pair").click().run()
    assert next(iter(app.metric)).value == "−15.00 points"
    assert app.table[0].value.iloc[0, 1] == "2 only A right"


def test_several_pairs_are_a_table_with_holms_correction_in_words(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [
        add_run(store, range(count), name=name, network=network)
        for name, count, network in (("worst", 70, SMALL), ("best", 1, WIDE), ("near", 3, DEEP))
    ]
    other = add_run(store, [1], name="elsewhere", fingerprint="g" * 12, moved=5)
    app = select(app, *runs, other)
    found = frames(app)["Verdict"].set_index(["A", "B"])
    assert set(found.index) == {("near", "best"), ("near", "worst"), ("best", "worst")}
    ps = {("near", "best"): 0.5, ("near", "worst"): 2 / 2**67, ("best", "worst"): 2 / 2**69}
    for pair, p in ps.items():
        assert found.loc[pair, "p"] == pytest.approx(p)
    assert found.loc[("near", "worst"), "p (Holm)"] == pytest.approx(2 * 2 / 2**67)
    assert found["Verdict"].to_dict() == {
        ("near", "best"): "not told apart", ("near", "worst"): "A is better", ("best", "worst"): "A is better",
    }  # fmt: skip
    assert "Of 3 pairs on the same images, 2 are told apart." in words(app)
    assert "Holm's correction raises each p" in words(app)
    assert "🚫 Not compared: they were evaluated on other test images." in words(app)
    assert frame.escape("3 pairs: elsewhere and near, elsewhere and best, elsewhere and worst.") in words(app)
    assert not any("is better than" in element.value for element in app.markdown), "no wall of sentences"


def test_the_seeds_verdict_stands_above_that_of_the_images(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [*seeds_of(store, [30, 31, 33], "Small"), *seeds_of(store, [3, 5, 4], "Wide", WIDE)]
    app = select(app, *runs)
    said = [element.value for element in app.markdown]
    seeds = next(index for index, value in enumerate(said) if "from seed to seed" in value and "Wide" in value)
    images = next(index for index, value in enumerate(said) if "pairs on the same images" in value)
    assert seeds < images
    assert "by Welch's test on the accuracies of 3 and 3 seeds" in said[seeds]
    assert not app.warning, "the seeds are covered"
    alike = frames(app)["Verdict"]["Verdict"]
    assert sum("only the seed differs" in verdict for verdict in alike) == 6


def test_other_seeds_are_selected_too_with_one_button(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    small, wide = seeds_of(store, [30, 31, 33], "Small"), seeds_of(store, [3, 5, 4], "Wide", WIDE)
    app = select(app, small[0], wide[0])
    assert "Train at least 3 seeds of each" in words(app)
    assert labelled(app, "button", "Select 4 more seeds too")
    app = app.button("select-siblings").click().run()
    assert set(app.session_state["kept.selected-runs"]) == {run.id for run in (*small, *wide)}
    assert "from seed to seed" in words(app)
    assert "select-siblings" not in {button.key for button in app.button}


def test_a_run_whose_test_images_validated_is_marked(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    flattered = replace(ONE, split="test-as-validation")
    one = add_run(store, range(9), name="one", training=flattered, test_looks=11)
    app = select(app, one, add_run(store, range(3), name="two", network=WIDE, training=flattered))
    assert "**A** two ⚠️" in words(app) and "**B** one ⚠️" in words(app)
    assert "may be too good" in words(app) and "**one**: 11 times" in words(app)


def test_a_run_that_was_not_evaluated_or_whose_predictions_are_damaged_is_offered_to_be_evaluated(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    bare = add_run(store, None, name="bare")
    damaged = add_run(store, [2], name="damaged", network=WIDE)
    for run in (bare, damaged):
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"weights")
    store.artefacts.path(damaged.id, PREDICTIONS).write_bytes(b"PK")
    asked = []

    def ask(question: str, deadline: float, *, run_id: str) -> None:
        asked.append((question, run_id))
        whole = add_run(store, [1, 2])
        store.artefacts.path(whole.id, PREDICTIONS).replace(store.artefacts.folder(run_id) / PREDICTIONS)

    frame.services().inference.ask = ask
    app = select(app, bare, damaged)
    assert "was not evaluated on test images" in words(app) and "cannot be read" in words(app)
    app = app.button(f"evaluate-{bare.id}").click().run()
    assert f"evaluate-{bare.id}" not in {button.key for button in app.button}
    app = app.button(f"evaluate-{damaged.id}").click().run()
    assert asked == [("evaluate", bare.id), ("evaluate", damaged.id)]
    assert "both are right on the same of these 360 images" in words(app)
    assert not app.exception


def test_an_evaluation_that_fails_is_one_sentence(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    bare = add_run(store, None, name="bare")
    with store.artefacts.writing(bare.id, MODEL) as path:
        path.write_bytes(b"weights")

    def ask(*_: object, **__: object) -> None:
        raise InferenceError("The prediction process ended unexpectedly.", "It is being started anew; try again.")

    frame.services().inference.ask = ask
    app = select(app, bare, add_run(store, [1], network=WIDE))
    app = app.button(f"evaluate-{bare.id}").click().run()
    assert "ended unexpectedly" in app.error[0].value and not app.exception


def test_a_run_without_weights_cannot_be_evaluated_here(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    app = select(app, add_run(store, None, name="bare"), add_run(store, [1], network=WIDE))
    assert "Its weights are not here either" in words(app)


# Per digit, confusion, images, agreement ------------------------------------------------------------------------------


def test_differences_per_digit_say_that_ten_were_looked_at(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    sevens = np.flatnonzero(DIGITS == 7)
    bad = add_run(store, [*sevens[:12], 0], name="bad", network=WIDE)
    app = view(select(app, bad, add_run(store, [], name="good")), "Per digit")
    assert "On the 7 they differ by more than chance explains" in words(app)
    assert "of ten such, one that leaves out 0 is no rarity" in words(app)
    table = frames(app)["p (Holm)"].set_index("Digit")
    assert table.loc[7, "Only A right"] == 12 and table.loc[7, "p"] == pytest.approx(2 / 2**12)
    assert table.loc[7, "p (Holm)"] == pytest.approx(10 * 2 / 2**12)
    assert table.loc[7, "A − B"] == pytest.approx(100 * 12 / len(sevens))
    assert table["Images"].sum() == len(DIGITS)


def test_lists_of_images_are_leafed_through_and_chosen_by_digit(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    bad = add_run(store, range(60), name="bad", network=WIDE)
    app = view(select(app, bad, add_run(store, [], name="good")), "Images")
    assert "A fixed these: bad has them wrong, good has them right." in words(app)
    assert "Images 1–24 of 60." in words(app)
    app = labelled(app, "number_input", "Page (of 3)").set_value(3).run()
    assert "Images 49–60 of 60." in words(app)
    app = labelled(app, "toggle", "As a table").set_value(True).run()
    assert frames(app)["B is sure"]["It is"].tolist() == DIGITS[48:60].tolist()
    app = labelled(app, "selectbox", "Of the digit").select(int(DIGITS[0])).run()
    ofit = np.flatnonzero(DIGITS[:60] == DIGITS[0])
    shown = frames(app)["B is sure"]
    assert shown["It is"].tolist() == shown["A says"].tolist() == [int(DIGITS[0])] * len(ofit)
    assert shown["B says"].tolist() == [(int(DIGITS[0]) + 1) % 10] * len(ofit)
    assert not app.exception


@pytest.mark.parametrize(("wrong", "counts"), [((), (0, 0, 0)), (range(360), (360, 0, 0))])
def test_no_image_or_every_image_may_part_them(visit: Visit, wrong: Sequence[int], counts: tuple[int, ...]) -> None:
    app = visit("draw")
    store = open_store()
    bad = add_run(store, wrong, name="bad", network=WIDE)
    app = select(app, bad, add_run(store, [], name="good"))
    for name in ("Verdict", "Per digit", "Confusion", "Images"):
        app = view(app, name)
        assert not app.exception and not app.error, name
    titles = ("Only good is right", "Only bad is right", "Both are wrong")
    assert lists(app) == [f"{title} ({count})" for title, count in zip(titles, counts, strict=True)]


def test_one_image_tells_nothing_and_breaks_nothing(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [add_run(store, None, name=name, network=network) for name, network in (("one", SMALL), ("two", WIDE))]
    for run, said in zip(runs, (DIGITS[0], (DIGITS[0] + 1) % 10), strict=True):
        with store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez(path, probabilities=np.eye(10)[[said]], labels=DIGITS[:1], indices=np.array([FIRST]))
    app = select(app, *runs)
    assert "The data do not tell two and one apart" in words(app) and "of this one image" in words(app)
    for name in ("Per digit", "Confusion", "Images"):
        app = view(app, name)
        assert not app.exception and not app.error, name
    assert lists(app) == ["Only two is right (0)", "Only one is right (1)", "Both are wrong (0)"]


def test_other_images_of_the_same_name_are_not_shown_as_those_that_were_asked(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [add_run(store, wrong, network=network) for wrong, network in (([1], WIDE), ([2], SMALL))]
    for run in runs:
        known = read_predictions(store, run)
        with store.artefacts.writing(run.id, PREDICTIONS) as path:
            np.savez(path, probabilities=known.probabilities, labels=known.labels, indices=known.indices - 700)
    app = view(select(app, *runs), "Images")
    assert any("are not those that the run was asked about" in info.value for info in app.info)


def test_images_that_are_not_on_this_machine_are_told_in_words(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    a, b = (add_run(store, wrong, network=network, dataset="mnist") for wrong, network in (([1], WIDE), ([2], SMALL)))
    app = view(select(app, a, b), "Images")
    assert any("MNIST is not on this machine" in info.value for info in app.info)
    assert len(frames(app)["B is sure"]) == 1, "what they say of it is known all the same"


def test_images_that_nobody_gets_right_and_those_that_one_alone_gets_wrong(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    runs = [
        add_run(store, wrong, name=name, network=network)
        for name, wrong, network in (("one", [0, 1, 2], SMALL), ("two", [0, 1], WIDE), ("three", [0, 9], DEEP))
    ]
    other = add_run(store, [1], name="elsewhere", fingerprint="g" * 12, moved=5)
    app = view(select(app, *runs, other), "Agreement")
    assert "elsewhere is left out: they were evaluated on other test images" in words(app)
    assert "all 3 runs get 356 right and none gets 1 right" in words(app)
    (group,) = (each for each in app.button_group if str(each.key).startswith("agreement."))
    assert group.options == ["Nobody is right (1)", "Only one is right (1)", "Only one is wrong (2)", "They part (3)"]
    app = group.set_value("Only one is wrong").run()
    assert "Images 1–2 of 2." in words(app)
    (who,) = (each for each in app.button_group if ".who." in str(each.key))
    assert who.options == ["any", "A (1)", "B (0)", "C (1)"]


# Epoch by epoch -------------------------------------------------------------------------------------------------------


def kept_run(store: RunStore, *, split: str = "holdout", epochs: int = 3) -> Run:
    """A finished run whose epochs were kept, with a history and no predictions of any epoch."""
    run = add_run(
        store, [1, 2], name="kept", training=replace(ONE, keep_checkpoints=True, split=split), kept_epoch=epochs,
        test_looks=1,
    )  # fmt: skip
    for epoch in range(1, epochs + 1):
        store.add_epoch(run.id, {"epoch": epoch, "val_accuracy": 0.5 + epoch / 10})
        with store.artefacts.writing(run.id, epoch_weights(epoch)) as path:
            path.write_bytes(b"weights")
    return store.get(run.id)


class Asked:
    """Stands for the inference process: an epoch gets so many of the first images wrong."""

    def __init__(self, store: RunStore, wrong: dict[int, list[int]]) -> None:
        self.store, self.wrong = store, wrong
        self.questions: list[tuple[int, str]] = []

    def __call__(self, question: str, deadline: float, *, run_id: str, epoch: int, part: str) -> str:
        assert question == "predict_epoch"
        self.questions.append((epoch, part))
        run = self.store.get(run_id)
        name = epoch_predictions(epoch, kept_epochs.PARTS[kept_epochs.part_of(run, part)])
        source = add_run(self.store, self.wrong[epoch])
        self.store.artefacts.path(source.id, PREDICTIONS).replace(self.store.artefacts.folder(run_id) / name)
        self.store.delete([source.id])
        if kept_epochs.is_a_look(run, part):
            self.store.count_looks(run_id)
        return name


WRONG = {1: [0, 1, 2, 3, 4], 2: [0, 1, 7], 3: [0]}


def test_a_run_whose_epochs_were_not_kept_says_how_to_keep_them(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    app = view(select(app, add_run(store, [1])), "Epoch by epoch")
    assert any("Keep every epoch" in info.value for info in app.info)


def test_epochs_are_asked_about_validation_images_once_and_no_look_is_counted(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = kept_run(store)
    frame.services().inference.ask = ask = Asked(store, WRONG)
    app = view(select(app, run), "Epoch by epoch")
    assert not app.exception and not app.error
    assert "**After epoch 3**" in words(app) and "1 mistake." in words(app)
    app = labelled(app, "select_slider", "Epoch").set_value(2).run()
    assert "**After epoch 2**" in words(app) and "3 mistakes" in words(app)
    (way,) = (each for each in app.button_group if each.label == "Show")
    assert way.options == ["Mistakes", "Since epoch 1"]
    app = way.set_value("Since epoch 1").run()
    (since,) = (each for each in app.button_group if each.label == "Since the epoch before")
    assert since.options == ["Learnt (3)", "Forgot (1)", "Still wrong (2)", "Confusion matrix"]
    app = since.set_value("matrix").run()
    assert not app.exception and not app.error
    assert ask.questions == [(3, "validation"), (2, "validation"), (1, "validation")]
    assert store.get(run.id).test_looks == 1


def test_what_was_kept_of_an_epoch_and_cannot_be_read_is_asked_anew(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = kept_run(store)
    with store.artefacts.writing(run.id, epoch_predictions(3, VALIDATION_PREDICTIONS)) as path:
        path.write_bytes(b"PK")
    frame.services().inference.ask = ask = Asked(store, WRONG)
    app = view(select(app, run), "Epoch by epoch")
    assert "**After epoch 3**" in words(app) and ask.questions == [(3, "validation")]
    assert not app.exception and not app.error


def test_an_epoch_looks_at_the_test_images_only_when_told_to_and_it_counts(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = kept_run(store)
    frame.services().inference.ask = ask = Asked(store, WRONG)
    app = view(select(app, run), "Epoch by epoch")
    app = labelled(app, "button_group", "Images").set_value("test").run()
    assert "so far: 1." in words(app)
    assert "**After epoch 3**" in words(app), "the run was evaluated with this epoch's weights"
    app = labelled(app, "select_slider", "Epoch").set_value(2).run()
    assert "is not known yet" in words(app)
    assert not [part for _, part in ask.questions if part == "test"]
    app = labelled(app, "button", "Look at the test images with epoch 2 (counts as a look)").click().run()
    assert "**After epoch 2**" in words(app)
    assert ask.questions[-1] == (2, "test") and store.get(run.id).test_looks == 2


def test_where_the_test_images_validate_it_says_so_and_counts_none(visit: Visit) -> None:
    app = visit("draw")
    store = open_store()
    run = kept_run(store, split="test-as-validation")
    frame.services().inference.ask = Asked(store, WRONG)
    app = labelled(view(select(app, run), "Epoch by epoch"), "select_slider", "Epoch").set_value(1).run()
    assert "The test images of this run are its validation images too" in words(app)
    assert "**After epoch 1**" in words(app) and "⚠️ They also chose the epoch." in words(app)
    assert not any(group.label == "Images" for group in app.button_group)
    assert store.get(run.id).test_looks == 1
