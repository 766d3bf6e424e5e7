// A picture that is dragged: out of the window it becomes its file, over the name of a tab it opens that tab, and there it
// is dropped. Everything that a drag does can be done by buttons, too.

import { tell } from "../events.js";
import { download } from "../pictures.js";
const OPEN_MS = 400; // over the name of a tab, as long as folders of a desktop take
const ENDINGS = { image: [".png", "image/png"], object: [".png", "image/png"], view: [".png", "image/png"], splat: [".ply", "application/octet-stream"] };
let dragged = null, over = null, timer = 0; // the picture; the name of a tab it is over

/** @param pictureOf gives the picture when a drag begins; null: nothing is dragged */
export function makeDraggable(node, pictureOf) {
  node.draggable = true;
  node.addEventListener("dragstart", (event) => {
    dragged = pictureOf();
    if (!dragged) { event.preventDefault(); return; }
    const [ending, type] = ENDINGS[dragged.kind] || ENDINGS.image, file = download(dragged);
    // Source of the form: Chromium's DownloadURL, type:name:address. A colon in the name would end it.
    const name = `${dragged.title.replace(/[^\p{L}\p{N} _-]+/gu, "").trim().slice(0, 60) || "picture"}${ending}`;
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData("DownloadURL", `${type}:${name}:${file}`);
    event.dataTransfer.setData("text/uri-list", file);
  });
}
function leave() {
  clearTimeout(timer);
  over = null;
}
addEventListener("dragover", (event) => {
  if (!dragged) return;
  const tab = event.target.closest?.('[id$="-tab-button"]');
  if (tab !== over) {
    leave();
    over = tab;
    if (tab) timer = setTimeout(() => tab.click(), OPEN_MS);
  }
  if (placeOf(event)) event.preventDefault(); // it may be dropped here
}, true);
addEventListener("drop", (event) => {
  const place = dragged && placeOf(event), picture = dragged;
  dragged = null;
  leave();
  if (!place) return;
  event.preventDefault();
  if (place.dataset.opens) tell(place.dataset.opens, { id: picture.id, picture: picture.id });
  else if (picture.again) tell("reuse", picture);
  else tell("look", { id: picture.id });
}, true);
addEventListener("dragend", () => { dragged = null; leave(); }, true);

/** A tab that opens what is dropped on its stage or column; in Generate its settings are used. */
const placeOf = ({ target }) => target.closest?.(".workbench:is([data-opens], #generate-tab) :is(.column, .scene)")?.closest(".workbench");
