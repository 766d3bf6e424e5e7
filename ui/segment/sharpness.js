// How large a mask must be for the screen. Once a zoom has settled, the mask in sight is asked for again at that size.

import { LEAST, veilOf } from "./overlay.js";

export const MOST = 1024; // longest side of masks on the page, in pixels; LEAST for one that fills fewer on the screen
const SETTLED_MS = 250;

/** Longest side of the mask that the screen shows, in pixels. The server makes none larger than its picture. */
export function sideSeen({ picture, scale }) {
  const longest = Math.max(picture.width, picture.height);
  return Math.min(MOST, longest, Math.max(LEAST, Math.ceil(longest * scale * devicePixelRatio)));
}

/** Gives what is called with every drawing. A larger mask takes the place of `state.veil`; nothing else changes. */
export function createSharpener(view, state, asker, draw) {
  let settling = 0;
  async function sharpen() {
    if (asker.isBusy) return; // once the newer mask is drawn, this is called again
    const request = { ...state.asked, most: sideSeen(view) };
    state.asked = request;
    const answer = await asker.askAgain(request), veil = answer && await veilOf(answer.mask).catch(() => null);
    if (!veil || !state.veil || state.asked !== request) return;
    state.veil = veil;
    draw();
  }
  return () => {
    clearTimeout(settling);
    if (state.veil && sideSeen(view) > state.asked.most) settling = setTimeout(sharpen, SETTLED_MS);
  };
}
