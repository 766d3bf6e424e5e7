// The picture as large as the window: wheel, keys and buttons zoom, dragging moves it, arrows go to the neighbours.

function createZoom(step) {
  const dialog = find(".zoom");
  const ground = find(".zoom .ground");
  const image = find(".zoom img");
  let scale = 1, x = 0, y = 0, drag = null; // scale 1 fits the window; x, y: shift of the middle in pixels

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
  ground.addEventListener("pointerdown", (event) => {
    ground.setPointerCapture(event.pointerId);
    drag = { x: event.clientX - x, y: event.clientY - y, startX: event.clientX, startY: event.clientY };
  });
  ground.addEventListener("pointermove", (event) => {
    if (!drag || scale === 1) return;
    x = event.clientX - drag.x;
    y = event.clientY - drag.y;
    draw();
  });
  ground.addEventListener("pointerup", (event) => {
    const still = drag && Math.hypot(event.clientX - drag.startX, event.clientY - drag.startY) < 5;
    drag = null;
    if (still) zoomTo(scale > 1 ? 1 : 2.5, ...fromMiddle(event));
  });
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
