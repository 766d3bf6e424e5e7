// The Iterate tab put together: its parts, the tools of the stage, and what the rest of the page says.

import { createHand } from "../shared/canvas/hand.js";
import { createKeys } from "../shared/canvas/keys.js";
import { zoomActs, wireTools } from "../shared/canvas/tools.js";
import { choosePicture } from "../shared/picker/picker.js";
import { cutOut, followAddress, readAddress } from "../shared/scripts/address.js";
import { within } from "../shared/scripts/elements/dom.js";
import { hear } from "../shared/scripts/events.js";
import { byId, changedList, starPictures } from "../shared/scripts/pictures.js";
import { ask, token, whenTold } from "../shared/scripts/server.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { jobsNow } from "../shared/scripts/watcher.js";
import { createBelow } from "./stage/below.js";
import { createColumn } from "./column/column.js";
import { createCompare } from "./stage/compare.js";
import { ACTIONS, giveName, mark, removeBranch, rename } from "./versions/actions.js";
import { draw, drawBoard, measure } from "./stage/drawing.js";
import { createExtent } from "./stage/extent.js";
import { createMenu } from "./versions/menu.js";
import { go, load, loadModels, loadRecent, measureDifference, open, refresh } from "./opening.js";
import { createReplay } from "./versions/replay.js";
import {
  board, change, draft, drafts, isExtending, isPainting, model, otherVersion, speak, state, versionOf, view,
} from "./state.js";
import { createTree } from "./versions/tree.js";
import { began, keepControl, onJobs, run, submit } from "./work.js";
const tab = within("iterate"), { find, isVisible } = tab;

export const compare = createCompare(view, () => { measure(); measureDifference(); draw(); });
export const extent = createExtent(board, view, {
  sides: () => (state.picture && isExtending() ? draft().extend : null),
  change: (extend) => change({ extend }),
});
export const replay = createReplay({
  models: () => state.models,
  async show(id) { if (!versionOf(id)) await open(id, { focus: false }); },
  began,
  trouble(sentence) { state.banner = sentence; draw(); },
  done(id) { go(id); toast("Replayed"); },
});
export const column = createColumn({
  change,
  set(patch) { drafts.set(model().id, patch); draw(); },
  model(id) { drafts.model = id; state.trouble = ""; draw(); },
  count(count) { drafts.count = count; draw(); },
  run,
  confirm: () => submit(state.confirm, true),
  another: () => choosePicture("Choose a picture", (picture) => open(picture.id)),
  addReference: () => choosePicture("Choose a reference picture", ({ id, thumb, title }) => {
    const { references } = draft();
    if (id !== state.picture?.id && !byId(references, id)) change({ references: [...references, { id, thumb, title }] });
  }),
  removeReference: (id) => change({ references: draft().references.filter((one) => one.id !== id) }),
  chooseControl: () => choosePicture("Choose a picture to follow", ({ id, thumb, title }) => change({ control: { id, thumb, title } })),
  keepControl,
  cutOut: () => { if (state.picture) cutOut(state.picture.id); },
});
export const below = createBelow({
  stop: () => ask("jobs/stop", { id: state.following }),
  skip: () => ask("jobs/skip", { id: state.following }),
  rename: giveName,
  named: () => tree.focus(state.picture.id),
}, ACTIONS);
const menu = createMenu(ACTIONS);
export const tree = createTree({
  open: go,
  rename,
  remove: removeBranch,
  compare(id) { if (compare.state.kind && [state.picture.id, otherVersion()?.id].includes(id)) endCompare(); else mark(id); },
  leave: endCompare,
  star(id) { const version = versionOf(id); if (version) starPictures([version], !version.starred); },
  menu: (id, node) => { const version = versionOf(id); if (version && !version.deleted) menu.open(version, node, () => tree.focus(id)); },
});

// --- the stage ---------------------------------------------------------------------------------------------------------

const acts = {
  ...zoomActs(view, find(".radius"), drawBoard),
  mode: () => (isPainting() ? state.mode : "pan"),
  setMode(mode) { if (isPainting() && mode !== "add" && mode !== "remove") acts.choose(mode); },
  choose(mode) { state.mode = mode; draw(); },
  points: () => [],
  isPicking: () => false,
  click(x, y, isWanted) { // the key that adds a click elsewhere dabs here
    if (isPainting()) acts.stroke({ points: [[x, y]], radius: acts.radius(), add: isWanted && state.mode !== "erase" }, true);
  },
  box() {}, move() {}, remove() {}, pick() {}, redo() {}, invert() {},
  hover(x, y, _index, isMouse) {
    const ring = isMouse && x >= 0 && isPainting() && state.mode !== "pan" ? [x, y, acts.radius()] : null;
    if (!ring && !state.ring) return;
    state.ring = ring;
    drawBoard();
  },
  isSpace(isOn) {
    hand.isSpace = isOn;
    if (isOn && compare.state.kind === "blink") compare.flip();
  },
  stroke(stroke, isDone) {
    state.stroke = isDone ? null : stroke;
    if (isDone) change({ strokes: [...draft().strokes, rounded(stroke)] });
    else drawBoard();
  },
  drawn: drawBoard,
  undo: () => change({ strokes: draft().strokes.slice(0, -1) }),
  clear: () => change({ strokes: [] }),
  peek(isOn) { if (state.isBefore !== isOn) { state.isBefore = isOn; board.dataset.before = isOn; drawBoard(); } },
  leave() { hand.abandon(); endCompare(); },
  cross(place) { state.cross = isPainting() ? place : null; drawBoard(); },
  speak,
};
/** A tenth of a pixel is enough, and what the browser keeps stays small. */
const rounded = ({ points, ...rest }) => ({ ...rest, radius: Math.round(10 * rest.radius) / 10, points: points.map(([x, y]) => [Math.round(10 * x) / 10, Math.round(10 * y) / 10]) });
const hand = createHand(board, view, acts);
createKeys(board, view, acts);

/** True when there was something to end. */
function endCompare() {
  if (!compare.state.kind) return false;
  state.other = "";
  compare.stop();
  load();
  return true;
}
const toggleCompare = () => { if (compare.state.kind) endCompare(); else mark(state.picture.id); };
const presses = { ".unpaint": acts.undo, ".tool.clear": acts.clear, ".tool.fit": acts.fit, ".tool.compare": toggleCompare };
wireTools(tab, acts, { modes: ".tools > .modes", presses, held: ".tool.before" });
board.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "c" || event.ctrlKey || event.metaKey || event.altKey || !state.picture) return;
  event.preventDefault();
  toggleCompare();
});
find(".empty .choose").addEventListener("click", () => choosePicture("Choose a picture", (picture) => open(picture.id)));
find(".banner .close").addEventListener("click", () => { state.banner = ""; draw(); });
new ResizeObserver(measure).observe(find(".room"));

// --- the rest of the page ----------------------------------------------------------------------------------------------

hear("keys", () => { if (token !== null) loadModels(); });
hear("iterate", ({ picture, again }) => open(picture, { again }));
hear("jobs", ({ jobs }) => { if (token !== null) onJobs(jobs); });
hear("news", () => {
  if (token !== null && isVisible()) refresh();
  else state.isStale = true;
});
hear("change", (change) => {
  state.versions = state.versions.map((version) => ({ ...version, ...byId(change.changed || [], version.id) }));
  if (state.picture) state.picture = versionOf(state.picture.id) || state.picture;
  state.recent = changedList(state.recent, change, (one) => one.kind === "image");
  draw();
  if (change.gone || change.back) refresh();
});
hear("roll", ({ offer }) => {
  if (!isVisible() || !state.picture) return;
  const there = () => state.versions.filter((version) => !version.deleted);
  const nothingMore = { hasMore: () => false, more: async () => false };
  offer({ isOpen: isVisible, pictures: there, total: () => there().length, follow: go, focus: (id) => tree.focus(id), ...nothingMore });
});
/** A tab that is opened looks what has happened. */
new IntersectionObserver((entries) => {
  if (!entries.at(-1).isIntersecting) return;
  measure();
  draw();
  if (state.isStale) refresh();
}).observe(find(".scene"));
export const start = (component) => whenTold(component, async () => {
  loadModels();
  if (!readAddress("iterate")) loadRecent();
  await followAddress("iterate", () => [state.picture?.id], (id) => open(id, { focus: false, again: readAddress("again") }));
  onJobs(jobsNow());
});
draw();
