"""The run store: whether it opens, its rows, its runs that nobody trains, and the files of its runs."""

from __future__ import annotations

import os
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from mnist_lab import formatting
from mnist_lab.doctor import object_checks
from mnist_lab.doctor.check import OK, PROBLEM, WARNING, Finding, Patient, check, listed
from mnist_lab.errors import StoreError
from mnist_lab.jobs import end_lost, release_lost
from mnist_lab.jobs.lost import worker_of
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL, is_abandoned
from mnist_lab.store.condition import damaged_runs, users_of
from mnist_lab.store.salvage import copy_of, salvage, stamp
from mnist_lab.store.schema import VERSION

# A run's files are written before its row.
YOUNG_SECONDS = 600.0
_HDF5 = b"\x89HDF\r\n\x1a\n"
ASIDE = "aside"


@check("settings", 0)
def settings(patient: Patient) -> Iterator[Finding]:
    """The environment variables."""
    if patient.settings is None:
        assert patient.trouble is not None
        yield Finding(PROBLEM, patient.trouble.message, patient.trouble.remedy)
    else:
        yield Finding(OK, "The settings can be used.")


@check("store", 10)
def store(patient: Patient) -> Iterator[Finding]:
    """Whether the store opens and is whole."""
    if patient.settings is None:
        yield Finding(WARNING, "Nobody knows where the run store is.", "Mend the settings first.")
        return
    condition = patient.condition
    if not condition.exists:
        yield Finding(OK, "There is no run store yet; it is made at the first start.")
    elif condition.is_damaged:
        yield from _damaged(patient)
    elif condition.problem:
        yield Finding(PROBLEM, f"The run store cannot be used: {condition.problem}.", _REACH)
    elif condition.version is not None and condition.version > VERSION:
        text = f"The run store was written by a newer version of the program (format {condition.version})."
        yield Finding(PROBLEM, text, "Update the program.")
    elif condition.version != VERSION and not patient.repair:
        text = f"The run store is of an older version (format {condition.version}); its runs were not looked at."
        yield Finding(WARNING, text, "The next start brings it up and keeps a copy beside it, and so does --repair.")
    elif patient.store is None:
        assert patient.trouble is not None
        yield Finding(PROBLEM, patient.trouble.message, patient.trouble.remedy)
    else:
        done = "" if condition.version == VERSION else f"It was of format {condition.version} and was brought up."
        yield Finding(OK, f"The run store is whole and holds {_many(len(patient.store.runs()), 'run')}.", done=done)


_REACH = "See that it can be read and written by who runs the program, and that nobody holds it locked."


def _damaged(patient: Patient) -> Iterator[Finding]:
    file = patient.file
    text = f"The run store is damaged: {patient.condition.problem}."
    if file is None or not patient.repair:
        help = "Restore a backup (`restore`), or let --repair save what can be read; the damaged file is kept."
        yield Finding(PROBLEM, text, help)
        return
    if users := users_of(file):
        yield Finding(PROBLEM, text, f"Stop the program first: {', '.join(users)} has the file open.")
        return
    saved = salvage(file)
    patient.look_again()
    runs = saved.rows.get("runs", 0)
    done = f"What could be read is in a new file: {_many(runs, 'run')}; the damaged one is {saved.kept.name}."
    older = sorted(file.parent.glob(f"{file.name}.version-*"))
    if older and not runs:
        done += f" {older[-1].name} is a copy from before an update."
    kind = OK if runs else WARNING
    yield Finding(kind, text, "" if runs else "Restore a backup if you have one.", done)


@check("rows", 20)
def rows(patient: Patient) -> Iterator[Finding]:
    """Rows that cannot be read."""
    if (store := patient.store) is None:
        yield _not_looked("Rows")
        return
    damaged = damaged_runs(store)
    new = [run for run, is_marked in damaged if not is_marked]
    done = ""
    if new and patient.repair:
        copy = f" The store before that is {copy_of(patient.file, 'before-repair').name}." if patient.file else ""
        for run in new:
            store.set_figures(run.id, status=run.status, reason=run.reason)
        done = f"{_many(len(new), 'run')} marked as damaged.{copy}"
    elif new:
        yield Finding(
            PROBLEM, f"{_many(len(new), 'run')} cannot be read in full: {_named(new)}.",
            "--repair marks what is lost; a backup may have it whole.",
        )  # fmt: skip
    if len(damaged) > len(new) or done:
        text = f"{_many(len(damaged), 'run')} marked as damaged: {_named([run for run, _ in damaged])}."
        yield Finding(WARNING, text, "Delete what you do not need, or bring it back from a backup.", done)
    if not damaged:
        yield Finding(OK, "Every row can be read.")


@check("lost", 30)
def lost(patient: Patient) -> Iterator[Finding]:
    """Runs that are said to be under way, and that nobody trains."""
    if (store := patient.store) is None:
        yield _not_looked("Runs under way")
        return
    gone = [run for run in store.active() if not _has_worker(run, store.host)]
    if patient.repair:
        ended = end_lost(store)
        release_lost(store)
        if ended:
            text = f"{_many(len(ended), 'run')} had no worker any more: {_named(ended)}."
            yield Finding(OK, text, done="Ended as interrupted; each can go on from its last epoch.")
            return
    if gone:
        text = f"{_many(len(gone), 'run')} under way without a worker: {_named(gone)}."
        yield Finding(PROBLEM, text, "Start the program, or --repair: they end as interrupted and can go on.")
    else:
        yield Finding(OK, "Every run that is under way has its worker.")


def _has_worker(run: Run, host: str) -> bool:
    elsewhere = run.host != host or run.pid is None
    return not run.is_stale() if elsewhere else worker_of(run) is not None


@check("files", 40)
def files(patient: Patient) -> Iterator[Finding]:
    """Runs without their files, and files that are damaged."""
    if (store := patient.store) is None:
        yield _not_looked("Files of runs")
        return
    if store.artefacts.is_remote:
        yield from object_checks.files(store)
        return
    without, broken = [], []
    for run in store.runs():
        if run.status == "finished" and not store.artefacts.has(run.id, MODEL):
            without.append(run)
        for name in store.artefacts.names(run.id):
            if fault := fault_of(store.artefacts.folder(run.id) / name):
                broken.append(f"{name} of {run.name!r:.40} ({run.id[:8]}) {fault}")
    if without:
        text = f"{_many(len(without), 'finished run')} without a model: {_named(without)}."
        yield Finding(WARNING, text, "Train them again, or bring them back from a backup.")
    if broken:
        text = f"{_many(len(broken), 'file')} damaged: {listed(broken, '; ')}."
        yield Finding(PROBLEM, text, "Train these runs again, or bring them back from a backup.")
    if not without and not broken:
        yield Finding(OK, "The files of all runs are there and whole.")


def fault_of(path: Path) -> str:
    """What is the matter with a file of a run, as far as is seen without its whole content; empty if nothing is."""
    try:
        size = path.stat().st_size
        if path.suffix == ".npz":
            return "" if zipfile.is_zipfile(path) else "is empty" if not size else "is cut short"
        if path.suffix != ".h5":
            return ""
        if not size:
            return "is empty"
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    if not head.startswith(_HDF5) or len(head) < 64:
        return "is no HDF5 file"
    # The end of the file by its own words, after the base address; by the version of the superblock.
    end = struct.unpack_from("<Q", head, 40 if head[8] < 2 else 28)[0]
    return "is cut short" if head[8] <= 3 and end > size else ""


@check("folders", 50)
def folders(patient: Patient) -> Iterator[Finding]:
    """Folders of runs that are in no list."""
    if (store := patient.store) is None:
        yield _not_looked("Folders")
        return
    if store.artefacts.is_remote:
        yield from object_checks.strays(store)
        return
    strays = _strays(store)
    if not strays:
        yield Finding(OK, "Every folder belongs to a run.")
        return
    text = f"{_many(len(strays), 'folder')} of no run: {', '.join(path.name[:8] for path in strays[:5])}."
    if not patient.repair:
        yield Finding(WARNING, text, "--repair moves them aside; nothing is deleted.")
        return
    aside = store.artefacts.root / f"{ASIDE}-{stamp()}"
    try:
        aside.mkdir()
        for path in strays:
            os.replace(path, aside / path.name)
    except OSError as error:
        raise StoreError(
            f"{aside} cannot be filled ({error.strerror or error}).", "See who owns the folder."
        ) from error
    yield Finding(OK, text, done=f"Moved to {aside.name}; delete that folder when you are sure.")


def _strays(store: RunStore) -> list[Path]:
    known = {*store.reasons()}
    found = []
    for path in _entries(store.artefacts.root):
        is_run = len(path.name) == 32 and set(path.name) <= set("0123456789abcdef")
        if is_run and path.is_dir() and path.name not in known and _age(path) > YOUNG_SECONDS:
            found.append(path)
    return found


@check("temporary", 60)
def temporary(patient: Patient) -> Iterator[Finding]:
    """Files that were half written when their writer was ended."""
    if (store := patient.store) is None:
        yield _not_looked("Half-written files")
        return
    before = _half_written(store)
    if patient.repair:
        for run_id in store.reasons():
            store.artefacts.sweep(run_id)
        after = _half_written(store)
        if gone := len(before) - len(after):
            yield Finding(OK, f"{_many(gone, 'half-written file')} of writers that are gone.", done="Removed.")
            return
        before = after
    old = [path for path in before if _age(path) > YOUNG_SECONDS]
    if store.artefacts.is_remote:
        # A run's log too lies under such a name until it is over.
        old = [path for path in old if is_abandoned(path)]
    if old:
        size = formatting.size(sum(path.stat().st_size for path in old))
        text = f"{_many(len(old), 'half-written file')}, {size} in all."
        yield Finding(WARNING, text, "--repair removes those whose writer is gone.")
    else:
        yield Finding(OK, "No half-written files lie about.")


def _half_written(store: RunStore) -> list[Path]:
    return [
        path
        for run_id in store.reasons()
        for path in _entries(store.artefacts.folder(run_id))
        if path.name.startswith(".") and path.is_file()
    ]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _not_looked(what: str) -> Finding:
    return Finding(OK, f"{what} were not looked at: there is no store that can be read.")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _named(runs: list[Run]) -> str:
    return listed([f"{run.name!r:.40} ({run.id[:8]})" for run in runs])
