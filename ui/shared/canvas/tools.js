// The toolbar of a canvas: tools, buttons, zooming, the size of the brush, and a button that is held to compare.

import { walkRadios } from "../scripts/elements/radios.js";

/** What every canvas does alike. `draw` draws it again; `radius` is the range with the diameter of the brush. */
export const zoomActs = (view, radius, draw) => ({
  radius: () => Number(radius.value) / 2 / view.scale,
  size(factor) { radius.value = Math.round(Number(radius.value) * factor); },
  zoom(factor) { view.zoomAt(view.board.width / 2, view.board.height / 2, factor); draw(); },
  fit() { view.fit(); draw(); },
});

/** @param tools {modes, presses: {selector: act}, held}; `held` is a button that calls `acts.peek` with true and false */
export function wireTools({ element, find }, acts, { modes, presses, held }) {
  for (const tool of element.querySelectorAll("[data-mode]")) tool.addEventListener("click", () => acts.choose(tool.dataset.mode));
  walkRadios(find(modes));
  for (const [button, press] of Object.entries(presses)) find(button).addEventListener("click", press);
  const peek = find(held);
  peek.addEventListener("pointerdown", () => acts.peek(true));
  peek.addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") acts.peek(true); });
  for (const away of ["keyup", "blur", "pointerup", "pointerleave", "pointercancel"]) peek.addEventListener(away, () => acts.peek(false));
}
