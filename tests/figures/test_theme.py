"""The palette, against a simulation of colour blindness and the contrast of WCAG; run colours, against collisions."""

import itertools
import random
import subprocess
import sys
import uuid

import numpy as np
import pytest

from mnist_lab.figures.theme import COLOURS, base_layout, fade, message, mix, run_colour, run_colours

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip  # noqa: E501


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(sight @ linear(colour), 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    low, high = sorted(linear(colour) @ np.array([0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
def test_all_colours_stay_apart_for_every_sight(sight):
    for one, other in itertools.combinations(COLOURS, 2):
        assert np.linalg.norm(lab(one, SIGHT[sight]) - lab(other, SIGHT[sight])) > 15, (one, other)


@pytest.mark.parametrize("background", ["#ffffff", "#11161d"])
def test_all_colours_stand_out_on_both_sides_of_the_theme(background):
    assert all(contrast(colour, background) > 2.2 for colour in COLOURS)


def test_a_run_keeps_its_colour_over_a_restart():
    run_id = str(uuid.UUID(int=12345))
    code = f"from mnist_lab.figures.theme import run_colour; print(run_colour({run_id!r}))"
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert fresh == run_colour(run_id)


def test_up_to_eight_runs_never_share_a_colour():
    random_ids = random.Random(1)
    for size in range(1, 9):
        for _ in range(50):
            ids = [str(random_ids.random()) for _ in range(size)]
            assert len(set(run_colours(ids).values())) == size


def test_more_runs_share_colours_evenly():
    colours = list(run_colours(map(str, range(20))).values())
    assert {colours.count(colour) for colour in COLOURS} <= {2, 3}


def test_colours_do_not_depend_on_the_order_of_selection():
    ids = [f"run {i}" for i in range(6)]
    assert run_colours(ids) == run_colours(ids[::-1])


def test_a_run_alone_has_its_own_colour():
    assert run_colours(["a run"]) == {"a run": run_colour("a run")}


def test_the_layout_is_transparent_and_its_text_fits_the_theme():
    light, dark = base_layout(False), base_layout(True)
    assert light.paper_bgcolor == light.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert contrast(light.font.color, "#ffffff") > 7
    assert contrast(dark.font.color, "#11161d") > 7


def test_colours_fade_and_mix():
    assert fade("#ff8000", 0.5) == "rgba(255, 128, 0, 0.5)"
    assert mix("#000000", "#ffffff", 0.2) == "#333333"


def test_a_message_shows_its_sentence():
    assert message("Nothing here yet.").layout.annotations[0].text == "Nothing here yet."
