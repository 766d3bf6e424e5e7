// One square of the gallery: the picture, its star, and the check that selects it.

import { makeDraggable } from "../shared/scripts/elements/dragging.js";
import { address, drawIcon, make, makeButton, setAttribute } from "../shared/scripts/elements/dom.js";

const BADGES = { splat: "3D", object: "Cut-out" };
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function createTile(item, actions) {
  if (item.isPlace) return make("li", { class: "cell place", "aria-hidden": "true" });
  const image = make("img", { src: address(item.thumb), alt: "", decoding: "async", draggable: "false" });
  const shown = { title: `${item.title} · ${WHEN.format(1000 * item.created)}`, tabindex: "-1" };
  const open = makeButton(item.kind === "object" ? "tile checkered" : "tile", (event) => actions.press(item.id, event), shown, image, make("span", { class: "date", "aria-hidden": "true" }, DAY.format(1000 * item.created)));
  if (BADGES[item.kind]) open.dataset.badge = BADGES[item.kind];
  const about = { role: "checkbox", tabindex: "-1", "aria-label": `Select: ${item.title}` };
  const check = makeButton("check", (event) => actions.check(item.id, event), about);
  drawIcon(check, "check");
  makeDraggable(open, () => item);
  return make("li", { class: "cell" }, open, check);
}

export function updateTile(node, item, { isSelected, isCurrent, index, total }) {
  setAttribute(node, "aria-posinset", index + 1);
  setAttribute(node, "aria-setsize", total);
  if (item.isPlace) return;
  const [open, check] = node.children;
  setAttribute(open, "aria-label", [item.title, BADGES[item.kind]].filter(Boolean).join(", ") + (item.starred ? ", starred" : "") + (isSelected ? ", selected" : ""));
  setAttribute(open, "tabindex", isCurrent ? 0 : -1);
  setAttribute(check, "aria-checked", isSelected);
  node.classList.toggle("starred", item.starred);
  node.classList.toggle("chosen", isSelected);
}
