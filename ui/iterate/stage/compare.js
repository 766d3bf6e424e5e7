// Comparing two versions: which way, the line of the slider, and the clock that blinks.

import { setAttribute, setText, show, within } from "../../shared/scripts/elements/dom.js";
import { markRadios, walkRadios } from "../../shared/scripts/elements/radios.js";
const { element, find } = within("iterate");
const BLINK_MS = 700;

/** @param changed called when something has to be drawn again */
export function createCompare(view, changed) {
  const divider = find(".divider"), calm = matchMedia("(prefers-reduced-motion: reduce)");
  const state = { kind: "", split: 0.5, isOther: false, difference: null, share: null };
  let last = "slider", clock = 0;

  function set(kind) {
    clearInterval(clock);
    state.kind = kind;
    state.isOther = false;
    if (kind) last = kind;
    if (kind === "blink" && !calm.matches) clock = setInterval(flip, BLINK_MS);
    changed();
  }
  function flip() {
    state.isOther = !state.isOther;
    changed();
  }
  function move(split) {
    state.split = Math.min(1, Math.max(0, split));
    changed();
  }
  divider.addEventListener("pointerdown", (event) => { divider.setPointerCapture(event.pointerId); event.preventDefault(); divider.focus({ preventScroll: true }); });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const [x] = view.toPicture(event.clientX - find(".board").getBoundingClientRect().left, 0);
    move(x / view.picture.width);
  });
  divider.addEventListener("keydown", (event) => {
    const by = (event.shiftKey ? 0.1 : 0.02);
    const to = { ArrowLeft: state.split - by, ArrowDown: state.split - by, ArrowRight: state.split + by, ArrowUp: state.split + by, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  });
  const kinds = [...element.querySelectorAll("[data-kind]")];
  for (const node of kinds) node.addEventListener("click", () => set(node.dataset.kind));
  walkRadios(find(".kinds"));

  return {
    state,
    start: () => set(last),
    stop: () => set(""),
    set,
    flip,
    /** Show what belongs to comparing; `names` are those of the two versions. */
    draw(names) {
      const { kind, split, isOther, share } = state;
      show(find(".kinds"), Boolean(kind));
      markRadios(kinds, (node) => node.dataset.kind === kind);
      setAttribute(find(".compare"), "aria-pressed", Boolean(kind));
      setText(find(".compare"), kind ? "Done" : "Compare");
      setText(find(".differs"), kind === "difference" && share !== null ? shareInWords(share) : "");
      show(divider, kind === "slider");
      setAttribute(divider, "aria-valuenow", Math.round(100 * split));
      const [x, y] = view.toScreen(split * view.picture.width, 0), bottom = view.toScreen(0, view.picture.height)[1];
      divider.style.cssText = `left:${x}px;top:${Math.max(0, y)}px;height:${Math.min(view.board.height, bottom) - Math.max(0, y)}px`;
      const two = kind === "slider" || kind === "side";
      show(find(".tag.left"), two || (kind === "blink" && isOther));
      show(find(".tag.right"), two || (kind === "blink" && !isOther));
      const left = Math.max(0, view.toScreen(0, 0)[0]), room = find(".room").clientWidth, right = room - view.toScreen(view.picture.width, 0)[0];
      find(".tag.left").style.left = `${left + 8}px`;
      find(".tag.right").style.right = `${8 + (kind === "side" ? left : Math.max(0, right))}px`;
      setText(find(".tag.left"), names[0] || "");
      setText(find(".tag.right"), names[1] || "");
    },
  };
}
function shareInWords(share) {
  if (share === 0) return "No difference";
  return share < 0.005 ? "Less than 1 % changed" : `${Math.round(100 * share)} % differs`;
}
