"""The rows of sweeps and of their trials."""

from __future__ import annotations

from collections.abc import Iterator

from mnist_lab.doctor.check import OK, WARNING, Finding, Patient, check, listed
from mnist_lab.store import damage


@check("sweeps", 25)
def sweeps(patient: Patient) -> Iterator[Finding]:
    """Sweeps and trials whose rows cannot be read; each counts as failed, and is left as it is."""
    if (store := patient.store) is None:
        yield Finding(OK, "Sweeps were not looked at: there is no store that can be read.")
        return
    damaged, counts = [], []
    for each in store.sweeps():
        name = f"{each.name!r:.40} ({each.id[:8]})"
        if damage.is_told(each.reason):
            damaged.append(name)
        if trials := sum(damage.is_told(trial.reason) for trial in store.trials(each.id)):
            counts.append(f"{trials:,} of {name}")
    if damaged:
        text = f"The rows of these sweeps cannot be read in full: {listed(damaged)}."
        yield Finding(WARNING, text, "Delete them on the page Sweeps, or bring them back from a backup.")
    if counts:
        text = f"The rows of these trials cannot be read in full: {listed(counts)}."
        yield Finding(WARNING, text, "They count as failed; a backup may have them whole. Their runs are in Runs.")
    if not damaged and not counts:
        yield Finding(OK, "Every sweep and every trial can be read.")
