// Below a prompt: how much of it the model reads, and the button that has it improved: with Stop while it is asked, and Undo
// afterwards.

import { setText, show, within } from "../scripts/elements/dom.js";
import { sayRead } from "../scripts/prompt/reading.js";
import { post } from "../scripts/server.js";
const { element, find } = within("improve");
const state = { before: null, after: "", asking: null }; // what stood there before, what came, how the asking is ended
let component = null; // {props, trigger, watch}
const prompt = () => document.querySelector(component.props.prompt); // null until gradio has fetched its text fields

function draw(sentence = "", isTrouble = false) {
  const { reader = "" } = component.props.value || {};
  show(find(".improve"), Boolean(reader));
  setText(find(".better"), `Improve with ${reader}`);
  show(find(".better"), !state.asking);
  show(find(".stop"), Boolean(state.asking));
  show(find(".undo"), !state.asking && state.before !== null);
  find(".said").classList.toggle("trouble", isTrouble);
  setText(find(".said"), sentence);
  measure();
}
/** Something was written, or another model was chosen. */
export function measure() {
  const { label = "", tokens = 0 } = component?.props.value || {};
  sayRead(find(".read"), prompt()?.value || "", { label, tokens });
}
/** Put words into the prompt, as if somebody had written them. */
function write(words) {
  component.props.value = { ...component.props.value, words };
  component.trigger("words");
}
async function improve() {
  const wish = prompt().value, asking = new AbortController();
  if (!wish.trim()) return prompt().focus();
  state.asking = asking;
  draw(`${component.props.value.reader} is writing...`);
  find(".stop").focus();
  const { ok, answer } = await post("improve", { prompt: wish, model: component.props.value.model }, asking.signal);
  const wasChanged = prompt().value !== wish; // who wrote on meanwhile keeps their words
  const hasFocus = element.contains(document.activeElement);
  state.asking = null;
  if (asking.signal.aborted) draw("Stopped");
  else if (!ok) draw(answer.error, true);
  else if (wasChanged) draw("You kept typing, so your prompt was left as it is");
  else {
    Object.assign(state, { before: wish, after: answer.prompt });
    write(answer.prompt);
    draw("Improved");
  }
  if (hasFocus) find(state.before === null ? ".better" : ".undo").focus();
}
function undo() {
  const { before } = state;
  state.before = null;
  write(before);
  draw();
  prompt().focus();
}
find(".better").addEventListener("click", improve);
find(".stop").addEventListener("click", () => state.asking.abort());
find(".undo").addEventListener("click", undo);
document.addEventListener("input", (event) => { // other words are written: there is nothing left to undo
  if (event.target !== prompt() || state.asking || prompt().value === state.after) return;
  state.before = null;
  draw();
});
export function start(given) {
  component = given;
  component.watch("value", () => draw());
  draw();
}
