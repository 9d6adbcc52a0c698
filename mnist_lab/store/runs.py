"""Runs in the store: made, found, and their curves; what else is done with them stands in the parts of `RunStore`."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, or_, select

from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError, RunNotFound
from mnist_lab.public import printable
from mnist_lab.settings import read_settings
from mnist_lab.store import schema
from mnist_lab.store.artefacts import Artefacts
from mnist_lab.store.damage import epochs_of, read_json
from mnist_lab.store.database import KEPT_CONNECTIONS, is_on_a_server, open_engine, reading, writing
from mnist_lab.store.digits import Digits
from mnist_lab.store.edits import Edits
from mnist_lab.store.listing import Listing
from mnist_lab.store.new_runs import new_row
from mnist_lab.store.people import People
from mnist_lab.store.queue import Queue, end_of_queue
from mnist_lab.store.records import ACTIVE, Run
from mnist_lab.store.run_list import parts_of, runs_of, whole_rows
from mnist_lab.store.sweep_counts import SweepCounts
from mnist_lab.store.sweeps import Sweeps
from mnist_lab.store.work import Work
from mnist_lab.training_config import TrainingConfig

_runs, _epochs, _points = schema.runs, schema.epochs, schema.points


class RunStore(Work, Queue, Edits, Listing, Digits, People, Sweeps, SweepCounts):
    """All runs, with their curves and files, sweeps, and people's own digits.

    Safe to use from several threads and processes at once.

    Args:
        engine: The database.
        home: The folder whose subfolders hold the runs' files.
        artefacts: Where they are, if not there.

    Attributes:
        is_on_a_server: Whether the database is a server, which others ask too and which may be far.
    """

    def __init__(self, engine: Engine, home: Path, artefacts: Artefacts | None = None) -> None:
        super().__init__()
        self._engine = engine
        self.artefacts = Artefacts(home) if artefacts is None else artefacts
        self.is_on_a_server = is_on_a_server(engine)
        self.host = socket.gethostname()

    # Making and finding -------------------------------------------------------------------------------------------

    def create(
        self,
        architecture: Architecture,
        training: TrainingConfig,
        *,
        name: str = "",
        notes: str = "",
        preset: str | None = None,
        owner: str | None = None,
        files: Mapping[str, bytes] | None = None,
        person: str | None = None,
        most_queued: int | None = None,
        sweep: str | None = None,
        trial: int | None = None,
    ) -> Run:
        """Puts a new run at the end of its person's part of the queue.

        Args:
            architecture: The network; it must be possible.
            training: How to train it.
            name: Display text; empty for one made of the layers.
            notes: Display text.
            preset: The preset whose network it is; its training may differ.
            owner: If given, only the worker of this name, or a worker of this owner's crew, may take it.
            files: By name, files that it needs; they are there before a worker can take it.
            person: Who asks for it, from `person`; None where nobody knows.
            most_queued: How many runs of theirs may be queued with it; None for any number.
            sweep: The sweep whose trial it confirms.
            trial: That trial.

        Raises:
            ArchitectureError: If the network is impossible.
            NoRoomError: If too many runs of this person are queued.
        """
        whose = {"preset": preset, "owner": owner, "person": person, "sweep": sweep, "trial": trial}
        values = new_row(architecture, training, name=name, notes=notes, **whose)
        run_id = values["id"]
        try:
            for file, content in (files or {}).items():
                with self.artefacts.writing(run_id, file) as path:
                    path.write_bytes(content)
            with writing(self._engine) as connection:
                position = end_of_queue(connection, person, most_queued)
                connection.execute(insert(_runs).values(**values, position=position))
        except LabError:
            self.artefacts.remove(run_id)
            raise
        return self.get(run_id)

    def register(self, values: dict[str, Any], history: Iterable[dict[str, Any]], files: dict[str, Path]) -> Run:
        """Adds a run that was trained elsewhere, with its files; the files first, the row last.

        Args:
            values: Columns of the table, among them ``id``.
            history: Its epochs.
            files: Name in the run's folder, and where it is now.
        """
        run_id = values["id"]
        for name, source in files.items():
            with self.artefacts.writing(run_id, name) as path:
                shutil.copyfile(source, path)
        entries = [{"run_id": run_id, "epoch": entry["epoch"], "values": entry} for entry in history]
        with writing(self._engine) as connection:
            if connection.execute(select(_runs.c.id).where(_runs.c.id == run_id)).first() is None:
                connection.execute(insert(_runs).values(**values))
                if entries:
                    connection.execute(insert(_epochs), entries)
        return self.get(run_id)

    def adopt(
        self,
        values: dict[str, Any],
        history: Iterable[dict[str, Any]],
        points: Iterable[dict[str, Any]],
        files: dict[str, bytes],
    ) -> Run:
        """Adds a run that came from another store under an id that is free here; the files first, the row last.

        Args:
            values: Columns of the table, among them ``id``.
            history: Its epochs.
            points: The curve within them: ``step``, ``epoch``, ``loss``, ``accuracy``.
            files: Name in the run's folder, and content.

        Raises:
            StoreError: If it cannot be written, or the id was taken meanwhile. Files may be left.
        """
        run_id = values["id"]
        for name, content in files.items():
            with self.artefacts.writing(run_id, name) as path:
                path.write_bytes(content)
        entries = [{"run_id": run_id, "epoch": entry["epoch"], "values": entry} for entry in history]
        rows = [{"run_id": run_id, **point} for point in points]
        with writing(self._engine) as connection:
            connection.execute(insert(_runs).values(**values))
            for table, these in ((_epochs, entries), (_points, rows)):
                if these:
                    connection.execute(insert(table), these)
        return self.get(run_id)

    def exists(self, run_id: str) -> bool:
        """Whether there is a run with this id, deleted ones included."""
        with reading(self._engine) as connection:
            return connection.execute(select(_runs.c.id).where(_runs.c.id == run_id)).first() is not None

    def which_are_there(self, run_ids: Sequence[str]) -> set[str]:
        """Which of these runs there are, deleted ones not included."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for some in parts_of(run_ids):
                query = select(_runs.c.id).where(_runs.c.id.in_(some), _runs.c.deleted.is_(None))
                found.update(connection.execute(query).scalars())
        return found

    def get(self, run_id: str) -> Run:
        """The run with exactly this id.

        Raises:
            RunNotFound: If there is none, or it was deleted for good.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(_runs).where(_runs.c.id == run_id)).mappings().first()
        if row is None:
            raise RunNotFound(f"There is no run {run_id!r:.60}.", "See `runs` for those that there are.")
        return Run.from_row(row)  # type: ignore[arg-type]

    def beginning(self, text: str, *, deleted: bool = False) -> list[Run]:
        """The runs whose id begins with `text`, of four letters or more.

        Args:
            text: What the user typed.
            deleted: Look among the deleted runs in place of the others.
        """
        text = text.lower()
        if len(text) < 4 or not (text.isascii() and text.isalnum()):
            return []
        # Ids are of 0 to 9 and a to f.
        found = self._those(deleted, _runs.c.id >= text, _runs.c.id < text + "g")
        return [run for run in found if run.id.startswith(text)]

    def _those(self, deleted: bool, *conditions: Any) -> list[Run]:
        there = _runs.c.deleted.is_not(None) if deleted else _runs.c.deleted.is_(None)
        wanted = whole_rows().where(there, *conditions).order_by(_runs.c.created.desc(), _runs.c.id)
        with reading(self._engine) as connection:
            return runs_of(connection.execute(wanted).mappings())

    def find(self, text: str, *, deleted: bool = False) -> Run:
        """The run whose id is, or begins with, `text`, or whose name is `text` and is the only one of that name.

        Args:
            text: What the user typed.
            deleted: Look among the deleted runs in place of the others.

        Raises:
            RunNotFound: If there is none, or several.
        """
        found = self.beginning(text, deleted=deleted)
        # A name that no database takes is none that is kept.
        if not found and printable(text) == text:
            found = self._those(deleted, _runs.c.name == text)
        if len(found) != 1:
            what = "There is no run" if not found else f"{len(found)} runs answer to"
            raise RunNotFound(f"{what} {text!r:.60}.", "Give the id that `runs` prints.")
        return found[0]

    def runs(
        self,
        statuses: Sequence[str] | None = None,
        *,
        ids: Sequence[str] | None = None,
        presets: Sequence[str] | None = None,
        sweep: str | None = None,
        trials: Sequence[int] | None = None,
        owned: bool = False,
        deleted: bool = False,
        most: int | None = None,
        dataset: str | None = None,
        created: float | None = None,
    ) -> list[Run]:
        """Runs, newest first, without their curves.

        Args:
            statuses: Only those of these statuses; None for all.
            ids: Only these; None for all.
            presets: Only those that have the network of one of these presets; None for all.
            sweep: Only those of this sweep; None for all.
            trials: Only those of the trials with these numbers; None for all.
            owned: Only those with an owner.
            deleted: Those that were deleted, in place of those that were not.
            most: Only the newest so many; None for all.
            dataset: Only those on this data set, and those of which it is not known yet; None for all.
            created: Only those of this moment; None for all.
        """
        wanted = whole_rows().where(_runs.c.deleted.is_not(None) if deleted else _runs.c.deleted.is_(None))
        if statuses is not None:
            wanted = wanted.where(_runs.c.status.in_(statuses))
        if ids is not None:
            wanted = wanted.where(_runs.c.id.in_(ids))
        if presets is not None:
            wanted = wanted.where(_runs.c.preset.in_(presets))
        if dataset is not None:
            wanted = wanted.where(or_(_runs.c.dataset == dataset, _runs.c.dataset.is_(None)))
        if created is not None:
            wanted = wanted.where(_runs.c.created == created)
        if sweep is not None:
            wanted = wanted.where(_runs.c.sweep == sweep)
        if trials is not None:
            wanted = wanted.where(_runs.c.trial.in_(trials))
        if owned:
            wanted = wanted.where(_runs.c.owner.is_not(None))
        with reading(self._engine) as connection:
            newest = wanted.order_by(_runs.c.created.desc(), _runs.c.id).limit(most)
            runs = runs_of(connection.execute(newest).mappings())
        # One whose row is damaged may be another than its row says.
        return runs if statuses is None else [run for run in runs if run.status in statuses]

    def reasons(self) -> dict[str, str | None]:
        """By id what the rows themselves say of why a run ended; deleted ones included."""
        with reading(self._engine) as connection:
            return {row.id: row.reason for row in connection.execute(select(_runs.c.id, _runs.c.reason))}

    def active(self) -> list[Run]:
        """Runs that a worker has in hand, the oldest first."""
        return self.runs(ACTIVE)[::-1]

    def timed(self, most: int) -> list[Run]:
        """The newest runs of this host, at most so many, that tell how fast it trains."""
        wanted = whole_rows().where(
            _runs.c.deleted.is_(None),
            _runs.c.status.in_(("finished", "stopped")),
            _runs.c.host == self.host,
            _runs.c.images_per_second > 0,
            _runs.c.training_images > 0,
        )
        with reading(self._engine) as connection:
            newest = wanted.order_by(_runs.c.created.desc(), _runs.c.id).limit(most)
            found = runs_of(connection.execute(newest).mappings())
        return [run for run in found if not run.is_damaged]

    def note(self, key: str, value: Any = None) -> Any:
        """A small fact about the program that outlives it (a speed probe, say).

        Args:
            key: Its name.
            value: A JSON value to write; None to read.

        Returns:
            The value; None if it was never written.
        """
        column = schema.meta.c
        if value is None:
            with reading(self._engine) as connection:
                found = connection.execute(select(column.value).where(column.key == key)).scalar()
            return None if found is None else read_json(found)
        with writing(self._engine) as connection:
            connection.execute(delete(schema.meta).where(column.key == key))
            connection.execute(insert(schema.meta).values(key=key, value=json.dumps(value)))
        return value

    # Curves -------------------------------------------------------------------------------------------------------

    def history(self, run_id: str) -> list[dict[str, Any]]:
        """One object per epoch, in order: ``{"epoch": 1, "loss": ..., "val_accuracy": ..., "seconds": ...}``."""
        with reading(self._engine) as connection:
            query = select(_epochs.c["values"]).where(_epochs.c.run_id == run_id).order_by(_epochs.c.epoch)
            return epochs_of(connection.execute(query).scalars())

    def points(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
        """The curve within the epochs: ``id``, ``step``, ``epoch``, ``loss``, ``accuracy``; those above id `after`."""
        columns = _points.c.id, _points.c.step, _points.c.epoch, _points.c.loss, _points.c.accuracy
        query = select(*columns).where(_points.c.run_id == run_id, _points.c.id > after).order_by(_points.c.id)
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def point_rows(self, run_id: str) -> Sequence[tuple[int, float, float | None, float | None]]:
        """The same as bare rows of ``step``, ``epoch``, ``loss``, ``accuracy``: quicker where there are many."""
        columns = _points.c.step, _points.c.epoch, _points.c.loss, _points.c.accuracy
        query = select(*columns).where(_points.c.run_id == run_id).order_by(_points.c.id)
        with reading(self._engine) as connection:
            return connection.execute(query).all()  # type: ignore[return-value]

    def close(self) -> None:
        """Closes the database connections."""
        self._engine.dispose()


def artefacts_of(home: Path, url: str | None, limit: int) -> Artefacts:
    """Where the files of runs are; nothing is made or asked yet.

    Args:
        home: The folder of everything that the program writes.
        url: Of an object store, or None where they are in that folder.
        limit: Bytes of an object store's files that this machine keeps.
    """
    if url is None:
        return Artefacts(home)
    from mnist_lab.store.bucket import Bucket
    from mnist_lab.store.objects import ObjectArtefacts

    return ObjectArtefacts(Bucket(url), home, limit)


@cache
def _opened(
    url: str, home: Path, kept: int = KEPT_CONNECTIONS, artefacts: str | None = None, limit: int = 0
) -> RunStore:
    return RunStore(open_engine(url, kept), home, artefacts_of(home, artefacts, limit))


def open_store(kept: int = KEPT_CONNECTIONS) -> RunStore:
    """The store that the settings name; one per process and place.

    Args:
        kept: Of connections to a server, how many stay open while nobody asks anything.

    Raises:
        SettingError: If a setting is wrong.
        StoreError: If the store cannot be opened.
    """
    settings = read_settings()
    elsewhere = () if settings.artefacts is None else (settings.artefacts, settings.artefacts_cache)
    return _opened(settings.store_url, settings.home, kept, *elsewhere)
