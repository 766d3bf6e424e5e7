// The viewer: which picture is shown, how one comes to the next, and the address that leads to it.

import { cutOut, editHere, readAddress, turnIn3D, writeAddress } from "../scripts/address.js";
import { address, drawIcon, setAttribute, setText, within } from "../scripts/elements/dom.js";
import { hear, tell } from "../scripts/events.js";
import { byId, deletePictures, download, lookOf, starPictures, varyPicture } from "../scripts/pictures.js";
import { ask, post, token, whenTold } from "../scripts/server.js";
import { toast } from "../scripts/elements/toast.js";
import { pictureOf } from "../scripts/watcher.js";
import { createNaming } from "./naming.js";
import { createPanel } from "./panel.js";
import { createZoom } from "./zoom.js";
const { find } = within("viewer");
const dialog = find(".viewer"), image = find(".large");
const state = {
  picture: null, // what is shown
  around: null, // the pictures of the open tab: {isOpen(), pictures(), hasMore(), more(), total(), follow(id), focus(id)}
  asked: 0, // number of the last picture that was asked for: the answer to an older question is not news
};
const edit = leaving(({ id }) => editHere(id));
const ACTIONS = [ // one entry adds one
  { name: "reuse", icon: "reuse", word: () => "Use settings", fits: (picture) => picture.again, press: leaving((picture) => tell("reuse", picture)) },
  { name: "vary", icon: "vary", word: () => "Vary", fits: (picture) => picture.again && picture.prompted, press: (picture) => varyPicture(picture, () => toast("Another one is being made")) },
  { name: "upscale", icon: "upscale", word: () => "Upscale", fits: (picture) => picture.kind !== "splat", press: upscale },
  { name: "star", icon: "star", word: (picture) => (picture.starred ? "Starred" : "Star"), isPressed: (picture) => picture.starred, press: (picture) => starPictures([picture], !picture.starred) },
  { name: "rename", icon: "rename", word: () => "Rename", hint: "F2", press: () => naming.begin() },
  { name: "iterate", icon: "edit", word: () => "Edit", fits: (picture) => ["image", "object"].includes(picture.kind), press: edit },
  { name: "segment", icon: "cut", word: (picture) => (picture.kind === "object" ? "Refine" : "Cut out"), fits: (picture) => picture.kind !== "splat", press: leaving(({ id }) => cutOut(id)) },
  { name: "turn", icon: "solid", word: (picture) => (picture.kind === "splat" ? "Open in 3D" : "Turn into 3D"), fits: (picture) => ["object", "splat"].includes(picture.kind), press: leaving(({ id }) => turnIn3D(id)) },
  { name: "save", icon: "save", word: () => "Download", href: download },
  { name: "delete", icon: "delete", word: () => "Delete", press: remove },
];
const naming = createNaming(() => find(".actions .rename").focus());
const panel = createPanel(ACTIONS, (id) => open(id));
const zoom = createZoom(find(".ground"), image, (by) => step(by));

/** The list of the tab that is open; null until there is one. */
function around() {
  if (!state.around?.isOpen()) {
    state.around = null;
    tell("roll", { offer: (list) => { state.around = list; } });
  }
  return state.around;
}
const listed = () => around()?.pictures() || [];
const place = () => listed().findIndex((picture) => picture.id === (state.picture || {}).id);

/** The picture is shown at once, as far as a list knows it; the rest is asked. */
function draw(picture) {
  const isNew = !state.picture || state.picture.id !== picture.id;
  state.picture = picture;
  if (isNew) {
    zoom.fit();
    image.style.backgroundImage = `url("${address(picture.thumb)}")`; // stands in while the picture itself comes
    image.src = lookOf(picture);
    image.alt = picture.title;
    image.classList.toggle("checkered", picture.kind === "object");
    setText(find(".spoken"), picture.title);
    setAttribute(dialog, "aria-label", `Picture: ${picture.title}`);
  }
  panel.draw(picture);
  naming.draw(picture);
  drawPlace();
}
image.addEventListener("load", () => { image.style.backgroundImage = ""; });

function drawPlace() {
  const here = place(), list = around(), total = list?.total() || 0;
  const all = list && total < list.pictures().length + list.hasMore() ? `${total.toLocaleString()}+` : total.toLocaleString();
  setText(find(".place"), here < 0 ? "" : `${(here + 1).toLocaleString()} of ${all}`);
  find(".before").disabled = here <= 0;
  find(".after").disabled = here < 0 || (here + 1 >= total && !list.hasMore());
}

async function open(id, { known = null, isAddressed = false } = {}) {
  const my = ++state.asked;
  if (known) draw(known); // else it is shown when the server has told it
  else if (!dialog.open) find(".ground").classList.add("awaited");
  panel.tell(null);
  if (known) enter(id, isAddressed);
  const { ok, answer } = await post("pictures/look", { id });
  find(".ground").classList.remove("awaited");
  if (my !== state.asked) return;
  if (!ok) {
    sayMissing(answer.error);
    return;
  }
  draw(answer.picture);
  panel.tell(answer);
  enter(id, isAddressed);
  warm();
}
function sayMissing(sentence) {
  if (!dialog.open) writeAddress({ picture: "" });
  toast(sentence, { trouble: true });
}

/** Open the dialog if need be, and say in the address what it shows. */
function enter(id, isAddressed) {
  if (!dialog.open) {
    dialog.append(find(".toasts")); // what lies outside an open dialog cannot be pressed
    dialog.showModal();
    find(".shut").focus();
    if (!isAddressed) writeAddress({ picture: id }, { viewer: true }); // so that Back closes it
  } else {
    writeAddress({ picture: id });
  }
  if (place() >= 0) around().follow(id);
  drawPlace();
}
/** Let the browser fetch the neighbours, so that they are there when they are wanted. */
function warm() {
  const here = place();
  for (const near of here < 0 ? [] : [listed()[here + 1], listed()[here - 1]]) if (near) new Image().src = lookOf(near);
}

/** Go to a neighbour; where the list ends, more of it is fetched. */
async function step(by) {
  let here = place();
  while ((here < 0 || here + by >= listed().length) && by > 0 && (await around()?.more())) here = place();
  const there = here < 0 ? null : listed()[here + by];
  if (there) open(there.id, { known: there });
}
const jump = (picture) => { if (picture) open(picture.id, { known: picture }); };

let isLeaving = false; // Back is on its way: a second one would leave the page
/** Leave: Back where opening it was a step forward, so that the address and the history stay true. */
function close() {
  const done = new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
  if (history.state?.viewer) {
    if (!isLeaving) history.back();
    isLeaving = true;
  } else {
    writeAddress({ picture: "" });
    left();
  }
  return done;
}
function left() {
  const { picture } = state;
  state.picture = null;
  state.asked += 1;
  image.removeAttribute("src");
  dialog.close();
  dialog.after(find(".toasts"));
  if (picture) around()?.focus(picture.id);
}

async function remove(picture) {
  const here = place(), all = listed(), next = all[here + 1] || all[here - 1];
  const isGone = await deletePictures([picture], () => { if (dialog.open) open(picture.id, { known: picture }); });
  if (!isGone || (state.picture || {}).id !== picture.id) return;
  if (here >= 0 && next) jump(next);
  else close();
}
/** Leave for another tab: first the address becomes that of the tab again. */
function leaving(act) {
  return async (picture) => { await close(); act(picture); };
}

async function upscale(picture) {
  const begun = await ask("pictures/upscale", { id: picture.id, model: panel.upscaler() });
  if (!begun) return;
  toast("A larger one is being made");
  const made = await pictureOf(begun.job);
  if (!made) return;
  if (dialog.open && state.picture?.id === picture.id) open(made);
  else toast("The larger picture is ready", { action: "Enlarge", onAction: () => open(made) });
}

hear("look", ({ id }) => open(id, { known: byId(listed(), id) }));
hear("listed", () => {
  if (!dialog.open) return;
  const wasUnknown = !find(".place").textContent;
  drawPlace();
  if (wasUnknown && place() >= 0) around().follow(state.picture.id);
});
hear("change", ({ changed = [] }) => {
  if (!dialog.open) return;
  const now = byId(changed, state.picture.id);
  if (now) draw(now);
  drawPlace();
});

const fold = (isBare) => {
  dialog.classList.toggle("bare", isBare);
  setAttribute(find(".about"), "aria-expanded", !isBare);
};
function toggleAbout() {
  fold(!dialog.classList.contains("bare"));
  localStorage.setItem("diorama-about", dialog.classList.contains("bare") ? "bare" : "full");
}
const kept = localStorage.getItem("diorama-about");
fold(kept ? kept === "bare" : matchMedia("(max-width: 860px)").matches); // a phone shows the picture first

const KEYS = {
  ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: () => jump(listed()[0]), End: () => jump(listed().at(-1)),
  "+": () => zoom.by(1.5), "=": () => zoom.by(1.5), "-": () => zoom.by(1 / 1.5), "0": () => zoom.fit(),
  Delete: () => remove(state.picture), e: () => edit(state.picture), i: toggleAbout, I: toggleAbout, F2: () => { fold(false); naming.begin(); },
};
dialog.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || !state.picture || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});
dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
const PRESSES = {
  ".before": () => step(-1),
  ".after": () => step(1),
  ".in": () => zoom.by(1.5),
  ".out": () => zoom.by(1 / 1.5),
  ".fit": zoom.fit,
  ".about": toggleAbout,
  ".shut": close,
};
for (const [button, press] of Object.entries(PRESSES)) find(button).addEventListener("click", press);
drawIcon(find(".before"), "before");
drawIcon(find(".after"), "after");
drawIcon(find(".about"), "about");

addEventListener("popstate", () => {
  isLeaving = false;
  if (token === null) return;
  const id = readAddress("picture");
  if (id && id !== (state.picture || {}).id) open(id, { isAddressed: true });
  else if (!id && dialog.open) left();
});
export const start = (component) => whenTold(component, () => {
  const id = readAddress("picture");
  if (id) open(id, { isAddressed: true });
});
