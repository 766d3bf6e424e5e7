// Whether the page looks like Stardust: chosen in the settings, kept in this browser like light and dark, and off where
// motion or power is to be saved.

import { make } from "../scripts/elements/dom.js";
import { createSky } from "./sky.js";

const KEPT = "diorama-look", STARDUST = "stardust", LOW = 0.2; // of the battery
const CALM = ["(prefers-reduced-motion: reduce)", "(prefers-reduced-data: reduce)"].map((query) => matchMedia(query));
let battery = null, sky = null, listener = () => {};

export const isChosen = () => localStorage.getItem(KEPT) === STARDUST;
/** Why it is not shown although it was chosen; "": it is. */
function hindrance() {
  if (CALM[0].matches) return "Off while your system asks for less motion.";
  if (CALM[1].matches || navigator.connection?.saveData) return "Off while your browser saves data.";
  if (battery && !battery.charging && battery.level <= LOW) return "Off until this machine is charged.";
  return "";
}
function draw() {
  const reason = hindrance(), isOn = isChosen() && !reason, root = document.documentElement;
  listener(isChosen() ? reason : "");
  root.classList.toggle(STARDUST, isOn);
  if (isOn && !sky) {
    const canvas = make("canvas", { id: "sky", "aria-hidden": "true" });
    document.body.prepend(canvas);
    sky = createSky(canvas);
    sky.start();
  } else if (!isOn && sky) {
    sky.stop();
    document.getElementById("sky").remove();
    sky = null;
  } else sky?.recolour();
}
export function choose(isWanted) {
  if (isWanted) localStorage.setItem(KEPT, STARDUST);
  else localStorage.removeItem(KEPT);
  draw();
}
/** Show it where it was chosen, now and from now on. `hear` gets the reason why it is not shown, "" if there is none. */
export function followLook(hear = () => {}) {
  listener = hear;
  addEventListener("storage", draw);
  navigator.connection?.addEventListener?.("change", draw);
  for (const query of CALM) query.addEventListener("change", draw);
  const shades = new MutationObserver(() => sky?.recolour());
  for (const node of [document.documentElement, document.body]) shades.observe(node, { attributeFilter: ["class"] });
  navigator.getBattery?.().then((found) => {
    battery = found;
    for (const name of ["chargingchange", "levelchange"]) found.addEventListener(name, draw);
    draw();
  }, () => {});
  draw();
}
