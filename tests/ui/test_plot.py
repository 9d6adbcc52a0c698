"""What the chart component does without a browser: where Plotly.js is put, and what is sent."""

import hashlib
import json
import os
from importlib.metadata import version
from importlib.resources import files

import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.errors import LabError
from mnist_lab.ui.plot import ensure_chart_js, ensure_plotly_js
from tests.ui.conftest import PATIENCE


def test_plotly_js_is_copied_whole_and_named_after_its_version(tmp_path):
    name = ensure_plotly_js(tmp_path / "static")
    assert name == f"plotly-{version('plotly')}.min.js"
    shipped = files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
    copied = (tmp_path / "static" / name).read_bytes()
    assert hashlib.sha256(copied).digest() == hashlib.sha256(shipped).digest()
    assert os.listdir(tmp_path / "static") == [name], "a temporary file was left behind"


def test_the_chart_s_own_script_is_a_file_beside_it_and_is_not_sent_with_figures(tmp_path):
    name = ensure_chart_js(tmp_path)
    script = (tmp_path / name).read_text()
    assert "class Chart" in script and "class HoverPicture" in script
    assert os.listdir(tmp_path) == [name]
    app = AppTest.from_function(page_with_a_chart, default_timeout=PATIENCE).run()
    assert sent_data(app)["script"] == name
    proto = next(e.proto for e in app.main if e.type == "bidi_component")
    assert len(proto.js_content) < 3000 < len(script)


def test_a_copy_that_is_there_is_not_made_again(tmp_path):
    name = f"plotly-{version('plotly')}.min.js"
    (tmp_path / name).write_text("there")
    assert ensure_plotly_js(tmp_path) == name
    assert (tmp_path / name).read_text() == "there"


def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "static").write_text("a file where the folder should be")
    with pytest.raises(LabError, match=r"cannot be copied to .*static") as caught:
        ensure_plotly_js(tmp_path / "static")
    assert "writable" in caught.value.remedy


def test_a_failed_copy_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mnist_lab.ui.plot.os.replace", refuse)
    with pytest.raises(LabError, match="No space left on device"):
        ensure_plotly_js(tmp_path)
    assert list(tmp_path.iterdir()) == []


def page_with_a_chart() -> None:
    import plotly.graph_objects as go
    import streamlit as st

    from mnist_lab.ui.plot import plot

    values = st.session_state.get("values", [1.0, 2.0])
    clicked = plot(go.Figure(go.Scatter(y=values)), key="chart", on_click=True, height=250)
    st.text(f"clicked {clicked}")


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_app_test_can_draw_a_chart(turn):
    app = AppTest.from_function(page_with_a_chart, default_timeout=PATIENCE).run()
    assert not app.exception
    assert app.text[0].value == "clicked None"
    sent = sent_data(app)
    assert json.loads(sent["figure"])["data"][0]["type"] == "scatter"
    assert sent["click"] is True


def test_the_revision_changes_with_the_data_and_only_with_it():
    app = AppTest.from_function(page_with_a_chart, default_timeout=PATIENCE).run()
    first = sent_data(app)["revision"]
    assert sent_data(app.run())["revision"] == first
    app.session_state["values"] = [1.0, 3.0]
    assert sent_data(app.run())["revision"] != first


def sent_data(app: AppTest) -> dict:
    proto = next(e.proto for e in app.main if e.type == "bidi_component")
    return json.loads(proto.json or proto.mixed.json)
