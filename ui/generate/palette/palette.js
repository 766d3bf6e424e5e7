// Under the prompt: the words a model knows, of which a press puts one in the place of another of its kind, or adds it; and
// the LoRAs that fit it, which a press adds or takes out.

import { make, makeButton, setAttribute, show, within } from "../../shared/scripts/elements/dom.js";
import { found, withLora, withWord, withoutLora } from "./words.js";
const { find } = within("palette");
let component = null, drawn = null; // {props, trigger, watch}; the palette that is drawn
const field = () => document.querySelector("#prompt textarea");
const known = () => component.props.value?.palette || null;
const loras = () => component.props.value?.loras || [];

function write(words) {
  component.props.value = { ...component.props.value, words };
  component.trigger("words");
}

function chip(group, word, i) {
  const colour = group.swatches[i], place = group.form === "{word}" ? "" : " ground";
  const name = colour ? `${group.name}: ${word}` : word;
  const look = colour ? { class: `swatch${place}`, style: `--swatch: ${colour}`, title: name, "aria-label": name } : {};
  const press = () => write(withWord(field().value, known(), group, word));
  return makeButton("", press, { ...look, "data-word": word }, colour ? "" : word);
}
function loraChip(name) {
  const press = () => {
    const prompt = field().value, without = withoutLora(prompt, name);
    write(without === prompt ? withLora(prompt, name) : without);
  };
  return makeButton("", press, { title: `LoRA: ${name}`, "data-lora": name }, name);
}
function draw() {
  const palette = known(), list = find(".palette");
  show(list, Boolean(palette));
  if (palette && JSON.stringify(palette) !== drawn) {
    drawn = JSON.stringify(palette);
    const rows = palette.groups.map((group) => make("div", { class: "group", role: "group", "aria-label": group.name }, ...group.words.map((word, i) => chip(group, word, i))));
    list.replaceChildren(...rows);
  }
  const names = loras();
  show(find(".loras"), names.length > 0);
  find(".loras").replaceChildren(...(names.length ? [make("span", { class: "quiet" }, "LoRA")] : []), ...names.map(loraChip));
  mark();
}
/** Those that stand in the prompt are pressed. */
export function mark() {
  if (!component || !field()) return;
  for (const button of find(".loras").querySelectorAll("button")) {
    setAttribute(button, "aria-pressed", withoutLora(field().value, button.dataset.lora) !== field().value);
  }
  const palette = known();
  if (!palette) return;
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
