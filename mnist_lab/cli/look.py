"""`runs`, `show`, `presets`: what there is."""

from __future__ import annotations

from mnist_lab import formatting, shapes, studies
from mnist_lab.cli.command import Answer, Options, command
from mnist_lab.cli.common import number, open_runs, run_argument, run_text, table
from mnist_lab.diagnosis import subjects


@command("runs", "list the saved runs, the newest first")
def _runs(options: Options) -> Answer:
    runs = open_runs().runs()
    rows = [
        (run.id[:8], run.status, formatting.percent(run.test_accuracy), f"{run.parameters:,}", str(run.epochs_run),
         run.name + (" (test as validation)" if run.test_is_validation else ""))
        for run in runs
    ]  # fmt: skip
    return Answer(
        [run.to_json() for run in runs], table(("ID", "STATUS", "TEST", "PARAMETERS", "EPOCHS", "NAME"), rows)
    )


@command("show", "show one run with its epochs", run_argument)
def _show(options: Options) -> Answer:
    store = open_runs()
    run = store.find(options.run)
    history = store.history(run.id)
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
    rows = [tuple(number(entry.get(column)) for column in columns) for entry in history]
    network = "\n".join(f"  {shapes.title(layer)}" for layer in run.network().layers)
    text = f"{run_text(run)}\n\n{network}" + (f"\n\n{table(columns, rows)}" if rows else "")
    findings = subjects.of_run(run, history)
    if findings:
        text += "\n\n" + "\n".join(f"- {finding.text}" for finding in findings)
    return Answer({**run.to_json(), "history": history}, text)


def _published_accuracy(preset: studies.Preset) -> float | None:
    return None if preset.published is None else preset.published.test_accuracy


@command("presets", "list the ready networks")
def _presets(options: Options) -> Answer:
    presets = list(studies.presets().values())
    rows = [
        (
            each.name,
            f"{each.parameters:,}",
            formatting.percent(_published_accuracy(each)),
            each.training.split,
            each.title,
        )
        for each in presets
    ]
    return Answer(
        [each.to_dict() for each in presets], table(("NAME", "PARAMETERS", "PUBLISHED", "SPLIT", "TITLE"), rows)
    )
