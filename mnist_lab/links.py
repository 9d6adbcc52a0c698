"""Links: a network, its training and its seed as a short text that fits into an address, and back.

A link says every setting, also where it is a default: whatever a later version's defaults are, it means what it meant.
It is ``1.`` and base64url of the deflated JSON; a dictionary that is part of the format keeps it short (the longest of
the presets has 242 characters). What comes in may be anything: it is bounded before it is read, and every value is
checked as if it had been typed.
"""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from typing import Any, NamedTuple
from urllib.parse import unquote

from mnist_lab import formatting
from mnist_lab.architecture import INPUT_SHAPE, Architecture
from mnist_lab.errors import LabError, LinkError
from mnist_lab.links_dictionary import FORMAT_1
from mnist_lab.store.edits import MAX_NAME, clean_name
from mnist_lab.training_config import TrainingConfig

VERSION = "1"
PARAMETER = "net"
MAX_LENGTH = 6_000
"""Characters of a link's code. Browsers take more, but mailers, chats and proxies cut longer addresses off."""
MAX_BYTES = 100_000
"""What a code may inflate to. Two hundred layers of the longest kind have half of it."""
MAX_ADDRESS = MAX_LENGTH + 4_000
MAX_RUNS = 10
MAX_DIGITS = 40
MAX_WORDS = 300

_DICTIONARY = FORMAT_1.encode()
_AGAIN = "Copy the whole link once more, from its beginning to its end."


class Linked(NamedTuple):
    """What a link holds."""

    architecture: Architecture
    training: TrainingConfig
    name: str


def encode(architecture: Architecture, training: TrainingConfig, name: str = "") -> str:
    """A network and its training as the code of a link: ``"1.eJyrVk..."``, letters, digits, ``-``, ``_`` and a dot.

    Args:
        architecture: The network; it need not be possible.
        training: How it is trained, the seed too.
        name: Display text; what cannot be shown in one line is left out.

    Returns:
        At most `MAX_LENGTH` characters, the same ones for the same network, training and name.

    Raises:
        LinkError: If it would be longer, takes other images than the Lab's, or is a fine-tuning.
    """
    _check_input(architecture)
    if training.fine_tuning is not None:
        raise LinkError(
            "A fine-tuning goes on from the weights of a run, on somebody's digits; a link can hold neither.",
            "Take the run away as a .zip: its weights are in it.",
        )
    values = {"architecture": architecture.to_dict(), "training": training.to_dict(), "name": clean_name(name)}
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    engine = zlib.compressobj(9, zdict=_DICTIONARY)
    packed = engine.compress(text.encode()) + engine.flush()
    code = f"{VERSION}.{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"
    if len(code) > MAX_LENGTH:
        raise LinkError(
            f"This network is too large for a link: {len(code):,} characters, and {MAX_LENGTH:,} is the limit.",
            "Send it as the JSON file of the tab Code.",
        )
    return code


def decode(text: str) -> Linked:
    """What a link holds; its network may be impossible, as any network under construction.

    Args:
        text: A code that `encode` made, or an address with such a code in it.

    Returns:
        The network, its training, and its name or "".

    Raises:
        LinkError: If it is no link, damaged, of a newer version, or holds what this program does not allow.
    """
    version, dot, body = code_in(text).partition(".")
    if not dot or not re.fullmatch(r"[0-9]{1,3}", version):
        raise LinkError("This is no link to a network.", f"Such a link has ?{PARAMETER}={VERSION}. in it. {_AGAIN}")
    if version != VERSION:
        raise LinkError(
            f"This link was made by a newer version of the program (format {version}; this one reads {VERSION}).",
            "Update the program, or ask the sender for the JSON file.",
        )
    values = _values(_inflated(body))
    name = values["name"]
    if not isinstance(name, str) or len(name) > MAX_NAME:
        raise LinkError(f"The link's name is not a text of at most {MAX_NAME} characters.", _AGAIN)
    try:
        architecture = Architecture.from_dict(values["architecture"])
        training = TrainingConfig.from_dict(values["training"])
    except LabError as error:
        # They quote what they received, and a stranger chose how long that is.
        message = f"The link holds what this program does not know: {_short(error.message)}"
        raise LinkError(message, _short(error.remedy)) from error
    _check_input(architecture)
    if training.fine_tuning is not None:
        raise LinkError("The link holds a fine-tuning, which goes on from a run and digits of another program.", _AGAIN)
    return Linked(architecture, training, clean_name(name))


def code_in(text: str) -> str:
    """The code in an address; a text that is none is taken for the code itself.

    Raises:
        LinkError: If it is too long to be either.
    """
    if len(text) > MAX_ADDRESS:
        raise LinkError(
            f"This is too long for a link: {len(text):,} characters, and {MAX_ADDRESS:,} is the limit.", _AGAIN
        )
    # Mailers break long lines.
    whole = "".join(text.split())
    found = re.search(rf"[?&]{PARAMETER}=([^&#]*)", whole)
    return unquote(found[1]) if found else whole


def run_ids(text: str) -> list[str]:
    """The runs that the address of the Runs page names: ids, or the beginnings of ids, with commas between them.

    Raises:
        LinkError: If it names none or too many, or something is no id.
    """
    ids = list(dict.fromkeys(text.lower().split(",")))
    if len(text) > MAX_RUNS * 40 or len(ids) > MAX_RUNS:
        raise LinkError(f"This link names more than {MAX_RUNS} runs.", "Leave some out.")
    if not all(re.fullmatch(r"[0-9a-f]{4,32}", each) for each in ids):
        raise LinkError(
            "This is no link to runs: it must name ids of 4 to 32 digits from 0 to f, with commas between them. "
            f"Received: {_short(repr(text))}.",
            _AGAIN,
        )
    return ids


def _check_input(architecture: Architecture) -> None:
    if architecture.input_shape != INPUT_SHAPE:
        raise LinkError(
            f"This network takes images of {formatting.shape(architecture.input_shape)}, and the Lab's are "
            f"{formatting.shape(INPUT_SHAPE)}.",
            "Send it as a JSON file.",
        )


def _inflated(body: str) -> bytes:
    if len(body) > MAX_LENGTH:
        raise LinkError(f"This link is too long: {len(body):,} characters, and {MAX_LENGTH:,} is the limit.", _AGAIN)
    engine = zlib.decompressobj(zdict=_DICTIONARY)
    try:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", body):
            raise ValueError("not base64url")
        data = engine.decompress(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), MAX_BYTES + 1)
    except (ValueError, zlib.error) as error:
        raise LinkError("This link is damaged.", _AGAIN) from error
    if len(data) > MAX_BYTES:
        raise LinkError(f"This link holds more than {MAX_BYTES:,} bytes, which no network needs.", _AGAIN)
    if not engine.eof or engine.unused_data:
        raise LinkError("This link is cut off, or there is more at its end than there should be.", _AGAIN)
    return data


def _values(data: bytes) -> dict[str, Any]:
    try:
        values = json.loads(data.decode(), parse_int=_whole, parse_float=_real, parse_constant=_real)
    except (ValueError, RecursionError) as error:
        raise LinkError("This link holds no description of a network.", _AGAIN) from error
    if not isinstance(values, dict) or set(values) != {"architecture", "training", "name"}:
        raise LinkError("This link does not hold a network, its training and its name.", _AGAIN)
    return values


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number with too many digits")
    return int(digits)


def _real(digits: str) -> float:
    if len(digits) > MAX_DIGITS or not math.isfinite(float(digits)):
        raise ValueError("no finite number")
    return float(digits)


def _short(words: str) -> str:
    return words if len(words) <= MAX_WORDS else f"{words[:MAX_WORDS]} …"
