// The tiles of the empty stage: each makes a picture that is known to turn out well, and continues from there.

import { cutOut, editHere, readAddress, turnIn3D } from "../scripts/address.js";
import { setAttribute } from "../scripts/elements/dom.js";
import { ask } from "../scripts/server.js";
import { pictureOf } from "../scripts/watcher.js";

export function connectDemo(tiles) {
  for (const tile of tiles) {
    setAttribute(tile.querySelector("img"), "src", new URL(`./${tile.dataset.demo}.webp`, import.meta.url).href);
    tile.addEventListener("click", () => run(tile.dataset.demo));
  }
}
async function run(step) {
  const begun = await ask("demo");
  if (!begun || step === "picture") return;
  const source = await pictureOf(begun.job), { change, seed, point, models } = begun;
  if (!source) return; // stopped or failed: the stage says so
  if (step === "change") {
    editHere(source);
    const asked = await ask("iterate", { source, instruction: change, seed, model: models.iterate });
    const version = asked && await pictureOf(asked.job.id);
    if (version && readAddress("iterate") === source) editHere(version, { isGoing: false }); // it was made before the tab could watch
    return;
  }
  const kept = await ask("objects", { picture: source, points: [point], model: models.segment });
  if (!kept) return;
  const object = kept.picture.id;
  if (step === "object") cutOut(object);
  else if (await ask("splat", { object, views_model: models.views, splat_model: models.splat })) turnIn3D(object);
}
