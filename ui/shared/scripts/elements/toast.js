// Short messages at the bottom, one at a time on the whole page, with an optional way back. They stay while the pointer
// or the focus is on them.

import { make, makeButton } from "./dom.js";

/** `said`: a screen reader hears the same from elsewhere. */
export function toast(text, { action = "", onAction = null, trouble = false, said = false } = {}) {
  const words = make("span", { "aria-hidden": said && "true" }, text);
  const node = make("div", { class: trouble ? "toast trouble" : "toast" }, words);
  let timer = 0;
  const before = document.activeElement;
  const leave = () => {
    const hadFocus = node.contains(document.activeElement);
    node.remove();
    if (!hadFocus) return;
    before?.focus();
    if (document.activeElement === document.body) document.querySelector("dialog[open] button")?.focus();
  };
  const wait = () => { timer = setTimeout(leave, action ? 15000 : 8000); };
  if (action) node.append(makeButton("plain", () => { leave(); onAction(); }, {}, action));
  for (const enter of ["pointerenter", "focusin"]) node.addEventListener(enter, () => clearTimeout(timer));
  for (const exit of ["pointerleave", "focusout"]) node.addEventListener(exit, () => { clearTimeout(timer); wait(); });
  for (const other of document.querySelectorAll(".toasts > .toast")) other.remove();
  const places = [...document.querySelectorAll(".toasts")].filter((place) => place.checkVisibility());
  (places.find((place) => place.closest("dialog[open]")) || places.at(-1)).append(node); // the open tab's is the last
  const strip = [...document.querySelectorAll(".strip")].find((one) => one.checkVisibility()), isOver = node.closest("dialog");
  const above = strip && !isOver ? Math.max(0, innerHeight - strip.getBoundingClientRect().top) : 0; // it covers nothing of that
  node.parentElement.style.setProperty("--above", `${above < innerHeight / 2 ? above : 0}px`);
  wait();
  return node;
}

/** Copy a text. Browsers give the clipboard to https and to this machine only, or refuse it: then the text is selected. */
export async function copyText(text, node, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    getSelection().selectAllChildren(node);
  }
}
