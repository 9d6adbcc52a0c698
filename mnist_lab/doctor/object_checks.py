"""The object store that has the files of runs, where one is set."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path

from mnist_lab import formatting
from mnist_lab.doctor.check import OK, PROBLEM, WARNING, Finding, Patient, check, listed
from mnist_lab.errors import StoreError
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import BEST, CHECKPOINT, MODEL, Artefacts
from mnist_lab.store.objects import ObjectArtefacts

# A run's files are written before its row.
YOUNG_SECONDS = 600.0
_TRIAL = ".doctor"


@check("objects", 35)
def objects(patient: Patient) -> Iterator[Finding]:
    """Whether the object store can be written and read, and what is on this machine and not there."""
    if patient.settings is not None and patient.settings.artefacts is None:
        yield Finding(OK, "The files of runs lie in the folder of the program; no object store is set.")
        return
    store = patient.store
    if store is None or not isinstance(store.artefacts, ObjectArtefacts):
        yield Finding(OK, "The object store was not looked at: there is no store that can be read.")
        return
    yield _tried(store.artefacts)
    if unsent := store.artefacts.unsent():
        text = f"{_many(len(unsent), 'file')} of runs that could not be sent to the object store."
        if patient.repair:
            busy = {run.id for run in store.active()}
            for run_id in {path.parent.parent.name for path in unsent} - busy:
                store.artefacts.begin(run_id)
            yield Finding(OK, text, done="Sent, where the object store has nothing newer.")
        else:
            help = "Each is kept here; --repair sends it, and so does this machine when it resumes the run."
            yield Finding(WARNING, text, help)
    yield from _left_behind(store, store.artefacts, patient.repair)


def _tried(files: ObjectArtefacts) -> Finding:
    """Writes, reads and removes an object."""
    run_id, content = uuid.uuid4().hex, uuid.uuid4().bytes
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sent, back = Path(folder) / "sent", Path(folder) / "back"
        sent.write_bytes(content)
        files.bucket.put(sent, run_id, _TRIAL)
        try:
            files.bucket.get(run_id, _TRIAL, back)
        finally:
            files.bucket.remove(run_id)
        if not back.is_file() or back.read_bytes() != content:
            raise StoreError(
                f"{files.bucket.shown} gives back another content than it was given.", "Use another store."
            )
    seconds = time.monotonic() - began
    return Finding(OK, f"{files.bucket.shown} was written, read and cleared in {formatting.duration(seconds)}.")


def _left_behind(store: RunStore, files: ObjectArtefacts, repair: bool) -> Iterator[Finding]:
    """Files of runs that lie in the program's folder, from before the object store was set."""
    here = Artefacts(files.root)
    known = set(store.reasons())
    runs = [run_id for run_id in here.run_ids() if run_id in known]
    there = files.every() if runs else {}
    lacking = [(run_id, name) for run_id in runs for name in _lacking(here.names(run_id), there.get(run_id, {}))]
    if not lacking:
        return
    text = f"{_many(len(lacking), 'file')} of runs in the program's folder and not in the object store."
    if not repair:
        yield Finding(PROBLEM, text, "--repair sends them; the folder stays as it is.")
        return
    for run_id, name in lacking:
        with files.writing(run_id, name) as path:
            shutil.copyfile(here.path(run_id, name), path)
    yield Finding(OK, text, done="Sent; what is in the folder is needed no more.")


def _lacking(names: list[str], there: Collection[str]) -> list[str]:
    # What a training goes on from is gone when it is done: of a run that is there nobody brings an old one. It is sent
    # first, so that it is whole in what is.
    first = [name for name in names if name in (BEST, CHECKPOINT) and not there]
    return first + [name for name in names if name not in (BEST, CHECKPOINT, *there)]


def files(store: RunStore) -> Iterator[Finding]:
    """Runs without their files, as far as a list of the objects tells."""
    assert isinstance(store.artefacts, ObjectArtefacts)
    every = store.artefacts.every()
    runs = store.runs()
    without = [run for run in runs if run.status == "finished" and MODEL not in every.get(run.id, {})]
    empty = [
        f"{name} of {run.name!r:.40} ({run.id[:8]})"
        for run in runs
        for name, each in every.get(run.id, {}).items()
        if not each.size and name.endswith((".h5", ".npz"))
    ]
    if without:
        named = listed([f"{run.name!r:.40} ({run.id[:8]})" for run in without])
        yield Finding(
            WARNING, f"{_many(len(without), 'finished run')} without a model: {named}.",
            "Train them again, or bring them back from a backup.",
        )  # fmt: skip
    if empty:
        text = f"{_many(len(empty), 'file')} empty: {listed(empty, '; ')}."
        yield Finding(PROBLEM, text, "Train these runs again, or bring them back from a backup.")
    if not without and not empty:
        yield Finding(OK, "The files of all runs are in the object store; what is in them was not looked at.")


def strays(store: RunStore) -> Iterator[Finding]:
    """Objects of runs that are in no list."""
    assert isinstance(store.artefacts, ObjectArtefacts)
    known, now = set(store.reasons()), time.time()
    unknown = [
        run_id
        for run_id, found in store.artefacts.every().items()
        if run_id not in known and all(now - each.changed > YOUNG_SECONDS for each in found.values())
    ]
    if not unknown:
        yield Finding(OK, "Every object belongs to a run.")
        return
    names = ", ".join(run_id[:8] for run_id in unknown[:5])
    text = f"The object store has files of {_many(len(unknown), 'run')} that are in no list: {names}."
    yield Finding(WARNING, text, "Another program may share the bucket. Its own tools remove what nobody needs.")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
