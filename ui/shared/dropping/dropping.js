// Takes files wherever they are dropped, one after the other, and hands them to the tab that is open: of a single one
// Generate takes the settings, a tab that works on a picture opens it, and every other tab shows it.

import { turnIn3D } from "../scripts/address.js";
import { setAttribute, setText, show, within } from "../scripts/elements/dom.js";
import { hear, tell } from "../scripts/events.js";
import { token, whenTold } from "../scripts/server.js";
import { toast } from "../scripts/elements/toast.js";
import { areWordsMeant, filesOf, isAddress, isFiles } from "./handed.js";
import { send } from "./sender.js";
const { find } = within("dropping");
const LARGE = 2_000_000; // bytes: smaller files are there before one could read how far they are
const isGenerate = () => document.querySelector("#generate")?.checkVisibility() ?? false;
/** Of a tab that works on a picture: the event that has it open one. */
const opener = () => [...document.querySelectorAll("[data-opens]")].find((tab) => tab.checkVisibility())?.dataset.opens;
const NO_ADDRESSES = "Diorama does not download from the web. Save the picture first, then drop the file.";
let mostBytes = Infinity, isBusy = false, waiting = [];

async function take(files) {
  if (!files.length || token === null) return;
  waiting.push(...files);
  if (isBusy) return; // they go with those that are being sent
  isBusy = true;
  const added = [], refused = [];
  const forSettings = isGenerate() && waiting.length === 1, opens = opener();
  for (let i = 0; waiting.length; i += 1) {
    const file = waiting.shift(), answer = await sendOne(file, i, waiting.length);
    if (!answer) waiting = []; // cancelled: the rest, too
    else if (answer.error) refused.push({ file, error: answer.error });
    else added.push(answer);
  }
  isBusy = false;
  show(find(".sending"), false);
  conclude(added, refused, forSettings, opens);
}

async function sendOne(file, number, left) {
  if (file.size > mostBytes) {
    const [size, most] = [file.size, mostBytes].map((bytes) => `${Math.round(bytes / 1e6)} MB`);
    return { error: `${file.name} is ${size}, more than the limit of ${most}. Save it smaller, or as JPEG.` };
  }
  const place = number + left ? ` (${number + 1} of ${number + 1 + left})` : "";
  const say = (share) => {
    const percent = Math.round(100 * share);
    setText(find(".words"), percent < 100 ? `Adding ${file.name}${place}` : `Looking at ${file.name}${place}`);
    setAttribute(find(".bar"), "aria-valuenow", percent);
    find(".bar").classList.toggle("unknown", percent === 100);
    find(".bar i").style.transform = `scaleX(${share})`;
  };
  const { promise, cancel } = send(file, say);
  say(0);
  show(find(".sending"), file.size > LARGE || left > 0 || number > 0);
  find(".cancel").onclick = cancel;
  return promise;
}

/** Say what became of the files and lead to the next step. */
function conclude(added, refused, forSettings, opens) {
  const newest = added.at(-1);
  const pictures = new Map(added.map((answer) => [answer.picture.id, answer.picture])); // one that was sent twice is one
  if (newest) tell("change", { back: [...pictures.values()] });
  if (refused.length) toast(summary(added, refused), { trouble: true });
  else if (added.length > 1) toast(summary(added, refused));
  if (!newest || refused.length) return;
  const { picture, notes = [], notice = "" } = newest;
  if (picture.kind === "splat") {
    turnIn3D(picture.id);
    if (notes.length) toast(notes.join(" "));
    return;
  }
  if (!forSettings) {
    if (added.length === 1) tell(opens || "look", { id: picture.id, picture: picture.id });
    if (added.length === 1 && notice) toast(notice);
    return;
  }
  const onAction = () => tell("look", { id: picture.id });
  if (picture.again) tell("reuse", picture);
  else toast(`${notes.find((note) => note.includes(" carries ")) || "This picture carries no settings."} It is in your gallery now.${notice && ` ${notice}`}`, { action: "Show it", onAction });
}
function summary(added, refused) {
  const parts = [];
  if (added.length) parts.push(added.length === 1 ? "1 picture added." : `${added.length} pictures added.`);
  parts.push(...new Set(added.map((answer) => answer.notice).filter(Boolean)));
  if (refused.length > 1) parts.push(`${refused.length} files could not be added.`);
  if (added.length + refused.length > 1 && refused.length) parts.push(`${refused[0].file.name}:`);
  if (refused.length) parts.push(refused[0].error);
  return parts.join(" ");
}

// A file or an address that is dropped beside every target would replace the page.
let depth = 0, isOwn = false; // whether something of this page is dragged
function cover(isOver, event) {
  const ofFiles = isGenerate() ? "Drop a picture to use its settings" : opener() ? "Drop a picture to open it here" : "Drop pictures to add them";
  if (isOver) setText(find(".target b"), isAddress(event.dataTransfer) ? NO_ADDRESSES : ofFiles);
  show(find(".target"), isOver);
}
const LISTENERS = {
  dragenter: (event) => { depth += 1; cover(true, event); },
  dragover: (event) => { event.dataTransfer.dropEffect = "copy"; },
  dragleave: (event) => { depth = Math.max(0, depth - 1); cover(depth > 0, event); },
  drop: (event) => {
    depth = 0;
    cover(false, event);
    const files = filesOf(event.dataTransfer);
    if (event.dataTransfer.files.length) take(files);
    else toast(NO_ADDRESSES, { trouble: true }); // also where a browser promised a file and has none
  },
};
for (const [name, act] of Object.entries(LISTENERS)) {
  document.addEventListener(name, (event) => {
    const isOurs = isFiles(event.dataTransfer) || isAddress(event.dataTransfer);
    if (isOwn || !isOurs) return;
    event.preventDefault();
    event.stopPropagation();
    if (document.querySelector("dialog[open]")) event.dataTransfer.dropEffect = "none"; // a dialog takes no files
    else act(event);
  }, true);
}
document.addEventListener("dragstart", () => { isOwn = true; }, true);
document.addEventListener("dragend", () => { isOwn = false; }, true);
document.addEventListener("paste", (event) => {
  if (!event.clipboardData?.files.length || document.querySelector("dialog[open]")) return;
  if (areWordsMeant(event.clipboardData)) return;
  event.preventDefault();
  take(filesOf(event.clipboardData));
}, true);
find(".chooser").addEventListener("change", (event) => {
  take([...event.target.files]);
  event.target.value = ""; // so that the same file may be chosen again
});
hear("pick", () => find(".chooser").click());
export const start = (component) => whenTold(component, (value) => { ({ mostBytes } = value); });
