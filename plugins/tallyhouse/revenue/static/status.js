/* How far the numbers can be trusted, in one line, and all of it when it is opened; links lead to the runs. */

import { linkTo } from "./airflow.js";
import { el } from "./dom.js";
import { counted, instantLabel } from "./format.js";

/** The line and what is behind it; open from the beginning when something is wrong. */
export function statusLine(status) {
  const troubles = [...runTroubles(status), ...checkTroubles(status), ...gapTroubles(status), ...differenceTroubles(status), ...lateTroubles(status)];
  const count = troubles.filter((trouble) => trouble.level !== "note").length;
  const worst = troubles.some((trouble) => trouble.level === "bad") ? "bad" : count ? "warn" : "good";
  const through = status.freshness.map((row) => row.data_through).filter(Boolean).sort()[0];
  const marts = status.runs.find((run) => run.dag_id === "marts");
  const words = [
    through ? `Data to ${instantLabel(through)}` : "No data yet",
    lastRun(marts),
    count ? `${counted(count, "thing")} to look at` : `${counted(status.checks.passed, "check")} passed`,
  ];
  return el(
    "details",
    { class: `status ${worst}`, open: worst === "bad" },
    el("summary", {}, el("span", { class: "light", "aria-hidden": "true" }), words.filter(Boolean).join(" · ")),
    el(
      "div",
      { class: "panel" },
      troubles.length ? el("ul", { class: "troubles" }, troubles.map((trouble) => el("li", { class: trouble.level }, trouble.text))) : null,
      runTable(status.runs),
      el("p", {}, `Views refreshed ${instantLabel(status.refreshed.newest)}. Checks: ${status.checks.passed} passed, last ${instantLabel(status.checks.checked_at)}. `, compared(status.reconciliation)),
    ),
  );
}

function lastRun(run) {
  if (!run?.state) return "not refreshed yet";
  return `last run ${run.state === "success" ? "green" : "red"} ${instantLabel(run.ended_at)}`;
}

function runTroubles({ runs }) {
  return runs.flatMap((run) => {
    const found = [];
    if (run.state === "failed") {
      const tasks = run.failed_tasks.flatMap((task, place) => [place ? ", " : " in ", linkTo(task.task_id, run.dag_id, run.run_id, task.task_id, task.map_index)]);
      found.push({
        level: "bad",
        text: el("span", {}, linkTo(run.dag_id, run.dag_id, run.run_id), " failed ", instantLabel(run.ended_at), tasks, ": its log says why, and what to do."),
      });
    }
    if (run.is_paused && ["stripe_events", "warehouse", "marts"].includes(run.dag_id)) {
      found.push({ level: "warn", text: el("span", {}, linkTo(run.dag_id, run.dag_id), " is paused: un-pause it, or the numbers stay as they are.") });
    }
    return found;
  });
}

function checkTroubles({ checks }) {
  return checks.others.map((check) => ({
    level: check.status === "failed" ? "bad" : "note",
    text: el(
      "span",
      {},
      `Check ${check.check_name} ${check.status}: ${counted(check.failing_count, "row")} found, ${check.threshold} allowed. `,
      check.dag_id ? linkTo(`Run of ${instantLabel(check.checked_at)}`, check.dag_id, check.run_id) : `Run of ${instantLabel(check.checked_at)}`,
      check.status === "failed" ? ": its log says what to do." : ".",
      check.first_rows.length ? el("ul", { class: "rows" }, check.first_rows.map((row) => el("li", {}, rowText(row)))) : null,
    ),
  }));
}

/** A row that a check has found, as column: value. */
function rowText(row) {
  return Object.entries(row)
    .map(([name, value]) => `${name}: ${value ?? "none"}`)
    .join(", ");
}

function gapTroubles({ gaps }) {
  return gaps.map((gap) => ({
    level: "warn",
    text: el(
      "span",
      {},
      `Events of ${counted(gap.days, "day")} are missing (${instantLabel(gap.gap_from)} to ${instantLabel(gap.gap_to)}, ${gap.account_id}). `,
      gap.is_refused ? "Stripe refuses to list them: see the log of " : gap.is_relisted ? "All is listed again, and waits for " : "They are listed again by ",
      gap.is_relisted ? linkTo("warehouse", "warehouse") : linkTo("stripe_backfill", "stripe_backfill"),
      ".",
    ),
  }));
}

/** Why a state of Stripe's was not the warehouse's, in the words for people; each was staged, and is in with the next load. */
const REASONS = { unexplained: "unexplained", never_seen: "never seen", stale: "stale", deleted: "deleted", unknown_shape: "unreadable" };

const wrong = (row) => Object.keys(REASONS).reduce((sum, reason) => sum + row[reason], 0);

function differenceTroubles({ reconciliation }) {
  const told = (row, level, counts, rest) => ({
    level,
    text: el("span", {}, `${counts} to Stripe in ${counted(row.listed_objects, row.object_type.replaceAll("_", " "))}${rest} `, linkTo(`Compared ${instantLabel(row.compared_at)}`, row.dag_id, row.run_id), "."),
  });
  return reconciliation.flatMap((row) => {
    const found = [];
    if (wrong(row) > 0) {
      const reasons = Object.entries(REASONS).flatMap(([reason, word]) => (row[reason] > 0 ? [`${row[reason]} ${word}`] : []));
      const rest = row.unexplained > 0 ? "; run warehouse_rebuild." : ", healed by the next load.";
      found.push(told(row, row.unexplained > 0 ? "bad" : "warn", counted(wrong(row), "difference"), `: ${reasons.join(", ")}${rest}`));
    }
    if (row.later_than_lag > 0) found.push(told(row, "note", counted(row.later_than_lag, "difference"), ", all of changes since the events that are loaded: nothing is wrong."));
    return found;
  });
}

function lateTroubles({ freshness, late_after_hours }) {
  return freshness
    .filter((row) => row.data_through && Date.now() - Date.parse(row.data_through) > late_after_hours * 3600 * 1000)
    .map((row) => ({
      level: "warn",
      text: el("span", {}, `The data of ${row.account_id} reach only to ${instantLabel(row.data_through)}: look at `, linkTo("stripe_events", "stripe_events"), "."),
    }));
}

function compared(rows) {
  if (rows.length === 0) return "Not compared with Stripe yet.";
  const newest = rows.map((row) => row.compared_at).sort().at(-1);
  const objects = rows.reduce((sum, row) => sum + row.listed_objects, 0);
  return `Compared with Stripe ${instantLabel(newest)}: ${counted(objects, "object")}, ${counted(rows.reduce((sum, row) => sum + wrong(row), 0), "difference")}.`;
}

function runTable(runs) {
  if (runs.length === 0) return el("p", {}, "Airflow shows you none of the DAGs that make these numbers.");
  const lines = runs.map((run) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, linkTo(run.dag_id, run.dag_id)),
      el("td", {}, run.state ? linkTo(run.state, run.dag_id, run.run_id) : "no run yet"),
      el("td", {}, run.ended_at ? instantLabel(run.ended_at) : ""),
      el("td", {}, run.active_run_id ? linkTo("running now", run.dag_id, run.active_run_id) : run.is_paused ? "paused" : ""),
    ),
  );
  const head = ["DAG", "Last run", "Ended", "Now"].map((label) => el("th", { scope: "col" }, label));
  return el("table", { class: "runs" }, el("caption", {}, "Last runs"), el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines));
}
