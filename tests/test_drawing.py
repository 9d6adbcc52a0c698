"""Drawings, checked against MNIST's recipe and against pictures whose answer is known beforehand."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from mnist_lab import drawing, mnist_form
from mnist_lab.drawing import Prepared, from_canvas, from_image_file, from_strokes
from mnist_lab.errors import DrawingError
from mnist_lab.ink import ink_of_canvas, ink_of_strokes
from mnist_lab.mnist_form import BOX, THICK, THIN, stroke_width

SEVEN = [[(60.0, 60.0), (200.0, 70.0), (120.0, 230.0)]]
WHITE, BLACK, NAVY = (255, 255, 255), (0, 0, 0), (20, 30, 90)


def canvas(ink: np.ndarray, pen: tuple[int, int, int], paper: tuple[int, int, int]) -> np.ndarray:
    """Paints an ink map in two colours."""
    share = ink[:, :, None] / 255
    colours = np.rint(np.array(pen) * share + np.array(paper) * (1 - share))
    return np.dstack([colours, np.full(ink.shape, 255)]).astype(np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def image_of(prepared: Prepared) -> np.ndarray:
    assert not prepared.is_empty and prepared.image is not None
    return prepared.image


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def similarity_to_a_pixel(first: np.ndarray, second: np.ndarray) -> float:
    """Images are placed by whole pixels: the same centre of mass may fall to either side."""
    return max(similarity(np.roll(first, (y, x), (0, 1)), second) for y in (-1, 0, 1) for x in (-1, 0, 1))


@pytest.fixture(scope="module")
def seven() -> np.ndarray:
    return image_of(from_strokes(SEVEN))


# The recipe ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pen_width", [3, 16, 40])
@pytest.mark.parametrize("shift", [(0, 0), (40, -30)])
def test_the_ink_fills_a_box_of_20_and_its_mass_is_centred(pen_width: float, shift: tuple[int, int]) -> None:
    strokes = [[(x * 0.6 + 40 + shift[0], y * 0.6 + 40 + shift[1]) for x, y in stroke] for stroke in SEVEN]
    image = image_of(from_strokes(strokes, pen_width))
    assert image.shape == (28, 28) and image.dtype == np.uint8
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    assert np.abs(np.array(ndimage.center_of_mass(image)) - 14).max() <= 0.5 + 1e-9
    assert image.max() >= 250


def test_the_place_of_a_drawing_does_not_matter(seven: np.ndarray) -> None:
    small = [[(x * 0.5, y * 0.5) for x, y in SEVEN[0]]]
    moved = [[(x + 130, y + 130) for x, y in small[0]]]
    assert np.array_equal(image_of(from_strokes(small, 8)), image_of(from_strokes(moved, 8)))
    assert similarity(image_of(from_strokes(small, 8)), seven) > 0.97


def test_the_steps_lead_from_the_drawing_to_the_image() -> None:
    prepared = from_strokes(SEVEN, 16)
    names = [step.name for step in prepared.steps]
    assert names == ["drawn", "cropped", "thickness", "scaled", "centred"]
    shapes = {step.name: step.image.shape for step in prepared.steps}
    assert shapes["drawn"] == (280, 280) and max(shapes["scaled"]) == BOX and shapes["centred"] == (28, 28)
    assert np.array_equal(prepared.steps[-1].image, image_of(prepared))
    assert all(step.image.dtype == np.uint8 for step in prepared.steps)


def test_a_change_of_the_strokes_below_a_tenth_of_a_pixel_is_no_step() -> None:
    said = [
        re.findall(r"\d+\.\d", step.title)
        for width in np.arange(14, 32, 0.5)
        for step in from_strokes(SEVEN, float(width)).steps
        if step.name == "thickness"
    ]
    assert said and all(before != after for before, after in said)


def test_the_mean_of_what_falls_on_a_pixel_is_its_grey() -> None:
    fine = np.random.default_rng(0).integers(0, 256, (200, 80), np.uint8)
    expected = fine.reshape(20, 10, 8, 10).mean(axis=(1, 3))
    assert np.abs(mnist_form.scale_into_box(fine).astype(float) - expected).max() <= 1


@pytest.mark.parametrize("turned", [False, True])
def test_an_image_already_in_mnist_form_is_not_changed(turned: bool, seven: np.ndarray) -> None:
    original = np.ascontiguousarray(seven.T if turned else seven)
    rgba = canvas(original, WHITE, BLACK)
    assert np.array_equal(image_of(from_canvas(rgba)), original)
    assert np.array_equal(image_of(from_image_file(encoded(Image.fromarray(original)))), original)
    assert np.array_equal(image_of(from_image_file(encoded(Image.fromarray(255 - original)))), original)


# Strokes and canvas -------------------------------------------------------------------------------------------------


def test_strokes_have_the_width_of_the_pen_and_round_ends() -> None:
    ink = ink_of_strokes([[(100, 140), (200, 140)]], 20, 280)
    area, radius = ink.sum() / 255, 10
    assert area == pytest.approx(100 * 20 + np.pi * radius**2, rel=0.03)
    middle = ink[:, 20:]  # the line lies in the middle of this
    assert np.array_equal(middle, middle[::-1]) and np.array_equal(middle, middle[:, ::-1])
    assert ink[140, 95] == 255 and ink[131, 91] == 0, "a corner of a square end would be inked"
    assert len(np.unique(ink)) > 4, "edges are smooth"


def test_a_line_is_equally_thick_in_every_direction() -> None:
    areas = []
    for angle in np.linspace(0, np.pi, 9):
        end = (140 + 100 * np.cos(angle), 140 + 100 * np.sin(angle))
        areas.append(ink_of_strokes([[(140, 140), end]], 16, 280).sum() / 255)
    assert np.allclose(areas, 100 * 16 + np.pi * 64, rtol=0.04)


@pytest.mark.parametrize(("pen", "paper"), [(BLACK, WHITE), (WHITE, BLACK), (NAVY, WHITE), (WHITE, NAVY)])
def test_pen_and_paper_may_have_any_colour(pen: tuple, paper: tuple, seven: np.ndarray) -> None:
    rgba = canvas(ink_of_strokes(SEVEN, drawing.PEN_WIDTH, 280), pen, paper)
    for background in (None, paper):
        difference = image_of(from_canvas(rgba, background)).astype(int) - seven
        assert np.abs(difference).max() <= 8


@pytest.mark.parametrize("pen", [BLACK, WHITE, NAVY])
def test_a_transparent_canvas_shows_ink_where_it_is_covered(pen: tuple[int, int, int], seven: np.ndarray) -> None:
    ink = ink_of_strokes(SEVEN, drawing.PEN_WIDTH, 280)
    rgba = np.dstack([np.broadcast_to(np.array(pen, np.uint8), (280, 280, 3)), ink])
    assert np.array_equal(image_of(from_canvas(rgba)), seven)


@pytest.mark.parametrize("colour", [(0, 0, 0, 0), (255, 255, 255, 255), (0, 0, 0, 255), (14, 17, 23, 255)])
def test_an_empty_canvas_is_not_a_digit(colour: tuple[int, int, int, int]) -> None:
    prepared = from_canvas(np.full((280, 280, 4), colour, np.uint8))
    assert prepared.is_empty and prepared.image is None and len(prepared.steps) == 1


@pytest.mark.parametrize("strokes", [[], [[]], [[(1000.0, 1000.0)]], [[(float("nan"), 3.0)]], [[(-50.0, -9.0)] * 2]])
def test_strokes_without_a_visible_point_are_not_a_digit(strokes: list) -> None:
    assert from_strokes(strokes).is_empty


def test_a_dot_a_pixel_and_a_line_on_the_border_give_an_image() -> None:
    assert image_of(from_strokes([[(5, 5)]])).any()
    assert image_of(from_strokes([[(0, 0), (280, 0)]])).any()
    pixel = np.zeros((280, 280, 4), np.uint8)
    pixel[3, 3] = 255
    assert image_of(from_canvas(pixel)).any()
    assert image_of(from_canvas(np.dstack([np.zeros((9, 9, 3), np.uint8), np.full((9, 9), 255, np.uint8)[..., None]]),
                                background=WHITE)).any()  # fmt: skip


def test_huge_coordinates_are_cut_off_at_the_border() -> None:
    across = ink_of_strokes([[(-5e14, 140), (5e14, 140)]], 16, 280)
    assert np.array_equal(across, ink_of_strokes([[(-100, 140), (400, 140)]], 16, 280))
    nan, inf = float("nan"), float("inf")
    assert from_strokes([[(nan, 1), (1e300, -1e300), (inf, 2), (3, -inf)], [(10, 10), (100, 200)]]).image is not None


@given(
    st.lists(st.lists(st.tuples(st.floats(width=32), st.floats(width=32)), max_size=4), max_size=3),
    st.floats(0.1, 280),
)
@settings(max_examples=60, deadline=None)
def test_any_strokes_give_an_image_or_an_empty_drawing(strokes: list, pen_width: float) -> None:
    prepared = from_strokes(strokes, pen_width)
    assert prepared.is_empty == (prepared.image is None)
    if prepared.image is not None:
        assert prepared.image.shape == (28, 28) and prepared.image.any()


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(4))))
@settings(max_examples=60, deadline=None)
def test_any_canvas_gives_an_image_or_an_empty_drawing(rgba: np.ndarray) -> None:
    prepared = from_canvas(rgba)
    assert prepared.is_empty == (prepared.image is None)


@pytest.mark.parametrize(
    "rgba",
    [np.zeros((28, 28), np.uint8), np.zeros((28, 28, 3), np.uint8), np.zeros((28, 28, 4)),
     np.zeros((0, 9, 4), np.uint8), np.zeros((1, 5000, 4), np.uint8)],
)  # fmt: skip
def test_a_canvas_of_another_form_is_refused(rgba: np.ndarray) -> None:
    with pytest.raises(DrawingError, match="Received: shape="):
        ink_of_canvas(rgba)


@pytest.mark.parametrize("change", [{"pen_width": 0.0}, {"pen_width": float("nan")}, {"size": 0}, {"size": 10**6}])
def test_impossible_canvases_and_pens_are_refused(change: dict) -> None:
    with pytest.raises(DrawingError, match="Received: "):
        from_strokes(SEVEN, **change)
    with pytest.raises(DrawingError, match="list of"):
        from_strokes([[(1, 2, 3), (4, 5, 6)], ["ab"]])  # type: ignore[list-item]


# Stroke width -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [8, 16, 30])
def test_the_measured_width_is_that_of_the_pen(width: int) -> None:
    bar = np.full((200, width), 255, np.uint8)
    # A bar of length 20 has ends as well, whose pixels are nearer to the edge: the formula holds for long lines.
    assert stroke_width(bar) == pytest.approx(width / 10, rel=0.08)
    bent = mnist_form.crop(ink_of_strokes(SEVEN, width, 280))
    assert stroke_width(bent) == pytest.approx(width * 20 / max(bent.shape), rel=0.1)


@pytest.mark.parametrize("pen_width", [1, 3, 6, 16, 30, 45])
def test_the_network_sees_the_same_strokes_whatever_the_pen(pen_width: float) -> None:
    prepared = from_strokes(SEVEN, pen_width)
    fitted = prepared.steps[-3].image
    assert THIN * 0.93 < stroke_width(fitted) < THICK * 1.07
    image, usual = image_of(prepared), image_of(from_strokes(SEVEN, 22))
    assert similarity_to_a_pixel(image, usual) > 0.9


def test_a_line_within_mnists_range_is_left_alone() -> None:
    cropped = mnist_form.crop(ink_of_strokes(SEVEN, 22, 280))
    fitted, before, after = mnist_form.fit_stroke_width(cropped)
    assert fitted is cropped and before == after and THIN < before < THICK


def test_thinning_opens_what_a_thick_pen_nearly_closed_and_breaks_nothing() -> None:
    ring = ink_of_strokes(
        [[(140 + 40 * np.cos(a), 140 + 55 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 60)]], 44, 280
    )
    hair = ring | ink_of_strokes([[(140, 210), (140, 275)]], 14, 280)
    image = image_of(from_canvas(canvas(hair, BLACK, WHITE)))
    raw = mnist_form.centre_by_mass(mnist_form.scale_into_box(mnist_form.crop(hair)))
    assert stroke_width(mnist_form.crop(image)) < 0.85 * stroke_width(mnist_form.crop(raw))
    hole, raw_hole = (ndimage.binary_fill_holes(part > 127).sum() - (part > 127).sum() for part in (image, raw))
    assert hole > 1.3 * raw_hole > 0
    pieces = ndimage.label(image > 60, structure=np.ones((3, 3)))[1]
    assert pieces == 1, "the thin tail still hangs on the ring"
    lowest = np.flatnonzero((image > 60).any(axis=1))[-1]
    assert (image[lowest - 2] > 60).sum() <= 4, "and has not vanished"


@pytest.mark.mnist
def test_mnist_images_enlarged_come_back_as_they_were(mnist_training_images: np.ndarray) -> None:
    found = []
    usual = [image for image in mnist_training_images[:300] if THIN < stroke_width(mnist_form.crop(image)) < THICK]
    assert len(usual) > 100
    for image in usual:
        large = np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC))
        found.append(similarity_to_a_pixel(image_of(from_canvas(canvas(large, BLACK, WHITE))), image))
        assert np.array_equal(image_of(from_canvas(canvas(image, WHITE, BLACK))), image)
    assert np.mean(found) > 0.96 and np.percentile(found, 5) > 0.9


@pytest.mark.mnist
def test_the_range_of_widths_is_that_of_mnists_training_images(mnist_training_images: np.ndarray) -> None:
    widths = [stroke_width(mnist_form.crop(image)) for image in mnist_training_images[:1500]]
    assert np.percentile(widths, [25, 75]) == pytest.approx([THIN, THICK], abs=0.12)


@pytest.fixture(scope="module")
def mnist_training_images() -> np.ndarray:
    from mnist_lab import datasets

    return datasets.load("mnist").x_train


# Picture files ------------------------------------------------------------------------------------------------------


def paper(ink: np.ndarray, pen: tuple[int, int, int] = (40, 50, 110), sheet: tuple[int, int, int] = (235, 230, 215),
          noise: float = 5, light: float = 0.0, seed: int = 0) -> Image.Image:  # fmt: skip
    """A photograph: smooth light from one side, noise, a blurred pen."""
    random = np.random.default_rng(seed)
    share = ndimage.gaussian_filter(ink / 255, 1.0)[:, :, None]
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    lamp = (1 - light / 2 - light / 2 * (0.7 * x + 0.3 * y))[:, :, None]
    colours = (np.array(pen) * share + np.array(sheet) * (1 - share)) * lamp + random.normal(0, noise, (*ink.shape, 3))
    return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def large_seven() -> np.ndarray:
    """The seven as ink in a large upright picture, off the middle."""
    return ink_of_strokes([[(x + 250, y + 100) for x, y in SEVEN[0]]], 16, 640)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
@pytest.mark.parametrize(("pen", "sheet"), [(BLACK, WHITE), (WHITE, BLACK)])
def test_every_format_gives_the_drawing(kind: str, pen: tuple, sheet: tuple, seven: np.ndarray) -> None:
    rgba = canvas(ink_of_strokes(SEVEN, 16, 280), pen, sheet)
    prepared = from_image_file(encoded(Image.fromarray(rgba).convert("RGB"), kind))
    assert similarity(image_of(prepared), seven) > 0.97
    assert [step.name for step in prepared.steps][:3] == ["drawn", "ink", "cropped"]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixel_gives_the_drawing(mode: str, seven: np.ndarray) -> None:
    grey = 255 - ink_of_strokes(SEVEN, 16, 280)
    if mode == "I;16":
        data = encoded(Image.fromarray(grey.astype(np.uint16) * 257))
    else:
        data = encoded(Image.fromarray(grey).convert("RGB").convert(mode), "JPEG" if mode == "CMYK" else "PNG")
    assert similarity(image_of(from_image_file(data)), seven) > 0.96


@pytest.mark.parametrize("pen", [BLACK, WHITE])
def test_a_pen_on_nothing_is_found_by_its_coverage(pen: tuple[int, int, int], seven: np.ndarray) -> None:
    rgba = np.dstack([np.broadcast_to(np.array(pen, np.uint8), (280, 280, 3)), ink_of_strokes(SEVEN, 16, 280)])
    assert np.array_equal(image_of(from_image_file(encoded(Image.fromarray(rgba)))), seven)


def test_a_card_on_nothing_is_paper(seven: np.ndarray) -> None:
    rgba = canvas(ink_of_strokes(SEVEN, 16, 280), BLACK, WHITE)
    rgba = np.pad(rgba, ((60, 60), (60, 60), (0, 0)))
    assert similarity(image_of(from_image_file(encoded(Image.fromarray(rgba)))), seven) > 0.97


@pytest.mark.parametrize("light", [0.0, 0.6])
@pytest.mark.parametrize("noise", [3, 15])
@pytest.mark.parametrize(("pen", "sheet"), [((40, 50, 110), (235, 230, 215)), ((230, 230, 220), (40, 60, 50)),
                                           ((235, 200, 0), (250, 250, 250))])  # fmt: skip
def test_a_photograph_gives_the_drawing(
    light: float, noise: float, pen: tuple, sheet: tuple, large_seven: np.ndarray, seven: np.ndarray
) -> None:
    photograph = paper(large_seven, pen, sheet, noise, light)
    assert similarity(image_of(from_image_file(encoded(photograph, "JPEG", quality=85))), seven) > 0.93


def test_specks_and_a_table_at_the_picture_s_edge_are_not_ink(large_seven: np.ndarray, seven: np.ndarray) -> None:
    photograph = paper(large_seven)
    pen = ImageDraw.Draw(photograph)
    for x, y in ((50, 500), (580, 60), (300, 600)):
        pen.ellipse((x, y, x + 4, y + 4), fill=(60, 60, 60))
    pen.rectangle((0, 0, 25, 640), fill=(50, 40, 30))
    assert similarity(image_of(from_image_file(encoded(photograph, "JPEG", quality=90))), seven) > 0.93


def test_a_shadow_on_the_paper_is_not_ink(large_seven: np.ndarray, seven: np.ndarray) -> None:
    photograph = paper(large_seven)
    shadow = Image.new("L", photograph.size, 255)
    ImageDraw.Draw(shadow).rectangle((0, 420, 640, 640), fill=150)
    shaded = np.asarray(photograph) * (np.asarray(shadow.filter(ImageFilter.GaussianBlur(30)))[:, :, None] / 255)
    data = encoded(Image.fromarray(shaded.astype(np.uint8)), "JPEG", quality=90)
    assert similarity(image_of(from_image_file(data)), seven) > 0.93


@pytest.mark.parametrize("noise", [0, 4, 25])
@pytest.mark.parametrize("light", [0.0, 0.6])
def test_blank_paper_is_not_a_digit(noise: float, light: float) -> None:
    photograph = paper(np.zeros((500, 400), np.uint8), noise=noise, light=light)
    assert from_image_file(encoded(photograph, "JPEG")).is_empty
    assert from_image_file(encoded(photograph)).is_empty


def test_a_picture_is_turned_as_its_camera_says(large_seven: np.ndarray) -> None:
    upright = paper(large_seven)
    tag = Image.Exif()
    tag[0x0112] = 6  # turn by 90 degrees clockwise to show it
    turned = encoded(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=tag, quality=95)
    assert (
        similarity(image_of(from_image_file(turned)), image_of(from_image_file(encoded(upright, "JPEG", quality=95))))
        > 0.97
    )


def test_a_path_is_read_and_a_missing_one_named(tmp_path: Path, seven: np.ndarray) -> None:
    file = tmp_path / "seven.png"
    Image.fromarray(seven).save(file)
    assert np.array_equal(image_of(from_image_file(file)), image_of(from_image_file(str(file))))
    with pytest.raises(DrawingError, match=r"none\.png does not exist"):
        from_image_file(tmp_path / "none.png")
    with pytest.raises(DrawingError, match="not a picture"):
        from_image_file(tmp_path)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"%PDF-1.4", b"GIF89a"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(DrawingError, match="not a picture that can be read"):
        from_image_file(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_a_picture_cut_short_is_refused(kind: str, large_seven: np.ndarray) -> None:
    whole = encoded(paper(large_seven), kind)
    with pytest.raises(DrawingError, match="not a picture that can be read"):
        from_image_file(whole[: len(whole) // 3])


def test_too_large_a_picture_is_refused_before_it_is_unpacked() -> None:
    huge = encoded(Image.new("1", (12_000, 9_000)))
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    started = time.perf_counter()
    for data in (huge, bomb):
        with pytest.raises(DrawingError, match="pixels"):
            from_image_file(data)
    assert time.perf_counter() - started < 0.5
    with pytest.raises(DrawingError, match="larger than 30 MB"):
        from_image_file(b"\0" * 30_000_001)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (3, 5), (9, 9)])
def test_the_smallest_pictures_do_no_harm(size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    for kind in ("PNG", "JPEG"):
        prepared = from_image_file(encoded(Image.fromarray(values), kind))
        assert prepared.is_empty == (prepared.image is None)


def test_a_drawing_is_prepared_while_one_draws() -> None:
    rgba = canvas(ink_of_strokes(SEVEN, 45, 280), BLACK, WHITE)
    from_canvas(rgba)
    times = []
    for _ in range(15):
        started = time.process_time()
        from_canvas(rgba)
        times.append(time.process_time() - started)
    assert np.median(times) < 0.03
