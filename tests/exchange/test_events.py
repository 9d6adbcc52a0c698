"""The event file, read back with TensorBoard's own reader."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mnist_lab.exchange import FORMS, Source, events, file_name
from mnist_lab.store import Run, RunStore
from tests.exchange.conftest import HISTORY, POINTS, Mouth


def test_checksums_are_those_of_the_standard() -> None:
    # Test vectors of CRC-32C in RFC 3720, B.4, with the mask of TensorFlow's records.
    for content, crc in ((bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)):
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        assert events._masked(content) == struct.pack("<I", masked)


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_the_curves_that_the_store_has(
    store: RunStore, run: Run, mouth: Mouth, tmp_path: Path
) -> None:
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard is not installed"
    )
    form = FORMS["tensorboard"]
    (tmp_path / file_name(run, form)).write_bytes(form.make(Source(store, run, mouth)))
    found = reader.EventAccumulator(str(tmp_path), size_guidance={reader.SCALARS: 0}).Reload()
    read = {
        tag: [(each.step, each.value, each.wall_time) for each in found.Scalars(tag)] for tag in found.Tags()["scalars"]
    }
    assert set(read) == {*events.TAGS.values(), *events.POINT_TAGS.values()}
    ends = {1: 1.7e9 + 2, 2: 1.7e9 + 3}
    for name, tag in events.TAGS.items():
        kept = [(each["epoch"], each[name], ends[each["epoch"]]) for each in HISTORY if each[name] is not None]
        for (step, value, moment), (epoch, wanted, when) in zip(read[tag], kept, strict=True):
            assert (step, value, moment) == (epoch, pytest.approx(wanted), pytest.approx(when, abs=1e-3)), tag
    assert [(step, value) for step, value, _ in read["accuracy/within the epochs"]] == [(4, 0.5), (6, 0.75)]
    assert [moment - 1.7e9 for _, _, moment in read["accuracy/within the epochs"]] == pytest.approx([2.0, 2.5])
    assert [(step, value) for step, value, _ in read["loss/within the epochs"]] == [(4, POINTS[0]["loss"])]


def test_a_run_without_curves_has_an_event_file_all_the_same(store: RunStore, run: Run) -> None:
    content = events.event_file(run, [], [])
    assert content.endswith(events._masked(content[12:-4])) and b"brain.Event:2" in content
