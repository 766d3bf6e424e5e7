// What is selected, as the server takes it, with undo and redo; kept per picture in the browser, so that a reload loses
// nothing.

export const NOTHING = {
  points: [], box: null, start: "", choice: null, strokes: [],
  snap: false, fill_holes: false, largest_part: false, grow: 0, feather: 0, invert: false,
};
const MOST_STEPS = 200, MOST_KEPT = 20, KEPT = "diorama-segment";

export const hasContent = (request) => Boolean(request.points.length || request.box || request.strokes.length || request.start);

export function createSelection(onChange) {
  let id = "", now = NOTHING, past = [], future = [], lastKind = "";

  function keep() {
    const all = readKept().filter((one) => one.id !== id);
    if (id && hasContent(now)) all.unshift({ id, request: now });
    try {
      localStorage.setItem(KEPT, JSON.stringify(all.slice(0, MOST_KEPT)));
    } catch { /* a browser that stores nothing: the tab still works */ }
  }
  function become(request) {
    now = request;
    keep();
    onChange();
  }
  return {
    get now() { return now; },
    get canUndo() { return past.length > 0; },
    get canRedo() { return future.length > 0; },
    open(picture, request) {
      [id, past, future, lastKind] = [picture, [], [], ""];
      const kept = readKept().find((one) => one.id === picture);
      become({ ...NOTHING, ...(request || kept?.request) });
    },
    /** Another selection in the same picture: one step, so that undo leads back. */
    replace(request) { this.change({ ...NOTHING, ...request }); },
    /** One step. Of changes of the same `kind` in a row, such as a slider that moves, undo takes back all at once. */
    change(patch, kind = "") {
      if (!kind || kind !== lastKind) past = [...past, now].slice(-MOST_STEPS);
      [future, lastKind] = [[], kind];
      become({ ...now, ...patch });
    },
    undo() {
      if (!past.length) return;
      future = [now, ...future];
      lastKind = "";
      const before = past.at(-1);
      past = past.slice(0, -1);
      become(before);
    },
    redo() {
      if (!future.length) return;
      past = [...past, now];
      lastKind = "";
      const [next, ...rest] = future;
      future = rest;
      become(next);
    },
    add(x, y, isWanted) { this.change({ points: [...now.points, [x, y, isWanted ? 1 : 0]], choice: now.points.length ? now.choice : null }); },
    move(index, x, y) { this.change({ points: now.points.map((point, i) => (i === index ? [x, y, point[2]] : point)) }, `move ${index}`); },
    remove(index) { this.change({ points: now.points.filter((_, i) => i !== index) }); },
    settle() { lastKind = ""; },
  };
}

function readKept() {
  try {
    const all = JSON.parse(localStorage.getItem(KEPT) || "[]");
    return Array.isArray(all) ? all.filter((one) => one && typeof one.id === "string" && one.request) : [];
  } catch {
    return [];
  }
}
