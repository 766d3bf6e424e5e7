// Which tab is shown stands in the address: a reload comes back to it, and Back leads to the tab before.

import { readAddress, writeAddress } from "../scripts/address.js";
import { tell } from "../scripts/events.js";

const BUTTON = '[id$="-tab-button"]';
const tabOf = (button) => button.id.replace("-tab-button", "");
const firstTab = () => tabOf(document.querySelector(BUTTON));
export const tabOfAddress = () => readAddress("tab") || firstTab();

addEventListener("click", (event) => {
  const button = event.target.closest(BUTTON);
  if (!button || tabOf(button) === tabOfAddress()) return;
  writeAddress({ tab: tabOf(button) === firstTab() ? "" : tabOf(button) }, { tab: true });
  tell("tab");
}, { capture: true });

/** Arrow keys go from tab to tab, as in a browser's own. */
addEventListener("keydown", (event) => {
  const button = event.target.closest?.(BUTTON);
  if (!button || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const all = [...document.querySelectorAll(BUTTON)].filter((each) => each.checkVisibility()), here = all.indexOf(button);
  const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = all.at(to % all.length);
  next.focus();
  next.click();
});

export function followAddress() {
  const button = document.getElementById(`${tabOfAddress()}-tab-button`);
  if (button?.ariaSelected !== "true") button?.click();
  tell("tab");
}
addEventListener("popstate", followAddress);
