// Groups of radio buttons: one of them is chosen, and the arrow keys walk along.

import { setAttribute } from "./dom.js";

/** Mark the chosen one of the radio buttons: it alone is in the tab order. */
export function markRadios(nodes, isChosen) {
  for (const node of nodes) {
    setAttribute(node, "aria-checked", isChosen(node));
    setAttribute(node, "tabindex", isChosen(node) ? 0 : -1);
  }
}

/** Arrow keys walk along the radio buttons of a group, and press the one they come to. */
export function walkRadios(group) {
  group.addEventListener("keydown", (event) => {
    const all = [...group.querySelectorAll("[role=radio]:not([disabled])")].filter((node) => node.checkVisibility());
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const next = by && all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
    if (!next) return;
    event.preventDefault();
    next.click();
    next.focus();
  });
}
