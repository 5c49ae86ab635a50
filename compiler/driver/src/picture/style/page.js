"use strict";
document.documentElement.classList.add("scripted");

// Zooming: the picture keeps its proportions, the frame scrolls.
for (const frame of document.querySelectorAll(".frame.zoom")) {
  const svg = frame.querySelector("svg");
  const [width, height] = [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
  let scale = 1;
  const zoom = (next, x = frame.clientWidth / 2, y = frame.clientHeight / 2) => {
    const old = scale;
    scale = Math.min(8, Math.max(0.02, next));
    svg.setAttribute("width", width * scale);
    svg.setAttribute("height", height * scale);
    frame.scrollLeft = (frame.scrollLeft + x) * scale / old - x;
    frame.scrollTop = (frame.scrollTop + y) * scale / old - y;
  };
  const across = () => Math.min(frame.clientWidth / width, 1);
  const fit = () => zoom(Math.min(across(), 0.82 * window.innerHeight / height));
  const actions = { fit, actual: () => zoom(1), closer: () => zoom(scale * 1.4), farther: () => zoom(scale / 1.4) };
  for (const button of frame.previousElementSibling.querySelectorAll("button")) {
    button.addEventListener("click", () => actions[button.dataset.zoom]());
  }
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    zoom(scale * Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  // A drawing that is too large begins at its dearest step, at a size at which text can be read.
  if (across() >= 0.6) zoom(across());
  const heats = ["heat4", "heat3", "heat2", "heat1"];
  const dearest = heats.map((heat) => svg.querySelector(`.step.${heat} .box, .step.${heat} .dot`)).find(Boolean);
  if (dearest) {
    const box = dearest.getBBox();
    frame.scrollLeft = (box.x + box.width / 2) * scale - frame.clientWidth / 2;
    frame.scrollTop = (box.y + box.height / 2) * scale - frame.clientHeight / 2;
  }
}

// Sorting: by what a column says, or by the exact value of a number; once more turns the order.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") !== "descending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const exact = (row) => row.cells[column].dataset.value;
      const words = (row) => row.cells[column].textContent;
      const order = (a, b) =>
        exact(a) === undefined ? words(a).localeCompare(words(b), undefined, { numeric: true }) : Number(exact(a)) - Number(exact(b));
      body.append(...[...body.rows].sort((a, b) => (falling ? order(b, a) : order(a, b))));
    });
  });
}
