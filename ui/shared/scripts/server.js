// Asking the server: our routes take JSON and answer with JSON. Whose page this is the browser's token says.

import { address } from "./elements/dom.js";
import { toast } from "./elements/toast.js";

/**
 * The secret of this browser, 128 random bits if it comes for the first time; its owner's name is made of it. Pictures and
 * downloads carry no header: before any is shown, a cookie is asked for that says whose they are.
 */
export async function arrive(kept) {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const ours = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const secret = await agreed(kept || ours, Boolean(kept)).catch(() => kept || ours);
  await fetch(address("diorama/visit"), { method: "POST", headers: { "X-Diorama-Token": secret } }).catch(() => {});
  return secret;
}
/** Two tabs that come at once agree on one: of all that a page can store, a database alone has changes that come one after
    the other. What gradio's page has kept is what the quick page, which cannot read it there, is to use as well. */
const agreed = (ours, isKept) => new Promise((take, refuse) => {
  const opening = indexedDB.open("diorama");
  opening.onerror = refuse;
  opening.onupgradeneeded = () => opening.result.createObjectStore("visitor");
  opening.onsuccess = () => {
    const change = opening.result.transaction("visitor", "readwrite"), store = change.objectStore("visitor");
    const first = store.get("token");
    first.onsuccess = () => { if (isKept || !first.result) store.put(ours, "token"); };
    change.oncomplete = () => take(isKept ? ours : first.result || ours);
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

/** The same for a page of ours without components. */
export function introduce(secret) { token = secret; }

/** Ask the server; what went wrong becomes a toast and null. */
export async function ask(path, question = {}) {
  const { ok, answer } = await post(path, question);
  if (!ok) toast(answer.error, { trouble: true });
  return ok ? answer : null;
}

/** Gives what is called with each question of a kind. It gives `isNews()`: no later question was answered before this one. */
export function inTurn() {
  let asked = 0, answered = 0;
  return () => {
    const my = ++asked;
    return () => my >= answered && Boolean(answered = my);
  };
}

/** What says that this tab is the host's: the key that its host's page was opened with. */
export const ofHost = () => ({ "X-Diorama-Host": sessionStorage.getItem("diorama-host-key") || "" });

/** POST JSON, or a file, to one of our routes. Gives {ok, status, answer}; an answer that is not ok is {error: sentence}. */
export async function post(path, body = {}, signal = undefined, headers = {}) {
  const isFile = body instanceof Blob;
  try {
    const response = await fetch(address(`diorama/${path}`), {
      method: "POST",
      headers: { "Content-Type": isFile ? body.type : "application/json", "X-Diorama-Token": token || "", ...headers },
      body: isFile ? body : JSON.stringify(body),
      signal,
    });
    const answer = await response.json();
    return { ok: response.ok, status: response.status, answer };
  } catch {
    return { ok: false, status: 0, answer: { error: "Diorama is not responding. Nothing is lost; try again in a moment." } };
  }
}
