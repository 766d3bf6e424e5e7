// The same by keyboard: a cross that the arrow keys move, and a key for every tool.

/** @param acts as for the hand, and {mode(name), undo(), redo(), clear(), peek(isOn), zoom(factor), fit(), size(factor), leave(), cross(place), isSpace(isOn)} */
export function createKeys(board, view, acts) {
  let cross = null, corner = null;
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const MODES = { a: "add", r: "remove", d: "brush", e: "erase" };

  function walk(event) {
    const { width, height } = view.picture, by = (event.shiftKey ? 40 : 4) / view.scale;
    const [x, y] = cross || [width / 2, height / 2], [dx, dy] = cross ? STEPS[event.key] : [0, 0];
    cross = [Math.min(width, Math.max(0, x + by * dx)), Math.min(height, Math.max(0, y + by * dy))];
    view.follow(...cross);
    acts.cross(cross, corner && [Math.min(corner[0], cross[0]), Math.min(corner[1], cross[1]), Math.max(corner[0], cross[0]), Math.max(corner[1], cross[1])]);
  }
  function setCorner() {
    const at = cross || [view.picture.width / 2, view.picture.height / 2];
    if (!corner) { corner = at; acts.speak("One corner of the box is set. Move the crosshair and press X again."); return; }
    const box = [Math.min(corner[0], at[0]), Math.min(corner[1], at[1]), Math.max(corner[0], at[0]), Math.max(corner[1], at[1])];
    corner = null;
    acts.box(box, true);
  }
  function press(isWanted) {
    const at = cross || [view.picture.width / 2, view.picture.height / 2];
    if (acts.isPicking()) acts.pick(...at);
    else if (acts.mode() === "brush" || acts.mode() === "erase") acts.stroke({ points: [at], radius: acts.radius(), add: isWanted && acts.mode() === "brush" }, true);
    else acts.click(...at, isWanted);
  }
  function removeNearest() {
    const at = cross || [0, 0], points = acts.points();
    if (!points.length) { acts.clear(); return; }
    const away = ([x, y]) => Math.hypot(x - at[0], y - at[1]);
    acts.remove(points.reduce((best, point, i) => (away(point) < away(points[best]) ? i : best), 0));
  }
  const KEYS = {
    Delete: removeNearest, Backspace: removeNearest, x: setCorner, X: setCorner,
    "+": () => acts.zoom(1.4), "=": () => acts.zoom(1.4), "-": () => acts.zoom(1 / 1.4), "0": acts.fit,
    "[": () => acts.size(1 / 1.25), "]": () => acts.size(1.25), i: acts.invert, I: acts.invert,
    Escape: () => { corner = null; acts.leave(); },
  };
  board.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    let act = null;
    if (isCommand && key === "z") act = event.shiftKey ? acts.redo : acts.undo;
    else if (isCommand && key === "y") act = acts.redo;
    else if (isCommand || event.altKey) return;
    else if (STEPS[event.key]) act = () => walk(event);
    else if (event.key === "Enter") act = () => press(!event.shiftKey && acts.mode() !== "remove");
    else if (event.key === " ") act = () => acts.isSpace(true);
    else if (key === "b") act = () => acts.peek(true);
    else if (MODES[key]) act = () => acts.setMode(MODES[key]);
    else act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  board.addEventListener("keyup", (event) => {
    if (STEPS[event.key] && cross) {
      const [across, down] = [cross[0] / view.picture.width, cross[1] / view.picture.height].map((share) => Math.round(100 * share));
      acts.speak(`Crosshair at ${across} percent from the left, ${down} from the top`);
    }
    if (event.key === " ") acts.isSpace(false);
    if (event.key.toLowerCase() === "b") acts.peek(false);
  });
  board.addEventListener("blur", () => { cross = corner = null; acts.peek(false); acts.isSpace(false); acts.cross(null, null); });
}
