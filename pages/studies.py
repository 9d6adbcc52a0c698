"""The published models, document by document and question by question: what was printed, and what is measured here."""

import streamlit as st

from mnist_lab.studies import members
from mnist_lab.ui import frame, study_model, study_report, study_table, study_training

frame.needs_app()
st.title("Studies")
study = study_table.pick_study()
presets = members(study)
matching = study_training.find_runs(presets)
setting = study_training.setting_form(presets, matching)
# The buttons name what is selected in the table, but stand above it, where they are found.
controls = st.container()
if study.is_question:
    study_table.effect_figure(study, setting, matching)
chosen = study_table.table(study, setting, matching)
with controls:
    study_training.controls(study, chosen, setting, matching)
    study_report.buttons(study, presets, setting, matching)
if len(chosen) == 1:
    study_model.details(chosen[0], setting, matching)
elif not chosen:
    st.caption("Select one model to see its curves over the published ones, or several to train them.")
