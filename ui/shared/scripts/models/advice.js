// One line near the model that does not know the open picture: what it would do to it, and what there is instead. It is
// said once for each picture: whoever closed it or went on has read it.

import { make, makeButton, setText, show } from "../elements/dom.js";
const KEPT = "diorama-advice", MOST_KEPT = 200;
const read = () => {
  try {
    const all = JSON.parse(localStorage.getItem(KEPT) || "[]");
    return Array.isArray(all) ? all : [];
  } catch { return []; }
};

/**
 * @param line the node it stands in
 * @param name of the tab
 * @param use called with the id of the model that was chosen instead
 * @param more buttons of the tab: [{word, press, isLast: where no other model is offered}]
 */
export function createAdvice(line, name, use, more = []) {
  const words = make("span"), choices = make("span", { class: "offers" });
  const close = makeButton("plain shut", heard, { "aria-label": "Close this hint" }, "×");
  const beside = make("span", { hidden: true }), narrow = matchMedia("(max-width: 860px)");
  let key = "", drawn = "";
  line.before(beside);
  /** On a phone the column is far below: the line stands right below the picture there. */
  const put = () => (narrow.matches ? line.closest(".workbench").querySelector(".room") : beside).after(line);
  narrow.addEventListener("change", put);
  put();
  line.append(words, close, choices);
  function heard() {
    if (!key) return;
    try {
      localStorage.setItem(KEPT, JSON.stringify([key, ...read().filter((one) => one !== key)].slice(0, MOST_KEPT)));
    } catch { /* a browser that keeps nothing says it again */ }
    show(line, false);
    key = "";
  }
  return {
    /** Somebody went on with this model. */
    heard,
    /**
     * @param all {model id: {text, instead: [{id, label, note}]}} as the server told it of the picture
     * @returns the sentence that stands there, "" for none
     */
    draw(picture, model, all) {
      const advice = picture && model ? all?.[model] : null, place = `${name} ${picture}`;
      const isNew = Boolean(advice) && (key === place || !read().includes(place));
      key = isNew ? place : "";
      show(line, isNew);
      if (!isNew) return "";
      if (drawn === place + advice.text) return advice.text;
      drawn = place + advice.text;
      setText(words, advice.text);
      const offered = advice.instead.map(({ id, label, note }) => makeButton("chip", () => use(id), {}, `${label} (${note})`));
      const [first, last] = [false, true].map((isLast) => more.filter((one) => Boolean(one.isLast) === isLast).map(({ word, press }) => makeButton("chip", press, {}, word)));
      choices.replaceChildren(...first, ...offered, ...(offered.length ? [] : last));
      return advice.text;
    },
  };
}
