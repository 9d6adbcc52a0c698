"""JSON that comes from anyone: finite, without huge numbers, each key once."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from mnist_lab.errors import ExchangeError
from mnist_lab.exchange.archive import REMEDY

# The largest whole number that JSON readers agree on.
LARGEST = 2**53


def write(value: Any) -> bytes:
    """A value as a JSON file."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def read(content: bytes, name: str) -> Any:
    """Reads a JSON file.

    Raises:
        ExchangeError: If it is not JSON, has NaN, an infinite or huge number or a key twice, or is nested too deeply.
    """

    def refuse(what: str) -> NoReturn:
        raise ExchangeError(f"{name} holds {what}.", REMEDY)

    def whole(text: str) -> int:
        if len(text) > 17 or abs(int(text)) > LARGEST:
            refuse(f"{text[:20]} …, a number too large" if len(text) > 20 else f"{text}, a number too large")
        return int(text)

    def real(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            refuse(f"{text:.20}, a number too large")
        return number

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            refuse("a key twice")
        return values

    try:
        return json.loads(
            content.decode("utf-8"),
            parse_int=whole,
            parse_float=real,
            parse_constant=lambda word: refuse(f"{word}, which is no number"),
            object_pairs_hook=once,
        )
    except RecursionError as error:
        raise ExchangeError(f"{name} is nested too deeply.", REMEDY) from error
    except ValueError as error:
        raise ExchangeError(f"{name} is not JSON.", REMEDY) from error
