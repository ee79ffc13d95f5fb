/* Stands in the page itself, and runs before anything is painted: asks for the numbers, and puts on Airflow's theme. */
window.firstAnswer = fetch(`data${location.search}`);
(() => {
  const root = document.documentElement;
  const airflow = window.parent === window ? null : window.parent.document;

  function chosen() {
    if (airflow) {
      const { classList, dataset } = airflow.documentElement;
      if (classList.contains("dark") || dataset.theme === "dark") return "dark";
      if (classList.contains("light") || dataset.theme === "light") return "light";
    }
    let kept = null;
    try {
      kept = localStorage.getItem("theme");
    } catch {
      // storage may be switched off
    }
    if (kept === "dark" || kept === "light") return kept;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  function apply() {
    const theme = chosen();
    if (airflow) {
      const colors = [airflow.body, airflow.documentElement].map((each) => getComputedStyle(each).backgroundColor);
      const behind = colors.find((color) => color !== "rgba(0, 0, 0, 0)");
      if (behind) root.style.setProperty("--behind", behind);
    }
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    window.dispatchEvent(new Event("themechange"));
  }

  apply();
  if (airflow) new MutationObserver(apply).observe(airflow.documentElement, { attributes: true });
  window.addEventListener("storage", apply);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
})();
