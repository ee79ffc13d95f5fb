/* The figures at the top: what stands now, and the last rates that are final, each against the period before. */

import { el } from "./dom.js";
import { defined, IGNORED } from "./tables.js";

// [label, chart, column, how]; of several columns, the first of which anything is known. now: it stands at a moment, and need not wait for a period to be over; times: so many of it;
// points: it is a share, of which the change is in points
const FIGURES = [
  ["MRR", "mrr", "closing_mrr", { now: true }],
  ["ARR", "mrr", "closing_mrr", { now: true, times: 12 }],
  ["Net revenue", "revenue", "net_after_fees", {}],
  ["Active subscribers", "subscribers", ["subscribers", "paying_customers"], { now: true }],
  ["Subscriber churn", "churn", "churn_rate", { points: true }],
  ["Net retention (NRR)", "retention", "net_revenue_retention", { points: true }],
  ["ARPU", "value", "arpu", {}],
  ["Lifetime value", "value", "ltv", {}],
];

/** One tile for each figure of which there is a number. */
export function figureTiles(charts, format) {
  const byName = Object.fromEntries(charts.map((chart) => [chart.name, chart]));
  return FIGURES.map(([label, name, key, how]) => tile(label, byName[name], key, how, format)).filter(Boolean);
}

function tile(label, chart, keys, { now = false, times = 1, points = false }, format) {
  const rows = chart.rows.map((row) => Object.fromEntries(chart.columns.map((each, place) => [each.key, row[place]])));
  const key = [keys].flat().find((each) => rows.some((row) => row[each] !== null));
  const column = chart.columns.find((each) => each.key === key);
  const place = now ? rows.length - 1 : rows.findLastIndex((row) => row.is_complete);
  const row = rows[place] ?? rows[rows.length - 1];
  if (!row || !column || row[key] === null) return null;
  const value = Number(row[key]) * times;
  const before = rows[rows.indexOf(row) - 1];
  const period = format.full("period", row.period);
  const definition = times === 1 ? column.definition : `${times} x ${column.definition}`;
  return el(
    "div",
    { class: "figure", "data-value": row[key] },
    el("span", { class: "label" }, defined(label, definition)),
    el("span", { class: "value", title: format.full(column.kind, value) }, shown(column.kind, value, format)),
    el("span", { class: "since", title: period }, change(row[key], before?.[key], points), row.is_complete ? ` ${period}` : " so far"),
    chart.ignores.map((filter) => el("span", { class: "ignored" }, IGNORED[filter])),
  );
}

function shown(kind, value, format) {
  return kind === "money" && Math.abs(value) >= 100000 ? format.short(kind, value) : format.full(kind, value);
}

function change(value, before, points) {
  if (before === undefined || before === null || Number(before) === 0) return "";
  const difference = points ? (Number(value) - Number(before)) * 100 : (Number(value) / Number(before) - 1) * 100;
  const sign = difference > 0 ? "+" : difference < 0 ? "−" : "±";
  const size = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(Math.abs(difference));
  return el("span", { class: "change", title: "against the period before" }, `${sign}${size} ${points ? "pts" : "%"}`);
}
