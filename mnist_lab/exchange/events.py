"""A run's curves as an event file of TensorBoard, written without TensorFlow, which this process must not import.

The file is a row of records (length, its checksum, an `Event` message, its checksum), the messages in the encoding of
Protocol Buffers; both forms have been fixed for as long as TensorBoard exists.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mnist_lab.store import Run

# By the name of a figure, its tag; TensorBoard groups tags by what stands before the stroke.
TAGS: Mapping[str, str] = {
    "loss": "loss/training",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/training",
    "val_accuracy": "accuracy/validation",
    "learning_rate": "learning rate/at the end of the epoch",
    "seconds": "seconds/per epoch",
}
POINT_TAGS: Mapping[str, str] = {"loss": "loss/within the epochs", "accuracy": "accuracy/within the epochs"}


def event_file(run: Run, history: Iterable[dict[str, Any]], points: Iterable[dict[str, Any]]) -> bytes:
    """The curves of a run, by steps (batches) within the epochs and by epochs.

    Args:
        run: Whose curves they are; its start is that of the clock.
        history: Its epochs.
        points: The curve within them.
    """
    began = run.started or run.created
    now, times = began, {0: began}
    records = [_record(_event(began, 0, _bytes_field(3, b"brain.Event:2")))]
    for entry in history:
        now += entry.get("seconds") or 0.0
        times[entry["epoch"]] = now
        records.append(_scalars(now, entry["epoch"], entry, TAGS))
    for point in points:
        whole = int(point["epoch"])
        start = times.get(whole, began)
        moment = start + (point["epoch"] - whole) * (times.get(whole + 1, start) - start)
        records.append(_scalars(moment, point["step"], point, POINT_TAGS))
    return b"".join(records)


def _scalars(moment: float, step: int, figures: Mapping[str, Any], tags: Mapping[str, str]) -> bytes:
    values = b"".join(
        _bytes_field(1, _bytes_field(1, tag.encode()) + b"\x15" + struct.pack("<f", figures[name]))
        for name, tag in tags.items()
        if figures.get(name) is not None
    )
    return _record(_event(moment, step, _bytes_field(5, values)))


def _event(moment: float, step: int, what: bytes) -> bytes:
    return b"\x09" + struct.pack("<d", moment) + b"\x10" + _varint(step) + what


def _bytes_field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


def _crc_table() -> Iterator[int]:
    # Castagnoli's polynomial, bits reversed.
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


_TABLE = tuple(_crc_table())


def _masked(content: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
