// The contact sheet: all pictures of a job side by side, to choose one by a click, or by its number.

import { reconcile, setAttribute, setText, show, within } from "../scripts/elements/dom.js";
import { tileOf } from "../scripts/elements/tiles.js";
const { find } = within("stage");
const COLUMNS = [1, 1, 2, 3, 2, 3, 3, 4, 4]; // by how many there are
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

/** @param choose(id) one of them was chosen; back() all of them are wanted again */
export function createSheet({ choose, back }) {
  const sheet = find(".sheet");
  sheet.addEventListener("keydown", ({ key }) => {
    const tiles = [...sheet.querySelectorAll("button")], here = tiles.indexOf(document.activeElement);
    if (key in STEPS) tiles[here + STEPS[key]]?.focus();
    else tiles[Number(key) - 1]?.click();
  });
  find(".back").addEventListener("click", () => {
    back();
    sheet.querySelector("button")?.focus();
  });
  /** @param pictures those of the job; isOpen: they are shown, and not one of them */
  return (pictures, isOpen, chosen) => {
    const columns = COLUMNS[pictures.length] || 4;
    show(sheet, isOpen);
    show(find(".choose"), isOpen);
    show(find(".back"), !isOpen && pictures.length > 1 && pictures.some((picture) => picture.id === chosen));
    setText(find(".choose"), `${pictures.length} pictures: choose one.`);
    setText(find(".back"), `All ${pictures.length}`);
    setAttribute(sheet, "style", `--columns: ${columns}; --rows: ${Math.ceil(pictures.length / columns)}`);
    reconcile(sheet, isOpen ? pictures : [], (picture) => tileOf(picture, () => choose(picture.id), { source: picture.file, name: `${pictures.indexOf(picture) + 1}: ${picture.title}` }), () => {});
  };
}
