// Wheel, keys, buttons, a double click and two fingers zoom a picture; dragging moves it, a flick of the whole picture
// goes to the next.

/**
 * @param ground what the picture lies on
 * @param image the picture
 * @param onSwipe called with 1 or -1 when the picture that fits was flicked to the left or to the right
 */
export function createZoom(ground, image, onSwipe) {
  let scale = 1, x = 0, y = 0; // scale 1 fits the ground; x, y: shift of the middle in pixels
  const held = new Map(); // pointers that are down: id -> place relative to the middle of the ground
  let start = null; // where the first of them went down; null when it was not a single finger all the time
  let isTouch = false; // a finger was last: browsers make double clicks of taps, too
  let tapped = 0; // when a finger last tapped, in ms

  function draw() {
    image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    ground.classList.toggle("moved", scale > 1);
  }
  /** Zoom about a point given relative to the middle of the ground. */
  function zoomTo(next, px = 0, py = 0) {
    next = Math.min(16, Math.max(1, next));
    x = next === 1 ? 0 : px - (px - x) * (next / scale);
    y = next === 1 ? 0 : py - (py - y) * (next / scale);
    scale = next;
    draw();
  }
  function fromMiddle(event) {
    const box = ground.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }
  const toggle = (event) => zoomTo(scale > 1 ? 1 : 2.5, ...fromMiddle(event));
  /** Where the held pointers are together, and how far apart two of them. */
  function grip() {
    const [one, other = one] = held.values();
    const spread = Math.hypot(one[0] - other[0], one[1] - other[1]);
    return { px: (one[0] + other[0]) / 2, py: (one[1] + other[1]) / 2, spread: spread || 1 };
  }
  /** A single finger left: was it a tap, the second of two, or a flick? */
  function release(event) {
    const [px, py] = fromMiddle(event), right = px - start[0], down = py - start[1];
    const isTap = Math.hypot(right, down) < 8;
    if (isTap && event.timeStamp - tapped < 350) toggle(event);
    tapped = isTap ? event.timeStamp : 0;
    if (!isTap && scale === 1 && Math.abs(right) > 40 && Math.abs(right) > 1.5 * Math.abs(down)) onSwipe(right < 0 ? 1 : -1);
  }

  ground.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(scale * Math.exp(-event.deltaY / 400), ...fromMiddle(event));
  }, { passive: false });
  ground.addEventListener("dblclick", (event) => { if (!isTouch) toggle(event); });
  ground.addEventListener("pointerdown", (event) => {
    ground.setPointerCapture(event.pointerId);
    held.set(event.pointerId, fromMiddle(event));
    isTouch = event.pointerType === "touch";
    start = held.size === 1 && isTouch ? fromMiddle(event) : null;
  });
  // Else the browser takes a quick flick for a fling of the page, and swallows the tap that comes after it.
  ground.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
  ground.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const from = grip();
    held.set(event.pointerId, fromMiddle(event));
    const to = grip();
    zoomTo(scale * (to.spread / from.spread), from.px, from.py);
    if (scale === 1) return;
    x += to.px - from.px;
    y += to.py - from.py;
    draw();
  });
  ground.addEventListener("pointerup", (event) => {
    if (held.delete(event.pointerId) && start) release(event);
    if (!held.size) start = null;
  });
  ground.addEventListener("pointercancel", (event) => { held.delete(event.pointerId); start = null; });

  return { by: (factor) => zoomTo(scale * factor), fit: () => zoomTo(1) };
}
