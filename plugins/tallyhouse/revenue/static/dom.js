/* Elements from data. Text is always text: nothing here reads HTML. */

/** An element with attributes (a function: a listener; true: present; null or false: absent) and children. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Sentences with the names of DAGs in backticks, which become links to them. */
export function withLinks(text, linkTo) {
  return text.split("`").map((part, place) => (place % 2 ? linkTo(part) : part));
}

/** Shows the definition of whatever has one, on hover and on focus; Escape hides it. */
export function showDefinitions(tooltip) {
  let shown = null;
  let leaving = 0;

  function show(event) {
    if (shown && (tooltip.contains(event.target) || shown.contains(event.target))) clearTimeout(leaving);
    const target = event.target.closest?.("[data-definition]");
    if (!target || target === shown) return;
    hide();
    shown = target;
    tooltip.textContent = target.dataset.definition;
    tooltip.hidden = false;
    target.setAttribute("aria-describedby", tooltip.id);
    place();
  }

  function place() {
    if (!shown) return;
    const box = shown.getBoundingClientRect();
    const size = tooltip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left), document.documentElement.clientWidth - size.width - 8);
    const below = box.bottom + 6;
    const top = below + size.height > innerHeight ? box.top - size.height - 6 : below;
    tooltip.style.left = `${Math.max(8, left)}px`;
    tooltip.style.top = `${Math.max(8, top)}px`;
  }

  function hide() {
    clearTimeout(leaving);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    tooltip.hidden = true;
  }

  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("mouseout", (event) => {
    if (!shown || document.activeElement === shown) return;
    if (shown.contains(event.relatedTarget) || tooltip.contains(event.relatedTarget)) return;
    // time to move the pointer onto it, to read it to its end
    clearTimeout(leaving);
    leaving = setTimeout(hide, 200);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("scroll", place, { capture: true, passive: true });
}
