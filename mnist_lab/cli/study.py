"""`study`: the models of a document or a question, trained and laid beside what was published."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mnist_lab import datasets, formatting, report, studies
from mnist_lab.cli.command import FAILED, Answer, Options, command
from mnist_lab.cli.common import open_runs, table
from mnist_lab.errors import ConfigError
from mnist_lab.jobs import new_owner, run_all, start_plan
from mnist_lab.settings import MOST_TRAINERS
from mnist_lab.store import RunStore
from mnist_lab.studies import Preset, Published, Study, measured
from mnist_lab.study_plan import Matching, Plan, Setting, parse_seeds, plan
from mnist_lab.study_results import PROJECT, Outcome, figures_of, judged, outcome_of_project, outcome_of_runs


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="NAME", nargs="?", help="a document, as 000, or a question; none lists them")
    parser.add_argument("--models", metavar="NAME", nargs="+", help="only these presets of it, 000-model-3 or model-3")
    parser.add_argument("--epochs", type=int, metavar="N", help="in place of the published number")
    parser.add_argument("--seeds", metavar="1,2", help="one training for each; the preset's own seed if not given")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N training images")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="train so many at once; 1 if not given")
    parser.add_argument("--no-training", action="store_true", help="only show what has been trained")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a report too: FILE.html or FILE.md")


@command("study", "train the models of a study and lay them beside what was published", _arguments)
def _study(options: Options) -> Answer:
    if options.study is None:
        if options.report is not None or options.models is not None:
            raise ConfigError("Models and reports are of one study.", "Name it, as study 000 --report 000.html.")
        return _list()
    if not 1 <= options.workers <= MOST_TRAINERS:
        raise ConfigError(
            f"{options.workers:,} trainings at once are not possible.", f"Give a number from 1 to {MOST_TRAINERS}."
        )
    study = studies.study(options.study)
    presets = chosen(study, options.models)
    setting = Setting(options.epochs, options.limit, parse_seeds(options.seeds or ""))
    for preset in presets:
        setting.trainings(preset)  # a wrong number is said to be one before anything is downloaded
    if options.report is not None:
        report.check(options.report)  # nobody should train for hours to learn that there is no such folder
    store = open_runs()
    dataset = datasets.load(presets[0].training.dataset, allow_download=not options.no_training)
    if dataset.notice:
        print(dataset.notice, file=sys.stderr)
    problems: list[str] = []
    if not options.no_training:
        problems = _train(store, presets, setting, dataset.name, options.workers)
    matching = Matching(store.runs(presets=[preset.name for preset in presets]), dataset.name)
    now = plan(presets, setting, matching)
    written = ""
    if options.report is not None:
        report.write(report.gather(study, presets, setting, matching, store), options.report)
        written = f"\n\nThe report is in {options.report}."
    unfinished = 0 if options.no_training else len(now.cells) - now.finished
    return Answer(
        document(study, presets, setting, now, matching, dataset.name),
        text(study, presets, setting, matching) + written,
        FAILED if unfinished else 0,
        "\n".join(
            [*problems, *([f"{unfinished} of {len(now.cells)} trainings did not finish."] if unfinished else [])]
        ),
    )


def _list() -> Answer:
    known = list(studies.studies().values())
    rows = [(each.name, str(len(studies.members(each))), each.title) for each in known]
    listed = [
        {"name": each.name, "title": each.title, "about": each.about, "models": [m.name for m in studies.members(each)]}
        for each in known
    ]
    return Answer(listed, table(("NAME", "MODELS", "TITLE"), rows))


def chosen(study: Study, names: list[str] | None) -> tuple[Preset, ...]:
    """The models of a study, or those of them that are named, in full or without the study's prefix.

    Raises:
        ConfigError: If one is not among them, or none is named.
    """
    members = studies.members(study)
    if names is None:
        return members
    known = {preset.name: preset for preset in members}
    short = {preset.name.removeprefix(f"{study.name}-"): preset for preset in members}
    wanted = []
    for name in (part for each in names for part in each.split(",") if part):
        preset = known.get(name.lower()) or short.get(name.lower())
        if preset is None:
            raise ConfigError(f"Study {study.name} has no model {name!r}.", f"It has {', '.join(known)}.")
        wanted.append(preset)
    if not wanted:
        raise ConfigError("No model is named.", f"Study {study.name} has {', '.join(known)}.")
    return tuple(dict.fromkeys(wanted))


def _train(store: RunStore, presets: tuple[Preset, ...], setting: Setting, dataset: str, workers: int) -> list[str]:
    """Trains what is missing; returns why some could not be."""
    names = [preset.name for preset in presets]
    owner = new_owner(store)
    before = plan(presets, setting, Matching(store.runs(presets=names), dataset))
    queued, problems = start_plan(store, before, owner)
    runs = [*before.under_way, *queued]
    if runs:
        run_all(store, runs, owner, workers=workers)
    return problems


def document(
    study: Study, presets: tuple[Preset, ...], setting: Setting, now: Plan, matching: Matching, dataset: str
) -> dict[str, Any]:
    """The study as JSON."""
    models = []
    for preset in presets:
        published = preset.published
        project = outcome_of_project(measured.of(preset.name))
        models.append(
            {
                "preset": preset.name,
                "title": preset.title,
                "parameters": preset.parameters,
                "split": preset.training.split,
                "published": {} if published is None else published.to_dict(),
                "ours": _figures(outcome_of_runs(matching.seeds(preset, setting)), published, setting, dataset),
                "project": _figures(project, published, Setting(), "mnist"),
                "runs": [cell.run.to_json() for cell in now.cells if cell.preset is preset and cell.run is not None],
            }
        )
    return {
        "study": study.name,
        "title": study.title,
        "dataset": dataset,
        "epochs": setting.epochs,
        "limit": setting.limit,
        "seeds": list(setting.seeds),
        "finished": now.finished,
        "wanted": len(now.cells),
        "models": models,
    }


def _figures(
    outcome: Outcome | None, published: Published | None, setting: Setting, dataset: str
) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "test_accuracy": outcome.accuracy,
        "test_accuracy_interval": list(outcome.interval),
        "spread": outcome.spread,
        "seeds": [each.seed for each in outcome.measurements],
        "test_loss": outcome.loss,
        "epochs": outcome.epochs,
        "seconds": outcome.seconds,
        "published_is_inside": judged(outcome, published, setting, dataset),
    }


def text(study: Study, presets: tuple[Preset, ...], setting: Setting, matching: Matching) -> str:
    """The study as a table for people."""
    rows = []
    for preset in presets:
        published = preset.published
        ours, by = figures_of(preset, setting, matching)
        inside = judged(ours, published, setting, "mnist" if by == PROJECT else matching.dataset)
        rows.append(
            (
                preset.name,
                f"{preset.parameters:,}",
                preset.training.split,
                formatting.percent(None if published is None else published.test_accuracy),
                "–" if ours is None else formatting.accuracy(ours.accuracy, ours.interval),
                by or "–",
                "–" if ours is None else str(ours.seeds),
                "–" if inside is None else ("inside" if inside else "outside"),
                "–" if ours is None else f"{ours.epochs:.3g}",
                "–" if ours is None else formatting.duration(ours.seconds),
            )
        )
    head = (
        "MODEL",
        "PARAMETERS",
        "SPLIT",
        "PUBLISHED",
        "MEASURED (95 %)",
        "BY",
        "SEEDS",
        "PUBLISHED IS",
        "EPOCHS",
        "TIME",
    )
    return f"{study.title}: {setting.words}\n\n{table(head, rows)}"
