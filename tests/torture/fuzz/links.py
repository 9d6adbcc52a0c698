"""Links, descriptions and settings: structured nonsense, made by Hypothesis, and codes with something wrong in them."""

from __future__ import annotations

import base64
import json
import random
import zlib
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mnist_lab import links, shapes, studies
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ArchitectureError, ConfigError, ExchangeError, LabError
from mnist_lab.exchange import documents, record
from mnist_lab.fields import specs, to_dict
from mnist_lab.layers import LAYERS
from mnist_lab.links_dictionary import FORMAT_1
from mnist_lab.optimizers import OPTIMIZERS
from mnist_lab.training_config import SCHEDULES, EarlyStopping, TrainingConfig
from tests.torture.fuzz.guard import Target
from tests.torture.fuzz.mutation import changed_value, mutant

ODD_NUMBERS = [
    0,
    -1,
    1,
    10,
    2**31,
    2**53,
    2**63,
    -(2**64),
    10**39,
    0.5,
    1e308,
    -1e308,
    1e-320,
    float("nan"),
    float("inf"),
]
# A description comes from a file of JSON too, where a whole number may have thousands of digits. Hypothesis writes down
# what it chooses from: these stand for them.
GIANTS = {"a giant": 10**400, "a negative giant": -(10**4000), "the largest": 10**4299}
ODD_TEXTS = ["", "x", "\0", "\ud800", "\x1b[31m", "\u202eevil", "Dense", "Lambda", "__class__", "x" * 300, "relu",
    "Adam",
             "<script>", "![](http://example.com/x.png)", "$x$", ":red[x]", "../x", "=cmd|' /C calc'!A0",
             "é" * 100]  # fmt: skip
LETTERS = (
    "aZ09 _-.,:;/\\'\"<>&$`*[]{}()|#!?=+@%~^\0\n\r\t\x1b\x7f\x85\u00e9\u200b\u200d\u202e\u2066\ud800\udfff\ufeff"
    "\U0001f600"
)

words = st.text(st.sampled_from(LETTERS), max_size=30)
scalars = st.one_of(
    st.sampled_from([None, True, False, *ODD_NUMBERS, *ODD_TEXTS, *GIANTS]), st.integers(-3, 300), st.floats(), words
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=4,
)


def with_giants(value: Any) -> Any:
    """A value with the numbers that its words stand for."""
    if isinstance(value, dict):
        return {name: with_giants(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_giants(each) for each in value]
    return GIANTS.get(value, value) if isinstance(value, str) else value


def _of(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    """Values for the fields of a setting: now and then one that is odd, missing or unknown."""
    known = {name: _value(spec) for name, spec in specs(cls).items()}
    more = st.dictionaries(st.sampled_from(["layers", "branches", "x", "name", "layer"]), anything, max_size=1)
    return st.builds(
        lambda values, extra, is_odd: {**values, **(extra if is_odd == 0 else {})},
        st.fixed_dictionaries({}, optional=known), more, st.integers(0, 9),
    )  # fmt: skip


def _value(spec: Any) -> st.SearchStrategy[Any]:
    if spec.kind == "choice":
        good: st.SearchStrategy[Any] = st.sampled_from(spec.choices)
    elif spec.kind == "boolean":
        good = st.booleans()
    elif spec.kind == "text":
        good = words
    else:
        low, high = max(spec.low, -100), min(spec.high, 64)
        good = st.integers(int(low), max(int(low), int(high)))
        if spec.kind == "number":
            good = st.floats(low, max(low, high))
        elif spec.kind == "pair":
            good = st.one_of(good, st.tuples(good, good).map(list))
    return st.one_of([*[good] * 60, anything])


_flat = st.one_of([
    _of(cls).map(lambda values, kind=kind: {"layer": kind, **values})
    for kind, cls in LAYERS.items()
    if kind not in ("Parallel", "Residual", "Pretrained")
])  # fmt: skip
layers = st.recursive(
    _flat,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: {"layer": "Residual", "layers": items}),
        st.lists(st.lists(inner, max_size=2), max_size=3).map(lambda items: {"layer": "Parallel", "branches": items}),
    ),
    max_leaves=6,
)
_ending = st.just([{"layer": "Flatten"}, {"layer": "Dense", "units": 10, "activation": "softmax"}])
architectures = st.one_of(
    st.builds(lambda some, end: {"layers": [*some, *end]}, st.lists(layers, max_size=4), _ending),
    st.builds(
        lambda some, shape, extra: {"layers": some, "input_shape": shape, **extra},
        st.one_of(st.lists(st.one_of(layers, anything), max_size=4), anything),
        st.one_of(st.just([28, 28, 1]), st.lists(st.integers(-1, 40), max_size=4), anything),
        st.dictionaries(st.sampled_from(["format", "x", "layers"]), anything, max_size=1),
    ),
    anything,
)
_named = {
    "optimizer": st.one_of([_of(cls).map(lambda values, n=name: {"name": n, **values}) for name,
    cls in OPTIMIZERS.items()]),
    "schedule": st.one_of([_of(cls).map(lambda values, n=name: {"name": n, **values}) for name,
    cls in SCHEDULES.items()]),
}  # fmt: skip
trainings = st.one_of(
    st.builds(
        lambda values, parts: {**values, **parts},
        _of(TrainingConfig),
        st.fixed_dictionaries(
            {},
            optional={
                **_named,
                "early_stopping": anything,
                "augmentation": anything,
                "fine_tuning": anything,
                "schedule": st.one_of(_named["schedule"], anything),
            },
        ),
    ),
    anything,
)


def _both(network: Any, training: Any) -> bool:
    """Reads a network and a training: what passes is drawn up, counted, and makes the same values again."""
    found = []
    try:
        made = Architecture.from_dict(network)
        shapes.analyse(made)
        assert Architecture.from_dict(made.to_dict()) == made
        found.append(made)
    except ArchitectureError:
        pass
    try:
        settings = TrainingConfig.from_dict(training)
        assert TrainingConfig.from_dict(settings.to_dict()) == settings
        json.dumps(settings.to_dict(), allow_nan=False)
        found.append(settings)
    except ConfigError:
        pass
    return len(found) == 2


def descriptions(folder: Path) -> Target:
    """Networks and trainings as values of JSON, made of nothing."""
    return Target(
        lambda value: _both(*with_giants(value)),
        strategy=st.tuples(architectures, trainings),
        kind="descriptions (Hypothesis)",
        first=[({}, {})],
    )


def values(folder: Path) -> Target:
    """Valid networks and trainings with something in place of something else; as descriptions, and within links."""
    presets = list(studies.presets().values())
    networks = [each.architecture.to_dict() for each in presets]
    networks += [{"layers": [{"layer": kind, **to_dict(cls())} for kind, cls in LAYERS.items()]}]
    trainings = [each.training.to_dict() for each in presets]
    trainings += [TrainingConfig(optimizer=kind()).to_dict() for kind in OPTIMIZERS.values()]
    trainings += [
        TrainingConfig(schedule=kind(), early_stopping=EarlyStopping()).to_dict() for kind in SCHEDULES.values()
    ]
    inner = [layer for network in networks for layer in network["layers"]]
    others = [None, True, False, *ODD_NUMBERS, *ODD_TEXTS, *GIANTS, [], {}, [[]], [3, 3], [0], *networks[:3],
        *inner[:20],
              {"layer": "Residual", "layers": inner[:2]}, {"layer": "Parallel", "branches": [inner[:1], inner[1:3]]},
              {"name": "Adam"}, {"layer": "Lambda", "function": "import os"}]  # fmt: skip

    def make(chance: random.Random) -> tuple[str, Any]:
        network, training = chance.choice(networks), chance.choice(trainings)
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 5))):
            network = changed_value(chance, network, others)
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 5))):
            training = changed_value(chance, training, others)
        name = chance.choice(["", "x", *ODD_TEXTS])
        return (
            ("descriptions", (network, training, None))
            if chance.random() < 0.5
            else ("links", (network, training, name))
        )

    def feed(value: Any) -> bool:
        network, training, name = value
        if name is None:
            return _both(with_giants(network), with_giants(training))
        return _opened(_code(_json({"architecture": network, "training": training, "name": name})))

    return Target(feed, make, first=[(networks[0], trainings[0], None), (networks[0], trainings[0], "x")])


def _json(value: Any) -> bytes:
    try:
        return json.dumps(with_giants(value), ensure_ascii=False).encode("utf-8", "surrogatepass")
    except ValueError:  # a number of thousands of digits
        return b'{"architecture":' + b"9" * 5000 + b',"training":{},"name":""}'


def decoded(folder: Path) -> Target:
    """Links around structured nonsense, with values that JSON has and Python has not."""

    return Target(
        lambda value: _opened(_code(_json(value))),
        strategy=st.fixed_dictionaries(
            {"architecture": architectures, "training": trainings},
            optional={"name": st.one_of(words, anything), "x": anything},
        ),
        kind="links (Hypothesis)",
        first=[{}],
    )


def _code(data: bytes) -> str:
    engine = zlib.compressobj(9, zdict=FORMAT_1.encode())
    return "1." + base64.urlsafe_b64encode(engine.compress(data) + engine.flush()).decode().rstrip("=")


def _opened(code: str) -> bool:
    found = links.decode(code)
    assert found.name.isprintable() and len(found.name) <= 200
    assert links.decode(links.encode(*found)) == found
    return True


_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TEXTS = [
    b"[" * 50_000, b'{"a":' * 20_000, b'{"architecture":{},"training":{},"name":""}', b"9" * 50_000, b"NaN",
    b"\xff\xfe",
    b'{"architecture":1e999,"training":-Infinity,"name":"\\ud800"}', b'"' + b"\\u0000" * 9_000 + b'"',
    b'{"name":"a","name":"b","architecture":{},"training":{}}', b"0" * 99_999, b" " * 100_000, b"",
]  # fmt: skip


def codes(folder: Path) -> Target:
    """Codes, addresses and ids with something wrong in them, down to the bits of the packed text."""
    presets = [links.encode(each.architecture, each.training, each.name) for each in studies.presets().values()]
    inside = [links._inflated(code.partition(".")[2]) for code in presets]
    bombs = [_code(b"0" * size) for size in (100_001, 1_000_000, 30_000_000)]

    def make(chance: random.Random) -> tuple[str, str]:
        kind = chance.randrange(6)
        if kind == 0:
            return "links", mutant(chance, [code.encode() for code in presets], [b".", b"%00", b"net="]).decode(
                "latin-1"
            )
        if kind == 1:
            data = mutant(chance, inside, [b"NaN", b"1e999", b'"\\ud800"', b"9" * 60, b"null", b"[[[[", b'"Lambda"'])
            return "links", _code(data)
        if kind == 2:
            packed = base64.urlsafe_b64decode(chance.choice(presets)[2:] + "==")
            code = base64.urlsafe_b64encode(mutant(chance, [packed])).decode().rstrip("=")
            return "links", f"http://host/lab?x=1&net={chance.choice(('1', '2', '01', '', '999'))}.{code}#x"
        if kind == 3:
            return "links", "1." + bytes(chance.choices(_LETTERS, k=chance.choice((1, 4, 50, 5_999, 6_001)))).decode()
        if kind == 4:
            return "links", _code(chance.choice(_TEXTS)) if chance.random() < 0.8 else chance.choice(bombs)
        ids = "".join(chance.choices("0123456789abcdefxyz,,% \0é", k=chance.choice((1, 8, 40, 300, 9_000))))
        return "query parameters", ids

    def feed(text: str) -> bool:
        try:
            links.run_ids(text)
        except LabError:
            pass
        return _opened(text)

    return Target(feed, make, first=[presets[0], "x"])


def json_files(folder: Path) -> Target:
    """The JSON files of an archive: texts with something wrong in them, and what is no JSON at all."""
    good = [
        json.dumps(value).encode()
        for value in (
            [{"epoch": 1, "loss": 0.5, "accuracy": None}, {"epoch": 2, "loss": 1e-7}],
            [{"step": 1, "epoch": 0.5, "loss": 0.1, "accuracy": 0.5}],
            next(iter(studies.presets().values())).architecture.to_dict(),
            TrainingConfig().to_dict(),
            {"id": "0" * 32, "name": "x", "notes": "", "tags": ["a"], "preset": None, "status": "finished"},
        )
    ]
    words = [b"NaN", b"Infinity", b"-1e999", b'"\\ud800"', b"9" * 20, b"9" * 5000, b"[" * 3000, b'{"a":' * 3000,
        b"null",
             b"\xed\xa0\x80", b"\0", b'{"a":1,"a":2}', b"1e", b'"' + b"\\u0000" + b'"', b"\xef\xbb\xbf", b"[]",
             b"{}"]  # fmt: skip

    def make(chance: random.Random) -> tuple[str, bytes]:
        return "JSON files", mutant(chance, good, words)

    def feed(content: bytes) -> bool:
        value = documents.read(content, "x.json")
        taken = False
        for read in (record.history, record.points, record.from_json, Architecture.from_dict, TrainingConfig.from_dict):
            try:
                read(value)
                taken = True
            except (ExchangeError, ArchitectureError, ConfigError):
                pass
        return taken

    return Target(feed, make, first=good)
