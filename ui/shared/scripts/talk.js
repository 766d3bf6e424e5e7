// How the components of the page talk: to the server by calls, to each other by events on the document, and to whoever
// copies the address by what stands behind its #.
//
//   look   {id}                      somebody wants to see this picture large
//   roll   {offer}                   the viewer asks the tab that is open for the pictures around it
//   listed                           a tab has drawn its list of pictures, which may have become another one
//   news                             the server told of new or changed pictures
//   change {changed, gone, back}     this page changed pictures: lists of pictures; `gone` into the trash, `back` from it
//   reuse  {id, seed, change, parents}   the settings of this picture are wanted in the column
//   copied                           they are there
//   segment {picture}                something is to be cut out of the picture with this id
//   iterate {picture, again}         something is to be changed about this picture, or in this object; `again`: as in that version
//   jobs   {jobs}                    the server told how the jobs stand
//   standing {take}                  somebody wants to hear at once how they stand
//   splat  {id}                      something is to be turned into 3D, or seen in it: an object, a picture or a splat
//   pick                             somebody wants to open a picture from their disk
//   keys                             a key of a provider was pasted or forgotten
//   key-wanted {provider}            somebody wants to paste one; "": any

const tell = (name, detail = {}) => document.dispatchEvent(new CustomEvent(`diorama-${name}`, { detail }));
const hear = (name, act) => document.addEventListener(`diorama-${name}`, (event) => {
  if (element.isConnected) act(event.detail);
});

let token = null; // the browser's, from the page
/** Begin once the page has told who is looking: `start(value)`. */
function whenTold(start) {
  const go = () => {
    if (token !== null || !props.value) return;
    token = props.value.token;
    start(props.value);
  };
  watch("value", go);
  go();
}

/** Ask the server; what went wrong becomes a toast and null. */
async function ask(path, question = {}) {
  const { ok, answer } = await post(path, question);
  if (!ok) toast(answer.error, { trouble: true });
  return ok ? answer : null;
}

/** POST JSON to one of our routes. Gives {ok, status, answer}; an answer that is not ok is {error: sentence}. */
async function post(path, body = {}, signal = undefined) {
  try {
    const response = await fetch(address(`diorama/${path}`), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Diorama-Token": token || "" },
      body: JSON.stringify(body),
      signal,
    });
    const answer = await response.json();
    return { ok: response.ok, status: response.status, answer };
  } catch {
    return { ok: false, status: 0, answer: { error: "Diorama does not answer. Nothing is lost; try again in a moment." } };
  }
}

const isVisible = () => element.isConnected && element.firstElementChild.checkVisibility();
const goTo = (tab) => document.getElementById(`${tab}-tab-button`)?.click();
/** Focus what a tab shows only after the next frames. */
function focusSoon(selector, frames = 60) {
  const node = document.querySelector(selector);
  if (node?.checkVisibility()) node.focus();
  else if (frames) requestAnimationFrame(() => focusSoon(selector, frames - 1));
}

/** What the address says behind its #, and changing some of it; an empty value leaves the address. `step` is the state of
    a step of its own in the history, which Back undoes; without one, the address of this step changes. */
const readAddress = (name) => new URLSearchParams(location.hash.slice(1)).get(name) || "";
function writeAddress(changes, step = null) {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of Object.entries(changes)) {
    if (value) said.set(name, value);
    else said.delete(name);
  }
  const hash = said.size ? `#${said}` : location.pathname + location.search;
  if (hash !== location.hash) history[step ? "pushState" : "replaceState"](step || history.state, "", hash);
}

/** Open a picture, or an object's picture, in the Segment tab, which may not have been shown yet: then it reads the address. */
function cutOut(id) {
  writeAddress({ segment: id });
  goTo("segment");
  tell("segment", { picture: id });
}

/** The same for the Iterate tab. */
function editHere(id) {
  writeAddress({ iterate: id });
  goTo("iterate");
  tell("iterate", { picture: id });
}

/** The same for the 3D tab: an object, a picture or a splat. */
function turnIn3D(id) {
  writeAddress({ splat: id });
  goTo("3d");
  tell("splat", { id });
}

/** What an asset looks like: a splat has a picture of itself only as its thumbnail. */
const lookOf = (asset) => address(asset.kind === "splat" ? asset.thumb : asset.file);

/** Where the browser saves the file of an asset under its own name. */
const download = ({ file }) => address(`${file}${file.includes("?") ? "&" : "?"}download=1`);

/** What was said to make a version, to be said again to the picture it was made from. */
function changeAgain({ id, parents }) {
  writeAddress({ iterate: parents[0], again: id });
  goTo("iterate");
  tell("iterate", { picture: parents[0], again: id });
}

const byId = (list, id) => list.find((item) => item.id === id);
/** As the server sorts them. */
const newestFirst = (one, other) => other.created - one.created || (one.id < other.id ? 1 : -1);

/** A list of pictures after a `change`: what is in it is brought up to date, what came back finds its place again. */
function changedList(pictures, { changed = [], gone = [], back = [] }, belongs = () => true) {
  const left = new Set([...gone, ...back].map((picture) => picture.id));
  const kept = pictures.filter((picture) => !left.has(picture.id)).map((picture) => byId(changed, picture.id) || picture);
  return back.length ? [...kept, ...back.filter(belongs)].sort(newestFirst) : kept;
}

const CHUNK = 100; // pictures in one call
const chunks = (list) => Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, i) => list.slice(i * CHUNK, (i + 1) * CHUNK));
const idsOf = (pictures) => pictures.map((picture) => picture.id);

/** Star pictures, or take their stars away; every list on the page follows. */
async function starPictures(pictures, starred) {
  for (const part of chunks(pictures)) {
    const answer = await ask("pictures/star", { ids: idsOf(part), starred });
    if (!answer) return;
    tell("change", { changed: answer.pictures });
  }
}

/** Make a picture again with another seed; what costs is asked about first. `onBegun` is called once it is on its way. */
async function varyPicture(picture, onBegun, isConfirmed = false) {
  const answer = await ask("pictures/vary", { id: picture.id, confirm_cost: isConfirmed });
  if (!answer) return;
  if (!answer.confirm) onBegun();
  else toast(answer.confirm, { action: "Make it", onAction: () => varyPicture(picture, onBegun, true) });
}

/** Put pictures into the trash, with a way back. `onBack` is called when they are there again. True when some are gone. */
async function deletePictures(pictures, onBack = () => {}) {
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
async function takeBack(pictures) {
  for (const part of chunks(pictures)) {
    if (!(await ask("pictures/restore", { ids: idsOf(part) }))) return;
    tell("change", { back: part });
  }
  toast(pictures.length === 1 ? "Restored" : `${pictures.length} restored`);
}
/** Say what was deleted, with a way back for all of it; also for what the message says that still stands from before.
    `restore(ids)` takes pictures out of the trash and gives null when it could not. */
function offerUndo(gone, restore, onBack) {
  const all = [...(document.querySelector(".toasts > .toast")?.gone || []), ...gone];
  const undo = async () => {
    for (const part of chunks(all)) {
      if (!(await restore(idsOf(part)))) return;
      tell("change", { back: part });
    }
    onBack();
  };
  toast(all.length === 1 ? "Deleted" : `${all.length} deleted`, { action: "Undo", onAction: undo }).gone = all;
}

/** Copy a text. Browsers give the clipboard to https and to this machine only: elsewhere the text is selected. */
async function copyText(text, node, said) {
  if (!navigator.clipboard) {
    getSelection().selectAllChildren(node);
    return;
  }
  await navigator.clipboard.writeText(text);
  toast(said);
}
