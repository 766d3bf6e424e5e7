// The four views on the stage: each can be made again, replaced by your own picture, or viewed.

import { address, label, make, makeButton, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { canMake, SIDES, state } from "./state.js";
const { find } = within("splat");

/** @param acts {again(index), replace(index), look(picture)} */
export function createFour(acts) {
  const list = find(".four");
  const tiles = SIDES.map((side, index) => {
    const image = make("img", { alt: "", draggable: "false" }), words = make("span", { class: "quiet" });
    const open = makeButton("view", () => acts.look(state.views[index], index), {}, image, words);
    const about = (word) => ({ title: word, "aria-label": `${word}: ${side}` });
    const again = makeButton("plain again", () => acts.again(index), about("Make this view again"));
    const replace = makeButton("plain replace", () => acts.replace(index), about("Use a picture of your own"));
    label(again, "vary", "");
    label(replace, "open", "");
    list.append(make("li", { "data-index": index }, open, make("div", { class: "line" }, make("b", {}, side), make("span", { class: "quiet own" }), make("span", { class: "spring" }), again, replace)));
    return { open, image, words, own: list.lastElementChild.querySelector(".own"), again, replace };
  });
  return {
    draw(job) {
      tiles.forEach(({ open, image, words, own, again, replace }, index) => {
        const view = state.views[index], isComing = job?.stage === "views" && (!view || job.only.includes(index));
        if (view && image.dataset.of !== view.id) {
          image.dataset.of = view.id;
          image.src = address(view.file);
        }
        show(image, Boolean(view));
        show(words, !view);
        setText(own, view && !view.model ? "your picture" : "");
        setText(words, isComing ? "In progress…" : "Not made yet");
        setAttribute(open, "aria-label", view ? `${SIDES[index]}: show it` : `${SIDES[index]}: use a picture of your own`);
        open.classList.toggle("coming", Boolean(isComing));
        open.classList.toggle("bare", !view);
        again.disabled = Boolean(job) || state.isBusy || !canMake("views");
        replace.disabled = Boolean(job);
      });
    },
  };
}
