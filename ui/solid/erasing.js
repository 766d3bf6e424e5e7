// Erasing and cropping: what is selected on the stage, and what of it is gone. Nothing is changed before it is kept; the
// server then gets the same regions, see studio/splats/erasing.py.

import { lookFrom } from "../../studio/splats/viewer/splats.js";
import { setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { markRadios } from "../shared/scripts/elements/radios.js";
import { speak, state } from "./state.js";
const { element, find } = within("splat");
const SELECTED = 1, ERASED = 2; // marks of a splat
const NEAREST = 0.2 / 1.5; // of the camera's distance: what is nearer is not to be seen
const MOST_UNDONE = 100, TINT = 0.7; // steps; share of the accent in what is selected
const KEYS = { d: "brush", x: "box", t: "turn" };

/** @param acts {changed(): draw everything, viewer(): what is drawn with} */
export function createErasing(acts) {
  const frame = find(".frame"), ring = find(".marquee circle"), marquee = find(".marquee rect"), size = find(".erasing .radius");
  let splat = null, hand = "brush", viewer = null, marks = null, steps = [], done = 0, drawing = null, places = null, frames = 0;

  // --- what is selected ---
  function tally() {
    const told = [0, 0, 0]; // by mark
    for (const each of marks) told[each] += 1;
    return { rest: told[0], selected: told[SELECTED], gone: told[ERASED] };
  }
  /** Where the splats are in the picture of a camera, in its pixels; NaN behind it. As erasing.py has it. */
  function placesIn(camera) {
    if (places?.camera === camera) return places.points;
    const { right, up, backward, eye, focal, middle } = lookFrom(camera, camera.width, camera.height), { positions } = viewer.splats;
    const points = new Float32Array((2 * positions.length) / 3);
    for (let i = 0; i < points.length / 2; i++) {
      const [x, y, z] = [0, 1, 2].map((axis) => positions[3 * i + axis] - eye[axis]), depth = -(x * backward[0] + y * backward[1] + z * backward[2]);
      const scale = depth >= NEAREST * camera.radius ? focal / depth : NaN;
      points[2 * i] = middle[0] + scale * (x * right[0] + y * right[1] + z * right[2]);
      points[2 * i + 1] = middle[1] - scale * (x * up[0] + y * up[1] + z * up[2]);
    }
    places = { camera, points };
    return points;
  }
  function mark(isInside, add) {
    for (let i = 0; i < marks.length; i++) {
      if (!(marks[i] & ERASED) && isInside(i)) marks[i] = add ? SELECTED : 0;
    }
  }
  /** @param from index of the first point of a stroke that is new */
  function select({ camera, rectangle, points, radius, add }, from = 0) {
    const at = placesIn(camera);
    if (rectangle) {
      const [left, top, right, bottom] = rectangle;
      return mark((i) => at[2 * i] >= left && at[2 * i] <= right && at[2 * i + 1] >= top && at[2 * i + 1] <= bottom, add);
    }
    for (let k = Math.max(from, points.length > 1 ? 1 : 0); k < points.length; k++) {
      const [ax, ay] = points[Math.max(0, k - 1)], dx = points[k][0] - ax, dy = points[k][1] - ay, square = dx * dx + dy * dy || 1;
      mark((i) => {
        const x = at[2 * i] - ax, y = at[2 * i + 1] - ay, along = Math.min(1, Math.max(0, (x * dx + y * dy) / square));
        return (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius;
      }, add);
    }
  }
  function apply(step) {
    if (step.region) return select(step.region);
    const isGone = step.name === "crop" ? 0 : SELECTED;
    for (let i = 0; i < marks.length; i++) {
      if (!(marks[i] & ERASED) && step.name !== "clear" && (marks[i] & SELECTED) === isGone) marks[i] = ERASED;
      marks[i] &= ERASED;
    }
  }
  /** @param before the marks as they were, where the step has been applied already */
  function take(step, before = null) {
    steps.length = done;
    steps.push({ step, before: before || marks.slice() });
    done += 1;
    if (steps.length > MOST_UNDONE) steps[steps.length - 1 - MOST_UNDONE].before = null;
    if (!before) apply(step);
    tint();
    acts.changed();
  }
  function undo() {
    const last = steps[done - 1];
    if (!last?.before) return;
    done -= 1;
    marks = last.before.slice();
    tint();
    acts.changed();
  }
  function redo() {
    if (done >= steps.length) return;
    apply(steps[done].step);
    done += 1;
    tint();
    acts.changed();
  }
  function act(name) {
    const { rest, selected } = tally();
    if (!selected || (name !== "clear" && !rest)) return;
    take({ name });
    if (name !== "clear") speak(`${tally().gone.toLocaleString()} splats are erased`);
  }
  /** As the server takes them. */
  function erasures() {
    const told = [];
    let regions = [];
    for (const { step } of steps.slice(0, done)) {
      if (step.region) { regions.push(step.region); continue; }
      if (step.name !== "clear") told.push({ regions, keep: step.name === "crop" });
      regions = [];
    }
    return told;
  }
  function tint() {
    frames ||= requestAnimationFrame(() => {
      frames = 0;
      if (!splat) return;
      const { colours } = viewer.splats, shown = colours.slice();
      const accent = getComputedStyle(element).getPropertyValue("--d-accent").match(/[\da-f]{2}/gi).map((pair) => parseInt(pair, 16));
      for (let i = 0; i < marks.length; i++) {
        if (marks[i] === ERASED) shown[4 * i + 3] = 0;
        else if (marks[i]) for (let k = 0; k < 3; k++) shown[4 * i + k] += TINT * (accent[k] - shown[4 * i + k]);
      }
      viewer.setColours(shown);
    });
  }

  // --- the pointer ---
  /** A place on the stage, in CSS pixels; and in the picture of the camera. */
  function at(event) {
    const box = frame.getBoundingClientRect(), { camera } = viewer, scale = Math.min(box.width / camera.width, box.height / camera.height);
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x, y, scale, point: [(x - (box.width - scale * camera.width) / 2) / scale, (y - (box.height - scale * camera.height) / 2) / scale] };
  }
  function begin(event) {
    const { x, y, scale, point } = at(event), { camera } = viewer, add = !event.altKey, before = marks.slice();
    frame.setPointerCapture(event.pointerId);
    drawing = { id: event.pointerId, x, y, before, from: point };
    if (hand === "box") return;
    drawing.region = { camera, points: [point], radius: Number(size.value) / scale, add };
    select(drawing.region);
    tint();
  }
  function move(event) {
    const { x, y, point } = at(event);
    for (const [name, value] of [["cx", x], ["cy", y], ["r", hand === "brush" ? size.value : 0]]) setAttribute(ring, name, value);
    if (drawing?.id !== event.pointerId) return;
    if (drawing.region) {
      const { points, radius } = drawing.region, last = points.at(-1);
      if (Math.hypot(point[0] - last[0], point[1] - last[1]) < radius / 4) return;
      points.push(point);
      select(drawing.region, points.length - 1);
      tint();
      return;
    }
    drawing.to = point;
    const sides = { x: Math.min(x, drawing.x), y: Math.min(y, drawing.y), width: Math.abs(x - drawing.x), height: Math.abs(y - drawing.y) };
    for (const [name, value] of Object.entries(sides)) setAttribute(marquee, name, value);
    marquee.removeAttribute("visibility");
  }
  function end(event) {
    if (drawing?.id !== event.pointerId) return;
    const { region, from, to, before } = drawing;
    drawing = null;
    setAttribute(marquee, "visibility", "hidden");
    if (region) take({ region }, before);
    else if (to) take({ region: { camera: viewer.camera, rectangle: [0, 1].map((k) => Math.min(from[k], to[k])).concat([0, 1].map((k) => Math.max(from[k], to[k]))), add: !event.altKey } });
  }
  const isOurs = (event) => splat && hand !== "turn" && (drawing || event.button <= 0) && !event.shiftKey;
  const moves = { pointerdown: (event) => drawing || begin(event), pointermove: move, pointerup: end, pointercancel: end, dblclick() {} };
  for (const [name, listen] of Object.entries(moves)) {
    frame.addEventListener(name, (event) => {
      if (!isOurs(event)) return;
      event.stopPropagation(); // what it would turn does not hear of it
      listen(event);
    }, true);
  }
  frame.addEventListener("pointerleave", () => setAttribute(ring, "r", 0));
  find(".scene").addEventListener("keydown", (event) => {
    if (!splat || event.target.matches("input")) return;
    const isCommand = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    let press = null;
    if (isCommand && key === "z") press = event.shiftKey ? redo : undo;
    else if (isCommand && key === "y") press = redo;
    else if (isCommand || event.altKey) return;
    else if (KEYS[key]) press = () => choose(KEYS[key]);
    else if (key === "delete" || key === "backspace") press = () => act("erase");
    else if (key === "k") press = () => act("crop");
    else if (key === "[" || key === "]") press = () => { size.value = Number(size.value) * (key === "[" ? 0.8 : 1.25); };
    else if (key === "escape") press = () => (tally().selected ? act("clear") : cancel());
    if (!press) return;
    event.preventDefault();
    event.stopPropagation();
    press();
  });
  function choose(name) {
    hand = name;
    setAttribute(ring, "r", 0);
    acts.changed();
  }
  for (const node of element.querySelectorAll("[data-hand]")) node.addEventListener("click", () => choose(node.dataset.hand));
  for (const [name, press] of Object.entries({ erase: () => act("erase"), "keep-only": () => act("crop"), undo, redo, cancel })) find(`.erasing .${name}`).addEventListener("click", press);
  find(".erase-parts").addEventListener("click", () => {
    viewer = acts.viewer();
    [splat, marks, steps, done] = [acts.splat(), new Uint8Array(viewer.splats.count), [], 0];
    speak("Paint over what to remove. D is the brush, X the box, T turns it, Delete erases.");
    acts.changed();
    find(".turntable").focus({ preventScroll: true });
  });
  function leave() {
    if (!splat) return;
    viewer.setColours(viewer.splats.colours);
    [splat, viewer, marks, drawing, places, steps, done] = [null, null, null, null, null, [], 0];
    setAttribute(ring, "r", 0);
  }
  function cancel() {
    leave();
    acts.changed();
    find(".erase-parts").focus({ preventScroll: true });
  }

  return {
    leave,
    erasures,
    get isOn() { return Boolean(splat); },
    get hasErased() { return Boolean(splat) && tally().gone > 0; },
    /** @param shown the splat that stands on the stage, null where none does */
    draw(shown) {
      if (splat && splat !== shown?.id) leave();
      find(".erase-parts").disabled = !shown || state.drawn !== shown.id;
      show(find(".erasing"), Boolean(splat));
      setAttribute(frame, "data-hand", splat ? hand : "");
      if (!splat) { setText(find(".frame .count"), ""); return; }
      const { rest, selected, gone } = tally(), words = [selected && `${selected.toLocaleString()} selected`, gone && `${gone.toLocaleString()} erased`];
      markRadios(element.querySelectorAll("[data-hand].tool"), (node) => node.dataset.hand === hand);
      find(".erasing .brush-size").style.visibility = hand === "brush" ? "" : "hidden"; // nothing jumps
      setText(find(".frame .count"), words.filter(Boolean).join(", "));
      find(".erasing .erase").disabled = find(".erasing .keep-only").disabled = !selected || !rest;
      find(".erasing .undo").disabled = !steps[done - 1]?.before;
      find(".erasing .redo").disabled = done >= steps.length;
    },
  };
}
