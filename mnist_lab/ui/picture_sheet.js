// A picture of many images with a button over each, so that mouse, finger, keyboard and screen reader find them.

const shown = new WeakMap(); // the element that Streamlit gives us -> the revision that it shows

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const last = shown.get(parentElement);
  if (last?.revision === data.revision) {
    last.send = setTriggerValue;
    return;
  }
  const current = { revision: data.revision, send: setTriggerValue };
  shown.set(parentElement, current);
  const [width, height] = data.size;
  const sheet = document.createElement("div");
  sheet.className = "mnist-lab-sheet";
  sheet.style.width = `${width}px`;
  const picture = document.createElement("img");
  picture.src = data.picture;
  picture.alt = "";
  picture.width = width;
  picture.height = height;
  sheet.appendChild(picture);
  data.titles.forEach((title, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = `${title}: look inside`;
    button.setAttribute("aria-label", button.title);
    const left = (index % data.columns) * data.step[0];
    const top = Math.floor(index / data.columns) * data.step[1];
    // Shares of the picture, which a narrow page shows smaller.
    button.style.left = `${(100 * left) / width}%`;
    button.style.top = `${(100 * top) / height}%`;
    button.style.width = `${(100 * data.side) / width}%`;
    button.style.height = `${(100 * data.side) / height}%`;
    button.addEventListener("click", () => current.send("clicked", index));
    sheet.appendChild(button);
  });
  parentElement.querySelector(".mnist-lab-sheet")?.remove();
  parentElement.appendChild(sheet);
}
