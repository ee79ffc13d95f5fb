/* What is asked for, in the page's address and in that of Airflow around it, so that a view can be shared. */

const KEYS = ["currency", "mode", "account", "plan", "from", "to", "by", "tables"];

/** What the address asks for. */
export function read() {
  const found = new URLSearchParams(location.search);
  return Object.fromEntries(KEYS.filter((key) => found.get(key)).map((key) => [key, found.get(key)]));
}

/** A query string of it; `tables` is no matter of the server's. */
export function query(state, { withTables = false } = {}) {
  const kept = KEYS.filter((key) => state[key] && (withTables || key !== "tables"));
  return new URLSearchParams(kept.map((key) => [key, state[key]])).toString();
}

/** Puts it into the addresses; nothing is loaded by that. */
export function write(state) {
  const search = query(state, { withTables: true });
  const address = location.pathname + (search ? `?${search}` : "");
  history.replaceState(null, "", address);
  if (window.parent === window) return;
  const outside = window.parent.location.pathname;
  // Airflow shows the page under /plugin/revenue, followed by the page's own address
  const base = outside.endsWith(location.pathname) ? outside.slice(0, -location.pathname.length) : outside.replace(/\/$/, "");
  window.parent.history.replaceState(window.parent.history.state, "", base + address);
}
