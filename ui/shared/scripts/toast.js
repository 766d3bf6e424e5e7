// Short messages at the bottom, one at a time on the whole page, with an optional way back. They stay while the pointer
// or the focus is on them.

/** `said`: a screen reader hears the same from elsewhere. */
function toast(text, { action = "", onAction = null, trouble = false, said = false } = {}) {
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
  if (action) {
    const button = make("button", { type: "button", class: "plain" }, action);
    button.addEventListener("click", () => { leave(); onAction(); });
    node.append(button);
  }
  for (const enter of ["pointerenter", "focusin"]) node.addEventListener(enter, () => clearTimeout(timer));
  for (const exit of ["pointerleave", "focusout"]) node.addEventListener(exit, () => { clearTimeout(timer); wait(); });
  for (const other of document.querySelectorAll(".toasts > .toast")) other.remove(); // also those of other components
  find(".toasts").append(node);
  wait();
  return node;
}
