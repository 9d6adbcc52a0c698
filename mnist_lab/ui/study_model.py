"""One model of a study: what was printed about it, over what was measured here."""

from __future__ import annotations

import streamlit as st

from mnist_lab import formatting
from mnist_lab.diagnosis import subjects
from mnist_lab.figures.study import published_over_ours
from mnist_lab.layer_line import layer_line
from mnist_lab.studies import Preset, measured
from mnist_lab.study_plan import Matching, Setting
from mnist_lab.ui import diagnosis_view, frame
from mnist_lab.ui.plot import plot
from mnist_lab.ui.state import workbench


def details(preset: Preset, setting: Setting, matching: Matching) -> None:
    """Draws one model: its network, its curves beside the published ones, what they say."""
    with st.container(border=True, key="study-model"):
        st.subheader(frame.escape(preset.title))
        st.markdown(layer_line(preset.analysis))
        st.caption(frame.escape(preset.cite) + (f"  \n{frame.escape(preset.remark)}" if preset.remark else ""))
        if st.button("Load into the Lab", icon=":material/network_node:", key="study-load",
                     help="Its network and its training, to look at, to change, to train."):  # fmt: skip
            workbench().load(preset.architecture, preset.training, preset.name)
            st.switch_page("pages/lab.py")
        _figures(preset)
        ours = histories(preset, setting, matching)
        printed = preset.published.history() if preset.published is not None else []
        plot(published_over_ours(printed, ours), f"study-curves-{preset.name}",
             label=f"Curves of {preset.title}, published and measured")  # fmt: skip
        _diagnosis(preset, setting, matching)


def _diagnosis(preset: Preset, setting: Setting, matching: Matching) -> None:
    runs = matching.seeds(preset, setting)
    if runs:
        ours = subjects.of_run(runs[0], frame.store().history(runs[0].id))
        whose = f"The curves of your run with seed {runs[0].training.get('seed')}"
    else:
        first = next(iter(measured.of(preset.name) if setting.is_as_published else ()), None)
        ours = () if first is None else subjects.of_preset(preset, first.history)
        whose = f"The curves that the project measured with seed {first.seed}" if first is not None else ""
    for words, findings in ((whose, ours), ("The curves that were printed", subjects.of_published(preset))):
        if findings:
            st.markdown(f"**{words}**")
            diagnosis_view.show(findings)


def histories(preset: Preset, setting: Setting, matching: Matching) -> dict[str, list[dict[str, float]]]:
    """The curves of a model in a setting by their label: the user's own, or else the project's."""
    runs = matching.seeds(preset, setting)
    if runs:
        return {f"seed {run.training.get('seed')}": frame.store().history(run.id) for run in runs}
    if not setting.is_as_published:
        return {}
    return {f"seed {each.seed}": list(each.history) for each in measured.of(preset.name)}


def _figures(preset: Preset) -> None:
    published = preset.published
    if published is None:
        st.caption("Nobody has published figures of this model.")
        return
    facts = [
        ("test accuracy", formatting.percent(published.test_accuracy)),
        ("test loss", None if published.test_loss is None else f"{published.test_loss:.4f}"),
        ("claimed", published.claimed_accuracy and formatting.percent(published.claimed_accuracy)),
        ("epochs", str(published.epochs)),
        ("best epoch", published.best_epoch and str(published.best_epoch)),
        ("errors in the first 100 test images", published.errors_in_first_100),
        ("time", published.wall_seconds and formatting.duration(published.wall_seconds)),
        ("time per epoch", published.seconds_per_epoch and formatting.duration(published.seconds_per_epoch)),
    ]
    st.markdown("Published: " + " · ".join(f"{name} **{value}**" for name, value in facts if value is not None))
    if preset.training.test_is_validation:
        st.caption("⚠️ The test images also served for validation: accuracies are flattered, published and measured.")
