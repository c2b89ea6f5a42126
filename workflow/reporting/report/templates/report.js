"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#runs-table tbody");
  const search = document.getElementById("search");
  const more = document.getElementById("more");
  const PAGE = 200;
  let shown = PAGE;
  let order = { key: null, sign: 1 };

  // An element with attributes and children. Text is never parsed as HTML.
  const SVG = ["svg", "title", "line", "polyline", "text"];
  function make(name, attributes, ...children) {
    const space = SVG.includes(name) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function printed(key, value) {
    if (value === undefined) return "—";
    if (data.percent.includes(key)) return (100 * value).toFixed(1) + " %";
    return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
  }

  // Sorting: rows move within their block. A cell counts as a number if it begins with one.
  function comparable(text) {
    const plain = text.replace(/\s/g, "").replace(/−/g, "-").replace(/^[[<(]/, "");
    return Number.isNaN(parseFloat(plain)) ? text : parseFloat(plain);
  }
  function compare(a, b) {
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return typeof a === "number" ? a - b : a.localeCompare(b);
  }
  function direction(button) {
    const head = button.closest("th");
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    head.parentElement.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    return sign;
  }
  function sort(button) {
    const sign = direction(button);
    const column = button.closest("th").cellIndex;
    const key = (row) => comparable(row.cells[column].textContent.trim());
    for (const block of button.closest("table").tBodies) {
      const rows = [...block.rows].filter((row) => !row.classList.contains("block"));
      block.append(...rows.sort((a, b) => sign * compare(key(a), key(b))));
    }
  }

  const LINES = [["train", "#5b6670", "2 3"], ["validation", "#E69F00", "6 3"], ["test", "#0072B2", "none"]];

  // A curve: accuracies from 0 to 100 % against epochs.
  function chart(run) {
    const [left, right, top, bottom] = [38, 410, 28, 200];
    const epochs = run.curve.epoch;
    const [first, last] = [epochs[0], epochs[epochs.length - 1]];
    const x = (epoch) => left + (right - left) * (last === first ? 0.5 : (epoch - first) / (last - first));
    const y = (share) => bottom - (bottom - top) * share;
    const text = (x, y, content, anchor = "middle") => make("text", { x, y, "text-anchor": anchor }, content);
    const line = (x1, x2, y1, y2, look) => make("line", { x1, x2, y1, y2, ...look });
    const svg = make("svg", { viewBox: "0 0 420 240", role: "img", width: "100%" });
    svg.append(make("title", {}, `Accuracy of ${run.path} over the epochs`));
    svg.append(text(210, 234, "accuracy (%) against epochs"));
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(line(left, right, y(share), y(share), { stroke: "#d9dee3" }));
      svg.append(text(left - 5, y(share) + 4, String(100 * share), "end"));
    }
    for (const epoch of new Set([first, Math.round((first + last) / 2), last])) {
      svg.append(text(x(epoch), bottom + 16, String(epoch)));
    }
    LINES.forEach(([name, stroke, dash], index) => {
      const values = run.curve[name + "_accuracy"];
      const known = [...epochs.keys()].filter((index) => values[index] !== null);
      const points = known.map((index) => `${x(epochs[index]).toFixed(1)},${y(values[index]).toFixed(1)}`).join(" ");
      const look = { stroke, fill: "none", "stroke-width": 1.8, "stroke-dasharray": dash };
      const key = left + 105 * index;
      svg.append(make("polyline", { points, ...look }), line(key, key + 20, 10, 10, look));
      svg.append(text(key + 25, 14, name, "start"));
    });
    if (run.best_epoch >= first) {
      const best = x(run.best_epoch);
      svg.append(line(best, best, top, bottom, { stroke: "#1d2329", "stroke-dasharray": "1 3" }));
      svg.lastChild.append(make("title", {}, "epoch chosen on validation"));
    }
    return svg;
  }

  function detail(run) {
    const list = make("dl", {});
    for (const [key, value] of Object.entries(run)) {
      if (typeof value !== "object" && !["specification", "environment", "text", "path"].includes(key)) {
        list.append(make("dt", {}, key), make("dd", {}, printed(key, value)));
      }
    }
    const folder = (data.prefix + run.record.replace(/result\.json$/, "")).split("/").map(encodeURIComponent).join("/");
    const files = make("p", {}, "Files: ");
    for (const name of run.files) files.append(make("a", { href: folder + name }, name), " ");
    const right = make("div", {}, run.curve ? chart(run) : make("p", { class: "note" }, "No learning curve."));
    for (const [key, heading] of [["specification", "Specification"], ["environment", "Environment"]]) {
      if (key in run) right.append(make("strong", {}, heading), make("pre", {}, data[key][run[key]]));
    }
    const panels = make("div", { class: "panels" }, make("div", {}, make("strong", {}, run.path), list, files), right);
    return make("tr", { class: "detail" }, make("td", { colspan: data.columns.length }, panels));
  }

  function toggle(row, run) {
    const open = row.nextElementSibling?.classList.contains("detail");
    if (open) row.nextElementSibling.remove();
    else row.after(detail(run));
    row.querySelector("button").setAttribute("aria-expanded", String(!open));
  }

  // A query with a slash is a path of folders below runs/. Otherwise each word occurs in a name, printed or not.
  function matching() {
    const query = search.value.trim().toLowerCase();
    const matches = query.includes("/")
      ? (run) => `/${run.path}/`.toLowerCase().includes(`/${query}/`)
      : (run) => query.split(/\s+/).every((word) => run.text.includes(word));
    const found = data.runs.filter(matches);
    if (order.key === null) return found;
    const [key, sign] = [order.key, order.sign];  // runs without a value come last
    return found.sort((a, b) => (key in b) - (key in a) || sign * compare(a[key] ?? "", b[key] ?? ""));
  }

  function show() {
    const found = matching();
    body.replaceChildren();
    for (const run of found.slice(0, shown)) {
      const cells = data.columns.map((key, index) => {
        const text = printed(key, run[key]);
        const content = index ? text : make("button", { type: "button", "aria-expanded": "false" }, text);
        return make("td", { class: typeof run[key] === "number" ? "number" : "" }, content);
      });
      const row = make("tr", { class: `run ${run.status}` }, ...cells);
      row.addEventListener("click", () => toggle(row, run));
      body.append(row);
    }
    document.getElementById("found").textContent = `${found.length} of ${data.runs.length} runs`;
    more.hidden = found.length <= shown;
    return found;
  }

  // #runs/ucf11/pixels/fdht_lstm shows the runs behind a number. The path of a single run opens it.
  function follow() {
    const found = decodeURIComponent(location.hash).match(/^#runs\/(.+)$/);
    if (!found) return;
    search.value = found[1];
    shown = PAGE;
    const runs = show();
    if (runs.length === 1) toggle(body.rows[0], runs[0]);
    document.getElementById("runs").scrollIntoView();
  }

  document.querySelectorAll("table.sortable thead button").forEach((button) => {
    button.addEventListener("click", () => sort(button));
  });
  document.querySelectorAll("#runs-table thead button").forEach((button) => {
    button.addEventListener("click", () => {
      order = { key: button.dataset.key, sign: direction(button) };
      show();
    });
  });
  search.addEventListener("input", () => { shown = PAGE; show(); });
  more.addEventListener("click", () => { shown += PAGE; show(); });
  window.addEventListener("hashchange", follow);
  show();
  follow();
  document.body.dataset.ready = "true";
})();
