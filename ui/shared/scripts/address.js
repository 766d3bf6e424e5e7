// What the address says behind its #, and ways to the tabs, which read it when they are opened for the first time.

import { tell } from "./events.js";

export const goTo = (tab) => document.getElementById(`${tab}-tab-button`)?.click();
/** Focus what a tab shows only after the next frames. */
export function focusSoon(selector, frames = 60) {
  const node = document.querySelector(selector);
  if (node?.checkVisibility()) node.focus();
  else if (frames) requestAnimationFrame(() => focusSoon(selector, frames - 1));
}

/** What the address says behind its #, and changing some of it; an empty value leaves the address. `step` is the state of
    a step of its own in the history, which Back undoes; without one, the address of this step changes. */
export const readAddress = (name) => new URLSearchParams(location.hash.slice(1)).get(name) || "";
export function writeAddress(changes, step = null) {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of Object.entries(changes)) {
    if (value) said.set(name, value);
    else said.delete(name);
  }
  const hash = said.size ? `#${said}` : location.pathname + location.search;
  if (hash !== location.hash) history[step ? "pushState" : "replaceState"](step || history.state, "", hash);
}

/** Open what the address names, now and whenever Back or Forward changes it; `current()`: ids of what is open already. */
export function followAddress(name, current, open) {
  const look = () => {
    const id = readAddress(name);
    return id && !current().includes(id) ? open(id) : null;
  };
  addEventListener("popstate", look);
  return look();
}

/** Open a picture, or an object's picture, in the Segment tab, which may not have been shown yet: then it reads the address. */
export function cutOut(id) {
  writeAddress({ segment: id });
  goTo("segment");
  tell("segment", { picture: id });
}

/** The same for the Iterate tab; `isGoing` false leaves the tab open that is. */
export function editHere(id, { isGoing = true } = {}) {
  writeAddress({ iterate: id });
  if (isGoing) goTo("iterate");
  tell("iterate", { picture: id });
}

/** The same for the 3D tab: an object, a picture or a splat. */
export function turnIn3D(id) {
  writeAddress({ splat: id });
  goTo("3d");
  tell("splat", { id });
}

/** What was said to make a version, to be said again to the picture it was made from. */
export function changeAgain({ id, parents }) {
  writeAddress({ iterate: parents[0], again: id });
  goTo("iterate");
  tell("iterate", { picture: parents[0], again: id });
}
