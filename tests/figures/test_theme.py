"""The palette, against a simulation of colour blindness and the contrast of WCAG; run colours, against collisions."""

import itertools
import random
import subprocess
import sys
import uuid

import numpy as np
import plotly.graph_objects as go
import pytest

from mnist_lab.figures.theme import COLOURS, base_layout, fade, message, mix, run_colour, run_looks

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


def ids(count: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return [uuid.UUID(int=draw.getrandbits(128)).hex for _ in range(count)]


def test_a_run_keeps_its_colour_whatever_it_is_shown_with():
    runs = ids(40)
    for size in (1, 2, 10, 40):
        for first in range(0, 40, size):
            looks = run_looks(runs[first : first + size])
            assert {run_id: look.colour for run_id, look in looks.items()} == {
                run_id: run_colour(run_id) for run_id in runs[first : first + size]
            }


def test_ten_runs_shown_together_all_look_different():
    for seed in range(100):
        looks = run_looks(ids(10, seed)).values()
        assert len({(look.colour, look.dash) for look in looks}) == 10
        assert len(set(looks)) == 10


def test_thirty_runs_of_one_colour_look_different():
    of_one_colour = [run_id for run_id in ids(600) if run_colour(run_id) == COLOURS[0]][:30]
    assert len({(look.dash, look.symbol) for look in run_looks(of_one_colour).values()}) == len(of_one_colour) == 30


def test_all_colours_are_used_evenly():
    colours = [run_colour(run_id) for run_id in ids(800)]
    assert all(70 < colours.count(colour) < 130 for colour in COLOURS)


def test_looks_do_not_depend_on_the_order_of_selection():
    runs = ids(30)
    assert run_looks(runs) == run_looks(runs[::-1])


def test_a_run_alone_has_a_solid_line():
    assert all(run_looks([run_id])[run_id].dash == "solid" for run_id in ids(20))


def test_the_layout_is_transparent_and_its_text_fits_the_theme():
    light, dark = (go.Figure(layout=base_layout(each)).layout for each in (False, True))
    assert not light.template.layout.to_plotly_json(), "Plotly's own template is not under it"
    assert light.paper_bgcolor == light.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert contrast(light.font.color, "#ffffff") > 7
    assert contrast(dark.font.color, "#11161d") > 7


def test_colours_fade_and_mix():
    assert fade("#ff8000", 0.5) == "rgba(255, 128, 0, 0.5)"
    assert mix("#000000", "#ffffff", 0.2) == "#333333"


def test_a_message_shows_its_sentence():
    assert message("Nothing here yet.").layout.annotations[0].text == "Nothing here yet."
