/* One chart on the page: its title and definition, drawing or table, CSV, SQL; what to do when there is nothing. */

import { linkTo } from "./airflow.js";
import { el, withLinks } from "./dom.js";
import { PeriodChart } from "./drawing.js";
import { query } from "./state.js";
import { defined, fullTable, heatTable, IGNORED, partList } from "./tables.js";
import { toned, VIEWS } from "./views.js";

/** A card; `context`: {format, state, announce, onTables}. `dispose()` before it is thrown away. */
export class Card {
  constructor(chart, context) {
    this.chart = chart;
    this.context = context;
    this.view = VIEWS[chart.name];
    this.rows = chart.rows.map((row) => Object.fromEntries(chart.columns.map((column, place) => [column.key, row[place]])));
    this.body = el("div", { class: "body" });
    this.asTable = context.tables.has(chart.name);
    const wide = this.view.wide ? " wide" : "";
    this.element = el("section", { class: `card${wide}`, id: `chart-${chart.name}`, "data-by": context.by, "aria-label": chart.title }, this.#head(), this.body, this.#foot());
  }

  /** Draws; the card must be on the page, since its width counts. */
  show() {
    this.drawing?.dispose();
    this.drawing = null;
    this.body.replaceChildren();
    const { chart, rows, view, context } = this;
    if (chart.error) this.body.append(problem(chart.error, chart.what_to_do));
    else if (rows.length === 0 || (!this.asTable && isNothing(chart, rows))) this.body.append(el("p", { class: "empty" }, withLinks(chart.when_empty, (dag) => linkTo(dag, dag))));
    else if (this.asTable) this.body.append(fullTable(chart, rows, context.format));
    else if (view.heat) this.body.append(heatTable(chart, rows, view.heat, context.format));
    else if (view.list) this.body.append(this.#legend(), partList(chart, rows, view.list, context.format));
    else {
      this.body.append(this.#legend());
      this.drawing = new PeriodChart(this.body, chart, rows, view, context.format, context.announce);
    }
  }

  dispose() {
    this.drawing?.dispose();
  }

  #head() {
    const { chart, context } = this;
    const told = [chart.definition, chart.note].filter(Boolean).join("\n\n");
    const address = `charts/${chart.name}.csv?${query(context.state)}`;
    this.toggle = el(
      "button",
      { type: "button", class: "tool", "aria-pressed": String(this.asTable), "aria-label": `Table of ${chart.title}`, click: () => this.#flip() },
      "Table",
    );
    return el(
      "header",
      {},
      el("h2", {}, chart.title),
      el("button", { type: "button", class: "info", "aria-label": `What is ${chart.title}?`, "data-definition": told }, "i"),
      chart.ignores.map((name) => el("span", { class: "ignored" }, IGNORED[name])),
      el(
        "div",
        { class: "tools" },
        this.toggle,
        el("a", { class: "tool", href: address, download: true, "aria-label": `${chart.title} as CSV` }, "CSV"),
        el("button", { type: "button", class: "tool", "aria-label": `SQL of ${chart.title}`, click: () => this.#showSql() }, "SQL"),
      ),
    );
  }

  #foot() {
    return this.chart.note ? el("p", { class: "note" }, this.chart.note) : null;
  }

  #flip() {
    this.asTable = !this.asTable;
    this.toggle.setAttribute("aria-pressed", String(this.asTable));
    this.context.onTable(this.chart.name, this.asTable);
    this.show();
  }

  #legend() {
    const columns = Object.fromEntries(this.chart.columns.map((column) => [column.key, column]));
    const { waterfall, panels, list } = this.view;
    const shown = waterfall
      ? [...waterfall.won, ...waterfall.lost, ...waterfall.either, { key: waterfall.to, tone: "ink", line: true }]
      : list
        ? list.parts
        : panels.flatMap((panel) => [...(panel.lines ?? []).map((line) => ({ ...line, line: true })), ...(panel.bars ?? [])]);
    const known = shown.filter(({ key }) => columns[key] && this.rows.some((row) => row[key] !== null));
    return el(
      "ul",
      { class: "legend" },
      known.map(({ key, tone, line }) =>
        el(
          "li",
          {},
          el("span", { class: line ? "swatch line" : "swatch", style: toned(tone), "aria-hidden": "true" }),
          defined(columns[key].label, columns[key].definition),
        ),
      ),
    );
  }

  #showSql() {
    const { chart, context } = this;
    const copy = el("button", { type: "button", class: "tool" }, "Copy");
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(chart.sql);
        context.announce("Copied");
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(text);
        copy.textContent = "Selected: copy it";
      }
    });
    const text = el("code", {}, chart.sql);
    const dialog = el(
      "dialog",
      { class: "sql", "aria-label": `SQL of ${chart.title}`, close: () => dialog.remove() },
      el(
        "header",
        {},
        el("h2", {}, `SQL of ${chart.title}`),
        el("div", { class: "tools" }, copy, el("button", { type: "button", class: "tool", click: () => dialog.close() }, "Close")),
      ),
      el("pre", { tabindex: "0" }, text),
    );
    document.body.append(dialog);
    dialog.showModal();
  }
}

/** Whether there is a row for each period, and nothing in any of them. */
function isNothing(chart, rows) {
  const numbers = chart.columns.filter(({ kind }) => kind === "count" || kind === "money");
  return rows.every((row) => numbers.every(({ key }) => Number(row[key]) === 0 && row[key] !== null));
}

/** What is wrong, and what to do: a sentence that may name a DAG in backticks. */
export function problem(error, whatToDo) {
  return el("div", { class: "problem" }, el("strong", {}, error), el("p", {}, withLinks(whatToDo, (dag) => linkTo(dag, dag))));
}
