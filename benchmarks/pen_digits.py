"""How well a run reads digits drawn with a pen, by the way that a drawing in the page goes.

    python benchmarks/pen_digits.py STROKES.json [--run ID]

STROKES.json is a list of ``{"label", "as_drawn": [[[x, y], ...], ...]}`` on a canvas of 280 by 280. Printed: the share
that was read right with its 95 % interval, in all and per digit. Measure with it; never train or tune on it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mnist_lab import drawing, formatting, metrics, starter
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import open_store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strokes", type=Path)
    parser.add_argument("--run", help="the run to ask; the starter model if not given")
    options = parser.parse_args()
    store = open_store()
    starter.register(store)
    run_id = store.find(options.run).id if options.run else starter.RUN_ID
    digits = json.loads(options.strokes.read_text())
    labels = np.array([digit["label"] for digit in digits])
    client = InferenceClient()
    try:
        for form in ("as_drawn", "strokes"):
            images = [drawing.from_strokes(digit[form]).image for digit in digits]
            said = client.predict(run_id, np.stack(images), 300.0).argmax(1)
            right = said == labels
            interval = metrics.accuracy_interval(int(right.sum()), len(right))
            each = " ".join(f"{digit}:{right[labels == digit].mean():.0%}" for digit in range(10))
            print(f"{form}: {formatting.accuracy(float(right.mean()), interval)} of {len(right)}  {each}")
    finally:
        client.close()


if __name__ == "__main__":
    main()
