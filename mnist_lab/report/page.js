"use strict";
// Draws the charts of a report in the colours of the page: light, dark or on paper.
(() => {
  const PAPER = { ink: "#1b2430", panel: "#f3f5f8" };
  const charts = [...document.querySelectorAll(".chart")];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function look() {
    const style = getComputedStyle(document.documentElement);
    return { ink: style.getPropertyValue("--ink").trim(), panel: style.getPropertyValue("--panel").trim() };
  }

  function draw(chart) {
    if (chart.dataset.drawn) return;
    chart.dataset.drawn = "yes";
    const figure = JSON.parse(document.getElementById(`${chart.id}-data`).textContent);
    const { ink, panel } = look();
    const layout = { ...figure.layout, autosize: true };
    delete layout.width;
    delete layout.height; // the style sheet says how large a chart is
    layout.font = { ...layout.font, color: ink };
    layout.hoverlabel = { bgcolor: panel, bordercolor: ink, font: { color: ink } };
    Plotly.newPlot(chart, figure.data, layout, { displaylogo: false, responsive: true, showSendToCloud: false });
  }

  function colour({ ink, panel }) {
    const change = { "font.color": ink, "hoverlabel.bgcolor": panel, "hoverlabel.bordercolor": ink,
                     "hoverlabel.font.color": ink };
    for (const chart of charts) if (chart.dataset.drawn) Plotly.relayout(chart, change);
  }

  // One at a time, so that the page can be read and scrolled meanwhile.
  const waiting = [...charts];
  function next() {
    const chart = waiting.shift();
    if (!chart) return;
    draw(chart);
    setTimeout(next, 0);
  }
  setTimeout(next, 0);
  dark.addEventListener("change", () => colour(look()));
  window.addEventListener("beforeprint", () => { charts.forEach(draw); colour(PAPER); });
  window.addEventListener("afterprint", () => colour(look()));
})();
