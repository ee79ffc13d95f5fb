/* Airflow around the page: its addresses, and how to get there out of the frame that it shows the page in. */

import { el } from "./dom.js";

const HOME = new URL("..", document.baseURI);
const framed = window.parent !== window;

/** The address of a DAG, of a run of it, of a task in that: of a mapped one, the instance. */
export function address(dagId, runId = null, taskId = null, mapIndex = -1) {
  const parts = ["dags", dagId];
  if (runId) parts.push("runs", runId);
  if (runId && taskId) parts.push("tasks", taskId);
  // without it, Airflow finds no instance of a mapped task
  if (runId && taskId && mapIndex >= 0) parts.push("mapped", mapIndex);
  return new URL(parts.map(encodeURIComponent).join("/"), HOME).href;
}

/** A link into Airflow's own pages. */
export function linkTo(text, dagId, runId = null, taskId = null, mapIndex = -1) {
  return el("a", { href: address(dagId, runId, taskId, mapIndex), click: leave }, text);
}

/** A link to where one signs in. */
export const signIn = (text) => el("a", { href: HOME.href, click: leave }, text);

/** Airflow's frame may not navigate what is around it, nor open windows: a link out there, of the same address, may. */
function leave(event) {
  if (!framed) return;
  event.preventDefault();
  const outside = window.parent.document;
  const link = outside.createElement("a");
  link.href = event.currentTarget.href;
  if (event.metaKey || event.ctrlKey || event.shiftKey) link.target = "_blank";
  outside.body.append(link);
  link.click();
  link.remove();
}
