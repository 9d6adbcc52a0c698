"""Binary files with something wrong in them: valid ones with bits flipped, lengths that lie, parts cut or put in."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Sequence
from typing import Any

_ENDS = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
_NUMBERS = (0, 1, 2, 3, 27, 28, 29, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
            0xFFFFFFFE, 50_000, 2**40, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip


def mutant(chance: random.Random, samples: Sequence[bytes], words: Sequence[bytes] = (b"",)) -> bytes:
    """One of the samples with one change or several.

    Args:
        chance: What is drawn from.
        samples: Valid files of the format.
        words: What means something in it, as the names of chunks.
    """
    content = bytearray(chance.choice(samples))
    for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3, 5, 8, 20))):
        _change(chance, content, samples, words)
    return bytes(content)


def _change(chance: random.Random, content: bytearray, samples: Sequence[bytes], words: Sequence[bytes]) -> None:
    # What stands at the beginning says how the rest is read.
    size = len(content)
    place = chance.randrange(min(size, 200) + 1 if chance.random() < 0.4 else size + 1)
    length = chance.choice((1, 1, 2, 4, 8, 16, 64, 256))
    kind = chance.randrange(11)
    if kind == 0 and place < size:
        content[place] ^= 1 << chance.randrange(8)
    elif kind == 1 and place < size:
        content[place] = chance.choice(_ENDS)
    elif kind == 2:
        content[place : place + length] = chance.randbytes(length)
    elif kind == 3:
        form = chance.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
        number = chance.choice(_NUMBERS) % 2 ** (8 * struct.calcsize(form))
        content[place : place + struct.calcsize(form)] = struct.pack(form, number)
    elif kind == 4:
        del content[place : place + length]
    elif kind == 5:
        content[place:place] = content[place : place + length] * chance.choice((1, 1, 2, 50))
    elif kind == 6:
        content[place:place] = bytes([chance.randrange(256)]) * length
    elif kind == 7:
        del content[place:]
    elif kind == 8:
        other = chance.choice(samples)
        start = chance.randrange(len(other) + 1)
        content[place : place + chance.choice((0, length, size))] = other[start : start + chance.choice((length, 4096))]
    elif kind == 9:
        word = chance.choice(words)
        content[place : place + chance.choice((0, len(word)))] = word
    else:
        # A number that is nearly right.
        form = chance.choice(("<H", ">H", "<I", ">I"))
        width = struct.calcsize(form)
        if place + width <= size:
            (number,) = struct.unpack_from(form, content, place)
            struct.pack_into(form, content, place, (number + chance.choice((-2, -1, 1, 2, 4, 1000))) % 2 ** (8 * width))


def signed_png(content: bytes) -> bytes:
    """A PNG whose chunks have the checksums that they should have, as far as it has chunks."""
    fixed, place = bytearray(content[:8]), 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        whole = content[place + 4 : place + 8 + length]
        if place + 12 + length > len(content):
            break
        fixed += content[place : place + 4] + whole + struct.pack(">I", zlib.crc32(whole))
        place += 12 + length
    return bytes(fixed) + content[place:]


def changed_value(chance: random.Random, value: Any, others: Sequence[Any]) -> Any:
    """A value of JSON with something somewhere put in place of something, left out or put in.

    Args:
        chance: What is drawn from.
        value: A valid one.
        others: What is put in.
    """
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        if (kind := chance.random()) < 0.05:
            return {name: each for name, each in value.items() if name != key}
        if kind < 0.1:
            return {**value, str(chance.choice(others))[:100]: chance.choice(others)}
        return {**value, key: changed_value(chance, value[key], others)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        if chance.random() < 0.1:
            return value * chance.choice((0, 2, 30))
        return [*value[:place], changed_value(chance, value[place], others), *value[place + 1 :]]
    return chance.choice(others)
