// What this tab knows: which version is open, its tree, the jobs, the models. Everything is drawn from `state`.

import { loaded } from "../shared/canvas/marks.js";
import { createView } from "../shared/canvas/view.js";
import { address, createSpeaker, within } from "../shared/scripts/elements/dom.js";
import { isOpenJob } from "../shared/scripts/jobs.js";
import { byId } from "../shared/scripts/pictures.js";
import { createDrafts } from "./column/draft.js";
import { draw, drawBoard } from "./stage/drawing.js";
import { compare, extent } from "./iterate.js";
import { createPlaces } from "./stage/place.js";
import { createScreen } from "./screen.js";
const { find } = within("iterate");

export const state = {
  picture: null, // the version on the stage
  versions: [], // all of its tree, as the server told them
  advice: null, // of the version on the stage, by the id of the model
  objects: [], recent: [], models: [], jobs: [],
  following: "", // job that is watched on the stage; "" while a version is looked at
  other: "", // version that was marked to be compared with
  image: null, otherImage: null, veil: null, preview: null,
  lifted: "", // version that was just made within a limit: it is seen without the veil, until something is changed
  mode: "pan", stroke: null, cross: null, ring: null, isBefore: false,
  trouble: "", hint: "", banner: "", isSending: false, isStale: false,
  confirm: null, // the request that costs more than was agreed on, until it is confirmed or another one is made
};
export const board = find(".board"), view = createView(), screen = createScreen(board, view);
const places = createPlaces();
export const drafts = createDrafts();
const MOST_IMAGES = 8;
const images = new Map(); // address -> promise of the decoded picture; the latest few

export function imageOf(picture) {
  const source = address(picture.file), found = images.get(source) || loaded(source);
  images.delete(source);
  images.set(source, found);
  found.catch(() => images.delete(source));
  for (const old of [...images.keys()].slice(0, -MOST_IMAGES)) images.delete(old);
  return found;
}
export const speak = createSpeaker(find);
export const draft = () => drafts.of(state.picture?.id || ""); // words may be there before a picture is
export const model = () => byId(state.models, drafts.model) || state.models.find((each) => each.ready && !each.provider) || state.models[0] || null;
export const versionOf = (id) => byId(state.versions, id);
export const parentOf = (id) => versionOf(versionOf(id)?.parent || "");
export const ourJobs = () => state.jobs.filter((job) => isOpenJob(job) && versionOf(drafts.sourceOf(job)));
export const followed = () => byId(ourJobs(), state.following);
/** What the version on the stage is compared with: what was marked, else what it was made from. */
export const otherVersion = () => versionOf(state.other) || parentOf(state.picture?.id);
/** Nothing else is happening on the stage. */
const isQuiet = () => !compare.state.kind && !followed();
export const isExtending = () => draft().where === "extend" && isQuiet();
export const isPainting = () => ["object", "brush"].includes(draft().where) && isQuiet();

export function change(patch) {
  if (patch.where === "object" && !byId(state.objects, draft().object)) patch = { ...patch, object: state.objects[0]?.id || "" };
  if (patch.where) state.mode = patch.where === "brush" ? "brush" : "pan";
  if (patch.where === "extend") extent.makeRoom();
  else if (patch.where && draft().where === "extend") view.fit();
  Object.assign(state, { trouble: "", hint: "", confirm: null, lifted: "" });
  drafts.change(state.picture?.id || "", patch);
  if (["where", "object", "strokes", "invert"].some((name) => name in patch)) drawVeil();
  draw();
}
let veils = 0;
export async function drawVeil() {
  const my = ++veils, { picture } = state;
  if (!picture) return;
  const veil = await places.veil(draft(), picture, state.objects).catch(() => null);
  if (my !== veils || state.picture?.id !== picture.id) return;
  state.veil = veil;
  board.dataset.limited = Boolean(veil);
  drawBoard();
}
