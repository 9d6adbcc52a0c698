"""The Lab in Chromium: a network put together, an impossible one explained."""

import pytest

from tests.browser.actions import (
    SIDEBAR,
    alerts,
    choose,
    eventually,
    field,
    fill,
    metrics,
    number,
    open_lab,
    open_tab,
    rows,
    select_row,
    settled,
    table,
    tool,
)
from tests.browser.server import screenshot

TOTAL = "Trainable parameters"


@pytest.fixture
def bench(lab, page):
    open_lab(page, lab)
    yield page
    assert page.errors == []


def wait_rows(page, *expected: str) -> None:
    eventually(page, lambda: rows(page), list(expected))
    settled(page)


def wait_total(page, expected: int) -> None:
    eventually(page, lambda: metrics(page).get(TOTAL), f"{expected:,}")


def problems(page) -> list[str]:
    return [shown for shown in alerts(page) if shown.startswith("⚠️")]


def start_empty(page) -> None:
    choose(page, "Start from", "Empty", SIDEBAR)
    wait_rows(page)


def add(page, kind: str, place: str = "Add a layer at the end") -> None:
    choose(page, place, kind, SIDEBAR, f"{kind} –")


def test_a_network_is_put_together_and_its_parameters_are_those_counted_by_hand(bench):
    start_empty(bench)
    add(bench, "Conv2D", "Add the first layer")
    wait_rows(bench, "⚠️ 1 · Conv2D 32, 3×3, relu")
    fill(bench, "Filters", 8, SIDEBAR)
    wait_rows(bench, "⚠️ 1 · Conv2D 8, 3×3, relu")
    fill(bench, "Kernel size", 5, SIDEBAR)
    wait_rows(bench, "⚠️ 1 · Conv2D 8, 5×5, relu")
    choose(bench, "Activation", "tanh", SIDEBAR)
    wait_rows(bench, "⚠️ 1 · Conv2D 8, 5×5, tanh")
    add(bench, "MaxPooling2D", "Add a layer after this one")
    wait_rows(bench, "1 · Conv2D 8, 5×5, tanh", "⚠️ 2 · MaxPooling2D 2×2")
    add(bench, "Flatten")
    wait_rows(bench, "1 · Conv2D 8, 5×5, tanh", "2 · MaxPooling2D 2×2", "⚠️ 3 · Flatten")
    add(bench, "Dense")
    network = ["1 · Conv2D 8, 5×5, tanh", "2 · MaxPooling2D 2×2", "3 · Flatten"]
    wait_rows(bench, *network, "⚠️ 4 · Dense 128, relu")
    fill(bench, "Units", 10, SIDEBAR)
    wait_rows(bench, *network, "⚠️ 4 · Dense 10, relu")
    choose(bench, "Activation", "softmax", SIDEBAR)
    network.append("4 · Dense 10, softmax")
    wait_rows(bench, *network)
    # 5*5 weights and a bias for each of 8 filters; (28-5+1)/2 = 12, so 12*12*8 values to 10 units and their biases
    one_convolution = 8 * (5 * 5 + 1) + 10 * (12 * 12 * 8 + 1)
    assert one_convolution == 11_738
    wait_total(bench, one_convolution)

    select_row(bench, "1 · Conv2D")
    eventually(bench, lambda: field(bench, "Filters", SIDEBAR).count(), 1)
    tool(bench, "duplicate")
    wait_rows(
        bench, network[0], "2 · Conv2D 8, 5×5, tanh", "3 · MaxPooling2D 2×2", "4 · Flatten", "5 · Dense 10, softmax"
    )
    # the second convolution has 8 channels before it; (24-5+1)/2 = 10
    in_a_row = 8 * (5 * 5 + 1) + 8 * (5 * 5 * 8 + 1) + 10 * (10 * 10 * 8 + 1)
    wait_total(bench, in_a_row)

    tool(bench, "down")
    moved = [network[0], "2 · MaxPooling2D 2×2", "3 · Conv2D 8, 5×5, tanh", "4 · Flatten", "5 · Dense 10, softmax"]
    wait_rows(bench, *moved)
    # it now works on 12 by 12, and leaves 8 by 8
    apart = 8 * (5 * 5 + 1) + 8 * (5 * 5 * 8 + 1) + 10 * (8 * 8 * 8 + 1)
    wait_total(bench, apart)
    eventually(
        bench, lambda: [number(row["Parameters"]) for row in table(bench, "Arithmetic")], [208, 0, 1608, 0, 5130]
    )
    assert [row["Output"] for row in table(bench, "Arithmetic")][:3] == ["24 × 24 × 8", "12 × 12 × 8", "8 × 8 × 8"]
    screenshot(bench, "lab-network")

    tool(bench, "remove")
    wait_rows(bench, *network)
    wait_total(bench, one_convolution)
    for button, parameters in (("Undo", apart), ("Undo", in_a_row), ("Redo", apart), ("Redo", one_convolution)):
        settled(bench)
        bench.locator(SIDEBAR).get_by_role("button", name=button).click()
        wait_total(bench, parameters)
    wait_rows(bench, *network)
    assert not bench.locator(SIDEBAR).get_by_role("button", name="Redo").is_enabled()


def test_undo_takes_an_edit_back_in_the_field_too(bench):
    select_row(bench, "1 · Conv2D 6")
    fill(bench, "Filters", 9, SIDEBAR)
    eventually(bench, lambda: rows(bench)[0], "1 · Conv2D 9, 3×3, relu")
    settled(bench)
    bench.locator(SIDEBAR).get_by_role("button", name="Undo").click()
    eventually(bench, lambda: rows(bench)[0], "1 · Conv2D 6, 3×3, relu")
    eventually(bench, lambda: field(bench, "Filters", SIDEBAR).evaluate_all("all => all.map(e => e.value)"), ["6"])


def test_a_preset_brings_its_network_and_its_training_and_undo_the_network_before(bench):
    start_empty(bench)
    add(bench, "Flatten", "Add the first layer")
    wait_rows(bench, "⚠️ 1 · Flatten")
    choose(bench, "Start from", "003 · LeNet-5", SIDEBAR)
    # convolutions of 3 by 3: 28 -> 26 -> 13 -> 11 -> 5
    wait_total(bench, 6 * (9 + 1) + 16 * (9 * 6 + 1) + 120 * (5 * 5 * 16 + 1) + 84 * 121 + 10 * 85)
    assert len(rows(bench)) == 8
    assert rows(bench)[-1] == "8 · Dense 10, softmax"
    settled(bench)
    bench.locator(SIDEBAR).get_by_role("button", name="Undo").click()
    wait_rows(bench, "⚠️ 1 · Flatten")


def kernel_larger_than_its_map(page) -> None:
    select_row(page, "3 · Conv2D")
    fill(page, "Kernel size", 15, SIDEBAR)


def seven_units_at_the_end(page) -> None:
    select_row(page, "8 · Dense")
    fill(page, "Units", 7, SIDEBAR)


def no_layers(page) -> None:
    start_empty(page)


def pooled_to_nothing(page) -> None:
    for kind in ("4 · AveragePooling2D", "5 · AveragePooling2D", "6 · AveragePooling2D"):
        eventually(page, lambda kind=kind: any(kind in row for row in rows(page)), True)
        if kind.startswith("4"):
            select_row(page, kind)
        tool(page, "duplicate")


def too_many_parameters(page) -> None:
    select_row(page, "6 · Dense")
    fill(page, "Units", 1_000_000_000, SIDEBAR)


@pytest.mark.parametrize(
    ("act", "fault", "words"),
    [
        (kernel_larger_than_its_map, 3, "Layer 3 (Conv2D 16, 15×15, relu): its kernel of 15×15 does not fit into"),
        (seven_units_at_the_end, 8, "Layer 8 (Dense 7, softmax): the network ends in 7 values, but there are 10"),
        (no_layers, None, "The network has no layers"),
        (pooled_to_nothing, 7, "Layer 7 (AveragePooling2D 2×2): its window of 2×2 does not fit into a map of 1×1"),
        (too_many_parameters, 6, "layer 6 (Dense 1000000000, relu)"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)  # fmt: skip
def test_an_impossible_network_is_explained_at_its_layer_and_cannot_be_trained(bench, act, fault, words):
    act(bench)
    eventually(bench, lambda: problems(bench), lambda shown: len(shown) == 1 and words in shown[0])
    settled(bench)
    marked = [row for row in rows(bench) if "⚠️" in row]
    assert len(marked) == (fault is not None)
    if fault is not None:
        assert marked[0].startswith(f"⚠️ {fault} · ")
        eventually(bench, lambda: [r["#"] for r in table(bench, "Arithmetic") if "⚠️" in r["Layer"]], [str(fault)])
    screenshot(bench, f"lab-impossible-{act.__name__}")
    open_tab(bench, "Training")
    train = bench.locator(".st-key-train button:visible")
    assert train.is_disabled()
    bench.get_by_text("This network cannot be trained").wait_for()

    bench.locator(SIDEBAR).get_by_role("button", name="Undo").click()
    for _ in range(2 if act is pooled_to_nothing else 0):
        settled(bench)
        bench.locator(SIDEBAR).get_by_role("button", name="Undo").click()
    eventually(bench, lambda: problems(bench), [])
    eventually(bench, train.is_enabled, True)


def test_more_units_than_a_layer_may_have_are_not_taken(bench):
    select_row(bench, "6 · Dense")
    fill(bench, "Units", 2_000_000_000, SIDEBAR)
    eventually(bench, lambda: field(bench, "Units", SIDEBAR).evaluate("e => e.validity.valid"), False)
    settled(bench)
    assert rows(bench)[5] == "6 · Dense 120, relu"
    assert problems(bench) == []
