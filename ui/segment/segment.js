// The Segment tab: the open picture, the selection in it, and the result. Everything is drawn from `state`.

import { createHand } from "../shared/canvas/hand.js";
import { createKeys } from "../shared/canvas/keys.js";
import { loaded } from "../shared/canvas/marks.js";
import { zoomActs, wireTools } from "../shared/canvas/tools.js";
import { createView } from "../shared/canvas/view.js";
import { followAddress, writeAddress } from "../shared/scripts/address.js";
import { address, createSpeaker, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { hear, tell } from "../shared/scripts/events.js";
import { byId, changedList } from "../shared/scripts/pictures.js";
import { markRadios } from "../shared/scripts/elements/radios.js";
import { ask, inTurn, post, token, whenTold } from "../shared/scripts/server.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { createAsker, warm, warmOnceSeen } from "./ask.js";
import { createColumn } from "./column.js";
import { hintOf } from "./hint.js";
import { createOverlay, regionsOf, veilOf } from "./overlay.js";
import { createSelection, hasContent, NOTHING } from "./selection.js";
import { createSharpener, MOST, sideSeen } from "./sharpness.js";
import { createStrip } from "./strip.js";
const tab = within("segment"), { element, find, isVisible } = tab;
const UNSELECTED = "Nothing is selected";
const state = {
  picture: null, // what is open
  image: null, // its pixels
  answer: null, asked: null, // the latest mask of the server, and what it was asked
  veil: null, // the same, drawn
  everything: null, // all regions of the picture, once they are found: {canvas, at, paint, list}
  regions: null, // the same, while they are shown
  search: null, // stands for the question for them, while it is asked
  advice: null, // of the picture, by the id of the model
  name: "", // suggested while nothing is selected
  objects: [], recent: [], models: [],
  model: "",
  mode: "add",
  stroke: null, box: null, cross: null, ring: null, hot: -1, isBare: false, // while a hand or key does something
  trouble: "",
  note: "", // said in place of the hint until something is selected
  isKeeping: false,
  kept: null, // {request, object}: what was kept last
};
const board = find(".board"), view = createView(), overlay = createOverlay(board, view);
const selection = createSelection(onSelection);
const asker = createAsker({
  async onAnswer(answer, request) {
    if (request.picture !== state.picture?.id) return;
    const veil = answer.box || answer.area ? await veilOf(answer.mask) : null;
    if (request.picture !== state.picture?.id) return;
    Object.assign(state, { answer, veil, asked: request });
    const model = byId(state.models, request.model);
    if (model?.preflight.title) { // it was downloaded
      Object.assign(model, { preflight: {}, state: "ready" });
      drawModels();
    }
    column.suggest(answer.name);
    board.dataset.number = answer.number;
    board.dataset.area = answer.area;
    speak(answer.area ? `Selected: ${Math.max(1, Math.round((100 * answer.area) / (answer.size[0] * answer.size[1])))} percent of the picture` : UNSELECTED);
    draw();
  },
  onTrouble(sentence) { state.trouble = sentence; draw(); },
  onBusy(isBusy) { board.dataset.busy = isBusy; draw(); },
});

const chosenModel = () => byId(state.models, state.model);
const drawModels = () => column.drawModels(state.models, chosenModel());
const asked = () => ({ ...selection.now, picture: state.picture.id, model: state.model, most: sideSeen(view) });
function onSelection() {
  if (!state.picture) return;
  state.note = "";
  board.dataset.points = selection.now.points.length;
  if (hasContent(selection.now) && chosenModel()?.ready) asker.ask(asked());
  else {
    asker.forget();
    Object.assign(state, { answer: null, veil: null, trouble: "" });
    column.suggest(state.name);
    if (board.dataset.area) speak(UNSELECTED);
    delete board.dataset.area;
  }
  draw();
}
const speak = createSpeaker(find);
/** The object that was kept of just this selection. */
function keptNow() { return state.kept?.request === selection.now ? state.kept.object : null; }

function draw() {
  const { picture, mode } = state, request = selection.now;
  show(board, Boolean(picture));
  show(find(".empty"), !picture);
  show(find(".tools"), Boolean(picture));
  show(find(".banner"), Boolean(state.trouble));
  setText(find(".banner"), state.trouble);
  markRadios(element.querySelectorAll("[data-mode]"), (tool) => tool.dataset.mode === mode);
  show(find(".brush-size"), mode === "brush" || mode === "erase");
  board.style.cursor = mode === "pan" ? "grab" : state.hot >= 0 ? "pointer" : "crosshair";
  find(".undo").disabled = !selection.canUndo;
  find(".redo").disabled = !selection.canRedo;
  find(".clear").disabled = !hasContent(request);
  column.draw({ request, answer: state.answer, hint: hintOf(state, request, { isBusy: asker.isBusy, isKept: Boolean(keptNow()), model: chosenModel() }), isPicking: Boolean(state.regions), isLooking: Boolean(state.search), isKeeping: state.isKeeping, kept: keptNow(), isBusy: asker.isBusy, opened: picture?.id, advice: state.advice, model: state.model });
  strip.draw({ objects: state.objects, pictures: state.recent, opened: picture?.id });
  drawBoard();
}
const sharpen = createSharpener(view, state, asker, drawBoard);
function drawBoard() {
  if (state.picture) overlay.draw({ ...state, request: selection.now });
  sharpen();
}

let opening = 0; // number of the last picture that was asked for: the answer to an older question is not news
async function open(id, { focus = true } = {}) {
  const my = ++opening, answer = await ask("segment/open", { id });
  if (!answer || my !== opening) return;
  const { picture, objects, name, advice } = answer, isSame = picture.id === state.picture?.id;
  if (isSame && answer.selection) { // one of its objects: undo leads back to what was selected
    selection.replace(answer.selection);
    knowKept(objects, id);
    return;
  }
  Object.assign(state, { picture, objects, name, advice, image: null, answer: null, veil: null, everything: null, regions: null, search: null, trouble: "", box: null, stroke: null });
  writeAddress({ segment: picture.id });
  view.open(picture.width, picture.height);
  column.open(picture);
  column.suggest(name);
  selection.open(picture.id, answer.selection);
  knowKept(objects, id);
  element.dataset.opened = picture.id;
  setAttribute(board, "aria-label", `${picture.title}. Arrow keys move a crosshair, Enter adds a point, Shift+Enter removes, X sets corners of a box.`);
  measure();
  if (focus && isVisible()) { // not when the pixels have come: somebody may be writing by then
    board.focus({ preventScroll: true });
    find(".scene").scrollIntoView({ block: "nearest" });
  }
  try {
    const image = await loaded(address(picture.file));
    if (state.picture?.id === picture.id) state.image = image;
  } catch {
    if (state.picture?.id === picture.id) state.trouble = "The picture cannot be loaded. Open it again, or choose another one.";
  }
  draw();
}
/** What was opened may be an object: then it needs not be kept again. */
function knowKept(objects, id) {
  const object = byId(objects, id);
  state.kept = object ? { request: selection.now, object } : null;
}
function close() {
  opening += 1;
  asker.forget();
  Object.assign(state, { picture: null, name: "", image: null, answer: null, veil: null, everything: null, regions: null, search: null, objects: [], trouble: "" });
  writeAddress({ segment: "" });
  column.open(null);
  column.suggest("");
  loadRecent();
  draw();
}
const askRecent = inTurn();
async function loadRecent() {
  const isNews = askRecent(), { ok, answer } = await post("segment/recent");
  if (ok && isNews()) state.recent = answer.pictures;
  draw();
}
async function keep(name) {
  if (state.isKeeping) return;
  state.isKeeping = true;
  draw();
  const id = state.picture.id, kept = selection.now;
  const { ok, answer } = await post("objects", { ...asked(), name });
  state.isKeeping = false;
  if (ok) {
    speak(`Kept: ${answer.picture.title}`);
    toast(`Kept: ${answer.picture.title}`, { action: "Enlarge", onAction: () => tell("look", { id: answer.picture.id }), said: true });
    column.spend(name);
    state.kept = { request: kept, object: answer.picture };
    const fresh = await ask("segment/open", { id });
    if (fresh && state.picture?.id === id) {
      Object.assign(state, { objects: fresh.objects, name: fresh.name });
      if (!hasContent(selection.now)) column.suggest(fresh.name);
    }
    tell("news");
  } else toast(answer.error, { trouble: true });
  draw();
}
async function toggleEverything() {
  if (state.regions) { state.regions = null; draw(); return; }
  if (state.everything) { showRegions(); return; }
  const search = {}, before = selection.now;
  state.search = search;
  draw();
  const { ok, answer } = await post("segment/everything", { picture: state.picture.id, model: state.model, most: MOST });
  const drawn = ok && answer.regions.length ? await regionsOf(answer.labels).catch(() => null) : null, everything = drawn && { ...drawn, list: answer.regions };
  if (state.search !== search) return;
  Object.assign(state, { search: null, everything });
  if (everything && selection.now === before && !hand.isBusy) { showRegions(); return; }
  if (everything) speak(`${everything.list.length} regions were detected. Press Show everything to see them.`); // what was selected meanwhile stays in sight
  else toast(ok ? "Nothing was detected automatically. Click what you want." : answer.error, { trouble: !ok });
  draw();
}
function showRegions() {
  if (innerWidth <= 860) find(".scene").scrollIntoView({ block: "start" });
  Object.assign(state, { regions: state.everything, hot: -1 });
  state.regions.paint(0);
  speak(`${state.regions.list.length} regions. Click one to select it.`);
  draw();
}
function pick(x, y) {
  const { width, height } = view.picture, region = state.regions.list[state.regions.at(x / width, y / height) - 1];
  state.regions = null;
  if (region) selection.change({ ...NOTHING, points: [[...region.point, 1]] });
  else draw();
}
function setMode(mode) { state.mode = mode; draw(); }
const acts = {
  ...zoomActs(view, find(".radius"), drawBoard),
  mode: () => state.mode,
  setMode,
  choose: setMode,
  points: () => selection.now.points,
  isPicking: () => Boolean(state.regions),
  click: (x, y, isWanted) => selection.add(x, y, isWanted),
  box(box, isDone) {
    state.box = isDone ? null : box;
    if (isDone && box[2] - box[0] >= 1 && box[3] - box[1] >= 1) selection.change({ box, points: [], choice: null });
    else drawBoard();
  },
  move(index, x, y, isDone) { selection.move(index, x, y); if (isDone) selection.settle(); },
  remove: (index) => selection.remove(index),
  stroke(stroke, isDone) {
    state.stroke = isDone ? null : stroke;
    if (isDone) selection.change({ strokes: [...selection.now.strokes, stroke] });
    else drawBoard();
  },
  hover(x, y, index, isMouse = false) {
    const isBrush = isMouse && (state.mode === "brush" || state.mode === "erase");
    if (isBrush || state.ring) { state.ring = isBrush ? [x, y, acts.radius()] : null; drawBoard(); }
    if (state.regions) {
      const chosen = state.regions.at(x / view.picture.width, y / view.picture.height);
      if (chosen !== state.hot) { state.hot = chosen; state.regions.paint(chosen); drawBoard(); }
      return;
    }
    if (index !== state.hot) { state.hot = index; draw(); }
  },
  pick,
  drawn: drawBoard,
  undo: () => selection.undo(), redo: () => selection.redo(),
  clear: () => selection.change(NOTHING),
  invert() {
    if (hasContent(selection.now)) { selection.change({ invert: !selection.now.invert }); return; }
    state.note = "Nothing is selected yet. Click the object first, then press I to invert.";
    speak(state.note);
    draw();
  },
  peek(isOn) { if (state.isBare !== isOn) { state.isBare = isOn; drawBoard(); } },
  leave() { hand.abandon(); state.regions = null; draw(); },
  cross(place, box) { Object.assign(state, { cross: place, box }); drawBoard(); },
  isSpace(isOn) { hand.isSpace = isOn; },
  speak,
};
const hand = createHand(board, view, acts);
createKeys(board, view, acts);
const column = createColumn({
  change: (patch, kind) => selection.change(patch, kind),
  settle: () => selection.settle(),
  choose: (choice) => selection.change({ choice }),
  everything: toggleEverything,
  keep,
  another: close,
  model(id) { Object.assign(state, { model: id, everything: null, search: null }); drawModels(); warm(id); if (state.picture) onSelection(); },
});
const strip = createStrip({ open });

const presses = { ".undo": acts.undo, ".redo": acts.redo, ".clear": acts.clear, ".fit": acts.fit, ".open-file": () => tell("pick") };
wireTools(tab, acts, { modes: ".modes", presses, held: ".peek" });

function measure() {
  const { width, height } = find(".room").getBoundingClientRect();
  if (!width || !height) return;
  view.resize(width, height);
  drawBoard();
}
new ResizeObserver(measure).observe(find(".room"));

hear("segment", ({ picture }) => open(picture));
hear("news", () => { if (!state.picture && token !== null) loadRecent(); });
hear("change", (change) => {
  state.objects = changedList(state.objects, change, (one) => one.kind === "object" && one.parents?.[0] === state.picture?.id);
  state.recent = changedList(state.recent, change, (one) => one.kind === "image");
  if (byId(change.gone || [], state.kept?.object.id)) state.kept = null;
  if (byId(change.gone || [], state.picture?.id)) close();
  else draw();
});
export const start = (component) => whenTold(component, ({ models }) => {
  state.models = models;
  state.model = (models.find((each) => each.ready || each.damaged) || models[0] || {}).id || "";
  drawModels();
  warmOnceSeen(find("section"), () => state.model);
  loadRecent();
  followAddress("segment", () => [state.picture?.id], (id) => open(id, { focus: false }));
});
draw();
