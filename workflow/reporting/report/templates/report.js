// The table of runs (DataTables), curves (Plotly), and the sorting of all other tables.
const $ = (id) => document.getElementById(id);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

// Data and libraries are packed: gzip in base64.
function unpacked(id) {
  const bytes = Uint8Array.from(atob($(id).textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}
async function library(id) {
  return import(URL.createObjectURL(new Blob([await unpacked(id).text()], { type: "text/javascript" })));
}
const data = await unpacked("data").json();
const { default: DataTable } = await library("datatables");

// An element with attributes and children. Text is never parsed as HTML.
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const shares = new Set(data.columns.filter(({ percent }) => percent).map(({ key }) => key));
const numbers = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
function printed(key, value) {
  if (value === undefined) return "—";
  if (shares.has(key)) return (100 * value).toFixed(1);
  if (typeof value === "number") return numbers.format(value).replaceAll(",", "\u202f");
  return data.labels[key]?.[value] ?? String(value);
}
const has = (run, quantity) => run.curve?.[quantity].some((share) => share !== null);

// A chart of accuracies against epochs. A line has a name, a run, a quantity, and how it is dashed.
let plotly; // loaded with the first chart: 5 MB
async function chart(box, lines, chosen) {
  plotly ??= library("plotly");
  await plotly;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const [ink, soft, grid, paper] = ["--ink", "--soft", "--line", "--paper"].map(colour);
  const traces = lines.map(({ name, run, quantity, dash }) => ({
    name, x: run.curve.epoch, y: run.curve[quantity].map((share) => (share === null ? null : 100 * share)),
    mode: run.curve.epoch.length > 1 ? "lines" : "markers", line: { dash },
    connectgaps: true, hovertemplate: "%{y:.1f} %",
  }));
  const layout = {
    height: 350 + 6 * lines.length, margin: { l: 50, r: 10, t: 30, b: 45 }, hovermode: "x unified", showlegend: true,
    font: { family: "system-ui, sans-serif", size: 13, color: ink }, paper_bgcolor: "transparent",
    plot_bgcolor: "transparent", legend: { orientation: "h", y: -0.25, yanchor: "top" },
    hoverlabel: { namelength: -1, font: { color: ink }, bgcolor: paper, bordercolor: grid },
    modebar: { bgcolor: "transparent", color: soft, activecolor: ink },
    xaxis: { gridcolor: grid, zerolinecolor: grid, title: { text: "epoch" } },
    yaxis: { gridcolor: grid, zerolinecolor: grid, title: { text: "accuracy (%)" }, rangemode: "tozero" },
    shapes: chosen === undefined ? [] : [
      { type: "line", x0: chosen, x1: chosen, yref: "paper", y0: 0, y1: 1, line: { dash: "dot", color: soft } },
    ],
  };
  await window.Plotly.react(box, traces, layout, {
    responsive: true, displaylogo: false, toImageButtonOptions: { format: "svg" },
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]], // none needs a network
  });
}

// What an open run shows.
function detail(run) {
  const list = make("dl", {});
  for (const { key, title, about } of data.columns.filter(({ key }) => run[key] !== undefined)) {
    list.append(make("dt", { title: about }, title), make("dd", {}, printed(key, run[key])));
  }
  const folder = (data.prefix + run.record.replace(/result\.json$/, "")).split("/").map(encodeURIComponent).join("/");
  const files = run.files.flatMap((name) => [make("a", { href: folder + name }, name), " "]);
  const left = make("div", {}, make("h3", {}, run.path.slice(1, -1)), list, make("p", {}, "Files: ", ...files));
  const right = make("div", {});
  const lines = [["training", "train", "dot"], ["validation", "validation", "dash"], ["test", "test", "solid"]]
    .map(([name, part, dash]) => ({ name, run, quantity: `${part}_accuracy`, dash }))
    .filter(({ quantity }) => has(run, quantity));
  if (lines.length) {
    const box = make("div", { role: "img", "aria-label": `Accuracies of ${run.path} over the epochs` });
    chart(box, lines, run.best_epoch);
    const note = run.best_epoch === undefined ? "" : "Dotted line: the epoch chosen on validation.";
    right.append(box, make("p", { class: "note" }, note));
  } else right.append(make("p", { class: "note" }, "No learning curve."));
  for (const [key, title] of [["specification", "Specification"], ["environment", "Environment"]]) {
    if (key in run) right.append(make("h3", {}, title), make("pre", { tabindex: 0 }, data[key][run[key]]));
  }
  return make("div", { class: "detail" }, left, right);
}

// The table of runs. Searches see names as they are printed and as they are stored.
const joined = (text) => text.replace(/(\d+)\s*%/g, "#$1%"); // "0 %" is one word, and no part of "50 %"
const escaped = (text) => new Option(text).innerHTML;
const show = (key) => (_, type, run) => {
  const value = run[key];
  if (type === "display") return escaped(printed(key, value));
  if (type === "filter") return joined(`${printed(key, value)} ${value ?? ""}`);
  return type === "export" || typeof value === "number" ? value ?? "" : printed(key, value);
};
const opener = (_, type, run) => type !== "display" ? "" :
  make("button", { type: "button", class: "open", "aria-expanded": "false", "aria-label": `Details of ${run.path}` });
const OWN = 2; // columns before those of the data: tick, open
const facets = data.columns.flatMap(({ facet }, index) => (facet ? [index + OWN] : []));
const columns = [
  { render: DataTable.render.select() },
  { render: opener, title: "Open" },
  ...data.columns.map(({ key, title, percent, visible, facet }) => ({
    title, visible, render: show(key), className: percent ? "share" : "",
    searchPanes: { show: facet, orderable: false },
  })),
];
const csv = {
  extend: "csvHtml5", text: "CSV", titleAttr: "All columns of the ticked runs, or of all runs found if none is ticked",
  filename: "runs", footer: false,
  exportOptions: {
    columns: (index) => index >= OWN, orthogonal: "export",
    format: { header: (title, index, head) => head.dataset.key },
  },
};
const panes = {
  columns: facets, layout: `columns-${facets.length}`, cascadePanes: true, initCollapsed: innerWidth < 900,
  dtOpts: { select: { style: "multi", keys: true }, language: { emptyTable: "none" } }, // keys: arrows, Space, Enter
};
const runs = new DataTable("#runs-table", {
  data: data.runs, order: [], pageLength: 50, autoWidth: false, deferRender: true,
  columns: columns.map((column, index) => (
    { ...column, data: null, defaultContent: "", orderable: index >= OWN, searchable: index >= OWN }
  )),
  select: { style: "multi", selector: "td:first-child", info: false },
  layout: {
    top2: { searchPanes: panes },
    topStart: {
      buttons: [
        { extend: "colvis", text: "Columns", columns: `:gt(${OWN - 1})`, background: false },
        csv,
        { extend: "selectNone", text: "Untick all" },
      ],
    },
    topEnd: "pageLength", bottomStart: null, bottomEnd: "paging",
  },
  language: { entries: { _: "runs", 1: "run" }, searchPanes: { title: { _: "Filters: %d in use", 0: "Filters" } } },
  createdRow: (row, run) => row.classList.add(run.status),
});
await new Promise((resolve) => runs.ready(resolve));
data.columns.forEach(({ key, about }, index) => {
  const head = runs.column(index + OWN).header();
  [head.title, head.dataset.key] = [about, key];
});

function toggle(button) {
  const row = runs.row(button.closest("tr"));
  if (row.child.isShown()) row.child.hide();
  else row.child(detail(row.data())).show();
  button.setAttribute("aria-expanded", row.child.isShown());
}
function count() {
  const { recordsDisplay, recordsTotal } = runs.page.info();
  $("found").textContent = `${recordsDisplay} of ${recordsTotal} runs`;
}
runs.on("draw", count);
count();
runs.table().body().addEventListener("click", ({ target }) => target.matches("button.open") && toggle(target));
let typing; // one search for all keys of a word: it takes a third of a second for thousands of runs
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => runs.search(joined($("search").value)).draw(), 150);
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select")) return;
  event.preventDefault();
  $("search").focus();
});

// The curves of all ticked runs in one chart. A line is named after what differs among them.
const MOST = 24;
function overlay() {
  const [ticked, quantity] = [runs.rows({ selected: true }).data().toArray(), $("quantity").value];
  const drawn = ticked.filter((run) => has(run, quantity)).slice(0, MOST);
  const differing = data.identity.filter((key) => drawn.some((run) => run[key] !== drawn[0][key]));
  const common = data.identity.filter((key) => !differing.includes(key));
  const part = (run) => (key) => (typeof run[key] === "number" ? `${key} ${run[key]}` : printed(key, run[key]));
  const name = (run, keys) => keys.map(part(run)).join(", ");
  const rest = ticked.length > drawn.length ? ` ${drawn.length} of ${ticked.length} ticked runs are drawn: ` +
    `only those with this curve, at most ${MOST}.` : "";
  $("overlay").hidden = !ticked.length;
  $("drawn").textContent = `${drawn.length ? name(drawn[0], common) : "No run has this curve"}.${rest}`;
  const lines = drawn.map((run, index) => ({
    name: name(run, differing.length ? differing : ["seed"]), run, quantity,
    dash: ["solid", "dash", "dot"][Math.floor(index / 10)], // there are ten colours
  }));
  if (ticked.length) chart($("overlay-chart"), lines);
}
runs.on("select deselect", overlay);
$("quantity").addEventListener("change", overlay);

// Other tables: rows are sorted within their block. A cell counts as a number if it begins with one.
function comparable(text) {
  const plain = text.replace(/\s/g, "").replace(/−/g, "-").replace(/^[[<(]/, "");
  return Number.isNaN(parseFloat(plain)) ? text : parseFloat(plain);
}
function compare(a, b) {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return typeof a === "number" ? a - b : a.localeCompare(b);
}
function sort(button) {
  const head = button.closest("th");
  const sign = head.ariaSort === "ascending" ? -1 : 1;
  all("th", head.parentElement).forEach((other) => other.removeAttribute("aria-sort"));
  head.ariaSort = sign === 1 ? "ascending" : "descending";
  const key = (row) => comparable(row.cells[head.cellIndex].textContent.trim());
  for (const block of button.closest("table").tBodies) {
    block.append(...all("tr:not(.block)", block).sort((a, b) => sign * compare(key(a), key(b))));
  }
}
all(".sortable thead button").forEach((button) => button.addEventListener("click", () => sort(button)));
all("a.png").forEach((link) => { link.href = link.closest("figure").querySelector("img").src; });

// #runs/ucf11/pixels/fdht_lstm shows the runs behind a number. The path of a single run opens it.
function follow() {
  const place = decodeURIComponent(location.hash).match(/^#runs(\/.+?)\/?$/)?.[1];
  if (!place) return;
  $("search").value = `${place}/`;
  runs.search($("search").value).draw();
  const found = all("button.open[aria-expanded=false]", runs.table().body());
  if (runs.page.info().recordsDisplay === 1) found.forEach(toggle);
  $("runs").scrollIntoView();
}
addEventListener("hashchange", follow);
follow();

// DataTables has a class for dark pages; charts take their colours when they are drawn.
const dark = matchMedia("(prefers-color-scheme: dark)");
const themed = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", () => { themed(); overlay(); });
themed();
document.body.dataset.ready = "true";
