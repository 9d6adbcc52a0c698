"""`sweep`: a search over networks and trainings, started or gone on with, shown, exported, and its winner confirmed."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnist_lab import datasets, formatting
from mnist_lab.cli.command import FAILED, Answer, Options, command
from mnist_lab.cli.common import number, open_runs, table
from mnist_lab.errors import ConfigError
from mnist_lab.jobs import new_owner, run_all
from mnist_lab.jobs.confirming import BEST, SEEDS, confirm, confirmed
from mnist_lab.jobs.executors import default_size
from mnist_lab.jobs.sweep_alone import run_sweep
from mnist_lab.jobs.sweeper import check_optuna, start_sweep
from mnist_lab.store import RunStore, SweepRecord, Trial
from mnist_lab.sweeps import files, summary
from mnist_lab.sweeps.search import best_of
from mnist_lab.sweeps.sweep import Sweep

_SHOWN = 10
_BUDGET = ("trials", "seconds", "epochs", "workers")


def _arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", metavar="FILE.toml", nargs="?", type=Path, help="start it, or go on with it")
    what.add_argument("--list", action="store_true", help="all sweeps")
    what.add_argument("--show", metavar="ID", help="its trials")
    what.add_argument("--resume", metavar="ID", help="go on with one that was stopped or is finished")
    what.add_argument("--export", metavar="ID", help="print it as TOML")
    what.add_argument("--confirm", metavar="ID", help="train its best trials anew on fresh seeds, and test them once")
    parser.add_argument("--add", type=int, metavar="N", help="with --resume: so many more trials")
    parser.add_argument("--best", type=int, metavar="K", help=f"with --confirm: so many of them, {BEST} if not given")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"with --confirm: of each, {SEEDS} if not given")


@command("sweep", "search over networks and trainings", _arguments)
def _sweep(options: Options) -> Answer:
    if options.add is not None and (options.resume is None or options.add < 1):
        raise ConfigError("--add says how many more trials a sweep that is resumed may have.", "Add 1 or more.")
    for name, most in (("best", 1000), ("seeds", 1000)):
        value = getattr(options, name)
        if value is not None and (options.confirm is None or not 1 <= value <= most):
            raise ConfigError(f"--{name} belongs to --confirm, and is a number from 1 to {most:,}.", "Change it.")
    if options.file is not None:
        return _run(options.file)
    store = open_runs()
    if options.list:
        return _list(store)
    record = store.find_sweep(options.show or options.resume or options.export or options.confirm)
    if options.show:
        return _answer(store, record)
    if options.export:
        return Answer(record.sweep, files.write_toml(Sweep.from_dict(record.sweep)).rstrip())
    if options.confirm:
        return _confirm(store, record, options.best or BEST, options.seeds or SEEDS)
    check_optuna()
    if options.add:
        store.extend_sweep(record.id, trials=options.add)
    elif record.status != "running":
        store.resume_sweep(record.id)
    return _ended(store, run_sweep(store, record.id))


def _run(path: Path) -> Answer:
    sweep = files.read_file(path)
    sweep = sweep if sweep.name else replace(sweep, name=path.stem)
    check_optuna()
    store = open_runs()
    dataset = datasets.load(sweep.training.dataset, allow_download=sweep.training.dataset in ("auto", "mnist"))
    if dataset.notice:
        print(dataset.notice, file=sys.stderr)
    before = next((each for each in store.sweeps() if _is_same(each.sweep, sweep.to_dict())), None)
    if before is None:
        driver = new_owner(store)
        return _ended(store, run_sweep(store, start_sweep(store, sweep, driver=driver).id, driver=driver))
    if before.sweep != sweep.to_dict():
        # Another budget.
        store.change_sweep(before.id, sweep.to_dict())
    elif before.status == "stopped" or before.status == "failed":
        store.resume_sweep(before.id)
    return _ended(store, run_sweep(store, before.id))


def _is_same(one: Any, other: Any) -> bool:
    """Whether two descriptions are of one sweep, whatever their budgets."""

    def searched(values: Any) -> Any:
        search = {name: value for name, value in values.get("search", {}).items() if name not in _BUDGET}
        return {**values, "search": search}

    return bool(searched(one) == searched(other))


def _list(store: RunStore) -> Answer:
    rows, listed = [], []
    for each in store.sweeps():
        trials = store.trials(each.id)
        best = best_of(trials)[:1]
        listed.append({**summary.to_json(each), "counts": summary.counts_of(trials)})
        accuracy = formatting.percent(best[0].accuracy) if best else "–"
        rows.append((each.id[:8], each.name, each.status, summary.words_of(each, trials), accuracy))
    return Answer(listed, table(("ID", "NAME", "STATUS", "TRIALS", "BEST"), rows))


def _ended(store: RunStore, record: SweepRecord) -> Answer:
    if record.status == "finished":
        return _answer(store, record)
    complaint = f"The sweep is {record.status}." + (f" {record.reason}" if record.reason else "")
    if record.status == "stopped":
        complaint += f" Go on with it by sweep --resume {record.id[:8]}."
    return replace(_answer(store, record), status=FAILED, complaint=complaint)


def _answer(store: RunStore, record: SweepRecord) -> Answer:
    trials = store.trials(record.id)
    return Answer(summary.to_json(record, trials), _text(record, trials))


def _text(record: SweepRecord, trials: list[Trial]) -> str:
    lines = [
        f"{record.id[:8]}  {record.name}: {record.status}" + (f". {record.reason}" if record.reason else ""),
        f"{summary.words_of(record, trials)}, {sum(each.epochs for each in trials):,} epochs, "
        f"{formatting.duration(record.spent)}",
    ]
    best = best_of(trials)
    cost = record.sweep.get("search", {}).get("cost")
    if cost is not None:
        best = summary.front_of(trials, cost)
    if best:
        names = list(best[0].values)
        head = ("TRIAL", "VALIDATION", "PARAMETERS", *(name.upper() for name in names))
        rows = [
            (
                str(each.number),
                formatting.percent(each.accuracy) + ("" if each.spread is None else f" ± {100 * each.spread:.2f}"),
                "–" if each.parameters is None else f"{each.parameters:,}",
                *(_words(each.values.get(name)) for name in names),
            )
            for each in (best if cost is not None else best[:_SHOWN])
        ]
        lines += ["", table(head, rows)]
    return "\n".join(lines)


def _confirm(store: RunStore, record: SweepRecord, best: int, seeds: int) -> Answer:
    owner = new_owner(store)
    if left := confirm(store, record, best=best, seeds=seeds, owner=owner):
        # As many at once as the search had.
        workers = Sweep.from_dict(record.sweep).search.workers or default_size()
        run_all(store, left, owner, workers=min(len(left), workers))
    found = confirmed(store, record, best=best, seeds=seeds)
    head = ("TRIAL", "PARAMETERS", "SEARCH", "FRESH SEEDS", "LUCK", "TEST (95 %)")
    rows = [
        (
            str(each.trial.number),
            f"{each.trial.parameters:,}",
            formatting.percent(each.trial.accuracy),
            formatting.percent(each.validation.value),
            each.luck.words,
            formatting.percent(each.test.value)
            + ("" if each.test.low is None else f" ({100 * each.test.low:.2f} to {100 * (each.test.high or 0):.2f})"),
        )
        for each in found.trials
    ]
    text = f"{found.sentence}\n\n{table(head, rows)}"
    if found.missing:
        return Answer(found.to_json(), text, FAILED, f"{found.missing} trainings did not finish.")
    return Answer(found.to_json(), text)


def _words(value: Any) -> str:
    if isinstance(value, list):
        return "×".join(map(str, value))
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
