"""Selected runs against each other on the Runs page: the sentences, and the images that part two runs."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from mnist_lab.store import Run, open_store
from tests.made_runs import WIDE, add_run

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
