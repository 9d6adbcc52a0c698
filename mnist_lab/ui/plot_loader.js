// Streamlit sends this with every figure; what draws the chart is a file beside Plotly's, which a browser keeps.

const modules = (window.mnistLabCharts ??= { ready: {}, coming: {}, failures: 0 });

export default function (component) {
  const { data, parentElement } = component;
  const ready = modules.ready[data.script];
  if (ready) return ready.default(component);
  let isOver = false; // a newer figure came, or the chart is gone
  let cleanUp;
  load(data.script, data.base).then(
    (module) => {
      if (isOver) return;
      parentElement.querySelector(".mnist-lab-plot-failed")?.remove();
      cleanUp = module.default(component);
    },
    (error) => {
      console.error("MNIST Lab chart:", error);
      if (!isOver) fail(parentElement, error);
    },
  );
  return () => {
    isOver = true;
    cleanUp?.();
  };
}

// One download a window; a failed one is forgotten, so that the next figure tries again.
function load(script, base) {
  modules.coming[script] ??= (async () => {
    let last;
    for (const address of addresses(script, base)) {
      try {
        // Under the same address a browser would not ask again for what has failed.
        return (modules.ready[script] = await import(`${address}?${modules.failures}`));
      } catch (error) {
        last = error;
      }
    }
    modules.failures += 1;
    delete modules.coming[script];
    throw last;
  })();
  return modules.coming[script];
}

// Streamlit's own script tag tells under which address this browser reaches the server, behind a proxy too.
function addresses(file, base) {
  const found = [];
  const own = document.querySelector('script[type="module"][src*="static/js/"]');
  if (own) found.push(new URL(`../../app/static/${file}`, own.src).href);
  const configured = `${location.origin}${base}/app/static/${file}`;
  if (!found.includes(configured)) found.push(configured);
  return found;
}

function fail(parent, error) {
  let words = parent.querySelector(".mnist-lab-plot-failed");
  if (!words) {
    words = document.createElement("div");
    words.className = "mnist-lab-plot-failed";
    parent.appendChild(words);
  }
  words.textContent = `The chart cannot be drawn: ${error.message} Reload the page to try again.`;
}
