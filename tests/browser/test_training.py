"""Trainings in Chromium: the curve that grows, stop and pause, other tabs, the queue."""

import re

import pytest

from tests.browser.actions import (
    LIVE,
    PATIENCE,
    SIDEBAR,
    captions,
    chart,
    drag_across,
    epoch,
    eventually,
    head,
    open_lab,
    press,
    settled,
    show_settings,
    start_training,
    stop_seconds,
    traces,
    wait_points,
)
from tests.browser.server import open_page, screenshot

LONG = 2000
CLICK_FIRST = """buttons => { const found = [...document.querySelectorAll(buttons)].filter(e => e.offsetWidth);
    found.find(e => !e.disabled)?.click(); return found.length }"""
STATUS = re.compile(
    r"^epoch \d+ of 2000 · (step \d+ of \d+|validating) · [\d,]+ images/s · .+ left · (CPU|GPU).* · 60,074 parameters$"
)


@pytest.fixture
def training(lab, page):
    """The Lab's tab Training; what was started there is ended afterwards."""
    open_lab(page, lab, "Training")
    yield page
    end_all(page, lab)
    assert page.errors == []


def end_all(page, lab) -> None:
    open_page(page, f"{lab.url}lab", "Start from")
    settled(page)
    # those that wait first, or the next of them would start
    for buttons in ("[class*=st-key-cancel-] button", ".st-key-cancel button, .st-key-stop button"):
        eventually(page, lambda buttons=buttons: page.evaluate(CLICK_FIRST, buttons), 0)
    eventually(page, lambda: badges(page), [])


def badges(page) -> list[str]:
    return [text.replace("\n", " ") for text in page.locator("[class*='st-key-badge-']").all_inner_texts()]


def waiting(page) -> list[str]:
    """The queue, in its order."""
    return [
        re.sub(r"^\d+\. | · .*$", "", text)
        for text in page.evaluate(
            "() => [...document.querySelectorAll('[class*=\"st-key-queued-\"]')].map(e => e.innerText.split('\\n')[0])"
        )
    ]


def in_queue(page, name: str, sign: str) -> None:
    settled(page)
    row = page.locator("[class*='st-key-queued-']").filter(has_text=name)
    row.locator("button:visible").filter(has_text=sign).click()


def wait_epoch(page, least: int) -> None:
    eventually(page, lambda: epoch(page), lambda seen: seen >= least, 2 * PATIENCE)


def test_the_chart_lives_on_with_its_zoom_and_its_hidden_curve_while_points_are_added(training):
    start_training(training, "alive", epochs=LONG, images=1500, batch=1)
    training.get_by_role("heading", name="alive").wait_for(timeout=2 * PATIENCE * 1000)
    # In the first epoch there are no curves per epoch yet: those that come must not inherit what was hidden.
    hidden = {"batch-loss", "batch-accuracy"}
    eventually(training, lambda: set(traces(training)), hidden, 2 * PATIENCE)
    chart(training, LIVE, "(node.mark = 'mine')")
    training.locator(f'.mnist-lab-plot[aria-label="{LIVE}"] .legendtoggle').first.click()
    eventually(training, lambda: {u for u, t in traces(training).items() if t["visible"] == "legendonly"}, hidden)
    before = traces(training)
    assert set(before) == hidden, "the first epoch was over too soon for this test"
    wait_epoch(training, 3)

    after = eventually(training, lambda: traces(training), lambda found: found.get("val_loss", {"n": 0})["n"] >= 2)
    assert {uid for uid, trace in after.items() if trace["visible"] == "legendonly"} == hidden
    assert after["batch-loss"]["n"] > before["batch-loss"]["n"]
    assert chart(training, LIVE, "node.mark") == "mine"

    drag_across(training, LIVE, 0.3, 0.7)
    eventually(training, lambda: chart(training, LIVE, "node.layout.xaxis.autorange"), False)
    zoomed = chart(training, LIVE, "node._fullLayout.xaxis.range.slice()")
    screenshot(training, "training-zoomed")
    epochs = traces(training)["val_loss"]["n"]
    eventually(training, lambda: traces(training)["val_loss"]["n"], lambda n: n >= epochs + 2, 2 * PATIENCE)
    assert chart(training, LIVE, "node._fullLayout.xaxis.range.slice()") == pytest.approx(zoomed)
    assert chart(training, LIVE, "node.mark") == "mine"
    assert training.locator(f'.mnist-lab-plot[aria-label="{LIVE}"]').count() == 1


def test_stop_takes_effect_within_two_seconds_and_keeps_what_was_learnt(training):
    start_training(training, "stopped soon", epochs=LONG, images=1000)
    wait_epoch(training, 4)
    eventually(training, lambda: head(training), STATUS.match)
    screenshot(training, "training")
    # two seconds, and the tick of the page
    assert stop_seconds(training) <= 3.0
    accuracy = training.get_by_text(re.compile(r"^Test accuracy \d\d\.\d\d % \(\d\d\.\d\d – \d\d\.\d\d\)"))
    accuracy.wait_for(timeout=PATIENCE * 1000)
    assert re.search(r"weights of epoch \d+$", accuracy.locator("xpath=..").inner_text())
    screenshot(training, "training-stopped")


def test_a_paused_training_stands_still_and_goes_on(training):
    start_training(training, "paused", epochs=LONG, images=1000)
    wait_epoch(training, 2)
    settled(training)
    press(training, "pause")
    eventually(training, lambda: head(training), lambda words: words.startswith("paused · "))

    def moves() -> bool:
        before = head(training), traces(training)
        training.wait_for_timeout(1200)
        return (head(training), traces(training)) != before

    # A pause begins after the batch under way, and the page may be late with what came before it; then all stands.
    eventually(training, moves, False)
    assert not moves() and not moves()
    screenshot(training, "training-paused")
    was = epoch(training)
    settled(training)
    press(training, "resume")
    wait_epoch(training, was + 2)


def test_a_reload_and_a_second_browser_find_the_training_and_its_whole_curve(training, lab, browser):
    start_training(training, "seen by all", epochs=LONG, images=1000)
    wait_epoch(training, 3)
    points = traces(training)["batch-loss"]
    training.reload()
    again = wait_points(training, points["n"])
    assert again["batch-loss"]["first"] == points["first"] < 1
    assert again["loss"]["first"] == 1
    training.get_by_role("heading", name="seen by all").wait_for()

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        other = context.new_page()
        open_page(other, f"{lab.url}lab", "Start from")
        assert wait_points(other, points["n"])["batch-loss"]["first"] == points["first"]
        for address in ("", "runs", "data", "lab"):
            open_page(other, f"{lab.url}{address}")
            shown = eventually(other, lambda: badges(other), lambda seen: len(seen) == 1 and "epoch" in seen[0])
            assert "seen by all" in shown[0]
            screenshot(other, f"badge-{address or 'draw'}")
    finally:
        context.close()


def test_the_queue_is_put_in_another_order_and_one_training_is_cancelled(training):
    start_training(training, "first", epochs=LONG, images=1000)
    wait_epoch(training, 1)
    start_training(training, "second", epochs=1, images=500)
    eventually(training, lambda: waiting(training), ["second"])
    start_training(training, "third", epochs=1, images=500)
    eventually(training, lambda: waiting(training), ["second", "third"])
    screenshot(training, "queue")
    in_queue(training, "third", "↑")
    eventually(training, lambda: waiting(training), ["third", "second"])
    in_queue(training, "third", "↓")
    eventually(training, lambda: waiting(training), ["second", "third"])
    in_queue(training, "third", "↑")
    eventually(training, lambda: waiting(training), ["third", "second"])
    training.locator(SIDEBAR).get_by_text("2 more in the queue").wait_for()
    in_queue(training, "second", "✕")
    eventually(training, lambda: waiting(training), ["third"])
    settled(training)
    press(training, "stop")
    training.get_by_role("heading", name="third").wait_for(timeout=PATIENCE * 1000)
    eventually(training, lambda: head(training), lambda words: words.startswith("finished · "), 2 * PATIENCE)
    show_settings(training)
    assert waiting(training) == []
    assert any("Forecast" in line for line in captions(training))
