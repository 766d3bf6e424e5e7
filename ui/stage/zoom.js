// The picture as large as the window: wheel, keys, buttons and two fingers zoom, dragging moves it, arrows go to the
// neighbours.

function createZoom(step) {
  const dialog = find(".zoom");
  const ground = find(".zoom .ground");
  const image = find(".zoom img");
  let scale = 1, x = 0, y = 0; // scale 1 fits the window; x, y: shift of the middle in pixels
  const held = new Map(); // pointers that are down: id -> place relative to the middle of the window
  let travelled = 0; // pixels since the first of them went down

  function draw() {
    image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    ground.style.cursor = scale > 1 ? "grab" : "zoom-in";
  }
  /** Zoom about a point given relative to the middle of the window. */
  function zoomTo(next, px = 0, py = 0) {
    next = Math.min(16, Math.max(1, next));
    x = next === 1 ? 0 : px - (px - x) * (next / scale);
    y = next === 1 ? 0 : py - (py - y) * (next / scale);
    scale = next;
    draw();
  }
  const fromMiddle = (event) => [event.clientX - innerWidth / 2, event.clientY - innerHeight / 2];

  ground.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(scale * Math.exp(-event.deltaY / 400), ...fromMiddle(event));
  }, { passive: false });
  /** Where the held pointers are together, and how far apart two of them. */
  function grip() {
    const [one, other = one] = held.values();
    const spread = Math.hypot(one[0] - other[0], one[1] - other[1]);
    return { px: (one[0] + other[0]) / 2, py: (one[1] + other[1]) / 2, spread: spread || 1 };
  }

  ground.addEventListener("pointerdown", (event) => {
    ground.setPointerCapture(event.pointerId);
    travelled = held.size ? Infinity : 0; // two fingers never mean a tap
    held.set(event.pointerId, fromMiddle(event));
  });
  ground.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const from = grip();
    held.set(event.pointerId, fromMiddle(event));
    const to = grip();
    travelled += Math.hypot(to.px - from.px, to.py - from.py);
    zoomTo(scale * (to.spread / from.spread), from.px, from.py);
    if (scale === 1) return;
    x += to.px - from.px;
    y += to.py - from.py;
    draw();
  });
  ground.addEventListener("pointerup", (event) => {
    if (held.delete(event.pointerId) && travelled < 5) zoomTo(scale > 1 ? 1 : 2.5, ...fromMiddle(event));
  });
  ground.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  dialog.addEventListener("keydown", (event) => {
    const keys = {
      "+": () => zoomTo(scale * 1.5), "=": () => zoomTo(scale * 1.5), "-": () => zoomTo(scale / 1.5),
      "0": () => zoomTo(1), ArrowLeft: () => open(step(-1)), ArrowRight: () => open(step(1)),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  find(".zoom .in").addEventListener("click", () => zoomTo(scale * 1.5));
  find(".zoom .out").addEventListener("click", () => zoomTo(scale / 1.5));
  find(".zoom .fit").addEventListener("click", () => zoomTo(1));
  find(".zoom .shut").addEventListener("click", () => dialog.close());

  function open(picture) {
    if (!picture) return;
    image.src = address(picture.file);
    image.alt = picture.title;
    zoomTo(1);
    if (!dialog.open) dialog.showModal();
  }
  return { open };
}
