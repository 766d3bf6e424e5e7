// Asking the server: our routes take JSON and answer with JSON. Whose page this is the browser's token says.

import { address } from "./dom.js";
import { toast } from "./toast.js";

/**
 * The secret of this browser, 128 random bits if it comes for the first time; its owner's name is made of it. Pictures and
 * downloads carry no header: before any is shown, a cookie is asked for that says whose they are.
 */
export async function arrive(kept) {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const ours = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const secret = kept || (await agreed(ours).catch(() => ours));
  await fetch(address("diorama/visit"), { method: "POST", headers: { "X-Diorama-Token": secret } }).catch(() => {});
  return secret;
}
/** Two tabs that come at once agree on one: of all that a page can store, a database alone has changes that come one after
    the other. */
const agreed = (ours) => new Promise((take, refuse) => {
  const opening = indexedDB.open("diorama");
  opening.onerror = refuse;
  opening.onupgradeneeded = () => opening.result.createObjectStore("visitor");
  opening.onsuccess = () => {
    const change = opening.result.transaction("visitor", "readwrite"), store = change.objectStore("visitor");
    const first = store.get("token");
    first.onsuccess = () => first.result || store.put(ours, "token");
    change.oncomplete = () => take(first.result || ours);
    change.onabort = refuse;
    opening.result.close(); // once this change is made
  };
});

/** The browser's, null until the page has told it. */
export let token = null;
/** Begin once the page has told a component of ours who is looking: `act(value)`, once. */
export function whenTold({ props, watch }, act) {
  let isTold = false;
  const go = () => {
    if (isTold || !props.value) return;
    isTold = true;
    token = props.value.token;
    act(props.value);
  };
  watch("value", go);
  go();
}

/** Ask the server; what went wrong becomes a toast and null. */
export async function ask(path, question = {}) {
  const { ok, answer } = await post(path, question);
  if (!ok) toast(answer.error, { trouble: true });
  return ok ? answer : null;
}

/** POST JSON to one of our routes. Gives {ok, status, answer}; an answer that is not ok is {error: sentence}. */
export async function post(path, body = {}, signal = undefined) {
  try {
    const response = await fetch(address(`diorama/${path}`), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Diorama-Token": token || "" },
      body: JSON.stringify(body),
      signal,
    });
    const answer = await response.json();
    return { ok: response.ok, status: response.status, answer };
  } catch {
    return { ok: false, status: 0, answer: { error: "Diorama does not answer. Nothing is lost; try again in a moment." } };
  }
}
