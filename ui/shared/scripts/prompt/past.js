// Arrow up at the start of a field brings back what was written there before, as in a terminal; arrow down goes back to
// what stood there.

import { ask } from "../server.js";

/** @param task whose words: "generate" or "iterate" */
export function rememberWords(field, task) {
  let words = [], at = -1, draft = ""; // at: -1 is the draft, 0 the newest
  const isBrowsing = () => at >= 0 && field.value === words[at];
  function write(text) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.setSelectionRange(text.length, text.length);
  }
  async function begin() {
    draft = field.value;
    const answer = await ask("words/past", { task });
    if (!answer || field.value !== draft) return; // other words were written meanwhile
    words = answer.words.filter((each) => each !== draft);
    at = -1;
    go(1);
  }
  function go(by) {
    if (at + by >= words.length) return;
    at = Math.max(-1, at + by);
    write(at < 0 ? draft : words[at]);
  }
  field.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.isComposing) return;
    const isStart = field.selectionStart === 0 && field.selectionEnd === 0;
    if (event.key === "ArrowUp" && isBrowsing()) go(1);
    else if (event.key === "ArrowUp" && isStart) begin();
    else if (event.key === "ArrowDown" && isBrowsing()) go(-1);
    else return;
    event.preventDefault();
  });
}
