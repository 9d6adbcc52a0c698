"""What people change of runs that are there: name, notes, star, tags; deletion and its undoing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, delete, select, update

from mnist_lab.errors import JobError, RunNotFound, StoreError
from mnist_lab.public import printable
from mnist_lab.store import schema
from mnist_lab.store.artefacts import Artefacts
from mnist_lab.store.database import reading, writing
from mnist_lab.store.records import ACTIVE
from mnist_lab.store.run_list import parts_of

MAX_NAME, MAX_NOTES, MAX_TAG, MAX_TAGS = 200, 2000, 40, 20
KEEP_DELETED_SECONDS = 24 * 3600.0
_PURGED_AT_ONCE = 20

_runs, _epochs, _points = schema.runs, schema.epochs, schema.points
_sweeps, _trials = schema.sweeps, schema.trials


class Edits:
    """The part of `RunStore` that edits and deletes."""

    _engine: Engine
    artefacts: Artefacts

    def edit(
        self,
        run_id: str,
        *,
        name: str | None = None,
        notes: str | None = None,
        starred: bool | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        """Renames, notes, stars, tags; what is None stays as it is.

        Raises:
            StoreError: If the name is empty, or the notes or the tags are too long or too many.
            RunNotFound: If there is no such run any more.
        """
        values: dict[str, Any] = {
            "notes": None if notes is None else clean_notes(notes),
            "starred": starred,
            "tags": None if tags is None else clean_tags(tags),
        }
        if name is not None:
            values["name"] = clean_name(name)
            if not values["name"]:
                raise StoreError("A run's name cannot be empty.", "Type a name.")
        if notes is not None and len(notes) > MAX_NOTES:
            raise StoreError(f"These notes have {len(notes):,} characters.", f"Keep them under {MAX_NOTES:,}.")
        changed = {key: value for key, value in values.items() if value is not None}
        if changed:
            with writing(self._engine) as connection:
                found = connection.execute(update(_runs).where(_runs.c.id == run_id).values(**changed)).rowcount
            if not found:
                raise RunNotFound(f"Run {run_id[:8]!r} was deleted for good.", "See `runs` for those that there are.")

    def star_all(self, run_ids: Iterable[str], starred: bool) -> None:
        """Stars several runs, or takes their stars."""
        with writing(self._engine) as connection:
            for some in parts_of(list(run_ids)):
                connection.execute(update(_runs).where(_runs.c.id.in_(some)).values(starred=starred))

    def tag_all(self, run_ids: Iterable[str], *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Adds tags to several runs and takes others from them, all or none.

        Raises:
            StoreError: If a run would have too many, or one is too long; then none is changed.
        """
        gone = set(remove)
        with writing(self._engine) as connection:
            for some in parts_of(list(run_ids)):
                query = select(_runs.c.id, _runs.c.tags).where(_runs.c.id.in_(some))
                for run_id, tags in connection.execute(query).all():
                    after = clean_tags([*(tag for tag in tags if tag not in gone), *add])
                    if after != tags:
                        connection.execute(update(_runs).where(_runs.c.id == run_id).values(tags=after))

    def delete(self, run_ids: Iterable[str]) -> list[str]:
        """Deletes runs; `undelete` brings them back for a day. A run under way must be stopped first.

        Raises:
            JobError: If one of them is under way; then none is deleted.
        """
        ids = list(run_ids)
        with writing(self._engine) as connection:
            now = time.time()
            for some in parts_of(ids):
                query = select(_runs.c.name).where(_runs.c.id.in_(some), _runs.c.status.in_(ACTIVE))
                busy = list(connection.execute(query).scalars())
                if busy:
                    raise JobError(f"Run {busy[0]!r} is under way and cannot be deleted.", "Stop it first.")
                connection.execute(update(_runs).where(_runs.c.id.in_(some)).values(deleted=now))
        return ids

    def undelete(self, run_ids: Iterable[str]) -> None:
        """Brings deleted runs back."""
        with writing(self._engine) as connection:
            for some in parts_of(list(run_ids)):
                connection.execute(update(_runs).where(_runs.c.id.in_(some)).values(deleted=None))

    def purge(self, older_than: float = KEEP_DELETED_SECONDS, keep: Sequence[str] = ()) -> None:
        """Removes runs and sweeps for good that were deleted longer ago than `older_than` seconds, with their files.

        Args:
            older_than: Seconds since the deletion.
            keep: Ids that stay, deleted as they are.
        """
        before = time.time() - older_than
        old = select(_runs.c.id).where(_runs.c.deleted.is_not(None), _runs.c.deleted <= before)
        with reading(self._engine) as connection:
            gone = [run_id for run_id in connection.execute(old).scalars() if run_id not in keep]
        # A few at a time: a run may have very many points, and whoever else would write waits.
        for some in parts_of(gone, _PURGED_AT_ONCE):
            with writing(self._engine) as connection:
                # Somebody may have taken the deletion back meanwhile.
                still = list(connection.execute(old.where(_runs.c.id.in_(some))).scalars())
                for table, column in ((_epochs, _epochs.c.run_id), (_points, _points.c.run_id), (_runs, _runs.c.id)):
                    connection.execute(delete(table).where(column.in_(still)))
            for run_id in still:
                self.artefacts.remove(run_id)
        with writing(self._engine) as connection:
            sweeps = list(connection.execute(select(_sweeps.c.id).where(_sweeps.c.deleted <= before)).scalars())
            connection.execute(delete(_trials).where(_trials.c.sweep.in_(sweeps)))
            connection.execute(delete(_sweeps).where(_sweeps.c.id.in_(sweeps)))

    def sweep(self) -> None:
        """Removes what writers that were killed have left among the files of runs."""
        with reading(self._engine) as connection:
            known = set(connection.execute(select(_runs.c.id)).scalars())
        self.artefacts.sweep_all(known)


def clean_name(name: str) -> str:
    """A name in one line, without what cannot be shown, and not too long."""
    return " ".join(printable(name).split())[:MAX_NAME]


def clean_notes(notes: str) -> str:
    """Notes without what no database can keep and no terminal should be shown; they may have several lines."""
    return printable(notes.replace("\0", ""))


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags in alphabetical order, each once, in one line and without commas, which part them where they are typed.

    Raises:
        StoreError: If one is too long, or they are too many.
    """
    cleaned = sorted({clean_name(part) for tag in tags for part in tag.split(",")} - {""})
    if long := [tag for tag in cleaned if len(tag) > MAX_TAG]:
        raise StoreError(f"The tag {long[0]!r:.60} is too long.", f"Use at most {MAX_TAG} characters.")
    if len(cleaned) > MAX_TAGS:
        raise StoreError(f"{len(cleaned)} tags are too many for one run.", f"Use at most {MAX_TAGS}.")
    return cleaned
