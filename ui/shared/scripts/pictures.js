// Lists of pictures on the page, and what can be done with the pictures in them.

import { address } from "./elements/dom.js";
import { tell } from "./events.js";
import { ask } from "./server.js";
import { toast } from "./elements/toast.js";

/** What an asset looks like: a splat has a picture of itself only as its thumbnail. */
export const lookOf = (asset) => address(asset.kind === "splat" ? asset.thumb : asset.file);

/** Where the browser saves the file of an asset under its own name. */
export const download = ({ file }) => address(`${file}${file.includes("?") ? "&" : "?"}download=1`);

export const byId = (list, id) => list.find((item) => item.id === id);
/** As the server sorts them. */
export const newestFirst = (one, other) => other.created - one.created || (one.id < other.id ? 1 : -1);

/** A list of pictures after a `change`: what is in it is brought up to date, what came back finds its place again. */
export function changedList(pictures, { changed = [], gone = [], back = [] }, belongs = () => true) {
  const left = new Set([...gone, ...back].map((picture) => picture.id));
  const kept = pictures.filter((picture) => !left.has(picture.id)).map((picture) => byId(changed, picture.id) || picture);
  return back.length ? [...kept, ...back.filter(belongs)].sort(newestFirst) : kept;
}

const CHUNK = 100; // pictures in one call
const chunks = (list) => Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, i) => list.slice(i * CHUNK, (i + 1) * CHUNK));
export const idsOf = (pictures) => pictures.map((picture) => picture.id);

/** Star pictures, or take their stars away; every list on the page follows. */
export async function starPictures(pictures, starred) {
  for (const part of chunks(pictures)) {
    const answer = await ask("pictures/star", { ids: idsOf(part), starred });
    if (!answer) return;
    tell("change", { changed: answer.pictures });
  }
}

/** Put pictures into a collection, or take them out of it. True when that was done. */
export async function collectPictures(pictures, name, isIn = true) {
  for (const part of chunks(pictures)) if (!(await ask("pictures/collect", { ids: idsOf(part), name, is_in: isIn }))) return false;
  const count = pictures.length === 1 ? "" : `${pictures.length} `;
  toast(isIn ? `Added ${count}to “${name.trim()}”` : `Removed ${count}from “${name}”`);
  return true;
}

/** Make a picture again with another seed; what costs is asked about first. `onBegun` is called once it is on its way. */
export async function varyPicture(picture, onBegun, isConfirmed = false) {
  const answer = await ask("pictures/vary", { id: picture.id, confirm_cost: isConfirmed });
  if (!answer) return;
  if (!answer.confirm) onBegun();
  else toast(answer.confirm, { action: "Make it", onAction: () => varyPicture(picture, onBegun, true) });
}

/** Put pictures into the trash, with a way back. `onBack` is called when they are there again. True when some are gone. */
export async function deletePictures(pictures, onBack = () => {}) {
  const gone = [];
  for (const part of chunks(pictures)) {
    if (!(await ask("pictures/delete", { ids: idsOf(part) }))) break;
    gone.push(...part);
    tell("change", { gone: part });
  }
  if (gone.length) offerUndo(gone, (ids) => ask("pictures/restore", { ids }), onBack);
  return gone.length > 0;
}
/** Take pictures out of the trash. */
export async function takeBack(pictures) {
  for (const part of chunks(pictures)) {
    if (!(await ask("pictures/restore", { ids: idsOf(part) }))) return;
    tell("change", { back: part });
  }
  toast(pictures.length === 1 ? "Restored" : `${pictures.length} restored`);
}
/** Say what was deleted, with a way back for all of it; also for what the message says that still stands from before.
    `restore(ids)` takes pictures out of the trash and gives null when it could not. */
export function offerUndo(gone, restore, onBack) {
  const before = document.querySelector(".toasts > .toast")?.gone || [];
  const all = [...before, ...gone.filter(({ id }) => !byId(before, id))]; // who waits may press twice
  const undo = async () => {
    for (const part of chunks(all)) {
      if (!(await restore(idsOf(part)))) return;
      tell("change", { back: part });
    }
    onBack();
  };
  toast(all.length === 1 ? "Deleted" : `${all.length} deleted`, { action: "Undo", onAction: undo }).gone = all;
}
