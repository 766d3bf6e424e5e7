// Choosing one of the pictures there are, or a file: for what to change, what to go by, and what to replay on.

import { send } from "../shared/dropping/sender.js";
import { make, reconcile, setAttribute, setText, show, within } from "../shared/scripts/dom.js";
import { tell } from "../shared/scripts/events.js";
import { idsOf } from "../shared/scripts/pictures.js";
import { ask } from "../shared/scripts/server.js";
import { tileOf } from "../shared/scripts/tiles.js";
const { find } = within("iterate");
const PAGE_OF_PICTURES = 48;

const isPicture = ({ kind }) => kind === "image" || kind === "object";

export function createPicker() {
  const dialog = find(".picker"), grid = find(".picker .grid"), query = find(".picker .query"), file = find(".picker .file");
  let pictures = [], next = "", asked = 0, take = null, timer = 0;

  async function load(after) {
    const my = ++asked;
    const answer = await ask("pictures/find", { query: query.value, starred: false, model: "", kind: "", after, limit: PAGE_OF_PICTURES });
    if (!answer || my !== asked) return;
    const known = new Set(after ? idsOf(pictures) : []);
    pictures = [...(after ? pictures : []), ...answer.pictures.filter((one) => isPicture(one) && !known.has(one.id))];
    next = answer.next;
    reconcile(grid, pictures, tile, () => {});
    show(find(".picker .none"), !pictures.length);
  }
  const tile = (picture) => make("li", {}, tileOf(picture, choose, { className: picture.kind === "object" ? "checkered" : "" }));
  function choose(picture) {
    const act = take;
    dialog.close();
    act?.(picture);
  }
  function complain(sentence) {
    show(find(".picker .note"), Boolean(sentence));
    setText(find(".picker .note"), sentence);
  }
  grid.addEventListener("scroll", () => {
    if (next && grid.scrollTop + grid.clientHeight > grid.scrollHeight - 300) {
      const after = next;
      next = "";
      load(after);
    }
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
  find(".picker .shut").addEventListener("click", () => dialog.close());
  find(".picker .from-file").addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = ""; // so that the same file may be chosen again
    if (!chosen) return;
    complain("");
    const answer = await send(chosen, () => {}).promise;
    if (answer?.error) { complain(answer.error); return; }
    tell("change", { back: [answer.picture] });
    if (isPicture(answer.picture)) choose(answer.picture);
    else complain("This file is not a picture. It is in your gallery now; choose a picture here.");
  });

  return {
    /** @param onTaken called with the picture that was chosen */
    open(title, onTaken) {
      take = onTaken;
      setText(find(".picker h2"), title);
      setAttribute(dialog, "aria-label", title);
      query.value = "";
      complain("");
      dialog.showModal();
      query.focus();
      load("");
    },
  };
}
