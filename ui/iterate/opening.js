// Opening a picture with its tree, going from version to version, and fetching what belongs to them.

import { writeAddress } from "../shared/scripts/address.js";
import { within } from "../shared/scripts/elements/dom.js";
import { byId } from "../shared/scripts/pictures.js";
import { ask, inTurn, post } from "../shared/scripts/server.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { offerBack } from "./versions/actions.js";
import { BLANK } from "./column/draft.js";
import { draw, measure } from "./stage/drawing.js";
import { column, compare, extent } from "./iterate.js";
import { differenceOf } from "./screen.js";
import {
  board, change, draft, drafts, drawVeil, imageOf, otherVersion, ourJobs, parentOf, state, versionOf, view,
} from "./state.js";
const { isVisible } = within("iterate");

let wanted = ""; // what was asked for last: only that is opened
/** Open a picture with its tree; of an object its picture, limited to it. */
export async function open(id, { focus = true, again = "" } = {}) {
  wanted = id;
  const answer = await ask("iterate/open", { id });
  if (wanted !== id || !answer || !(await loadTree(answer.picture.id, true)) || wanted !== id) return;
  compare.stop();
  const job = ourJobs().find((one) => drafts.sourceOf(one) === answer.picture.id);
  state.following = job ? job.id : "";
  const { instruction } = drafts.of("");
  if (instruction && !state.picture && !drafts.of(answer.picture.id).instruction) drafts.change(answer.picture.id, { instruction });
  drafts.change("", BLANK);
  look(versionOf(answer.picture.id) || answer.picture, answer.objects);
  state.advice = answer.advice;
  chooseObject();
  if (answer.limit) change({ where: "object", object: answer.limit });
  if (focus && isVisible() && matchMedia("(hover: hover)").matches) column.focus();
  await loadModels();
  if (again) await takeSettings(again, answer.picture.id);
}
/** What was said to make a version is written into the column again, if the picture it was said to is still open. */
async function takeSettings(id, source) {
  writeAddress({ again: "" });
  const answer = await ask("iterate/settings", { id });
  if (!answer || state.picture?.id !== source) return;
  const { instruction, model: name, object, strokes, invert, extend, negative_prompt: negative, ...rest } = answer.request;
  const where = object ? "object" : strokes.length ? "brush" : extend.some(Boolean) ? "extend" : "whole", own = { negative };
  for (const key of ["seed", "steps", "guidance", "clip_skip", "strength", "control_strength", "quality", "sampler", "transparent", "precision", "fast"]) if (rest[key] !== null) own[key] = rest[key];
  if (byId(state.models, name)?.ready) drafts.model = name;
  drafts.set(name, own);
  change({ instruction, where, object, strokes, invert, extend, references: answer.references, control: answer.control });
  toast(rest.seed === null ? "Settings copied" : "Settings copied, seed included");
}
/** Another version of the tree, or a job that makes one, comes onto the stage. */
export async function go(id) {
  const version = versionOf(id);
  if (byId(ourJobs(), id)) {
    Object.assign(state, { following: id, preview: null });
    compare.stop();
    draw();
  }
  if (!version) return;
  if (version.deleted) { offerBack(version); return; }
  state.following = "";
  if (state.other === id) state.other = "";
  look(version, state.objects.filter((one) => one.width === version.width && one.height === version.height));
  loadObjects(id);
}
/** What was cut out of the picture on the stage. */
async function loadObjects(id) {
  const { ok, answer } = await post("iterate/open", { id });
  if (!ok || state.picture?.id !== id) return;
  Object.assign(state, { objects: answer.objects, advice: answer.advice });
  chooseObject();
  drawVeil();
  draw();
}
/** Whoever limits the change to an object before the objects are here means the first of them. */
function chooseObject() {
  if (draft().where === "object" && !draft().object && state.objects.length) change({ where: "object" });
}
function look(picture, objects) {
  const before = state.picture, isSame = before && before.width === picture.width && before.height === picture.height;
  const fresh = { picture, objects, advice: null, veil: null, stroke: null, cross: null, trouble: "", preview: null, banner: "", isBefore: false };
  Object.assign(state, fresh, isSame ? {} : { image: null, otherImage: null });
  if (!isSame) view.open(picture.width, picture.height);
  state.mode = draft().where === "brush" ? "brush" : "pan";
  writeAddress({ iterate: picture.id });
  drafts.touch(picture.id);
  load();
  drawVeil();
  measure();
  if (draft().where === "extend") extent.makeRoom();
  draw();
}
let loads = 0;
/** Fetch the pixels of the version on the stage and of the one it is compared with. */
export async function load() {
  const my = ++loads, { picture } = state, other = otherVersion();
  try {
    const [image, otherImage] = await Promise.all([imageOf(picture), other && !other.deleted ? imageOf(other) : null]);
    if (my !== loads || state.picture?.id !== picture.id) return;
    Object.assign(state, { image, otherImage });
    board.dataset.drawn = picture.id;
  } catch {
    if (my !== loads || state.picture?.id !== picture.id) return;
    state.banner = "The picture cannot be loaded. Open it again, or choose another one.";
  }
  compare.state.difference = null;
  measureDifference();
  draw();
}
export function measureDifference() {
  const { image, otherImage } = state, now = compare.state;
  if (now.kind !== "difference" || now.difference || !image || !otherImage) return;
  const { canvas, share } = differenceOf(image, otherImage);
  Object.assign(now, { difference: canvas, share });
}
const askTree = inTurn(), askRecent = inTurn(), askModels = inTurn();
export async function loadTree(id, isOpening = false) {
  const isNews = askTree(), { ok, answer } = await post("tree", { id });
  if (!ok) {
    toast(answer.error, { trouble: true });
    return false;
  }
  const now = state.picture?.id;
  if (!isOpening && now !== id && !byId(answer.nodes, now)) return false; // another tree was opened meanwhile
  if (!isNews() && !isOpening) return true; // what is there is newer
  state.versions = answer.nodes;
  if (state.picture) state.picture = versionOf(state.picture.id) || state.picture;
  return true;
}
/** What is shown has changed elsewhere: bring it up to date. */
export async function refresh() {
  state.isStale = false;
  const { picture } = state, other = otherVersion()?.id;
  if (!picture) { loadRecent(); return; }
  if (!(await loadTree(picture.id)) || state.picture?.id !== picture.id) return;
  const now = versionOf(picture.id);
  if (!now || now.deleted) leave();
  else if (otherVersion()?.id !== other) load();
  loadObjects(picture.id);
  draw();
}
/** The version on the stage is gone: to what it was made from. */
function leave() {
  let up = versionOf(state.picture.parent);
  while (up?.deleted) up = parentOf(up.id);
  const next = up || state.versions.find((one) => !one.deleted);
  if (next) go(next.id);
  else close();
}
function close() {
  compare.stop();
  const nothing = { picture: null, image: null, otherImage: null, veil: null, versions: [], objects: [], following: "", banner: "" };
  Object.assign(state, nothing);
  writeAddress({ iterate: "" });
  loadRecent();
  draw();
}
export async function loadRecent() {
  const isNews = askRecent(), { ok, answer } = await post("segment/recent");
  if (ok && isNews()) state.recent = answer.pictures;
  draw();
}
export async function loadModels() {
  const isNews = askModels(), { ok, answer } = await post("iterate/models");
  if (ok && isNews()) state.models = answer.models;
  draw();
}
