// Hands on a canvas: mouse, fingers, wheel and keys become turns, moves and zooms. Knows nothing of splats.

const TURN_DEG = 5;

/** Mouse, fingers, wheel and keys as turns, moves and zooms. Angles in degrees, moves in CSS pixels. */
export function listenForMoves(canvas, { turn, move, zoom, reset }) {
  const held = new Map(), keys = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
  };
  const grip = () => {
    const [one, other = one] = held.values();
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart: Math.hypot(one.x - other.x, one.y - other.y) };
  };
  const on = (name, listen, options) => canvas.addEventListener(name, listen, options);
  on("contextmenu", (event) => event.preventDefault());
  on("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, { x: event.clientX, y: event.clientY, moves: event.button > 0 || event.shiftKey });
  });
  on("pointermove", (event) => {
    const pointer = held.get(event.pointerId);
    if (!pointer) return;
    const before = grip();
    pointer.x = event.clientX; pointer.y = event.clientY;
    const after = grip(), x = after.x - before.x, y = after.y - before.y;
    if (held.size > 1 || pointer.moves) move(x, y);
    else turn(-0.4 * x, 0.4 * y);
    if (before.apart > 10 && after.apart > 10) zoom(after.apart / before.apart);
  });
  for (const name of ["pointerup", "pointercancel"]) on(name, (event) => held.delete(event.pointerId));
  on("wheel", (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 500)); }, { passive: false });
  on("dblclick", reset);
  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [x, y] = keys[event.key] || [0, 0];
    if (x || y) { if (event.shiftKey) move(10 * x, -10 * y); else turn(-TURN_DEG * x, -TURN_DEG * y); }
    else if (event.key === "+" || event.key === "=") zoom(1.1);
    else if (event.key === "-" || event.key === "_") zoom(1 / 1.1);
    else if (event.key === "0" || event.key === "Home" || event.key.toLowerCase() === "r") reset();
    else return;
    event.preventDefault();
  });
}
