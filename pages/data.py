"""The images: how many of each digit, what they look like, what the augmentation makes of them."""

import streamlit as st

from mnist_lab import datasets
from mnist_lab.ui import data_view, frame
from mnist_lab.ui.state import workbench

frame.needs_app()
st.title("Data")
training = workbench().training
dataset = datasets.load(training.dataset)
st.caption(frame.sentence(f"{dataset.title} · {dataset.source}"))
frame.data_notice(dataset)
parts = datasets.split(dataset, training.split, seed=training.seed, limit=training.limit)
st.caption(parts.description)
data_view.counts(parts)
browse, means, augmented = st.tabs(["Browse", "Mean images", "Augmentation"])
with browse:
    data_view.browse(parts)
with means:
    data_view.means(parts)
with augmented:
    data_view.augmentation(parts, training)
