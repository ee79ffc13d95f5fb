/* The form of what can be asked for. Every choice is taken at once. */

import { el } from "./dom.js";
import { monthLabel } from "./format.js";

/** Fills the form from what the server says can be chosen and is; `choose` is called with what changes. */
export function fillFilters(form, options, filters, choose) {
  const focused = document.activeElement?.name;
  const months = options.months.map((month) => [month, monthLabel(month)]);
  const currencies = options.currencies.map((code) => [code, code.toUpperCase()]);
  if (options.all_in) currencies.push(["every", `All, in ${options.all_in.toUpperCase()}`]);
  const fields = [
    select("currency", "Currency", currencies, filters.currency, (value) => choose({ currency: value, plan: null })),
    // a plan has one currency
    options.plans.length > 0 &&
      select("plan", "Plan", [["", "All plans"], ...options.plans.map((plan) => [plan.price_id, plan.label])], filters.plan ?? "", (value) => choose({ plan: value })),
    options.accounts.length > 1 &&
      select("account", "Account", [["", "All accounts"], ...options.accounts.map((id) => [id, id])], filters.account ?? "", (value) =>
        choose({ account: value, currency: null, plan: null }),
      ),
    options.modes.length > 1 &&
      select("mode", "Mode", options.modes.map((mode) => [mode, mode === "live" ? "Live" : "Test"]), filters.mode, (value) =>
        choose({ mode: value, account: null, currency: null, plan: null }),
      ),
    select("from", "From", months, filters.from, (value) => choose({ from: value, ...(value > filters.to && { to: value }) })),
    select("to", "To", months, filters.to, (value) => choose({ to: value, ...(value < filters.from && { from: value }) })),
    el(
      "fieldset",
      { class: "segmented" },
      el("legend", {}, "By"),
      [
        ["month", "Months"],
        ["quarter", "Quarters"],
      ].map(([value, label]) =>
        el(
          "label",
          {},
          el("input", { type: "radio", name: "by", value, checked: filters.by === value, change: () => choose({ by: value }) }),
          el("span", {}, label),
        ),
      ),
    ),
    el("button", { type: "button", class: "tool", name: "everything", click: () => choose({ from: options.months[0], to: options.months.at(-1) }) }, "All time"),
  ];
  form.replaceChildren(...fields.filter(Boolean));
  form.hidden = false;
  // the one that was changed keeps the focus
  if (focused) (form.querySelector(`[name="${focused}"]:checked`) ?? form.elements[focused])?.focus?.();
}

function select(name, label, choices, chosen, change) {
  const options = choices.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
  return el("label", {}, el("span", {}, label), el("select", { name, change: (event) => change(event.target.value) }, options));
}
