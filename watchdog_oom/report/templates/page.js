"use strict";
for (const svg of document.querySelectorAll("figure.chart > svg")) {
  const set = svg.dataset, width = +set.width, base = +set.base, above = +set.above;
  const output = svg.parentNode.querySelector("output");
  const lines = [...svg.querySelectorAll("polyline")].map(line => ({
    name: line.dataset.name,
    places: line.getAttribute("points").split(" ").map(pair => pair.split(",").map(Number))}));
  const cross = document.createElementNS("http://www.w3.org/2000/svg", "path");
  cross.setAttribute("class", "cross");
  svg.querySelector(".plot").append(cross);
  let at = width;
  const show = () => {
    at = Math.min(width, Math.max(0, at));
    cross.setAttribute("d", `M${at} ${above}V${base}`);
    const wall = +set.since + at / width * (set.until - set.since);
    const found = {};
    for (const {name, places} of lines) {
      places.forEach(([x, y], index) => {
        const [x0, y0] = places[index - 1] ?? [x, y];
        if (x0 <= at && at <= x) found[name] = x > x0 ? y0 + (y - y0) * (at - x0) / (x - x0) : y;
      });
    }
    const said = Object.entries(found).map(([name, y]) =>
      `${name} ${Math.round((base - y) / (base - above) * set.top)}${set.unit}`);
    const time = new Date((wall + +set.zone) * 1000).toISOString().slice(11, 16);
    output.textContent = [time, ...said].join(", ");
  };
  const hide = () => { cross.removeAttribute("d"); output.textContent = ""; };
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    at = (event.clientX - box.left) / box.width * width;
    show();
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("focus", show);
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("keydown", event => {
    const step = {ArrowLeft: -2, ArrowRight: 2, PageUp: -40, PageDown: 40, Home: -9e3, End: 9e3}[event.key];
    if (step) { at += step; show(); event.preventDefault(); }
  });
}
