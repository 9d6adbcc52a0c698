"""How well the seconds of an epoch are foretold: every published model against the forecast from the probe alone.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.forecast [PRESET ...] [--seconds 3]

The probe is measured as a worker does it when it is idle; then each model trains by `fit` for some seconds, at the
batch size and with the optimizer of its document, and the median step counts. VGG16 is left out where its weights are
not on the machine. Printed: a table in Markdown, and for how many models the forecast is within 25 %.
"""

from __future__ import annotations

import argparse
from typing import Any

from mnist_lab import datasets
from mnist_lab.errors import LabError
from mnist_lab.forecast import forecast
from mnist_lab.niceness import be_nice
from mnist_lab.studies import Preset, preset, presets

IMAGES = 4096
WITHIN = 0.25


def seconds_per_image(chosen: Preset, seconds: float, pixels: Any, labels: Any) -> float:
    """The median step of a training that goes on for so many seconds, per image."""
    import keras

    from mnist_lab.keras_side import probe

    batch = chosen.training.batch_size
    model = probe.compiled(chosen.architecture, chosen.training, -(-len(pixels) // batch))
    found = probe.seconds_per_image(model, pixels, labels, batch, seconds)
    assert found is not None
    keras.backend.clear_session()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", metavar="PRESET")
    parser.add_argument("--seconds", type=float, default=3.0, help="that each model trains")
    options = parser.parse_args()
    be_nice()
    from mnist_lab.keras_side import probe

    data = datasets.load()
    pixels, labels = data.x_train[:IMAGES], data.y_train[:IMAGES]
    probe.warm_up()
    measured = probe.measure(lambda: True)
    chosen = [preset(name) for name in options.presets] or [each for each in presets().values() if each.published]
    print("| Model | Measured, µs an image | Forecast | Forecast / measured |\n|---|---|---|---|")
    ratios = []
    for each in chosen:
        foretold = forecast(each.analysis, each.training, 1, measured).seconds_per_epoch
        assert foretold is not None
        try:
            found = seconds_per_image(each, options.seconds, pixels, labels)
        except LabError as error:
            print(f"| {each.name} | {error} | {1e6 * foretold:,.0f} | – |", flush=True)
            continue
        ratios.append(foretold / found)
        print(f"| {each.name} | {1e6 * found:,.0f} | {1e6 * foretold:,.0f} | {ratios[-1]:.2f} |", flush=True)
    good = sum(abs(ratio - 1) <= WITHIN for ratio in ratios)
    print(f"\nWithin {WITHIN:.0%}: {good} of {len(ratios)} measured, of {len(chosen)} in all")


if __name__ == "__main__":
    main()
