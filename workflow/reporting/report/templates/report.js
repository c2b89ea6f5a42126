"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#runs-table tbody");
  const search = document.getElementById("search");
  const more = document.getElementById("more");
  const PAGE = 200;
  let shown = PAGE;
  let order = { key: null, sign: 1 };

  const COLUMNS = ["dataset", "front_end", "model", "protocol", "fold", "seed", "status", "test_accuracy",
    "best_epoch_accuracy", "epochs", "train_seconds"];
  const PERCENT = new Set(["test_accuracy", "best_epoch_accuracy", "validation_accuracy", "test_top5", "test_macro_f1"]);

  // an element with attributes and children; text is never parsed as HTML
  function make(name, attributes, ...children) {
    const svg = ["svg", "line", "polyline", "text", "g", "title"].includes(name);
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function pretty(key, value) {
    if (value === undefined) return "—";
    if (PERCENT.has(key)) return (100 * value).toFixed(1) + " %";
    if (key === "train_seconds") return value.toFixed(1);
    return String(value);
  }

  const place = (run) => [run.dataset, run.front_end, run.model, run.protocol, "fold" + run.fold, "seed" + run.seed].join("/");

  // sorting of any table: rows move within their own block; the number that a cell begins with counts as a number
  function value(cell) {
    const text = cell ? cell.textContent.trim() : "";
    const found = text.replace(/[\u2009\s]/g, "").replace(/\u2212/g, "-").match(/^[\[<(]?([+-]?\d+(\.\d+)?(e[+-]?\d+)?)/);
    return found ? Number(found[1]) : text;
  }

  function compare(a, b) {
    const numbers = typeof a === "number" && typeof b === "number";
    if (numbers) return a - b;
    return typeof a === typeof b ? a.localeCompare(b) : typeof a === "number" ? -1 : 1;
  }

  function direction(button) {
    const head = button.closest("th");
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    head.parentElement.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    return sign;
  }

  document.querySelectorAll("table.sortable thead button").forEach((button) => {
    button.addEventListener("click", () => {
      const sign = direction(button);
      const column = button.closest("th").cellIndex;
      button.closest("table").querySelectorAll("tbody").forEach((block) => {
        const rows = [...block.rows].filter((row) => !row.classList.contains("block"));
        rows.sort((a, b) => sign * compare(value(a.cells[column]), value(b.cells[column])));
        block.append(...rows);
      });
    });
  });

  // a curve as SVG: accuracies from 0 to 100 per cent against epochs
  function chart(run) {
    const [width, height, left, bottom] = [420, 230, 38, 28];
    const curve = run.curve;
    const last = curve.epoch[curve.epoch.length - 1];
    const first = curve.epoch[0];
    const x = (epoch) => left + (width - left - 10) * (last === first ? 0.5 : (epoch - first) / (last - first));
    const y = (share) => 10 + (height - bottom - 10) * (1 - share);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", width: "100%" });
    svg.append(make("title", {}, "Accuracy of " + place(run) + " over the epochs"));
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(make("line", { x1: left, x2: width - 10, y1: y(share), y2: y(share), stroke: "#d9dee3" }));
      svg.append(make("text", { x: left - 5, y: y(share) + 4, "text-anchor": "end" }, String(100 * share)));
    }
    for (const epoch of new Set([first, Math.round((first + last) / 2), last])) {
      svg.append(make("text", { x: x(epoch), y: height - 12, "text-anchor": "middle" }, String(epoch)));
    }
    svg.append(make("text", { x: width / 2, y: height - 1, "text-anchor": "middle" }, "epoch; accuracy in %"));
    const looks = { train_accuracy: ["train", "#5b6670", "2 3"], validation_accuracy: ["validation", "#E69F00", "6 3"],
      test_accuracy: ["test", "#0072B2", "none"] };
    Object.entries(looks).forEach(([name, [label, colour, dash]], index) => {
      const points = curve.epoch.map((epoch, i) => [epoch, curve[name][i]]).filter((point) => point[1] !== null);
      const path = points.map(([epoch, share]) => `${x(epoch).toFixed(1)},${y(share).toFixed(1)}`).join(" ");
      svg.append(make("polyline", { points: path, fill: "none", stroke: colour, "stroke-width": 1.8, "stroke-dasharray": dash }));
      const key = left + 12 + 105 * index;
      svg.append(make("line", { x1: key, x2: key + 20, y1: 6, y2: 6, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }));
      svg.append(make("text", { x: key + 25, y: 10 }, label));
    });
    if (run.best_epoch !== undefined && run.best_epoch >= first) {
      svg.append(make("line", { x1: x(run.best_epoch), x2: x(run.best_epoch), y1: 14, y2: height - bottom,
        stroke: "#1d2329", "stroke-dasharray": "1 3" }, make("title", {}, "epoch chosen on validation")));
    }
    return svg;
  }

  function detail(run) {
    const list = make("dl");
    for (const [key, item] of Object.entries(run)) {
      if (["curve", "specification", "environment", "record"].includes(key)) continue;
      list.append(make("dt", {}, key), make("dd", {}, pretty(key, item)));
    }
    const folder = data.prefix + run.record.replace(/result\.json$/, "");
    const files = make("p", {}, "Files: ");
    for (const name of ["result.json", "metrics.jsonl", "predictions.csv", "specification.yaml", "environment.json"]) {
      files.append(make("a", { href: folder.split("/").map(encodeURIComponent).join("/") + name }, name), " ");
    }
    const left = make("div", {}, make("strong", {}, place(run)), list, files);
    const right = make("div");
    right.append(run.curve ? chart(run) : make("p", { class: "note" }, "No learning curve."));
    if (run.specification !== undefined) {
      right.append(make("strong", {}, "Specification"), make("pre", {}, data.specifications[run.specification]));
    }
    if (run.environment !== undefined) {
      right.append(make("strong", {}, "Environment"), make("pre", {}, data.environments[run.environment]));
    }
    return make("tr", { class: "detail" }, make("td", { colspan: COLUMNS.length }, make("div", { class: "panels" }, left, right)));
  }

  function toggle(row, run) {
    if (row.nextSibling && row.nextSibling.classList && row.nextSibling.classList.contains("detail")) {
      row.nextSibling.remove();
    } else {
      row.after(detail(run));
    }
  }

  function matching() {
    const words = search.value.trim().toLowerCase().split(/[\s/]+/).filter(Boolean);
    const found = data.runs.filter((run) => {
      const parts = (place(run) + "/" + run.status + "/" + run.record).toLowerCase().split("/");
      return words.every((word) => parts.includes(word) || (word.length > 1 && parts.some((part) => part.startsWith(word))));
    });
    if (order.key !== null) {
      const missing = order.sign > 0 ? Infinity : -Infinity;
      const item = (run) => (run[order.key] === undefined ? missing : run[order.key]);
      found.sort((a, b) => order.sign * compare(item(a), item(b)));
    }
    return found;
  }

  function draw() {
    const found = matching();
    body.replaceChildren();
    for (const run of found.slice(0, shown)) {
      const row = make("tr", { class: "run " + run.status, tabindex: 0 });
      for (const key of COLUMNS) {
        const numeric = typeof run[key] === "number";
        row.append(make("td", numeric ? { class: "number" } : {}, pretty(key, run[key])));
      }
      row.addEventListener("click", () => toggle(row, run));
      row.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(row, run); });
      body.append(row);
    }
    document.getElementById("found").textContent = `${found.length} of ${data.runs.length} runs`;
    more.hidden = found.length <= shown;
    return found;
  }

  document.querySelectorAll("#runs-table thead button").forEach((button) => {
    button.addEventListener("click", () => {
      order = { key: button.dataset.key, sign: direction(button) };
      draw();
    });
  });
  search.addEventListener("input", () => { shown = PAGE; draw(); });
  more.addEventListener("click", () => { shown += PAGE; draw(); });

  // #runs/ucf11/pixels/fdht_lstm shows the runs that a number rests on; a complete path opens the run
  function follow() {
    const found = decodeURIComponent(location.hash).match(/^#runs\/(.+)$/);
    if (!found) return;
    search.value = found[1];
    shown = PAGE;
    const runs = draw();
    if (runs.length === 1) toggle(body.rows[0], runs[0]);
    document.getElementById("runs").scrollIntoView();
  }
  window.addEventListener("hashchange", follow);
  draw();
  follow();
  document.body.dataset.ready = "true";
})();
