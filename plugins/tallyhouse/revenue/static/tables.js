/* Numbers as tables: all of a chart's rows, the heat map of a triangle, the list of parts. */

import { el } from "./dom.js";
import { toned } from "./views.js";

/** What is said where a filter was chosen that the marts behind a number do not keep. */
export const IGNORED = { plan: "of all plans", account: "of all accounts" };

/** Every row and column of a chart; each cell has its exact value in data-value. */
export function fullTable(chart, rows, format) {
  const head = chart.columns.map((column) =>
    el("th", { scope: "col", class: column.kind }, defined(column.label, column.definition)),
  );
  const lines = rows.map((row) =>
    el(
      "tr",
      {},
      chart.columns.map((column) => {
        const value = row[column.key];
        return el("td", { class: column.kind, "data-value": value === null ? "" : String(value) }, format.full(column.kind, value));
      }),
    ),
  );
  return scrolling(
    `${chart.title}: all numbers`,
    el("table", { class: "full" }, el("caption", {}, chart.title), el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines)),
  );
}

/** A triangle: a line for each row of the view, a column for each step, the stronger the colour the larger the share. */
export function heatTable(chart, rows, view, format) {
  const columns = Object.fromEntries(chart.columns.map((column) => [column.key, column]));
  const names = [view.row].flat();
  const write = (row) =>
    names
      .filter((name) => row[name] !== null)
      .map((name) => (name === "renews_every" ? every(row[name]) : format.full(columns[name].kind, row[name])))
      .join(" · ");
  // a row of which no share can be said has nothing to show: a channel that costs nothing
  const told = [...grouped(rows, write)].filter(([, group]) => group.some((row) => row[view.value] !== null));
  const steps = [...new Set(told.flatMap(([, group]) => group.map((row) => row[view.column])))].sort((a, b) => a - b);
  const value = columns[view.value];
  const beside = columns[view.beside];
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, columns[names.find((name) => rows[0][name] !== null)].label),
    el("th", { scope: "col", class: "beside" }, defined(beside.label, beside.definition)),
    steps.map((step) => el("th", { scope: "col", class: "step" }, String(step))),
  );
  const body = told.map(([label, group]) => {
    const byStep = new Map(group.map((row) => [row[view.column], row]));
    const cells = steps.map((step) => heatCell(byStep.get(step), view, value, format));
    const size = group[0][view.beside];
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, label),
      el("td", { class: "beside", title: format.full(beside.kind, size) }, format.short(beside.kind, size)),
      cells,
    );
  });
  const caption = `${chart.title}: ${value.label} by ${columns[view.column].label.toLowerCase()}, per cent`;
  return scrolling(
    caption,
    el("table", { class: "heat" }, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, body)),
  );
}

function heatCell(row, view, column, format) {
  if (!row || row[view.value] === null) return el("td", { class: "void" });
  const share = Number(row[view.value]);
  const strength = Math.min(1, Math.max(0, share / (view.goal ?? 1)));
  const classes = [row.is_complete === false ? "open" : "", view.goal && share >= view.goal ? "reached" : ""];
  return el(
    "td",
    {
      class: classes.filter(Boolean).join(" "),
      style: `--strength: ${Math.round(strength * 100)}%`,
      title: format.full(column.kind, row[view.value]) + (row.is_complete === false ? " so far" : ""),
      "data-value": row[view.value],
    },
    String(Math.round(share * 100)),
    row.is_complete === false && el("span", { class: "unseen" }, " so far"),
  );
}

/** A bar for each row, of parts, with its number and its rate. */
export function partList(chart, rows, view, format) {
  const columns = Object.fromEntries(chart.columns.map((column) => [column.key, column]));
  const most = Math.max(1, ...rows.map((row) => row[view.total]));
  return el(
    "ul",
    { class: "parts" },
    rows.map((row) =>
      el(
        "li",
        {},
        el("span", { class: "name" }, row[view.row].replaceAll("_", " ")),
        el("span", { class: "number" }, format.full("count", row[view.total])),
        el(
          "span",
          { class: "bar", "aria-hidden": "true" },
          view.parts.map(({ key, tone }) =>
            el("span", { style: `width: ${(100 * row[key]) / most}%; ${toned(tone)}`, title: `${columns[key].label}: ${row[key]}` }),
          ),
        ),
        el("span", { class: "rate" }, `${format.full("rate", row[view.rate])} ${columns[view.rate].label.toLowerCase()}`),
      ),
    ),
  );
}

/** A label whose definition is shown on hover and on focus. */
export function defined(label, definition) {
  return definition ? el("span", { class: "defined", tabindex: "0", "data-definition": definition }, label) : label;
}

function scrolling(label, table) {
  return el("div", { class: "scrolling", tabindex: "0", role: "region", "aria-label": label }, table);
}

function every(text) {
  const [number, unit] = text.split(" ");
  return number === "1" ? `every ${unit}` : `every ${number} ${unit}s`;
}

function grouped(rows, write) {
  const found = new Map();
  for (const row of rows) found.set(write(row), [...(found.get(write(row)) ?? []), row]);
  return found;
}
