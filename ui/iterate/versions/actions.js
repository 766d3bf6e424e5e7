// What can be done with a version: from the line under the stage, from its menu, and by keys.

import { cutOut } from "../../shared/scripts/address.js";
import { tell } from "../../shared/scripts/events.js";
import { byId, download, offerUndo, starPictures } from "../../shared/scripts/pictures.js";
import { post } from "../../shared/scripts/server.js";
import { toast } from "../../shared/scripts/elements/toast.js";
import { below, compare, replay, tree } from "../iterate.js";
import { go, load, open, refresh } from "../opening.js";
import { followed, otherVersion, parentOf, state, versionOf } from "../state.js";

export const ACTIONS = [ // one entry adds one; those with an icon stand under the stage, too
  { name: "open", word: () => "Show", press: (version) => go(version.id), fits: (version) => version.id !== state.picture?.id },
  { name: "star", icon: "star", word: (version) => (version.starred ? "Starred" : "Star"), isPressed: (version) => version.starred, press: (version) => starPictures([version], !version.starred) },
  { name: "rename", icon: "rename", word: () => "Rename", hint: "F2", press: (version) => rename(version.id) },
  { name: "with", word: () => "Compare with this one", press: (version) => mark(version.id), fits: (version) => version.id !== state.picture?.id },
  { name: "replay", icon: "replay", word: () => "Replay", hint: "on another picture", press: replayBranch, fits: (version) => Boolean(version.parent) },
  { name: "segment", icon: "cut", word: () => "Cut out", press: (version) => cutOut(version.id) },
  { name: "look", icon: "search", word: () => "Enlarge", press: (version) => tell("look", { id: version.id }) },
  { name: "save", icon: "save", word: () => "Download", href: download },
  { name: "delete", icon: "delete", word: (version) => (branchUnder(version.id).length > 1 ? `Delete, with ${branchUnder(version.id).length - 1} made from it` : "Delete"), press: (version) => removeBranch(version.id) },
];

/** A version and all that was made from it, those in the trash left out. */
function branchUnder(id) {
  const wanted = new Set([id]);
  for (const version of state.versions) if (wanted.has(version.parent)) wanted.add(version.id);
  return state.versions.filter((version) => wanted.has(version.id) && !version.deleted);
}
export async function removeBranch(id) {
  const branch = branchUnder(id), up = parentOf(id), hadFocus = tree.hasFocus(), isShown = Boolean(byId(branch, state.picture?.id));
  if (!branch.length) return;
  const { ok, answer } = await post("tree/delete", { id });
  if (!ok) { toast(answer.error, { trouble: true }); return; }
  tell("change", { gone: branch });
  await refresh();
  if (hadFocus && up) tree.focus(up.id);
  offerUndo(branch, (ids) => restoreVersions([...new Set([...ids, ...answer.ids])]), async () => {
    if (isShown) await open(id, { focus: false });
    else await refresh();
    if (hadFocus) tree.focus(id);
  });
}
async function restoreVersions(ids) {
  const { ok, answer } = await post("tree/restore", { ids });
  if (!ok) toast(answer.error, { trouble: true });
  return ok ? answer : null;
}
export function offerBack(version) {
  const onAction = async () => {
    if (!(await restoreVersions([version.id]))) return;
    tell("change", { back: [version] });
    await refresh();
    go(version.id);
  };
  toast("This version is in the trash", { action: "Restore", onAction });
}
export async function rename(id) {
  if (versionOf(id)?.deleted) return;
  if (id !== state.picture?.id || followed()) await go(id);
  below.name();
}
export async function giveName(version, title) {
  const { ok, answer } = await post("tree/rename", { id: version.id, title });
  if (!ok) { toast(answer.error, { trouble: true }); return; }
  tell("change", { changed: [answer.picture] });
}
/** Compare the version on the stage with another one. */
export function mark(id) {
  if (followed() || versionOf(id)?.deleted) return;
  state.other = id === state.picture.id ? "" : id;
  if (!otherVersion()) { toast("There is nothing to compare it with yet."); return; }
  compare.start();
  load();
}
function replayBranch(version) {
  const branch = [];
  for (let at = version; at?.parent; at = parentOf(at.id)) branch.unshift(at);
  const root = versionOf(branch[0].parent);
  replay.open(branch, root);
}
