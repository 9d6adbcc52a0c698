"""What the report says of one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mnist_lab import formatting, metrics
from mnist_lab.diagnosis import Finding
from mnist_lab.layer_line import layer_line
from mnist_lab.report import words
from mnist_lab.report.blocks import Block, Bullets, Confusion, Curves, Grid, Heading, Table, Text
from mnist_lab.report.record import FIRST, MNIST, Model, Predictions
from mnist_lab.report.words import NONE

# A curve needs so many epochs before it can be said that no overfitting is seen in it.
EPOCHS_TO_JUDGE = 5
NOT_JUDGED = ("diverged", "dead", "rate-too-high")
_COLUMNS = {"loss": "Loss", "accuracy": "Accuracy", "val_loss": "Val. loss", "val_accuracy": "Val. accuracy"}


def section(model: Model, is_as_published: bool) -> Iterator[Block]:
    """The blocks of one model.

    Args:
        model: The model.
        is_as_published: Whether the setting is the published one.
    """
    yield Heading(model.label, 2, model.preset.name)
    yield Text(layer_line(model.analysis), "line")
    yield summary(model)
    yield Text(f"Training: {words.recipe(model.training)}")
    if model.preset.remark:
        yield Text(f"Remark: {model.preset.remark}", "note")
    if model.preset.cite:
        yield Text(f"Source: {model.preset.cite}", "note")
    yield from _who(model, is_as_published)
    if model.outcome is not None or model.published is not None:
        yield figures(model)
    whose = (f"measured{_of_seed(model)}", model.findings), ("printed", model.published_findings)
    for kind, findings in whose:
        if findings:
            where = f"; validation accuracies are of the test images {words.MARK}" if model.is_flattered else ""
            yield Text(f"What the curves say that were {kind}{where}:")
            yield Bullets(tuple(finding.text for finding in findings))
    published = model.published.history() if model.published is not None else []
    if published or model.histories:
        where = f", validated on the test images {words.MARK}" if model.is_flattered else ""
        yield Curves(f"Curves of {model.label}{where}", published, model.histories, _epochs(model, published))
    if model.predictions is not None:
        yield from _on_the_test_images(model, model.predictions)
    elif model.outcome is not None:
        yield Text(
            "No predictions were kept, so there is no confusion matrix, nor are there figures per digit.", "note"
        )
    if model.published is not None and model.published.confusion is not None:
        yield Confusion(f"Published confusion matrix of {model.label}", np.asarray(model.published.confusion))


def _of_seed(model: Model) -> str:
    return f" of {next(iter(model.histories))}" if len(model.histories) > 1 else ""


def summary(model: Model) -> Table:
    """The network as Keras lists it."""
    analysis = model.analysis
    rows = tuple(
        # Those within a block are set off.
        ("↳ " * (len(row.path) // 2) + row.title, formatting.shape(row.output_shape), f"{row.parameters:,}")
        for row in analysis.rows
    )
    foot = (
        ("Total parameters", "", f"{analysis.parameters:,}"),
        ("Trainable parameters", "", f"{analysis.trainable:,}"),
        ("Non-trainable parameters", "", f"{analysis.non_trainable:,}"),
    )
    return Table(f"Layers of {model.label}", ("Layer", "Output shape", "Parameters"), rows, words=2, foot=foot)


def _who(model: Model, is_as_published: bool) -> Iterator[Block]:
    """Where the measured figures are from."""
    if model.outcome is None:
        what = "It was not trained" if is_as_published else "It was not trained in this setting"
        yield Text(f"{what}: there are only the published figures." if model.published else f"{what}.", "warning")
        return
    if model.runs:
        runs = [
            f"{run.name} ({run.id[:8]}, seed {run.training.get('seed')}"
            + (f", on {run.device}" if run.device else "")
            + ")"
            for run in model.runs
        ]
        yield Text(f"Run{'s' * (len(runs) > 1)}: {words.listed(runs)}.", "note")
    else:
        where = sorted({f"{each.machine}, {each.when}" for each in model.project})
        yield Text(
            f"It was not trained in this laboratory. The measured figures are those that the project ships "
            f"({words.listed(where)}).",
            "note",
        )
    if model.dataset != MNIST:
        yield Text(
            f"Measured on other images than MNIST ({model.dataset or 'unknown'}); published figures do not compare.",
            "warning",
        )


def begins_to_overfit(history: Sequence[Any], findings: Sequence[Finding]) -> str:
    """The epoch in which overfitting begins by the rules of `mnist_lab.diagnosis`: ``"epoch 8"`` or ``"not seen"``."""
    if (found := next((each for each in findings if each.kind == "overfitting"), None)) is not None:
        return f"epoch {found.epoch}"
    if any(each.kind in NOT_JUDGED for each in findings):
        return NONE
    epochs = [sum(row.get(name) is not None for row in history) for name in ("loss", "val_loss")]
    return "not seen" if min(epochs) >= EPOCHS_TO_JUDGE else NONE


def figures(model: Model) -> Table:
    """Published figures beside measured ones; what neither has is left out."""
    published, outcome, bad = model.published, model.outcome, model.is_flattered
    rows: list[tuple[str, str, str]] = [
        (
            "Test accuracy (95 % interval)",
            words.printed(getattr(published, "test_accuracy", None), published, bad),
            NONE if outcome is None else words.accuracy(outcome.accuracy, bad, outcome.interval),
        )
    ]

    def row(name: str, was: str, is_now: str) -> None:
        if was != NONE or is_now != NONE:
            rows.append((name, was, is_now))

    if published is not None and published.claimed_accuracy is not None:
        where = "" if published.claimed_epoch is None else f" (epoch {published.claimed_epoch})"
        row(f"Headline accuracy{where}", words.printed(published.claimed_accuracy, published, bad), NONE)
    row("Test loss", words.loss(getattr(published, "test_loss", None)), words.loss(getattr(outcome, "loss", None)))
    if outcome is not None:
        row("Seeds", NONE, ", ".join(str(each.seed) for each in outcome.measurements))
        if outcome.spread is not None:
            row("Standard deviation over the seeds", NONE, f"{100 * outcome.spread:.3f} percentage points")
    row("Epochs", words.number(getattr(published, "epochs", None)), _each(model, "epochs_run"))
    row("Best epoch", words.number(getattr(published, "best_epoch", None)), _each(model, "best_epoch"))
    if model.kept_epochs:
        row("Weights kept of epoch", NONE, ", ".join(words.number(epoch) for epoch in model.kept_epochs))
    kept = _kept(model)
    row(
        "Training accuracy in the kept epoch",
        words.printed(getattr(published, "train_accuracy", None), published),
        formatting.percent(kept.get("accuracy")),
    )
    row(
        "Training loss in the kept epoch",
        words.loss(getattr(published, "train_loss", None)),
        words.loss(kept.get("loss")),
    )
    row(
        "Overfitting begins (by the curves)",
        NONE if published is None else begins_to_overfit(published.history(), model.published_findings),
        begins_to_overfit(next(iter(model.histories.values())), model.findings) if model.histories else NONE,
    )
    row(
        f"Wrong of the first {FIRST} images" + (" of its own test part" if model.is_pooled else ""),
        words.number(None if published is None else published.errors_in_first_100),
        NONE if model.predictions is None else f"{model.predictions.wrong_of_first}",
    )
    row(
        "Time of the training",
        formatting.duration(getattr(published, "wall_seconds", None)),
        formatting.duration(getattr(outcome, "seconds", None)),
    )
    row(
        "Time per epoch",
        formatting.duration(getattr(published, "seconds_per_epoch", None)),
        NONE if not outcome or not outcome.seconds else formatting.duration(outcome.seconds / outcome.epochs),
    )
    return Table(f"Figures of {model.label}", ("", "Published", "Measured"), tuple(rows))


def _each(model: Model, name: str) -> str:
    """One figure of each training."""
    if model.outcome is None:
        return NONE
    return ", ".join(words.number(getattr(each, name)) for each in model.outcome.measurements)


def _kept(model: Model) -> dict[str, Any]:
    """The epoch whose weights the only training kept, as its history has it."""
    if len(model.kept_epochs) != 1:
        return {}
    (kept,) = model.kept_epochs
    return next((row for row in next(iter(model.histories.values())) if row.get("epoch") == kept), {})


def _epochs(model: Model, published: Sequence[Any]) -> Table:
    """The curves as a table, one row an epoch."""
    ours = next(iter(model.histories.values()), ())
    sides = [("", ours), ("Published ", published)]
    columns = [
        (side, name, {row["epoch"]: row[name] for row in history if row.get(name) is not None})
        for side, history in sides
        for name in _COLUMNS
    ]
    columns = [column for column in columns if column[2]]
    head = [
        words.marked(words.sentence(f"{side}{_COLUMNS[name].lower()}"), model.is_flattered and name == "val_accuracy")
        for side, name, _ in columns
    ]
    epochs = sorted({epoch for *_, values in columns for epoch in values})
    rows = tuple(
        (
            str(epoch),
            *(
                (formatting.percent if "accuracy" in name else words.loss)(values.get(epoch))
                for _, name, values in columns
            ),
        )
        for epoch in epochs
    )
    return Table(f"Epochs of {model.label}{_of_seed(model)}", ("Epoch", *head), rows, words=0)


def _on_the_test_images(model: Model, known: Predictions) -> Iterator[Block]:
    seed = f", seed {known.seed}" if model.outcome is not None and model.outcome.seeds > 1 else ""
    where = f"{model.label}{seed}"
    wrong = int((known.digits != known.labels).sum())
    yield Confusion(
        f"Confusion matrix of {where}: {wrong:,} of {len(known.labels):,} test images are wrong",
        metrics.confusion(known.labels, known.digits),
    )
    yield overall(model, known, where)
    yield per_digit(model, known, where)
    yield grid(model, known, where)


def overall(model: Model, known: Predictions, where: str) -> Table:
    """Figures over all digits together."""
    published, bad = model.published, model.is_flattered
    micro = metrics.micro_f1(known.labels, known.digits)
    rows = (
        ("Micro F1 (the accuracy by another name)",
         words.printed(getattr(published, "test_micro_f1", None), published, bad), words.accuracy(micro, bad)),
        ("Macro F1 (the mean over the digits)", NONE, words.share(metrics.macro_f1(known.labels, known.digits))),
        ("Precision of probabilities above one half",
         words.printed(getattr(published, "test_precision", None), published),
         formatting.percent(metrics.thresholded_precision(known.labels, known.probabilities))),
        ("Recall of probabilities above one half",
         words.printed(getattr(published, "test_recall", None), published),
         formatting.percent(metrics.thresholded_recall(known.labels, known.probabilities))),
    )  # fmt: skip
    return Table(f"All digits together, {where}", ("", "Published", "Measured"), rows)


def per_digit(model: Model, known: Predictions, where: str) -> Table:
    """One row a digit. The two AUC are different figures; their heads say which is which."""
    frame = metrics.per_digit(known.labels, known.probabilities)
    published = model.published
    printed = [
        (head, values)
        for head, values in (
            ("Published precision", getattr(published, "precision_per_digit", None)),
            ("Published recall", getattr(published, "recall_per_digit", None)),
            ("Published F1", getattr(published, "f1_per_digit", None)),
            ("Published AUC of hard predictions", getattr(published, "auc_per_digit", None)),
        )
        if values
    ]
    names = ("precision", "recall", "f1", "auc", "auc_hard")
    rows = tuple(
        (
            str(entry["digit"]),
            words.number(entry["support"]),
            *(words.share(entry[name]) for name in names),
            *(words.share(values[digit]) for _, values in printed),
        )
        for digit, entry in enumerate(frame.to_dict("records"))
    )
    head = (
        "Digit", "Support", "Precision", "Recall", "F1", "AUC from probabilities", "AUC of hard predictions",
        *(head for head, _ in printed),
    )  # fmt: skip
    return Table(f"Per digit, {where}", head, rows, words=0)


def grid(model: Model, known: Predictions, where: str) -> Grid:
    """The first test images with what was said of them."""
    count = min(FIRST, len(known.labels))
    part = "its own test part" if model.is_pooled else "the test images"
    published = getattr(model.published, "errors_in_first_100", None)
    beside = "" if published is None or model.is_pooled else f" (published: {published})"
    return Grid(
        f"The first {count} of {part}, {where}: {known.wrong_of_first} wrong{beside}",
        known.labels[:count],
        known.digits[:count],
        known.first_images,
    )
