"""Zip archives: packed plainly, and opened with distrust, be it one of a run or the `.npz` within it.

Python's `zipfile` reads the whole directory of an archive before it says how long it is, and believes what is declared
there. Here the directory's end is looked at first, names must be among those that are known, sizes under what is
allowed for each, and what is unpacked is counted.
"""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from mnist_lab.errors import ExchangeError

REMEDY = "Export the run anew, and bring in that file."
# Bytes of the directory: for any archive, and for each file that may be in it.
MAX_DIRECTORY, MAX_ENTRY = 64 * 2**10, 256
_CHUNK = 2**18
# The record at the end of every archive: signature, four numbers of disks and entries, size and place of the
# directory, length of a comment.
_END = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES = 20
_ENCRYPTED = 0x1


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of some files, as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Archive:
    """An archive of which nothing is believed.

    Args:
        content: The file.
        sizes: The names that may be in it, and the most bytes of each.
        what: What it is called in an error.

    Raises:
        ExchangeError: If it is no zip archive, or holds anything but plain files of these names and sizes.
    """

    def __init__(self, content: bytes, sizes: Mapping[str, int], what: str = "The archive") -> None:
        self._what = what
        self._look_at_the_end(content, len(sizes))
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise self._damaged() from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            self._check(entry, sizes)
            self._entries[entry.filename] = entry

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(self._entries)

    def read(self, name: str) -> bytes:
        """The content of one of its files.

        Raises:
            ExchangeError: If it lacks the file, or the file is damaged.
        """
        return b"".join(self._chunks(name))

    def digest(self, name: str) -> tuple[int, str]:
        """The bytes of a file and their SHA-256, without keeping them.

        Raises:
            ExchangeError: If it lacks the file, or the file is damaged.
        """
        total, digest = 0, hashlib.sha256()
        for chunk in self._chunks(name):
            total += len(chunk)
            digest.update(chunk)
        return total, digest.hexdigest()

    def _chunks(self, name: str) -> Iterator[bytes]:
        entry = self._entries.get(name)
        if entry is None:
            raise ExchangeError(f"{self._what} has no {name}.", REMEDY)
        left = entry.file_size
        try:
            with self._zip.open(entry) as file:
                while chunk := file.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        break
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error) as error:
            raise self._damaged() from error
        if left:
            raise self._damaged()

    def _look_at_the_end(self, content: bytes, most: int) -> None:
        if len(content) < _END.size or not content.startswith(b"PK\3\4"):
            raise ExchangeError(f"{self._what} is no zip archive, or not a whole one.", REMEDY)
        end = _END.unpack_from(content, len(content) - _END.size)
        signature, disk, first_disk, here, entries, size, offset, comment = end
        before = len(content) - _END.size
        locator = content[before - _LOCATOR_BYTES :][:4]
        is_plain = signature == b"PK\5\6" and not (disk or first_disk or comment) and here == entries
        if not is_plain or locator == b"PK\6\7" or offset + size != before:
            raise ExchangeError(f"{self._what} is no zip archive that this program wrote, or not a whole one.", REMEDY)
        if entries > most or size > max(MAX_DIRECTORY, MAX_ENTRY * most):
            raise ExchangeError(f"{self._what} holds {entries:,} files; there may be {most:,}.", REMEDY)

    def _check(self, entry: zipfile.ZipInfo, sizes: Mapping[str, int]) -> None:
        name = entry.filename
        if name not in sizes or entry.orig_filename != name:
            raise ExchangeError(f"{self._what} holds {entry.orig_filename!r:.60}, which has no place there.", REMEDY)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise ExchangeError(f"{self._what}: {name} is no plain file but a link or the like.", REMEDY)
        if name in self._entries:
            raise ExchangeError(f"{self._what} holds {name} twice.", REMEDY)
        if entry.flag_bits & _ENCRYPTED:
            raise ExchangeError(f"{self._what}: {name} is encrypted.", "Export it without a password.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ExchangeError(f"{self._what}: {name} is packed in a way that this program does not use.", REMEDY)
        if entry.file_size > sizes[name]:
            raise ExchangeError(
                f"{self._what}: {name} would unpack to {entry.file_size:,} bytes; at most {sizes[name]:,} are allowed.",
                REMEDY,
            )

    def _damaged(self) -> ExchangeError:
        return ExchangeError(f"{self._what} is damaged.", REMEDY)
