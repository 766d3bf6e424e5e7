// The 3D tab: opens objects, pictures and splats, and draws what `state` says.

import { editHere, followAddress, writeAddress } from "../shared/scripts/address.js";
import { address, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { hear, tell } from "../shared/scripts/events.js";
import { byId, changedList } from "../shared/scripts/pictures.js";
import { markRadios, walkRadios } from "../shared/scripts/elements/radios.js";
import { ask, inTurn, post, token, whenTold } from "../shared/scripts/server.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { jobsNow } from "../shared/scripts/watcher.js";
import { createColumn, sizeOf } from "./column.js";
import { createErasing } from "./erasing.js";
import { createExporting } from "./exporting.js";
import { createFour } from "./four.js";
import { createStrip } from "./strip.js";
import { memory, NONE, ourJob, SIDES, speak, state } from "./state.js";
import { createTurntable } from "./turntable.js";
import { drawJob, makeSplat, makeViews, onJobs, say, setView } from "./work.js";
const { element, find, isVisible } = within("splat");
const turntable = createTurntable({
  turned(isHome) { find(".reset").disabled = isHome; },
  said: speak,
  failed(sentence) { state.trouble = sentence; draw(); },
});
const erasing = createErasing({ changed: () => draw(), viewer: () => turntable.viewer, splat: () => state.splat.id });
const column = createColumn({
  another: close,
  choose(changes) { memory.choose(state.object.id, changes); draw(); },
  chooseModel(kind, id) { memory.chooseModel(kind, id); draw(); },
  make: makeSplat,
  makeViews: () => makeViews(),
  again() { state.step = state.views.some(Boolean) ? "views" : "object"; draw(); },
  useView,
  ground(name) { state.ground = name; draw(); },
  look(changes) { memory.lookAt(state.splat.id, changes); showLook(); draw(); },
  match: matchSize,
  place: () => pickFor("Choose a picture or object below to place it on, or open a file.", (picture) => place(picture.id)),
  keepErased,
}, erasing);
const four = createFour({
  again: (index) => makeViews([index]),
  replace: replaceView,
  look(view, index) { if (view) tell("look", { id: view.id }); else replaceView(index); },
});
const strip = createStrip({ open, pick: (picture) => picked(picture) });
const exporting = createExporting();

export function draw() {
  const { object, splat, picture, step, trouble } = state, job = ourJob(), preview = job?.preview || "";
  const isForming = Boolean(preview) && (job.stage === "splat" || !state.views.some(Boolean));
  const shown = !(object || splat) ? "" : isForming ? "seen" : step === "splat" && splat ? "frame" : step === "views" && object ? "four" : object ? "seen" : "frame";
  find(".workbench").classList.toggle("picking", Boolean(state.picking));
  show(find(".empty"), !shown && !picture);
  show(find(".seen"), shown === "seen" || Boolean(picture && !shown));
  show(find(".four"), shown === "four");
  show(find(".frame"), shown === "frame");
  if (!find(".seen").hidden) drawSeen(isForming ? preview : "");
  erasing.draw(shown === "frame" ? splat : null);
  show(find(".tools"), Boolean(shown) && !erasing.isOn);
  show(find(".turning"), shown === "frame");
  show(find(".turns"), shown === "frame" && Boolean(splat) && !splat.photo && !erasing.isOn);
  markRadios(element.querySelectorAll("[data-step]"), (node) => node.dataset.step === step);
  for (const node of element.querySelectorAll("[data-step]")) {
    node.disabled = node.dataset.step === "splat" ? !splat : !object;
  }
  show(find(".banner"), Boolean(trouble));
  setText(find(".banner span"), trouble);
  if (splat) drawGround(splat);
  exporting.draw();
  four.draw(job);
  drawJob(job);
  column.draw();
  strip.draw();
}
/** The square that the models see, or what forms, or the picture something is to be chosen of. */
function drawSeen(preview) {
  const { object, picture } = state;
  setAttribute(find(".crop"), "src", preview || address(object ? object.crop : picture.file));
  setAttribute(find(".crop"), "alt", preview ? "Forming" : object ? `${object.title}, as the models see it` : picture.title);
  setText(find(".seen figcaption"), preview || !object ? "" : "The models see this square.");
}
function drawGround(splat) {
  const ground = state.ground === "filled" && !splat.filled ? "photo" : state.ground;
  const source = !splat.photo || ground === "plain" ? "" : ground === "filled" ? splat.filled : splat.photo.file;
  turntable.setGround(source && address(source), splat.size);
}

let asked = 0; // number of the last question: the answer to an older one is not news
/** Open an object, a picture or a splat; one that is new shows that it is more than a picture. */
export async function open(id, { focus = true, isNew = false } = {}) {
  const my = ++asked, answer = await ask("3d/open", { id });
  if (!answer || my !== asked) return;
  const { object, picture, objects, views, splats, splat, advice, models } = answer;
  Object.assign(state, { object, picture, objects, splats, splat, views, advice, models, trouble: "", picking: null, isStopped: false });
  state.step = splat ? "splat" : object && views.some(Boolean) ? "views" : "object";
  writeAddress({ splat: id });
  element.dataset.opened = id;
  if (state.drawn !== splat?.id) state.drawn = "";
  draw();
  if (!splat) { turntable.close(); return; }
  await turntable.open(splat);
  if (my !== asked) return;
  state.drawn = turntable.shows;
  showLook();
  draw();
  if (focus && isVisible()) turntable.focus();
  if (isNew && isVisible()) turntable.swing();
}
function showLook() {
  const { opacity, box } = memory.look(state.splat?.id);
  turntable.setOpacity(opacity / 100);
  turntable.setBox(box);
}
function close() {
  asked += 1;
  turntable.close();
  Object.assign(state, { object: null, picture: null, objects: [], views: NONE, splats: [], splat: null, trouble: "", picking: null, isStopped: false, step: "object" });
  writeAddress({ splat: "" });
  loadRecent();
  draw();
}
let isStale = false; // there is something new, and nobody has looked since
const askRecent = inTurn();
async function loadRecent() {
  isStale = false;
  const isNews = askRecent(), { ok, answer } = await post("3d/recent");
  if (!ok || !isNews()) return;
  Object.assign(state, { recent: answer, isTold: true });
  draw();
}

/** A picture is to be chosen: below, from a file, or by a drop. Esc leaves everything as it is. */
function pickFor(words, take) {
  state.picking = { words, take };
  speak(words);
  draw();
}
function leave() {
  state.picking = null;
  speak("Nothing was changed");
  draw();
}
function picked(picture) {
  const { picking } = state;
  state.picking = null;
  draw();
  picking?.take(picture);
}
function replaceView(index) {
  pickFor(`Choose a picture for “${SIDES[index]}” below, or open a file.`, (picture) => setView(index, picture));
}

/** Have the server make another splat of the one that stands here, and show it. Gives the answer, or null. */
async function remake(path, changes, { focus = true } = {}) {
  const { splat } = state;
  Object.assign(state, { isBusy: true, trouble: "" });
  draw();
  const { ok, answer } = await post(path, { splat: splat.id, ...changes });
  state.isBusy = false;
  draw();
  if (!ok) { say(answer.error); return null; }
  if (state.splat?.id === splat.id && answer.splat.id !== splat.id) await open(answer.splat.id, { focus });
  tell("news");
  return answer;
}
const MOST_TURNS = 24; // that the server takes at once
const quarters = []; // pressed, and not on their way yet
let isTurning = false;
/** Stand the splat up by quarter turns. What is pressed meanwhile follows; the focus stays where it is, to press again. */
async function turn(pressed) {
  quarters.push(...pressed);
  if (isTurning) return;
  isTurning = true;
  try {
    for (let id = state.splat?.id; quarters.length && id && state.splat?.id === id; ) {
      const former = state.splat;
      const answer = await remake("splat/turn", { turns: quarters.splice(0, MOST_TURNS) }, { focus: false });
      if (!answer) break;
      id = answer.splat.id;
      if (id !== former.id) tell("change", { gone: [former], back: [answer.splat] });
      if (state.splat?.id === id) speak(`Turned. ${sizeOf(state.splat)}`);
    }
  } finally {
    quarters.length = 0;
    isTurning = false;
  }
}
async function keepErased() {
  const whole = state.splat, answer = await remake("splat/erase", { erasures: erasing.erasures() });
  if (answer) toast("Kept as a new splat", { action: "Open the original", onAction: () => open(whole.id) });
}
async function place(id) {
  state.ground = "photo";
  await remake("splat/place", { on: id });
}
async function matchSize() {
  const before = state.splat, answer = await remake("splat/match", {});
  if (!answer || !state.splat) return;
  const isSame = state.splat.id === before.id;
  const words = isSame ? "No better match was found" : `Outline match: ${Math.round(100 * state.splat.fit)} %`;
  toast(words, isSame ? {} : { action: "Undo", onAction: () => open(before.id) });
}
async function useView() {
  const { splat } = state;
  if (state.isBusy || !turntable.camera) return;
  state.isBusy = true;
  draw();
  try {
    const camera = turntable.camera, shown = await turntable.picture();
    const said = new URLSearchParams({ splat: splat.id, picture: splat.photo?.id || "", ground: find(".ground").hidden ? "plain" : state.ground, camera: JSON.stringify(camera) });
    const { ok, answer } = await post(`splat/view?${said}`, shown);
    if (!ok) { say(answer.error); return; }
    tell("change", { back: [answer.picture] });
    tell("news");
    speak("Saved as a new picture");
    toast("Saved as a new picture", { action: "Change it", onAction: () => editHere(answer.picture.id), said: true });
  } catch {
    say("This view could not be saved. Try again.");
  } finally {
    state.isBusy = false;
    draw();
  }
}

for (const node of element.querySelectorAll("[data-step]")) node.addEventListener("click", () => { state.step = node.dataset.step; draw(); });
for (const group of element.querySelectorAll(".tools .modes")) walkRadios(group);
for (const node of element.querySelectorAll("[data-turn]")) node.addEventListener("click", () => turn(node.dataset.turn.split(" ")));
find(".reset").addEventListener("click", () => turntable.reset());
find(".open-file").addEventListener("click", () => tell("pick"));
find(".stop").addEventListener("click", () => { const job = ourJob(); if (job) ask("jobs/stop", { id: job.id }); });
find(".banner .close").addEventListener("click", () => { state.trouble = ""; draw(); });
element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  find(".exports").open = false;
  if (state.picking) leave();
});
find(".leave").addEventListener("click", leave);
find(".open-other").addEventListener("click", () => tell("pick"));
document.addEventListener("pointerdown", (event) => { // as a menu does
  if (!find(".exports").contains(event.target)) find(".exports").open = false;
});
// A picture that is dropped onto one of the four views takes its place. The window hears of it before the page does.
addEventListener("drop", (event) => {
  const tile = event.target.closest?.(".four li");
  if (tile && element.contains(tile)) replaceView(Number(tile.dataset.index));
}, true);

hear("splat", ({ id, picture }) => {
  if (!id && !picture) return;
  if (state.picking) take(id || picture);
  else open(id || picture);
});
/** What was brought in while a picture is to be chosen is that picture. */
async function take(id) {
  const answer = await ask("3d/open", { id }), chosen = answer?.object || answer?.picture;
  if (chosen && !answer.splat) picked(chosen);
  else if (answer) open(id);
}
hear("jobs", ({ jobs }) => { if (token !== null) onJobs(jobs); });
hear("news", () => {
  isStale = true;
  if (token !== null && isVisible()) loadRecent();
});
new IntersectionObserver((entries) => {
  if (entries.at(-1).isIntersecting && isStale && token !== null) loadRecent();
}).observe(find(".strip"));
hear("change", (change) => {
  const { gone = [] } = change, { object, splat } = state;
  state.recent = Object.fromEntries(Object.entries(state.recent).map(([name, list]) => [name, changedList(list, change, (one) => isShownUnder(one, name))]));
  state.splats = changedList(state.splats, change, (one) => one.parents?.includes(object?.id));
  state.objects = changedList(state.objects, change, (one) => one.kind === "object" && one.parents?.[0] === state.picture?.id);
  if (object && byId(gone, object.id)) close();
  else if (splat && byId(gone, splat.id)) {
    turntable.close();
    Object.assign(state, { splat: null, step: state.views.some(Boolean) ? "views" : "object" });
    writeAddress({ splat: object?.id || "" });
  }
  draw();
});
const isShownUnder = (one, name) => ({ splats: "splat", objects: "object", pictures: "image" })[name] === one.kind;
export const start = (component) => whenTold(component, ({ models }) => {
  state.models = models;
  loadRecent();
  onJobs(jobsNow());
  const current = () => [state.object?.id, state.splat?.id, state.picture?.id];
  followAddress("splat", current, (id) => open(id, { focus: false }))?.then(() => onJobs(jobsNow()));
});
draw();
