// How far the picture is extended: a frame around it whose edges and corners are dragged, and the four numbers beside. Both
// say the same; sides are in pixels of the picture.

import { make, setText, show, within } from "../../shared/scripts/elements/dom.js";
const { find } = within("iterate");
export const EXTEND_STEP = 16; // pixels: sides of an extension are multiples of it
const SIDES = ["left", "top", "right", "bottom"]; // in the order of a request
const HANDLES = ["left", "top", "right", "bottom", "left top", "right top", "left bottom", "right bottom"];
export const isExtended = ({ where, extend }) => where === "extend" && extend.some(Boolean);

/** @param acts {sides(): what is set, null where nothing is extended now; change(sides)} */
export function createExtent(board, view, acts) {
  const frame = find(".extent"), inputs = SIDES.map((side) => find(`input.extend-${side}`));
  const most = Number(inputs[0].max), rounded = (pixels) => Math.min(most, Math.max(0, EXTEND_STEP * Math.round(pixels / EXTEND_STEP)));
  let held = null; // {id, sides: those that the handle moves}

  function drag(event) {
    const box = board.getBoundingClientRect(), [x, y] = view.toPicture(event.clientX - box.left, event.clientY - box.top);
    const beyond = [-x, -y, x - view.picture.width, y - view.picture.height], now = acts.sides();
    const sides = now.map((pixels, i) => (held.sides.includes(SIDES[i]) ? rounded(beyond[i]) : pixels));
    if (String(sides) !== String(now)) acts.change(sides);
  }
  for (const name of HANDLES) {
    const handle = make("i", { class: `handle ${name}` });
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      held = { id: event.pointerId, sides: name.split(" ") };
    });
    handle.addEventListener("pointermove", (event) => { if (held?.id === event.pointerId) drag(event); });
    for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => { held = null; });
    frame.append(handle);
  }
  inputs.forEach((input, i) => input.addEventListener("change", () => acts.change(acts.sides().map((pixels, k) => (k === i ? rounded(Number(input.value) || 0) : pixels)))));
  find(".extend-none").addEventListener("click", () => acts.change([0, 0, 0, 0]));

  return {
    /** There is room to drag outwards. */
    makeRoom() {
      view.fit();
      view.zoomAt(view.board.width / 2, view.board.height / 2, 0.6);
    },
    draw() {
      const sides = acts.sides(), { width, height } = view.picture;
      show(frame, Boolean(sides));
      show(find(".extend-field"), Boolean(sides));
      if (!sides) return;
      const [left, top, right, bottom] = sides, [x, y] = view.toScreen(-left, -top), [u, v] = view.toScreen(width + right, height + bottom);
      Object.assign(frame.style, { left: `${x}px`, top: `${y}px`, width: `${u - x}px`, height: `${v - y}px` });
      frame.style.setProperty("--added", [top, right, bottom, left].map((pixels) => `${pixels * view.scale}px`).join(" "));
      inputs.forEach((input, i) => { if (document.activeElement !== input) input.value = sides[i]; });
      setText(find(".extend-size"), `${width + left + right} x ${height + top + bottom}`);
    },
  };
}
