"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("columns"), body = table.tBodies[0], rows = [...body.rows];
  const find = document.getElementById("find"), only = document.getElementById("only");
  const more = document.getElementById("more"), told = document.getElementById("told");
  const PAGE = 50;
  let most = PAGE;
  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const percent = (share) => (share === null ? "unknown" : `${(share / 10).toFixed(1)} %`);
  const bar = (kind, side, share) => {
    const node = make("i", kind);
    node.style[side] = `${share}%`;
    return node;
  };
  const numbers = (item) => {
    const plot = make("div", "bins"), top = Math.max(1, ...item.b, ...(item.w || []));
    item.b.forEach((share, place) => {
      const bin = make("div");
      bin.append(bar("base", "height", (100 * share) / top));
      if (item.w) bin.append(bar("now", "height", (100 * item.w[place]) / top));
      plot.append(bin);
    });
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", `From ${item.l[0]} to ${item.l[1]}, shares in percent. Baseline: ${item.b.map((s) => s / 10).join(", ")}.`
      + (item.w ? ` Now: ${item.w.map((s) => s / 10).join(", ")}.` : ""));
    const ends = make("div", "ends");
    ends.append(make("span", "", item.l[0]), make("span", "", item.l[1]));
    return [plot, ends];
  };
  const words = (item) => item.l.map((label, place) => {
    const row = make("div", "row"), track = make("div");
    track.append(bar("base", "width", item.b[place] / 10));
    if (item.w) track.append(bar("now", "width", item.w[place] / 10));
    row.append(make("span", "", label), track, make("em", "", percent(item.b[place]) + (item.w ? ` → ${percent(item.w[place])}` : "")));
    return row;
  });
  const detail = (item) => {
    const box = make("div", "detail");
    box.append(make("p", "soft", `In the baseline: ${item.d}. Missing: ${percent(item.m[0])}${item.m[1] === null ? "" : `, now ${percent(item.m[1])}`}.`));
    for (const [check, text] of item.c) box.append(make("p", "", `${check}: ${text}`));
    if (item.p !== null) box.append(make("p", "soft", `Chance of such a shift where there is none, over all columns: ${item.p}. Smallest shift that would be seen: ${item.s ?? "unknown"}.`));
    const key = make("p", "key");
    for (const [kind, name] of [["base", "baseline"], ...(item.w ? [["now", "now"]] : [])]) {
      const part = make("span");
      part.append(make("i", kind), name);
      key.append(part);
    }
    box.append(key, ...(item.b.length ? (item.k === "n" ? numbers(item) : words(item)) : [make("p", "soft", "No distribution is known.")]));
    return box;
  };
  const close = (row) => {
    if (row.nextElementSibling && row.nextElementSibling.classList.contains("opened")) row.nextElementSibling.remove();
    row.querySelector("button").setAttribute("aria-expanded", "false");
  };
  const toggle = (row) => {
    const button = row.querySelector("button");
    if (button.getAttribute("aria-expanded") === "true") return close(row);
    button.setAttribute("aria-expanded", "true");
    const line = make("tr", "opened"), cell = make("td");
    cell.colSpan = 6;
    cell.append(detail(data[row.dataset.i]));
    line.append(cell);
    row.after(line);
  };
  const show = () => {
    const wanted = find.value.trim().toLowerCase();
    let fits = 0;
    for (const row of rows) {
      const state = row.cells[1].textContent;
      const fit = data[row.dataset.i].n.toLowerCase().includes(wanted) && (!only.checked || state === "violation" || state === "shifted");
      fits += fit ? 1 : 0;
      row.hidden = !fit || fits > most;
      if (row.hidden) close(row);
    }
    more.hidden = fits <= most;
    more.textContent = `Show all ${fits}`;
    told.textContent = `${Math.min(fits, most)} of ${fits} columns shown`;
  };
  const key = (row, place) => {
    const text = row.cells[place].textContent.trim();
    return place === 2 || place === 3 ? (text === "" ? -1 : Number(text)) : text.toLowerCase();
  };
  const sort = (head) => {
    const place = head.cellIndex, down = head.getAttribute("aria-sort") !== "descending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = (a, b) => (key(a, place) < key(b, place) ? -1 : key(a, place) > key(b, place) ? 1 : 0);
    rows.forEach(close);
    rows.sort((a, b) => (down ? order(b, a) : order(a, b)));
    body.append(...rows);
    show();
  };
  for (const head of table.tHead.rows[0].cells) {
    const button = head.querySelector("button");
    if (button) button.addEventListener("click", () => sort(head));
  }
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) toggle(button.closest("tr"));
  });
  const again = () => { most = PAGE; show(); };
  find.addEventListener("input", again);
  only.addEventListener("change", again);
  more.addEventListener("click", () => { most = Infinity; show(); });
  show();
})();
