// One card for a model that cannot run here, or that has to be downloaded first: what it needs, what there is of it, and who
// could do it instead.

import { make, makeButton, show } from "../elements/dom.js";

/** @param card the node it stands in, hidden while there is nothing to say */
export function createPreflight(card) {
  let drawn = "";
  function need({ name, text, ok, url }) {
    const link = url.startsWith("https://") ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text) : text;
    const missing = ok ? [] : [make("span", { class: "sr" }, " (missing)")];
    return [make("dt", { class: ok ? "" : "missing" }, name, ...missing), make("dd", {}, link)];
  }
  const way = ({ label, press }) => makeButton("plain", press, {}, label);
  /**
   * @param told {title, why, needs: [{name, text, ok, url}]} of the chosen model; null: it is ready
   * @param ways [{label, press}]: what can be done instead
   */
  return function draw(told, ways = []) {
    const now = JSON.stringify([told, ways.map(({ label }) => label)]);
    if (now === drawn) return;
    drawn = now;
    show(card, Boolean(told?.title));
    if (!told?.title) return;
    const list = told.needs.length ? [make("dl", {}, ...told.needs.flatMap(need))] : [];
    const why = told.why ? [make("p", {}, told.why)] : [];
    const title = make("b", { id: card.getAttribute("aria-labelledby") }, told.title);
    const isChosen = card.closest(".column")?.contains(document.activeElement);
    if (isChosen) requestAnimationFrame(() => card.scrollIntoView({ block: "nearest" }));
    card.replaceChildren(title, ...list, ...why, make("div", { class: "ways" }, ...ways.map(way)));
  };
}
