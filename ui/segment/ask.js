// Questions to the server about masks: one at a time, and of those that wait only the newest.

const PAGE = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const UNREACHED = "Diorama does not answer. Your clicks are kept; the next one tries again.";

/** POST JSON. Gives {ok, answer}; an answer that is a sentence is not ok. */
async function post(path, body) {
  try {
    const response = await fetch(address(path), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Diorama-Token": token || "" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    return { ok: response.ok, status: response.status, answer };
  } catch {
    return { ok: false, status: 0, answer: { error: UNREACHED } };
  }
}

/**
 * @param onAnswer called with {answer, request} of the newest question only
 * @param onTrouble called with a sentence, "" when all is well
 * @param onBusy called when questions begin and end
 */
function createAsker({ onAnswer, onTrouble, onBusy }) {
  let number = 0, waiting = null, isBusy = false;
  async function work() {
    if (isBusy) return;
    isBusy = true;
    onBusy(true);
    while (waiting) {
      const request = waiting;
      waiting = null;
      const { ok, status, answer } = await post("diorama/segment", { ...request, page: PAGE, number: ++number });
      if (waiting) continue; // somebody clicked meanwhile: this is no news
      if (ok) {
        onTrouble("");
        await onAnswer(answer, request);
      } else if (status !== 409) onTrouble(answer.error);
    }
    isBusy = false;
    onBusy(false);
  }
  return {
    ask(request) { waiting = request; work(); },
    forget() { waiting = null; number += 1; },
    get isBusy() { return isBusy; },
  };
}
