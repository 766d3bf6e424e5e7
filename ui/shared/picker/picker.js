// Choosing one of the pictures there are, or a file: for what to change, what to follow, and what to replay on.

import { send } from "../dropping/sender.js";
import { make, reconcile, setAttribute, setText, show, within } from "../scripts/elements/dom.js";
import { tell } from "../scripts/events.js";
import { idsOf } from "../scripts/pictures.js";
import { ask } from "../scripts/server.js";
import { tileOf } from "../scripts/elements/tiles.js";
const PAGE_OF_PICTURES = 48;
let picker = null; // made when it is first needed: then the dialog is in the page

/** Open the dialog. @param onTaken called with the picture that was chosen */
export function choosePicture(title, onTaken) {
  picker ??= createPicker();
  picker.open(title, onTaken);
}

const isPicture = ({ kind }) => kind === "image" || kind === "object";

function createPicker() {
  const { find } = within("picker");
  const dialog = find("dialog"), grid = find(".grid"), query = find(".query"), file = find(".file");
  let pictures = [], next = "", asked = 0, take = null, timer = 0;

  async function load(after) {
    const my = ++asked;
    const answer = await ask("pictures/find", { query: query.value, starred: false, model: "", kind: "", after, limit: PAGE_OF_PICTURES });
    if (my !== asked) return;
    if (!answer) {
      next = after; // to be asked for again
      return;
    }
    const known = new Set(after ? idsOf(pictures) : []);
    pictures = [...(after ? pictures : []), ...answer.pictures.filter((one) => isPicture(one) && !known.has(one.id))];
    next = answer.next;
    reconcile(grid, pictures, tile, () => {});
    if (next && dialog.open && grid.scrollHeight <= grid.clientHeight) { more(); return; } // the others are no pictures
    show(find(".none"), !pictures.length);
  }
  function more() {
    const after = next;
    next = "";
    load(after);
  }
  const tile = (picture) => make("li", {}, tileOf(picture, choose, { className: picture.kind === "object" ? "checkered" : "" }));
  function choose(picture) {
    const act = take;
    dialog.close();
    act?.(picture);
  }
  function complain(sentence) {
    show(find(".note"), Boolean(sentence));
    setText(find(".note"), sentence);
  }
  grid.addEventListener("scroll", () => {
    if (next && grid.scrollTop + grid.clientHeight > grid.scrollHeight - 300) more();
  }, { passive: true });
  grid.addEventListener("keydown", (event) => {
    const all = [...grid.querySelectorAll(".tile")], here = all.indexOf(document.activeElement);
    const columns = all.filter((node) => node.offsetTop === all[0].offsetTop).length;
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - columns, ArrowDown: here + columns }[event.key];
    if (here < 0 || !all[to]) return;
    event.preventDefault();
    all[to].focus();
  });
  query.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => load(""), 200); });
  find(".shut").addEventListener("click", () => dialog.close());
  find(".from-file").addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = ""; // so that the same file may be chosen again
    if (!chosen) return;
    complain("");
    const my = take, answer = await send(chosen, () => {}).promise, isWanted = dialog.open && take === my;
    if (answer?.error) { if (isWanted) complain(answer.error); return; }
    tell("change", { back: [answer.picture] });
    if (!isWanted) return; // it is closed, or asks for another one
    if (isPicture(answer.picture)) choose(answer.picture);
    else complain("This file is not a picture. It is in your gallery now; choose a picture here.");
  });

  return {
    open(title, onTaken) {
      take = onTaken;
      setText(find("h2"), title);
      setAttribute(dialog, "aria-label", title);
      query.value = "";
      complain("");
      dialog.showModal();
      query.focus();
      load("");
    },
  };
}
