// The menu of a version: everything that can be done with it, by pointer and by keyboard.

import { make, within } from "../../shared/scripts/elements/dom.js";
const { find } = within("iterate");

/** @param actions {name, word(picture), press(picture), href(picture), fits(picture)} */
export function createMenu(actions) {
  const menu = find(".menu");
  let back = null;

  function item(action, picture) {
    const node = action.href
      ? make("a", { role: "menuitem", tabindex: "-1", class: action.name, href: action.href(picture), download: true }, action.word(picture))
      : make("button", { type: "button", role: "menuitem", tabindex: "-1", class: action.name }, action.word(picture));
    node.addEventListener("click", () => {
      menu.hidePopover();
      if (action.press) action.press(picture);
    });
    return node;
  }
  menu.addEventListener("keydown", (event) => {
    const all = [...menu.children], here = all.indexOf(document.activeElement);
    const to = { ArrowDown: (here + 1) % all.length, ArrowUp: (here - 1 + all.length) % all.length, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") { menu.hidePopover(); return; }
    if (to === undefined) return;
    event.preventDefault();
    all[to].focus();
  });
  menu.addEventListener("toggle", (event) => { if (event.newState === "closed" && menu.contains(document.activeElement)) back?.(); });

  return {
    /** @param giveBack gives the focus back when nothing was chosen */
    open(picture, anchor, giveBack) {
      back = giveBack;
      menu.replaceChildren(...actions.filter((action) => !action.fits || action.fits(picture)).map((action) => item(action, picture)));
      menu.showPopover();
      const { left, top, bottom } = anchor.getBoundingClientRect(), { offsetWidth, offsetHeight } = menu;
      const isRoomBelow = bottom + offsetHeight + 8 < innerHeight;
      menu.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
      menu.style.top = `${Math.max(8, isRoomBelow ? bottom + 4 : top - offsetHeight - 4)}px`;
      menu.firstElementChild.focus();
    },
  };
}
