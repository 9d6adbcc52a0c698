"""Files of an object store that are kept on this machine to be read: those of another content lie in another folder."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Whoever has just been told where a file is may be about to open it.
IN_USE_SECONDS = 60.0
# Others fetch into the same folder: it is counted anew after so long, at the latest.
COUNT_SECONDS = 30.0
_ABANDONED_SECONDS = 24 * 3600.0


class Cache:
    """Files by run, mark and name, bounded in size: what was not asked for longest goes first.

    Several processes may share one. The bound holds for what is left after a file was added; what is in use just now is
    kept beyond it.

    Args:
        root: The folder; made when first written to.
        limit: Bytes.
    """

    def __init__(self, root: Path, limit: int) -> None:
        self.root, self.limit = root, limit
        self._size = 0
        self._counted = -COUNT_SECONDS

    def find(self, run_id: str, mark: str, name: str) -> Path | None:
        """A file, if it is here; it then counts as used now."""
        path = self.root / run_id / mark / name
        try:
            # Only the time of access: that of the change tells one content from another.
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        except OSError:
            return None
        return path

    def temporary(self, run_id: str) -> Path:
        """Where to put a file that is to be added."""
        folder = self.root / run_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f".{uuid.uuid4().hex}"

    def add(self, part: Path, run_id: str, mark: str, name: str) -> Path:
        """Takes a file in from `temporary`, and makes room for it.

        Returns:
            Where it is now.
        """
        path = self.root / run_id / mark / name
        size = part.stat().st_size
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.replace(part, path)
                break
            except FileNotFoundError:
                # Another process has just removed the folder, as it was empty.
                if not part.exists():
                    raise
        self._size += size
        if self._size > self.limit or time.monotonic() - self._counted > COUNT_SECONDS:
            self._make_room()
        return path

    def drop(self, run_id: str) -> None:
        """Removes what is here of a run."""
        shutil.rmtree(self.root / run_id, ignore_errors=True)

    def _make_room(self) -> None:
        files = sorted(self._all())
        self._size, self._counted = sum(size for _, size, _ in files), time.monotonic()
        now = time.time()
        for used, size, path in files:
            is_part = path.name.startswith(".")
            if is_part and now - used < _ABANDONED_SECONDS:
                continue
            if not is_part and (self._size <= self.limit or now - used < IN_USE_SECONDS):
                continue
            with suppress(OSError):
                path.unlink()
                self._size -= size
            for folder in (path.parent, path.parent.parent):
                # Only what is empty goes.
                with suppress(OSError):
                    if folder != self.root:
                        folder.rmdir()

    def _all(self) -> Iterator[tuple[float, int, Path]]:
        for path in self.root.rglob("*"):
            with suppress(OSError):
                if path.is_file():
                    status = path.stat()
                    yield status.st_atime, status.st_size, path
