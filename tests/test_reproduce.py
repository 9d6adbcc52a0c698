"""The script that writes what the project measured."""

from __future__ import annotations

from benchmarks.reproduce import merged
from mnist_lab.studies import measured, preset


def test_what_was_not_measured_again_stays_in_the_file() -> None:
    def entry(name: str, seed: int, accuracy: float) -> dict[str, object]:
        return {"preset": name, "digest": measured.digest_of(preset(name)), "seed": seed, "test_accuracy": accuracy}

    known = [entry("lenet-5", 42, 0.98), entry("000-model-3", 42, 0.97)]
    new = [entry("000-model-3", 42, 0.98), entry("000-model-3", 7, 0.99)]
    assert merged(known, new) == [new[1], new[0], known[0]]
    assert merged([], new) == [new[1], new[0]]
    stale = [{**known[0], "digest": "of another network"}]
    assert merged(stale, new) == [new[1], new[0]], "a preset that was corrected since is to be measured anew"
