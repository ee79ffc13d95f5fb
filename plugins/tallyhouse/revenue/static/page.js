/* The page: asks for everything in one request, and shows it; again whenever something else is chosen. */

import { linkTo, signIn } from "./airflow.js";
import { Card, problem } from "./card.js";
import { el, showDefinitions } from "./dom.js";
import { figureTiles } from "./figures.js";
import { fillFilters } from "./filters.js";
import { formats } from "./format.js";
import { query, read, write } from "./state.js";
import { statusLine } from "./status.js";

const byId = (id) => document.getElementById(id);
const live = el("p", { class: "unseen", role: "status", "aria-live": "polite" });
const announce = (text) => live.replaceChildren(text);

let state = read();
let cards = [];
let asking = 0;

async function load() {
  const mine = ++asking;
  byId("charts").setAttribute("aria-busy", "true");
  const answer = await ask(query(state));
  if (mine !== asking) return; // something else has been chosen meanwhile
  byId("charts").removeAttribute("aria-busy");
  byId("message").replaceChildren(...answer.message);
  if (!answer.document) {
    if (answer.isFinal) clear();
    return;
  }
  show(answer.document);
}

/** {document} or {message}: what the server gave, or what to say instead. */
async function ask(search) {
  // the first request is on its way since the page began
  const first = window.firstAnswer;
  window.firstAnswer = null;
  let response;
  try {
    response = await (first ?? fetch(`data?${search}`));
  } catch {
    return { message: [problem("Airflow does not answer.", "Look whether its api-server runs, and load the page again.")] };
  }
  if (response.status === 401) {
    return { isFinal: true, message: [el("div", { class: "problem" }, el("strong", {}, "You are signed out."), el("p", {}, signIn("Sign in"), " and come back."))] };
  }
  if (response.status === 403) {
    const todo = "Ask whoever runs Airflow for the right to read the runs of the DAG marts.";
    return { isFinal: true, message: [problem("You may not read these numbers.", todo)] };
  }
  const content = await response.json().catch(() => null);
  if (response.ok && content) return { document: content, message: [] };
  const again = el("button", { type: "button", class: "tool", click: () => choose(Object.fromEntries(Object.keys(state).map((key) => [key, null]))) }, "Show the usual range");
  const said = problem(content?.error ?? `Airflow answered ${response.status}.`, content?.what_to_do ?? "Look at the log of its api-server.");
  if (response.status === 400) said.append(again);
  return { isFinal: true, message: [said] };
}

function clear() {
  for (const card of cards) card.dispose();
  cards = [];
  for (const id of ["charts", "figures", "status"]) byId(id).replaceChildren();
}

function show({ filters, options, charts, without_rate, status }) {
  clear();
  byId("status").replaceChildren(statusLine(status));
  if (!filters) {
    byId("filters").hidden = true;
    byId("message").replaceChildren(beginning());
    return;
  }
  const format = formats(filters);
  const tables = new Set((state.tables ?? "").split(",").filter(Boolean));
  const onTable = (name, isTable) => {
    if (isTable) tables.add(name);
    else tables.delete(name);
    state.tables = [...tables].join(",");
    write(state);
  };
  if (without_rate) byId("message").replaceChildren(problem(without_rate.error, without_rate.what_to_do));
  fillFilters(byId("filters"), options, filters, choose);
  byId("figures").replaceChildren(...figureTiles(charts, format));
  cards = charts.map((chart) => new Card(chart, { format, state, tables, announce, onTable, by: filters.by }));
  byId("charts").replaceChildren(...cards.map((card) => card.element));
  for (const card of cards) card.show();
  byId("footer").replaceChildren(
    `Amounts ${filters.currency === filters.shown_in ? "" : "of all currencies "}in ${filters.shown_in.toUpperCase()}${filters.mode === "test" ? ", test data" : ""}. Hatched bars, dashed lines to hollow points and dotted cells are of periods that are not over, or not known in full. `,
    "All numbers are of schema mart; the SQL of each chart can be run as it is.",
  );
  // when all was drawn, in milliseconds since the page was asked for
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

/** What to do before anything is loaded. */
function beginning() {
  return el(
    "div",
    { class: "problem" },
    el("strong", {}, "There are no numbers yet."),
    el(
      "ol",
      {},
      el("li", {}, "Un-pause ", linkTo("stripe_events", "stripe_events"), ", which reads what happens from now on."),
      el("li", {}, "Trigger ", linkTo("stripe_backfill", "stripe_backfill"), " once, for what is older."),
      el("li", {}, "Wait for ", linkTo("warehouse", "warehouse"), " and ", linkTo("marts", "marts"), ", which follow by themselves, and load this page again."),
    ),
  );
}

function choose(changes) {
  state = { ...state, ...changes };
  write(state);
  load();
}

document.body.append(live);
showDefinitions(byId("definition"));
byId("filters").addEventListener("submit", (event) => event.preventDefault());
load();
