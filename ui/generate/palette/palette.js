// The words a model knows, under the prompt: a press puts one in the place of another of its kind, or adds it.

import { make, setAttribute, show, within } from "../../shared/scripts/dom.js";
import { found, withWord } from "./words.js";
const { find } = within("palette");
let component = null, drawn = null; // {props, trigger, watch}; the palette that is drawn
const field = () => document.querySelector("#prompt textarea");
const known = () => component.props.value?.palette || null;

function chip(group, word, i) {
  const colour = group.swatches[i], place = group.form === "{word}" ? "" : " ground";
  const name = colour ? `${group.name}: ${word}` : word;
  const look = colour ? { class: `swatch${place}`, style: `--swatch: ${colour}`, title: name, "aria-label": name } : {};
  const button = make("button", { type: "button", ...look }, colour ? "" : word);
  button.dataset.word = word;
  button.addEventListener("click", () => {
    component.props.value = { ...component.props.value, words: withWord(field().value, known(), group, word) };
    component.trigger("words");
  });
  return button;
}
function draw() {
  const palette = known(), list = find(".palette");
  show(list, Boolean(palette));
  if (palette && JSON.stringify(palette) !== drawn) {
    drawn = JSON.stringify(palette);
    const rows = palette.groups.map((group) => make("div", { class: "group", role: "group", "aria-label": group.name }, ...group.words.map((word, i) => chip(group, word, i))));
    list.replaceChildren(...rows);
  }
  mark();
}
/** Those that stand in the prompt are pressed. */
export function mark() {
  const palette = component && known();
  if (!palette || !field()) return;
  const there = found(field().value, palette);
  palette.groups.forEach((group, row) => {
    for (const button of find(".palette").children[row].children) {
      setAttribute(button, "aria-pressed", there.some((place) => place.group.name === group.name && place.word === button.dataset.word));
    }
  });
}
export function start(given) {
  component = given;
  component.watch("value", draw);
  draw();
}
