// What gradio's events ask of the column without a round trip: some of it happens at every key. What a person has set is
// `saved` in the browser: {prompt, model, count, models: {id: values of its own}}.

import { measure } from "../shared/clouds/improve.js";
import { mark } from "./palette/palette.js";
import { expectAnswer, noteTyped, typedSince } from "./typed.js";

/** What was written before the page could bring the saved prompt back is what is wanted now. */
export function bringBack(saved) {
  const kept = String(saved?.prompt || ""), written = document.querySelector("#prompt textarea").value;
  return written || !kept ? { __type__: "update" } : kept;
}

/**
 * Before the stage has been told who is looking, all but the prompt do not yet say what was saved. And while the answer to
 * a choice of model is under way, they show another model's.
 * @param names of the values that each model has of its own
 */
export function remember(names, saved, prompt, model, count, ...shown) {
  if (!document.querySelector("#stage [data-told]")) return prompt ? { ...saved, prompt } : saved;
  const typed = typedSince(), all = Object.fromEntries(names.map((name, i) => [name, shown[i]]));
  const own = typed ? { ...saved.models?.[model], ...typed } : all;
  return { ...saved, prompt, model, count, models: { ...saved.models, [model]: own } };
}
export function rememberInput(names, saved, prompt, model, count, ...shown) {
  noteTyped(names, shown);
  return remember(names, saved, prompt, model, count, ...shown);
}

/** The note goes at once, not with the server's answer: by then there may be another one. */
export function rememberModel(saved, model, ...shown) {
  if (saved?.model !== model) expectAnswer(shown);
  return [{ ...saved, model }, ""];
}
export const takePrompt = (saved, prompt) => [{ ...saved, prompt }, prompt, ""];
export const takeWords = (told, saved) => takePrompt(saved, told.words);

function parsed(note) {
  const page = document.createElement("template");
  page.innerHTML = note || "";
  return page.content.firstElementChild;
}
/** A note goes when other words are written than those it is about; else it is left alone, as it may be another by now. */
export const keepNote = (prompt, note) => (!note || parsed(note)?.dataset.about === prompt ? { __type__: "update" } : "");

/** The prompt changed, whoever wrote it: what speaks of its words follows. */
export function written() {
  mark();
  measure();
}

/** The picture to follow is another one, or none. */
export function takeFollowed(told, saved, model) {
  const own = { ...(saved.models || {})[model], control: told.control };
  return [{ ...saved, models: { ...saved.models, [model]: own } }, told.control, ""];
}

export function takeSeed(saved, model, seed) {
  const own = { ...(saved.models || {})[model], seed };
  return [{ ...saved, models: { ...saved.models, [model]: own } }, seed];
}

/** Another shape was chosen: its sizes, or any width and height. */
export function takeShape({ sizes }, shape) {
  const choices = sizes[shape] || [], update = { __type__: "update" }, side = { ...update, visible: !choices.length };
  return [{ ...update, choices: choices.map((size) => [size, size]), value: choices[0] ?? null, visible: choices.length > 1 }, side, side];
}
/** A fixed seed, which is easily forgotten, is shown while it is folded away. */
export const nameMore = ({ more }, seed) => ({ __type__: "update", label: (seed ?? -1) >= 0 && seed !== "" ? `More · seed ${seed}` : more });

/** What was unfolded comes into view above the main button. On a narrow page the column does not scroll by itself. */
export const showMore = () => requestAnimationFrame(() => {
  const column = document.querySelector("#column"), fold = document.querySelector("#more").getBoundingClientRect();
  const scrolls = getComputedStyle(column).overflowY === "auto";
  const hidden = fold.bottom + 20 - document.querySelector("#press").getBoundingClientRect().top;
  const above = fold.top - Math.max(0, scrolls ? column.getBoundingClientRect().top : 0);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const by = { top: Math.max(0, Math.min(hidden, above)), behavior: calm ? "instant" : "smooth" };
  (scrolls ? column : document.scrollingElement).scrollBy(by);
});

/** What the server would say of the prompt if it could. */
export function say(note, prompt) {
  const paragraph = parsed(note);
  paragraph.dataset.about = prompt;
  return paragraph.outerHTML;
}
