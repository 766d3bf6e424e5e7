// Pointers on the canvas: what a press, a drag, a wheel or two fingers mean. Acts through `acts`, draws nothing.

const SHAKE = 6, NEAR = 14, LONG_MS = 550, DOUBLE_MS = 450; // CSS pixels, CSS pixels, milliseconds, milliseconds

/**
 * @param acts {mode(), radius(), points(), isPicking(), click(x, y, isWanted), box(box, isDone), move(i, x, y, isDone),
 *   remove(i), stroke(stroke, isDone), hover(x, y, index, isMouse), pick(x, y), drawn()}
 */
export function createHand(board, view, acts) {
  const pressed = new Map(); // pointers that are down: id -> [x, y]
  let gesture = null, pinch = null, isSpace = false, clicked = { x: 0, y: 0, at: -Infinity };

  const place = (event) => {
    const { left, top } = board.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const clamped = (x, y) => {
    const [u, v] = view.toPicture(x, y), { width, height } = view.picture;
    return [Math.min(width, Math.max(0, u)), Math.min(height, Math.max(0, v))];
  };
  const nearest = (x, y) => acts.points().findIndex(([u, v]) => {
    const [s, t] = view.toScreen(u, v);
    return Math.hypot(s - x, t - y) <= NEAR;
  });
  const far = (x, y) => Math.hypot(x - gesture.x, y - gesture.y) > SHAKE;

  function begin(event) {
    const [x, y] = place(event), mode = acts.mode(), remove = event.button === 2 || event.shiftKey || mode === "remove";
    gesture = { x, y, last: [x, y], isWanted: !remove, kind: "click", touch: event.pointerType === "touch" };
    if (event.button === 1 || isSpace || mode === "pan") gesture.kind = "pan";
    else if (acts.isPicking()) gesture.kind = "pick";
    else if (mode === "brush" || mode === "erase") {
      gesture.kind = "stroke";
      gesture.stroke = { points: [clamped(x, y)], radius: acts.radius(), add: mode === "brush" && !remove };
      acts.stroke(gesture.stroke, false);
    } else {
      gesture.index = nearest(x, y);
      if (gesture.index >= 0) gesture.kind = "point";
      else if (!view.isInside(x, y)) gesture.kind = "pan";
      else if (gesture.touch) {
        gesture.timer = setTimeout(() => { if (gesture?.kind === "click") { acts.click(...clamped(x, y), false); gesture = null; } }, LONG_MS);
      }
    }
  }
  function go(event) {
    const [x, y] = place(event), before = gesture.last;
    gesture.last = [x, y];
    if (gesture.kind === "pan") { view.pan(x - before[0], y - before[1]); acts.drawn(); return; }
    if (gesture.kind === "stroke") {
      for (const each of event.getCoalescedEvents?.() || [event]) {
        const at = clamped(...place(each)), [u, v] = gesture.stroke.points.at(-1);
        if (Math.hypot(at[0] - u, at[1] - v) * view.scale > 1.5 && gesture.stroke.points.length < 2000) gesture.stroke.points.push(at);
      }
      acts.stroke(gesture.stroke, false);
      return;
    }
    if (gesture.kind === "click" && far(x, y)) { gesture.kind = "box"; clearTimeout(gesture.timer); }
    if (gesture.kind === "point" && (gesture.moved || far(x, y))) { gesture.moved = true; acts.move(gesture.index, ...clamped(x, y), false); }
    if (gesture.kind === "box") acts.box(corners(gesture.x, gesture.y, x, y), false);
  }
  function corners(x0, y0, x1, y1) {
    const [a, b] = clamped(x0, y0), [c, d] = clamped(x1, y1);
    return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
  }
  function end(event) {
    const [x, y] = place(event), { kind } = gesture;
    clearTimeout(gesture.timer);
    if (kind === "click") { acts.click(...clamped(x, y), gesture.isWanted); clicked = { x, y, at: event.timeStamp }; }
    if (kind === "pick") acts.pick(...view.toPicture(x, y));
    if (kind === "box") acts.box(corners(gesture.x, gesture.y, x, y), true);
    if (kind === "stroke") acts.stroke(gesture.stroke, true);
    if (kind === "point" && gesture.moved) acts.move(gesture.index, ...clamped(x, y), true);
    const isDouble = event.timeStamp - clicked.at < DOUBLE_MS && Math.hypot(x - clicked.x, y - clicked.y) <= SHAKE;
    if (kind === "point" && !gesture.moved && !isDouble) acts.remove(gesture.index);
    gesture = null;
  }
  function abandon() {
    if (!gesture) return;
    clearTimeout(gesture.timer);
    gesture = null;
    acts.stroke(null, false);
    acts.box(null, false);
  }
  const spread = () => {
    const [[a, b], [c, d]] = [...pressed.values()];
    return { x: (a + c) / 2, y: (b + d) / 2, length: Math.max(1, Math.hypot(a - c, b - d)) };
  };

  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    board.focus({ preventScroll: true });
    pressed.set(event.pointerId, place(event));
    event.preventDefault();
    if (pressed.size === 1) begin(event);
    if (pressed.size === 2) { abandon(); pinch = spread(); }
  });
  board.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (!pressed.has(event.pointerId)) { acts.hover(...view.toPicture(x, y), nearest(x, y), event.pointerType !== "touch"); return; }
    pressed.set(event.pointerId, [x, y]);
    if (pressed.size === 2 && pinch) {
      const now = spread();
      view.pan(now.x - pinch.x, now.y - pinch.y);
      view.zoomAt(now.x, now.y, now.length / pinch.length);
      pinch = now;
      acts.drawn();
    } else if (gesture) go(event);
  });
  const lift = (event) => {
    if (!pressed.delete(event.pointerId)) return;
    if (gesture && event.type === "pointerup") end(event);
    else abandon();
    if (pressed.size < 2) pinch = null;
  };
  board.addEventListener("pointerup", lift);
  board.addEventListener("pointercancel", lift);
  board.addEventListener("pointerleave", () => acts.hover(-1, -1, -1));
  board.addEventListener("contextmenu", (event) => event.preventDefault());
  board.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x, y] = place(event);
    view.zoomAt(x, y, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015) * (event.ctrlKey ? 4 : 1)));
    acts.drawn();
  }, { passive: false });
  return { abandon, set isSpace(value) { isSpace = value; }, get isBusy() { return Boolean(gesture); } };
}
