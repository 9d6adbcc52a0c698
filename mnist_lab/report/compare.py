"""Which of two models is better, and whether a test says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mnist_lab.comparison import ALPHA
from mnist_lab.paired import holm, mcnemar
from mnist_lab.report.record import Model
from mnist_lab.seed_groups import tell_apart
from mnist_lab.study_results import SEEDS_FOR_SPREAD

IMAGES, SEEDS = "images", "seeds"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two models and the test between them.

    Attributes:
        a: One model.
        b: The other.
        by: `IMAGES` for McNemar's exact test on the same images, `SEEDS` for a test of several seeds (see
            `mnist_lab.seed_groups.tell_apart`), "" where neither can be done.
        reason: Why there is no test.
        p: Of the test alone.
        corrected: After Holm's correction for all tests of the report.
        lead: How much better `a` is, in images or in accuracy; negative where `b` is.
        only_a: Images that only `a` gets right; None without `IMAGES`.
        only_b: Images that only `b` gets right.
        images: How many images both were asked.
    """

    a: Model
    b: Model
    by: str = ""
    reason: str = ""
    p: float | None = None
    corrected: float | None = None
    lead: float = 0.0
    only_a: int | None = None
    only_b: int | None = None
    images: int = 0

    @property
    def is_told_apart(self) -> bool:
        """Whether one of them is better by the test, all others reckoned with."""
        return self.corrected is not None and self.corrected < ALPHA and self.lead != 0

    @property
    def better(self) -> Model | None:
        """The better one, if the test says so."""
        if not self.is_told_apart:
            return None
        return self.a if self.lead > 0 else self.b

    def other(self, model: Model) -> Model:
        """The one that is not `model`."""
        return self.b if model is self.a else self.a


def compare(a: Model, b: Model) -> Comparison:
    """Tests two models against each other.

    Where both have three seeds or more, by a test of their accuracies, which knows how seeds differ. Else by
    McNemar's exact test of the first run of each on the same test images.
    """
    without = Comparison(a, b)
    if a.outcome is None or b.outcome is None:
        return replace(without, reason="not both are measured")
    if a.dataset != b.dataset:
        return replace(without, reason="measured on other images")
    if a.training.split != b.training.split:
        return replace(without, reason="another split of the images")
    if min(a.outcome.seeds, b.outcome.seeds) >= SEEDS_FOR_SPREAD:
        first, second = ([each.accuracy for each in side.outcome.measurements] for side in (a, b) if side.outcome)
        p, _ = tell_apart(first, second)
        if p is not None:
            return replace(without, by=SEEDS, lead=float(np.mean(first) - np.mean(second)), p=p)
    if a.predictions is None or b.predictions is None:
        return replace(without, reason="no predictions were kept")
    if a.runs[0].fingerprint != b.runs[0].fingerprint or not (
        np.array_equal(a.predictions.indices, b.predictions.indices)
        and np.array_equal(a.predictions.labels, b.predictions.labels)
    ):
        return replace(without, reason="other test images")
    pair = mcnemar(a.predictions.labels, a.predictions.digits, b.predictions.digits)
    return replace(
        without,
        by=IMAGES,
        p=pair.p,
        lead=float(pair.only_a - pair.only_b),
        only_a=pair.only_a,
        only_b=pair.only_b,
        images=pair.images,
    )


def compare_all(groups: Sequence[Sequence[Model]]) -> list[list[Comparison]]:
    """Tests every pair within each group, and corrects for all of these tests together.

    All pairs count, not only those with the best model: which one is best was seen from the same figures, and so each
    pair had its chance to be looked at. A pair that is in two groups is one test.
    """
    found: dict[tuple[str, str], Comparison] = {}
    pairs = [[(a, b) for index, a in enumerate(group) for b in group[index + 1 :]] for group in groups]
    for a, b in (pair for each in pairs for pair in each):
        key = (a.preset.name, b.preset.name)
        if key not in found and key[::-1] not in found:
            found[key] = compare(a, b)
    tested = [(key, each.p) for key, each in found.items() if each.p is not None]
    for (key, _), corrected in zip(tested, holm([p for _, p in tested]), strict=True):
        found[key] = replace(found[key], corrected=corrected)

    def pick(a: Model, b: Model) -> Comparison:
        key = (a.preset.name, b.preset.name)
        return found[key] if key in found else found[key[::-1]]

    return [[pick(a, b) for a, b in each] for each in pairs]


def tests_in(groups: Sequence[Sequence[Comparison]]) -> int:
    """How many different tests there are in some groups."""
    return len({frozenset((each.a.preset.name, each.b.preset.name)) for group in groups for each in group if each.by})
