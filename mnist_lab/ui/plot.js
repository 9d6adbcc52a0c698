// One Plotly chart per mounted component. The chart's DOM node is made once and never replaced: later data goes
// through Plotly.react with a constant uirevision, so that zoom, hidden traces and hover outlive every update.

const charts = new WeakMap(); // the element that Streamlit gives us -> its Chart

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let chart = charts.get(parentElement);
  if (!chart) {
    chart = new Chart(parentElement);
    charts.set(parentElement, chart);
  }
  chart.update(data, setTriggerValue);
  // Streamlit also calls the clean-up of a call that a newer one overtook, while the component stays mounted.
  // Only an element that has left the document is really gone.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return;
      charts.get(parentElement)?.destroy();
      charts.delete(parentElement);
    }, 0);
}

class Chart {
  constructor(parent) {
    this.parent = parent;
    this.frame = document.createElement("div");
    this.frame.className = "mnist-lab-plot-frame";
    this.node = document.createElement("div");
    this.node.className = "mnist-lab-plot";
    this.node.setAttribute("role", "img");
    this.frame.appendChild(this.node);
    parent.appendChild(this.frame);

    this.wanted = null; // signature of the newest data and theme that we were given
    this.pending = null; // what is still to be drawn
    this.drawn = false; // whether Plotly.newPlot was called
    this.busy = false;
    this.held = false; // a pointer is down: a redraw now would break a drag
    this.request = 0;
    this.clicks = 0;
    this.size = "";

    this.observer = new ResizeObserver(() => this.schedule());
    this.observer.observe(this.frame);
    this.press = () => {
      this.held = true;
    };
    this.release = () => {
      // after Plotly's own mouseup handler, which ends the drag
      if (this.held) setTimeout(() => ((this.held = false), this.schedule()), 0);
    };
    this.node.addEventListener("pointerdown", this.press, true);
    window.addEventListener("pointerup", this.release, true);
    window.addEventListener("pointercancel", this.release, true);
  }

  update(data, send) {
    this.send = data.click ? send : null;
    this.file = data.file;
    this.node.setAttribute("aria-label", data.label || "Chart");
    this.node.classList.toggle("mnist-lab-plot-clickable", Boolean(data.click));
    const theme = readTheme(this.parent);
    const signature = data.revision + JSON.stringify(theme);
    if (signature !== this.wanted) {
      this.wanted = signature;
      this.pending = { figure: data.figure, theme, pictures: data.pictures };
    }
    if (this.pending) this.schedule();
  }

  schedule() {
    if (this.request) return;
    this.request = requestAnimationFrame(() => {
      this.request = 0;
      this.draw();
    });
  }

  async draw() {
    // a frame without width is in a closed tab or expander: the observer calls again when it opens
    if (this.busy || this.held || !this.frame.isConnected || this.frame.clientWidth === 0) return;
    this.busy = true;
    try {
      const plotly = await loadPlotly(this.file);
      // A chart's first drawing keeps the browser busy: what stands above it, a table above all, comes first.
      if (!this.drawn) await idle();
      while (this.pending && this.frame.isConnected) {
        const { figure, theme, pictures } = this.pending;
        this.pending = null;
        await this.render(plotly, JSON.parse(figure), theme);
        this.picture(pictures);
      }
      const size = `${this.node.clientWidth}x${this.node.clientHeight}`;
      if (this.drawn && size !== this.size && this.node.clientWidth > 0) {
        this.size = size;
        await plotly.Plots.resize(this.node);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
      if (this.pending && !this.failed) this.schedule();
    }
  }

  async render(plotly, figure, theme) {
    const layout = applyTheme(figure.layout || {}, theme);
    // A figure's own width is the least that it needs: a narrower page scrolls it sideways.
    this.node.style.minWidth = layout.width ? `${layout.width}px` : "0";
    delete layout.width;
    delete layout.height;
    layout.autosize = true;
    layout.uirevision = layout.uirevision ?? "constant";
    const config = {
      displaylogo: false,
      showSendToCloud: false, // nothing that is shown here leaves the machine
      responsive: false, // the ResizeObserver does it, also where the window keeps its size
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      ...(figure.config || {}),
    };
    if (this.failed) this.node.textContent = "";
    this.failed = false;
    if (this.drawn) {
      await plotly.react(this.node, figure.data, layout, config);
      return;
    }
    this.size = `${this.node.clientWidth}x${this.node.clientHeight}`;
    await plotly.newPlot(this.node, figure.data, layout, config);
    this.drawn = true;
    this.node.on("plotly_click", (event) => this.clicked(event));
  }

  // What a figure shows beside the pointer; see plot_hover.js.
  picture(pictures) {
    if (pictures && !this.hover) {
      this.hover = new HoverPicture();
      this.node.on("plotly_hover", (event) => this.hover.show(event));
      this.node.on("plotly_unhover", () => this.hover.hide());
    }
    this.hover?.use(pictures);
  }

  clicked(event) {
    const point = event?.points?.[0];
    if (!this.send || !point) return;
    this.clicks += 1;
    this.send("clicked", {
      x: plain(point.x),
      y: plain(point.y),
      customdata: plain(point.customdata),
      curve: point.curveNumber,
      n: this.clicks,
    });
  }

  fail(error) {
    console.error("MNIST Lab chart:", error);
    this.failed = true;
    this.wanted = null; // so that the next update tries again
    if (!this.drawn) this.node.textContent = `The chart cannot be drawn: ${error.message} Reload the page to try again.`;
  }

  destroy() {
    this.observer.disconnect();
    cancelAnimationFrame(this.request);
    window.removeEventListener("pointerup", this.release, true);
    window.removeEventListener("pointercancel", this.release, true);
    if (this.drawn) window.Plotly?.purge(this.node);
    this.hover?.destroy();
    this.frame.remove();
  }
}

// Values as JSON can hold them: typed arrays become arrays, what is missing becomes null.
function plain(value) {
  if (value === undefined) return null;
  if (ArrayBuffer.isView(value)) return Array.from(value);
  return value;
}

// One download a window, shared by all charts; a failed one is forgotten, so that the next chart tries again.
function loadPlotly(file) {
  const address = new URL(file, import.meta.url).href; // it lies beside this very script
  window.mnistLabPlotly ??= settled(address)
    .then(() => loadScript(address))
    .catch((error) => {
      window.mnistLabPlotly = undefined;
      throw error;
    });
  return window.mnistLabPlotly;
}

// Plotly keeps the browser busy for a second when it is read. What the page can do without it comes first, a canvas to
// draw on above all; the file itself is fetched meanwhile.
function settled(address) {
  const link = document.createElement("link");
  Object.assign(link, { rel: "preload", as: "script", href: address });
  document.head.appendChild(link);
  return new Promise((done) => setTimeout(done, 400)).then(idle);
}

function idle() {
  return new Promise((done) =>
    window.requestIdleCallback ? window.requestIdleCallback(done, { timeout: 300 }) : setTimeout(done, 50),
  );
}

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () =>
      window.Plotly ? resolve(window.Plotly) : reject(new Error(`${address} is not Plotly.js.`));
    script.onerror = () => {
      script.remove();
      reject(new Error(`${address} could not be loaded.`));
    };
    document.head.appendChild(script);
  });
}

function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    text: rgb(element, read("text-color") || style.color),
    panel: rgb(element, read("secondary-background-color") || "#f4f4f4"),
    border: rgb(element, read("border-color") || "#cccccc"),
    primary: rgb(element, read("primary-color") || "#2b5cc4"),
    font: read("font") || style.fontFamily,
  };
}

// Any CSS colour as "rgb(...)", which Plotly understands.
function rgb(element, colour) {
  const probe = document.createElement("span");
  probe.style.color = colour;
  probe.style.display = "none";
  element.appendChild(probe);
  const computed = getComputedStyle(probe).color;
  probe.remove();
  return computed;
}

function fade(colour, alpha) {
  const parts = colour.match(/[\d.]+/g);
  return parts ? `rgba(${parts.slice(0, 3).join(", ")}, ${alpha})` : colour;
}

function applyTheme(layout, theme) {
  layout.font = { ...layout.font, color: theme.text, family: theme.font };
  layout.paper_bgcolor = "rgba(0, 0, 0, 0)";
  layout.plot_bgcolor = "rgba(0, 0, 0, 0)";
  layout.hoverlabel = {
    ...layout.hoverlabel,
    bgcolor: theme.panel,
    bordercolor: theme.border,
    font: { ...layout.hoverlabel?.font, color: theme.text, family: theme.font },
  };
  layout.modebar = {
    ...layout.modebar,
    bgcolor: "rgba(0, 0, 0, 0)",
    color: fade(theme.text, 0.45),
    activecolor: theme.primary,
  };
  for (const name of Object.keys(layout)) {
    if (!/^[xy]axis\d*$/.test(name)) continue;
    layout[name].gridcolor = fade(theme.text, 0.12);
    layout[name].zerolinecolor = fade(theme.text, 0.2);
    layout[name].linecolor = fade(theme.text, 0.35);
    layout[name].tickcolor = fade(theme.text, 0.35);
  }
  return layout;
}
