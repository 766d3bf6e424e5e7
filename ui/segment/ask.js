// Questions to the server about masks: one at a time, and of those that wait only the newest. What is clicked on is seen
// first: then the model is loaded.

import { post } from "../shared/scripts/server.js";

const LONG_MS = 30000; // a question that has hung so long gives way to a newer one
const PAGE = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const UNREACHED = "Diorama is not responding. Your clicks are kept; the next one tries again.";

/**
 * @param onAnswer called with {answer, request} of the newest question only
 * @param onTrouble called with a sentence, "" when all is well
 * @param onBusy called when questions begin and end
 */
export function createAsker({ onAnswer, onTrouble, onBusy }) {
  let number = 0, waiting = null, isBusy = false, repeated = new AbortController();
  async function work() {
    if (isBusy) return;
    isBusy = true;
    onBusy(true);
    while (waiting) {
      const request = waiting;
      waiting = null;
      const asked = ++number, hung = new AbortController(), watch = setInterval(() => waiting && hung.abort(), LONG_MS);
      const { ok, status, answer } = await post("segment", { ...request, page: PAGE, number: asked }, hung.signal);
      clearInterval(watch);
      if (waiting || asked !== number) continue; // somebody clicked meanwhile, or nothing is selected any more: no news
      if (ok) {
        onTrouble("");
        await onAnswer(answer, request).catch(() => onTrouble(UNREACHED));
      } else if (status !== 409) onTrouble(status ? answer.error : UNREACHED);
    }
    isBusy = false;
    onBusy(false);
  }
  return {
    ask(request) { waiting = request; repeated.abort(); work(); },
    /** Ask once more, unless somebody clicks meanwhile: gives null then, or if there is trouble. Not while it is busy. */
    async askAgain(request) {
      repeated.abort();
      repeated = new AbortController();
      const { ok, answer } = await post("segment", { ...request, page: PAGE, number: ++number }, repeated.signal);
      return ok ? answer : null;
    },
    forget() { waiting = null; number += 1; repeated.abort(); },
    get isBusy() { return isBusy; },
  };
}

/** Have a model loaded before the first click: `model()` once the node is seen. */
export function warmOnceSeen(node, model) {
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    observer.disconnect();
    warm(model());
  }).observe(node);
}
export const warm = (model) => { if (model) post("segment/warm", { model }); };
