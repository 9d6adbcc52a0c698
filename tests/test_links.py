"""Links: what goes in comes out, the same years later; what others may send ends in one sentence, soon."""

from __future__ import annotations

import base64
import json
import random
import re
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnist_lab import fields, links
from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError, LinkError
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Flatten, Layer
from mnist_lab.links_dictionary import FORMAT_1
from mnist_lab.optimizers import OPTIMIZERS, SGD
from mnist_lab.studies import presets
from mnist_lab.training_config import SCHEDULES, Augmentation, EarlyStopping, FineTuning, TrainingConfig
from tests import random_networks

SMALL = Architecture((Flatten(), Dense(10, "softmax")))
PLAIN = TrainingConfig()
MANY = settings(max_examples=100, deadline=None)


def values_of(spec: fields.Spec) -> st.SearchStrategy[Any]:
    """Everything that a setting may be."""
    whole = st.integers(max(int(max(spec.low, -1e9)), -(10**9)), int(min(spec.high, 1e9)))
    kinds: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "integer": lambda: whole,
        "pair": lambda: st.tuples(whole, whole),
        "number": lambda: st.floats(
            max(spec.low, -1e12), min(spec.high, 1e12), exclude_max=spec.exclusive_high, allow_subnormal=False
        ),
        "choice": lambda: st.sampled_from(spec.choices),
        "boolean": st.booleans,
    }
    made = kinds[spec.kind]()
    return st.none() | made if spec.optional else made


def parts(cls: type, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Instances of a dataclass of settings."""
    own = {name: values_of(spec) for name, spec in fields.specs(cls).items()}
    return st.builds(cls, **own, **more)


trainings = parts(
    TrainingConfig,
    optimizer=st.sampled_from(sorted(OPTIMIZERS)).flatmap(lambda name: parts(OPTIMIZERS[name])),
    schedule=st.sampled_from(sorted(SCHEDULES)).flatmap(lambda name: parts(SCHEDULES[name])),
    early_stopping=st.none() | parts(EarlyStopping),
    augmentation=parts(Augmentation),
)


def packed(text: str | bytes, version: str = "1") -> str:
    """A code as a stranger can make it: any text in the form of a link."""
    engine = zlib.compressobj(9, zdict=FORMAT_1.encode())
    data = engine.compress(text.encode() if isinstance(text, str) else text) + engine.flush()
    return f"{version}.{base64.urlsafe_b64encode(data).decode().rstrip('=')}"


def unpacked(code: str) -> Any:
    """What stands in a code, read without the program."""
    data = base64.urlsafe_b64decode(code[2:] + "=" * (-len(code[2:]) % 4))
    return json.loads(zlib.decompressobj(zdict=FORMAT_1.encode()).decompress(data))


def described(**other: Any) -> dict[str, Any]:
    return {"architecture": SMALL.to_dict(), "training": PLAIN.to_dict(), "name": "", **other}


# There and back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets())
def test_every_preset_goes_there_and_back_in_a_short_link(name: str) -> None:
    preset = presets()[name]
    code = links.encode(preset.architecture, preset.training, preset.title)
    assert links.decode(code) == (preset.architecture, preset.training, preset.title)
    assert re.fullmatch(r"1\.[A-Za-z0-9_-]{20,240}", code)


@pytest.mark.parametrize("make", [random_networks.possible, random_networks.doubtful])
def test_random_networks_go_there_and_back_whether_possible_or_not(
    make: Callable[[random.Random], Architecture],
) -> None:
    for seed in range(200):
        network = make(random.Random(seed))
        assert links.decode(links.encode(network, PLAIN)).architecture == network


@MANY
@given(trainings)
def test_every_training_goes_there_and_back_the_seed_too(training: TrainingConfig) -> None:
    found = links.decode(links.encode(SMALL, training)).training
    assert found == training
    assert found.seed == training.seed


@MANY
@given(st.text(max_size=300))
@example("Löwe 🦁 <b>*2*</b> & \"3\" '''")
@example("\ud800")
@example("a\x00b\nc")
def test_a_name_arrives_in_one_line_as_the_store_would_keep_it(name: str) -> None:
    found = links.decode(links.encode(SMALL, PLAIN, name)).name
    assert found == links.decode(links.encode(SMALL, PLAIN, found)).name
    assert len(found) <= 200 and "\n" not in found
    assert found.isprintable()
    shown = "".join(ch for ch in name if ch.isprintable() and ch != " ")
    if len(name) <= 200:
        assert found.replace(" ", "") == shown, "more than what cannot be shown was left out"
    found.encode()


def test_the_same_network_has_the_same_link_and_another_one_another() -> None:
    codes = {links.encode(SMALL, replace(PLAIN, seed=seed)) for seed in (1, 1, 2)}
    assert len(codes) == 2
    assert links.encode(SMALL, PLAIN) != links.encode(SMALL, PLAIN, "a")


def test_a_link_says_every_setting_so_that_later_defaults_change_none() -> None:
    assert unpacked(links.encode(SMALL, PLAIN, "n")) == described(name="n")
    conv = unpacked(links.encode(Architecture((Conv2D(),)), PLAIN))["architecture"]["layers"][0]
    assert set(conv) == {"layer", *fields.specs(Conv2D)}


OLD = [
    ("1.ePmsozTTo1ZtiZnTLQd_Rqd9wW9oNvJCgagizYBGRRqqPRYmdLFmsBaNpqMlI_klIwBLA7lh", "lenet-5", 9, 42, 5),
]


@pytest.mark.parametrize(("code", "preset", "filters", "seed", "epochs"), OLD)
def test_links_that_were_sent_out_before_open_for_ever(
    code: str, preset: str, filters: int, seed: int, epochs: int
) -> None:
    found = links.decode(code)
    first, *others = presets()[preset].architecture.layers
    assert found.architecture.layers == (replace(first, filters=filters), *others)
    assert (found.training.seed, found.training.epochs) == (seed, epochs)


def test_the_dictionary_of_format_1_is_what_it_was() -> None:
    assert (len(FORMAT_1), zlib.crc32(FORMAT_1.encode())) == (3_230, 3_496_789_607), "no link of format 1 would open"


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8501/lab?net={}", "https://h/x/lab?a=1&net={}&b=2#c", "  {}\n", "/lab?net={}", "?net={}"],
)
def test_an_address_is_as_good_as_its_code(address: str) -> None:
    assert links.decode(address.format(links.encode(SMALL, PLAIN, "me"))) == (SMALL, PLAIN, "me")


def test_a_link_that_a_mailer_has_broken_into_lines_opens() -> None:
    code = links.encode(presets()["004-model-10"].architecture, PLAIN)
    assert links.decode("\n".join(re.findall(".{1,40}", code))).architecture == presets()["004-model-10"].architecture


def test_a_network_that_is_too_large_for_a_link_is_said_to_be_and_what_to_do() -> None:
    rng = random.Random(1)
    layers = tuple(BatchNormalization(rng.random(), rng.random(), rng.random() < 0.5) for _ in range(200))
    assert len(links.encode(Architecture(layers), PLAIN)) <= links.MAX_LENGTH, "as long as all names are short"
    name = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(200))
    with pytest.raises(LinkError, match=r"limit. Send it as the JSON file"):
        links.encode(Architecture(layers), PLAIN, name)


def test_a_network_for_other_images_has_no_link() -> None:
    with pytest.raises(LinkError, match="images of 32 × 32 × 3"):
        links.encode(Architecture((Flatten(),), (32, 32, 3)), PLAIN)


# What others may send -------------------------------------------------------------------------------------------------


def refused(text: str) -> LinkError:
    """How a text is refused: by one error of ours, soon, with a remedy and in few words."""
    start = time.thread_time()
    with pytest.raises(LinkError) as caught:
        links.decode(text)
    assert time.thread_time() - start < 1
    tracemalloc.start()
    try:
        with pytest.raises(LinkError):
            links.decode(text)
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()
    assert caught.value.message and len(str(caught.value)) < 1_000
    return caught.value


GOOD = links.encode(presets()["004-model-10"].architecture, presets()["004-model-10"].training, "name")
BOMB = zlib.compress(b"[" * 4_000_000, 9)

HOSTILE: dict[str, tuple[str, str]] = {
    "nothing": ("", "no link"),
    "words": ("hello world", "no link"),
    "an address without one": ("http://127.0.0.1/lab", "no link"),
    "another parameter": ("http://127.0.0.1/lab?network=1.ab", "no link"),
    "no body": ("1.", "damaged"),
    "version 2": ("2" + GOOD[1:], "newer version"),
    "version 999": ("999.x", "newer version"),
    "version 0": ("0" + GOOD[1:], "newer version"),
    "a version with too many digits": ("1" * 3_000 + GOOD[1:], "no link"),
    "a version in other digits": ("١" + GOOD[1:], "no link"),
    "a letter that does not belong": (GOOD[:50] + "!" + GOOD[51:], "damaged"),
    "another alphabet": (GOOD[:50] + "я" + GOOD[51:], "damaged"),
    "padding": (GOOD + "==", "damaged"),
    "more at the end": (f"1.{base64.urlsafe_b64encode(zlib.compress(b'{}') + b'more').decode().rstrip('=')}", "more"),
    "a bomb": (f"1.{base64.urlsafe_b64encode(BOMB).decode()}", "more than 100,000 bytes"),
    "a bomb in the dictionary's terms": (packed("[" * 3_000_000), "more than 100,000 bytes"),
    "spaces without end": (packed(" " * 2_000_000), "more than 100,000 bytes"),
    "nesting": (packed("[" * 99_000), "no description"),
    "closed nesting": (packed("[" * 49_000 + "]" * 49_000), "no description"),
    "nested objects": (packed('{"a":' * 15_000 + "1" + "}" * 15_000), "no description"),
    "a long address": ("x" * 20_000, "too long"),
    "a long code": ("1." + "A" * 7_000, "too long"),
    "bytes that are no text": (packed(b"\xff\xfe\x00"), "no description"),
    "a list": (packed("[1, 2]"), "not hold"),
    "a number": (packed("7"), "not hold"),
    "null": (packed("null"), "not hold"),
    "too few parts": (packed(json.dumps({"architecture": SMALL.to_dict()})), "not hold"),
    "too many parts": (packed(json.dumps(described(x=1))), "not hold"),
    "NaN": (packed(json.dumps(described(training={"label_smoothing": float("nan")}))), "no description"),
    "infinity": (packed(json.dumps(described()).replace('"label_smoothing": 0.0', '"label_smoothing": 1e999')), "no d"),
    "a number with many digits": (packed(json.dumps(described()).replace("42", "4" * 5_000)), "no description"),
    "a large number": (packed(json.dumps(described(training={"seed": 10**39}))), "seed must be"),
    "a small number": (packed(json.dumps(described(training={"seed": -(10**38)}))), "seed must be"),
    "a fraction with many digits": (packed(json.dumps(described()).replace("0.001", "0." + "1" * 9_000)), "no desc"),
    "a name that is none": (packed(json.dumps(described(name=["a"]))), "name is not a text"),
    "a long name": (packed(json.dumps(described(name="a" * 201))), "name is not a text"),
    "a network of text": (packed(json.dumps(described(architecture="lenet"))), "does not know: An architecture"),
    "an unknown layer": (
        packed(json.dumps(described(architecture={"layers": [{"layer": "Attention"}]}))), "unknown layer 'Attention'",
    ),
    "a layer with a long name": (
        packed(json.dumps(described(architecture={"layers": [{"layer": "x" * 90_000}]}))), "unknown layer 'xxx",
    ),
    "a layer of a list": (packed(json.dumps(described(architecture={"layers": [{"layer": ["Dense"]}]}))), "unknown"),
    "an unknown field": (
        packed(json.dumps(described(architecture={"layers": [{"layer": "Dense", "self": 1}]}))), "unknown field 'self'",
    ),
    "a wrong type": (
        packed(json.dumps(described(architecture={"layers": [{"layer": "Dense", "units": "10"}]}))), "units must be",
    ),
    "a long list in place of a number": (
        packed(json.dumps(described(architecture={"layers": [{"layer": "Dense", "units": [1] * 30_000}]}))), "units",
    ),
    "thousands of layers": (
        packed(json.dumps(described(architecture={"layers": [{"layer": "Flatten"}] * 4_000}))), "200 layers",
    ),
    "thousands of branches": (
        packed(json.dumps(described(architecture={"layers": [{"layer": "Parallel", "branches": [[]] * 20_000}]}))),
        "1 to 16 branches",
    ),
    "a negative size": (packed(json.dumps(described(architecture={"input_shape": [-1, 2, 3], "layers": []}))), "input"),
    "other images": (packed(json.dumps(described(architecture={"input_shape": [5, 5, 3], "layers": []}))), "images of"),
    "an optimizer of its own": (packed(json.dumps(described(training={"optimizer": {"name": "Evil"}}))), "optimizer"),
    "an optimizer of a list": (packed(json.dumps(described(training={"optimizer": [["name", "Adam"]]}))), "optimizer"),
    "an unknown setting": (packed(json.dumps(described(training={"__class__": 1}))), "__class__"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_link_of_ours_is_one_sentence_with_what_to_do(kind: str) -> None:
    text, words = HOSTILE[kind]
    error = refused(text)
    assert words in str(error), str(error)
    assert error.remedy or "does not know" in error.message


def blocks(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"layer": "Flatten"}
    for _ in range(depth):
        inner = {"layer": "Residual", "layers": [inner]}
    return {"layers": [inner]}


@pytest.mark.parametrize("depth", [4, 20, 300])
def test_blocks_within_blocks_have_a_limit(depth: int) -> None:
    text = packed(json.dumps(described(architecture=blocks(depth))))
    assert "nested" in str(refused(text))
    assert links.decode(packed(json.dumps(described(architecture=blocks(3))))).architecture.layers


@pytest.mark.parametrize("length", range(0, len(GOOD), 7))
def test_a_link_that_is_cut_off_anywhere_is_refused(length: int) -> None:
    refused(GOOD[:length])


@MANY
@given(st.integers(2, len(GOOD) - 1), st.sampled_from("ABCxyz019-_"))
def test_a_link_with_another_letter_is_refused_or_the_same(at: int, letter: str) -> None:
    changed = GOOD[:at] + letter + GOOD[at + 1 :]
    try:
        found = links.decode(changed)
    except LinkError:
        return
    # The last letter holds bits that mean nothing.
    assert found == links.decode(GOOD) and (at == len(GOOD) - 1 or letter == GOOD[at])


def accepted_or_refused(text: str) -> None:
    """Nothing but an error of ours may come of a text; what is accepted can be sent on."""
    try:
        found = links.decode(text)
    except LinkError as error:
        assert len(str(error)) < 1_000
        return
    assert links.decode(links.encode(*found)) == found


@MANY
@given(st.text(max_size=200))
def test_any_text_is_accepted_or_refused(text: str) -> None:
    accepted_or_refused(text)
    accepted_or_refused(f"1.{text}")


@MANY
@given(st.binary(max_size=300))
def test_any_bytes_in_the_form_of_a_link_are_accepted_or_refused(data: bytes) -> None:
    accepted_or_refused(f"1.{base64.urlsafe_b64encode(data).decode().rstrip('=')}")
    accepted_or_refused(packed(data))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.integers(-(10**45), 10**45),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@MANY
@given(anything, anything, anything)
def test_any_values_in_the_form_of_a_link_are_accepted_or_refused(network: Any, training: Any, name: Any) -> None:
    for values in (described(architecture=network), described(training=training), described(name=name), network):
        accepted_or_refused(packed(json.dumps(values)))


@MANY
@given(st.data())
def test_any_value_in_any_place_of_a_true_link_is_accepted_or_refused(data: st.DataObject) -> None:
    values = json.loads(json.dumps(described(architecture=random_networks.possible(random.Random(3)).to_dict())))
    place, key = values, data.draw(st.sampled_from(sorted(values)))
    while isinstance(place[key], (dict, list)) and place[key] and data.draw(st.integers(0, 4)):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(anything)
    accepted_or_refused(packed(json.dumps(values)))


def test_a_link_makes_no_layer_that_is_not_registered() -> None:
    for _, layer in links.decode(GOOD).architecture.walk():
        assert isinstance(layer, Layer)


# Runs -----------------------------------------------------------------------------------------------------------------


def test_the_runs_of_a_link_are_ids_or_their_beginnings_each_once() -> None:
    whole = "0123456789abcdef" * 2
    assert links.run_ids(f"{whole},ABCD,{whole},12345678") == [whole, "abcd", "12345678"]
    assert len(links.run_ids(",".join(f"{number:032x}" for number in range(10)))) == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no link to runs"),
        ("abc", "no link to runs"),
        ("abcd,", "no link to runs"),
        ("a" * 33, "no link to runs"),
        ("../../etc", "no link to runs"),
        ("abcd;drop table runs", "no link to runs"),
        ("<script>alert(1)</script>", "no link to runs"),
        ("％%00", "no link to runs"),
        (",".join(f"{number:04x}" for number in range(11)), "more than 10 runs"),
        ("a" * 100_000, "more than 10 runs"),
    ],
)
def test_a_link_to_what_cannot_be_runs_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(LinkError, match=words) as caught:
        links.run_ids(text)
    assert len(str(caught.value)) < 1_000 and caught.value.remedy


@given(st.text(max_size=300))
def test_any_text_names_runs_or_is_refused(text: str) -> None:
    try:
        ids = links.run_ids(text)
    except LabError:
        return
    assert all(re.fullmatch(r"[0-9a-f]{4,32}", each) for each in ids)


def test_an_optimizers_own_settings_arrive() -> None:
    training = replace(PLAIN, optimizer=SGD(0.05, 0.9, True), seed=7)
    assert links.decode(links.encode(SMALL, training)).training.optimizer == SGD(0.05, 0.9, True)


def test_a_fine_tuning_is_in_no_link_be_it_ours_or_a_stranger_s() -> None:
    tuned = replace(PLAIN, fine_tuning=FineTuning("a" * 32, "Anna"))
    with pytest.raises(LinkError, match="a link can hold neither"):
        links.encode(SMALL, tuned)
    with pytest.raises(LinkError, match="fine-tuning"):
        links.decode(packed(json.dumps(described(training=tuned.to_dict()))))
