"""The page My digits without a browser: names, the images, corrections, deletions, the table of accuracy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab import comparison, formatting, run_data
from mnist_lab.drawing import Sheet
from mnist_lab.errors import InferenceError
from mnist_lab.jobs import InferenceClient
from mnist_lab.metrics import accuracy_interval
from mnist_lab.store import NewDigit, RunStore, open_store
from mnist_lab.store.artefacts import BASE_PREDICTIONS, MODEL, PREDICTIONS
from mnist_lab.training_config import Augmentation, FineTuning
from mnist_lab.ui import writer
from tests.made_runs import ONE, add_run
from tests.ui.conftest import labelled

Visit = Callable[[str], AppTest]


def image(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)


@pytest.fixture
def store(home: object) -> RunStore:
    opened = open_store()
    opened.keep_digits("Anna", [NewDigit(image(number), number % 10) for number in range(12)])
    opened.keep_digits("Ben", [NewDigit(image(100), 4)])
    return opened


def named(visit: Visit, name: str) -> AppTest:
    app = visit("digits")
    labelled(app, "text_input", "Your name").set_value(name).run()
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.warning, *app.error, *app.info])


def take(app: AppTest) -> AppTest:
    labelled(app, "button", "They are mine").click().run()
    return app


def open_view(app: AppTest, name: str) -> None:
    labelled(app, "segmented_control", "View").set_value(name).run()


def boxes(app: AppTest) -> list[str]:
    return [box.key for box in app.checkbox if (box.key or "").startswith("digit-")]


def test_a_name_under_which_digits_are_kept_is_taken_only_by_who_says_that_they_are_theirs(
    store: RunStore, visit: Visit
) -> None:
    app = named(visit, " anna ")
    assert "Anna has 12 digits here already" in texts(app)
    assert boxes(app) == []
    labelled(app, "button", "Another name").click().run()
    assert "has 12 digits" not in texts(app)
    labelled(app, "text_input", "Your name").set_value("ANNA").run()
    assert len(boxes(take(app))) == 12


def test_a_new_name_begins_with_nothing_and_names_of_logins_are_not_to_be_typed(store: RunStore, visit: Visit) -> None:
    app = named(visit, "anna@example.org")
    assert "of people who log in" in texts(app)
    labelled(app, "text_input", "Your name").set_value("*Carl*").run()
    assert r"**\*Carl\*** · 0 digits" in texts(app)
    assert "There are none yet" in texts(app)


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"is_logged_in": True, "email": "anna@example.org", "sub": "7"}, "anna@example.org"),
        ({"is_logged_in": True, "email": None, "sub": "7"}, "7@login"),
        ({"is_logged_in": False}, ""),
    ],
)
def test_where_there_is_a_login_it_is_the_name_and_none_is_typed(
    store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch, user: dict[str, object], name: str
) -> None:
    store.keep_digits("anna@example.org", [NewDigit(image(7), 7)])
    monkeypatch.setattr(writer.st, "user", SimpleNamespace(**user))
    app = visit("digits")
    assert [box.label for box in app.text_input] == []
    assert [button.label for button in app.button if button.label.startswith("Log")] == [
        "Log out" if name else "Log in"
    ]
    assert len(boxes(app)) == (name == "anna@example.org")


def test_ticked_digits_are_corrected_deleted_and_brought_back(store: RunStore, visit: Visit) -> None:
    app = take(named(visit, "Anna"))
    ticked = store.digits("Anna")[3].digest
    assert app.button(key="digits-delete").disabled
    app.checkbox(key=f"digit-{ticked}").check().run()
    app.selectbox(key="digits.label").set_value(8).run()
    app.button(key="digits-correct").click().run()
    assert store.digit_labels("Anna")[ticked] == 8
    assert not app.checkbox(key=f"digit-{ticked}").value
    app.checkbox(key=f"digit-{ticked}").check().run()
    app.button(key="digits-delete").click().run()
    assert ticked not in store.digit_labels("Anna")
    assert "Deleted 1 digit." in texts(app)
    app.button(key="digits-undo").click().run()
    assert store.digit_labels("Anna")[ticked] == 8
    assert len(boxes(app)) == 12


def test_the_table_says_what_numpy_says_and_asks_a_network_about_new_digits_only(
    store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, flattered = add_run(store, [1], name="plain"), add_run(store, [1, 2], name="flattered")
    for run in (plain, flattered):
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(b"weights")
    store.set_figures(flattered.id, split="test-as-validation")
    asked = []

    def predict(self: object, run_id: str, images: np.ndarray, deadline: float) -> np.ndarray:
        asked.append((run_id, len(images)))
        return np.eye(10, dtype=np.float32)[[int(one[0, 0]) % 10 for one in images]]

    monkeypatch.setattr(InferenceClient, "predict", predict)
    app = take(named(visit, "Anna"))
    from mnist_lab.ui.digit_views import accuracy  # the canvas can be imported only where an app runs

    accuracy._remembered.clear()
    open_view(app, "Accuracy")
    app.multiselect(key="digits.runs").set_value([plain.id, flattered.id]).run()
    digits = store.digits("Anna")
    right = sum(int(digit.image[0, 0]) % 10 == digit.label for digit in digits)
    low, high = accuracy_interval(right, 12)
    rows = app.dataframe[0].value
    assert rows["My digits"].tolist() == pytest.approx([100 * right / 12] * 2)
    assert rows["95 %"].tolist() == [f"{100 * low:.1f} – {100 * high:.1f}"] * 2
    assert rows["Run"].tolist() == ["plain", "flattered ⚠️"]
    assert comparison.FLATTERED in texts(app)
    asked.clear()
    store.keep_digits("Anna", [NewDigit(image(50), 5)])
    app.run()
    assert sorted(asked) == sorted([(plain.id, 1), (flattered.id, 1)])

    def fail(self: object, run_id: str, images: np.ndarray, deadline: float) -> np.ndarray:
        if run_id == flattered.id:
            raise InferenceError("The weights cannot be read.", "Train it again.")
        return predict(self, run_id, images, deadline)

    monkeypatch.setattr(InferenceClient, "predict", fail)
    store.keep_digits("Anna", [NewDigit(image(51), 5)])
    app.run()
    assert app.dataframe[0].value["Run"].tolist() == ["plain"]
    assert [warning.value for warning in app.warning] == ["flattered: The weights cannot be read. Train it again."]


def test_practice_asks_notes_right_and_wrong_answers_and_scores_them(
    store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add_run(store, [1], name="plain")
    with store.artefacts.writing(run.id, MODEL) as path:
        path.write_bytes(b"weights")
    says: list[int] = []
    ink = np.zeros((280, 280), np.uint8)
    ink[60:220, 130:150] = 255

    def predict(self: object, run_id: str, images: np.ndarray, deadline: float = 0.0) -> np.ndarray:
        return np.eye(10, dtype=np.float32)[[says[-1] if says else 0] * len(images)]

    monkeypatch.setattr(InferenceClient, "predict", predict)
    drawn: list[Sheet | None] = [None]
    app = take(named(visit, "Ben"))
    from mnist_lab.ui import ways_in  # the canvas can be imported only where an app runs

    monkeypatch.setattr(ways_in, "canvas", lambda key: drawn[0])
    open_view(app, "Practice")
    app.selectbox(key="practice-run").set_value(run.id).run()
    app.checkbox(key="practice-keeps").check().run()
    app.button(key="practice-start").click().run()

    def asked() -> int:
        return int(next(text.value for text in app.markdown if "Draw a" in text.value)[-1])

    first = asked()
    assert app.button(key="practice-next").disabled
    drawn[0] = Sheet(ink, ())
    says.append((first + 1) % 10)
    app.run()
    assert asked() == first, "a digit half drawn is not a wrong answer yet"
    assert store.answers("Ben") == []
    says.append((first + 2) % 10)
    app.button(key="practice-next").click()
    monkeypatch.setattr(ways_in, "canvas", lambda key: drawn[0] if key.endswith("-1") else None)
    app.run()
    second = asked()
    assert second != first
    (answer,) = store.answers("Ben")
    assert (answer.run_id, answer.asked, answer.said) == (run.id, first, (first + 2) % 10)
    assert [(digit.label, digit.origin) for digit in store.digits("Ben")][-1] == (first, "practice")
    says.append(second)
    monkeypatch.setattr(ways_in, "canvas", lambda key: drawn[0] if key.endswith("-2") else None)
    monkeypatch.setattr("mnist_lab.store.digits.MAX_DIGITS", 1)  # and yet the practice goes on
    drawn[0] = Sheet(np.roll(ink, 40, axis=1) | ink, ())
    app.run()
    assert "there may be 1" in texts(app)
    assert asked() not in (first, second)
    scores = app.dataframe[0].value
    assert scores["Asked"].tolist() == [2]
    low, high = accuracy_interval(1, 2)
    assert scores["Read right"].tolist() == [f"50.00 % ({100 * low:.2f} – {100 * high:.2f})"]
    assert scores["Best time"][0] == store.answers("Ben")[1].seconds
    assert store.answers("Anna") == []


def test_fine_tuning_is_queued_with_its_digits_and_shows_what_came_of_it(
    store: RunStore, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = add_run(store, [1], name="parent", training=replace(ONE, augmentation=Augmentation(rotation=3.0)))
    with store.artefacts.writing(parent.id, MODEL) as path:
        path.write_bytes(b"weights")
    app = take(named(visit, "Anna"))
    open_view(app, "Fine-tune")
    assert any("at least 20 digits to learn from" in info.value for info in app.info)
    store.keep_digits("Anna", [NewDigit(image(number), number % 10) for number in range(60)])
    app.run()
    app.selectbox(key="tune-parent").set_value(parent.id).run()
    # Whoever types and then clicks sends both at once: the button was drawn with what stood there before.
    app.number_input(key="tune.epochs").set_value(3)
    app.button(key="tune-start").click().run()
    assert not app.error
    (run,) = store.queue()
    config = run.config()
    assert (config.fine_tuning, config.dataset) == (FineTuning(parent.id, "Anna", 10), "digits")
    assert (config.epochs, config.augmentation.rotation) == (3, 3.0)
    split = run_data.load(store, run).split

    # As if it had been trained: right about all digits held out but one, where its parent is right about none.
    right = len(split.y_test) - 1
    low, high = accuracy_interval(right, right + 1)
    figures = {"test_accuracy": right / (right + 1), "test_accuracy_low": low, "test_accuracy_high": high}
    store.set_figures(run.id, status="finished", dataset="my-digits", **figures)
    shutil.copyfile(store.artefacts.path(parent.id, PREDICTIONS), store.artefacts.folder(run.id) / BASE_PREDICTIONS)
    wrong = {one.tobytes(): (int(label) + 1) % 10 for one, label in zip(split.x_test, split.y_test, strict=True)}

    def predict(self: object, run_id: str, images: np.ndarray, deadline: float) -> np.ndarray:
        assert run_id == parent.id
        return np.eye(10, dtype=np.float32)[[wrong[one.tobytes()] for one in images]]

    monkeypatch.setattr(InferenceClient, "predict", predict)
    app.run()
    rows = app.dataframe[-1].value
    assert rows["Started from"].tolist() == ["parent"]
    before, after = rows["Digits held out"][0].split(" → ")
    assert (before[:6], after[:5]) == ("0.00 %", f"{100 * right / (right + 1):.2f}")
    before, after = rows["Test images"][0].split(" → ")
    assert before == after == formatting.accuracy(parent.test_accuracy, parent.test_accuracy_interval)
