"""The chart component in Chromium: it lives on while its data changes, and it tells of clicks."""

import re
from pathlib import Path

import pytest

from tests.browser.server import open_page, screenshot

APP = Path(__file__).with_name("plot_app.py")
NODES = ".mnist-lab-plot.js-plotly-plot"


@pytest.fixture(scope="module")
def charts(start_server):
    return start_server(APP)


@pytest.fixture
def front(charts, page):
    open_page(page, charts.url, "ticks")
    # All three, as they are told apart by their order and are not drawn in it.
    page.wait_for_function(f"document.querySelectorAll('{NODES}:has(.main-svg)').length === 3")
    return page


def ticks(page) -> int:
    return int(page.get_by_text(re.compile(r"^ticks \d+$")).inner_text().split()[1])


def wait_ticks(page, more: int) -> None:
    target = ticks(page) + more
    page.wait_for_function(
        "n => [...document.querySelectorAll('[data-testid=stText]')]"
        ".some(e => /^ticks \\d+$/.test(e.innerText) && +e.innerText.slice(6) >= n)",
        arg=target,
        timeout=30_000,
    )


def plot_area(page, index: int) -> dict[str, float]:
    """The rectangle inside the axes of a chart, in page pixels."""
    return page.evaluate(
        f"""i => {{ const node = document.querySelectorAll('{NODES}')[i], box = node.getBoundingClientRect(),
        size = node._fullLayout._size;
        return {{x: box.x + size.l, y: box.y + size.t, width: size.w, height: size.h}} }}""",
        index,
    )


def chart(page, index: int, expression: str):
    """Evaluates an expression of ``node`` for one chart."""
    return page.evaluate(f"i => {{ const node = document.querySelectorAll('{NODES}')[i]; return {expression} }}", index)


def cell(page, index: int, column: int, row: int) -> tuple[float, float]:
    area = plot_area(page, index)
    return area["x"] + (column + 0.5) / 10 * area["width"], area["y"] + (9.5 - row) / 10 * area["height"]


def wait_clicks(page, count: int) -> str:
    found = page.get_by_text(re.compile(rf"^clicks {count} last"))
    found.wait_for(timeout=15_000)
    return found.inner_text()


def test_the_node_the_zoom_and_a_hidden_trace_outlive_eight_ticks(front):
    chart(front, 0, "node.mark = 'mine'")
    area = plot_area(front, 0)
    x, y = area["x"], area["y"]
    front.mouse.move(x + 0.3 * area["width"], y + 0.5 * area["height"])
    front.mouse.down()
    front.mouse.move(x + 0.7 * area["width"], y + 0.5 * area["height"], steps=8)
    front.mouse.up()
    front.wait_for_function(f"document.querySelectorAll('{NODES}')[0].layout.xaxis.autorange === false")
    zoomed = chart(front, 0, "node.layout.xaxis.range.slice()")
    front.locator(f"{NODES} .legendtoggle").nth(1).click()
    front.wait_for_function(f"document.querySelectorAll('{NODES}')[0]._fullData[1].visible === 'legendonly'")
    before = chart(front, 0, "node._fullData[0].x.length")

    wait_ticks(front, 8)

    assert chart(front, 0, "node.mark") == "mine"
    assert chart(front, 0, "node._fullLayout.xaxis.range.slice()") == pytest.approx(zoomed)
    assert chart(front, 0, "node._fullData.map(t => t.visible)") == [True, "legendonly"]
    # The words of a tick may stand a moment before its points are drawn.
    front.wait_for_function(
        f"document.querySelectorAll('{NODES}')[0]._fullData[0].x.length >= {before + 16}", timeout=2000
    )
    assert front.locator(NODES).count() == 3
    assert front.errors == []


def test_the_axis_follows_the_data_while_nobody_has_zoomed(front):
    before = chart(front, 0, "node._fullLayout.xaxis.range[1]")
    wait_ticks(front, 3)
    assert chart(front, 0, "node._fullLayout.xaxis.range[1]") > before


def test_the_hover_label_stays_under_a_resting_pointer(front):
    area = plot_area(front, 0)
    front.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 0.55 * area["height"], steps=4)
    front.wait_for_selector(f"{NODES} .hoverlayer .hovertext")
    wait_ticks(front, 3)
    assert front.locator(f"{NODES} .hoverlayer .hovertext").count() >= 1


def test_a_drag_is_not_broken_by_ticks(front):
    area = plot_area(front, 0)
    front.mouse.move(area["x"] + 0.2 * area["width"], area["y"] + 0.5 * area["height"])
    front.mouse.down()
    front.mouse.move(area["x"] + 0.4 * area["width"], area["y"] + 0.5 * area["height"], steps=4)
    # read with the button down: a tick may come before that
    before = chart(front, 0, "node._fullLayout.xaxis.range.slice()")
    wait_ticks(front, 3)
    assert chart(front, 0, "node._fullLayout.xaxis.range.slice()") == before
    front.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 0.5 * area["height"], steps=4)
    front.mouse.up()
    front.wait_for_function(f"document.querySelectorAll('{NODES}')[0].layout.xaxis.autorange === false")
    low, high = chart(front, 0, "node.layout.xaxis.range.slice()")
    assert high - low == pytest.approx(0.4 * (before[1] - before[0]), rel=0.1)
    wait_ticks(front, 2)
    assert chart(front, 0, "node._fullLayout.xaxis.range.slice()") == pytest.approx([low, high])


def test_a_chart_whose_data_did_not_change_is_left_alone(front):
    front.evaluate(
        """() => { window.redrawn = {}; const react = Plotly.react;
        Plotly.react = (node, ...rest) => { const key = node.getAttribute('aria-label');
        window.redrawn[key] = (window.redrawn[key] || 0) + 1; return react(node, ...rest) } }"""
    )
    front.get_by_role("button", name="A button").click()
    wait_ticks(front, 4)
    # A busy browser draws two ticks at once, or the last one after its text.
    front.wait_for_function("window.redrawn['Loss by step'] >= 4")
    assert "Chart" not in front.evaluate("window.redrawn")


def test_a_click_on_a_heat_map_cell_arrives_in_python(front):
    front.mouse.click(*cell(front, 1, column=7, row=3))
    text = wait_clicks(front, 1)
    assert "'x': 7, 'y': 3, 'customdata': [37, 74], 'curve': 0, 'n': 1" in text
    front.mouse.click(*cell(front, 1, column=7, row=3))
    assert "'x': 7, 'y': 3" in wait_clicks(front, 2)
    wait_ticks(front, 2)
    assert front.get_by_text(re.compile(r"^clicks 2 last")).count() == 1, "a tick counted the click again"
    assert front.errors == []


def test_the_chart_follows_the_theme_and_keeps_its_node(front):
    chart(front, 1, "node.mark = 'mine'")
    seen = {}
    for scheme in ("light", "dark"):
        front.emulate_media(color_scheme=scheme)
        front.wait_for_function(
            f"""dark => {{ const page = getComputedStyle(document.querySelector('[data-testid=stApp]')).color;
            const node = document.querySelectorAll('{NODES}')[1];
            return (parseInt(page.match(/\\d+/)[0]) > 128) === dark && node._fullLayout.font.color === page }}""",
            arg=scheme == "dark",
        )
        seen[scheme] = chart(front, 1, "[node._fullLayout.font.color, node._fullLayout.xaxis.gridcolor]")
        screenshot(front, f"plot-{scheme}")
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]
    assert chart(front, 1, "node.mark") == "mine"


def test_the_chart_follows_the_width_of_the_page_and_a_wide_one_scrolls(front):
    front.set_viewport_size({"width": 390, "height": 844})
    front.wait_for_function(f"document.querySelectorAll('{NODES}')[0]._fullLayout.width < 390")
    front.wait_for_function(f"document.querySelectorAll('{NODES}')[2]._fullLayout.width === 700")
    assert chart(front, 2, "node.parentElement.scrollWidth > node.parentElement.clientWidth")
    assert front.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page itself scrolls sideways"
    screenshot(front, "plot-narrow")


def test_the_chart_comes_back_after_another_page(front):
    front.get_by_role("link", name="Draw").click()
    front.get_by_text("Other page").wait_for()
    front.wait_for_function(f"document.querySelectorAll('{NODES}').length === 2")
    front.get_by_role("link", name="Front").click()
    front.wait_for_function(f"document.querySelectorAll('{NODES}:has(.main-svg)').length === 3")
    wait_ticks(front, 2)
    assert front.locator(NODES).count() == 3
    assert front.errors == []


def test_a_click_on_a_block_of_the_network_names_its_layer(charts, page):
    open_page(page, f"{charts.url}draw", "Other page")
    page.wait_for_function(f"document.querySelectorAll('{NODES}:has(.main-svg)').length === 2")
    block = page.evaluate(
        f"""() => {{ const node = document.querySelectorAll('{NODES}')[1], trace = node._fullData[2],
        box = node.getBoundingClientRect(), {{xaxis, yaxis}} = node._fullLayout;
        const mean = v => (Math.min(...v) + Math.max(...v)) / 2;
        return {{meta: trace.meta, x: box.x + xaxis._offset + xaxis.d2p(mean(trace.x)),
                 y: box.y + yaxis._offset + yaxis.d2p(mean(trace.y))}} }}"""
    )
    assert block["meta"] == [2]
    page.mouse.click(block["x"], block["y"])
    page.get_by_text("block (2,)").wait_for(timeout=15_000)
    screenshot(page, "plot-network")


def test_a_chart_whose_script_did_not_come_says_so_and_is_drawn_with_the_next_figure(charts, page):
    page.route("**/chart-*.js*", lambda route: route.abort())
    open_page(page, charts.url, "ticks")
    words = page.get_by_text("The chart cannot be drawn")
    words.first.wait_for()
    page.unroute("**/chart-*.js*")
    page.wait_for_function(f"document.querySelectorAll('{NODES}:has(.main-svg)').length >= 1")
    page.wait_for_function("!document.querySelector('.mnist-lab-plot-failed + .mnist-lab-plot-frame')")


def test_charts_work_under_a_base_path_and_at_the_address_of_a_page(start_server, page):
    server = start_server(APP, options=["--server.baseUrlPath=lab/one"])
    open_page(page, f"{server.url}draw", "Other page")
    page.wait_for_function(f"document.querySelectorAll('{NODES}:has(.main-svg)').length === 2")
    page.mouse.click(*cell(page, 0, column=1, row=9))
    assert "'x': 1, 'y': 9" in wait_clicks(page, 1)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith((server.url, "blob:", "data:")) for name in loaded), loaded
    assert len([name for name in loaded if "app/static/plotly-" in name]) == 1
    assert page.errors == []
