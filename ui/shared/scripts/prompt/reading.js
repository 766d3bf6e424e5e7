// How much of a prompt a model reads: a calm line below it, only where something is cut off. Counted without the model's
// own tokenizer, so it says "about".

import { setText, show } from "../elements/dom.js";
const PIECE = /[\p{L}\p{M}]+|\p{N}|[^\s\p{L}\p{N}]+/gu; // what tokenizers split a text into first
const LETTERS = 8; // that one token holds at most, in writing that they know well; elsewhere it is about one
const ENDS = 2; // tokens: the begin and the end

/** The number of words from the beginning that fit into so many tokens; null where all do. */
function wordsRead(text, tokens) {
  let left = tokens ? tokens - ENDS : Infinity;
  for (const { 0: piece, index } of text.matchAll(PIECE)) {
    left -= /^\p{L}/u.test(piece) && piece.codePointAt(0) > 0x24f ? piece.length : Math.ceil(piece.length / LETTERS);
    if (left < 0) return text.slice(0, index).split(/\s+/).filter(Boolean).length;
  }
  return null;
}
/** @param model {label, tokens: 0 for any number} */
export function sayRead(line, text, { label, tokens }) {
  const words = wordsRead(text.replace(/<lora:[^<>]+>/g, ""), tokens); // a tag is for the program
  show(line, words !== null);
  setText(line, words === null ? "" : `${label} reads ${words > 1 ? `about the first ${words} words` : "only the beginning"} of this.`);
}
