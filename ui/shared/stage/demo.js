// The tiles of the empty stage: each makes a picture that is known to come out well, and goes on from there.

import { cutOut, editHere, turnIn3D } from "../scripts/address.js";
import { setAttribute } from "../scripts/dom.js";
import { untilHeard } from "../scripts/events.js";
import { isOpenJob } from "../scripts/jobs.js";
import { byId } from "../scripts/pictures.js";
import { ask } from "../scripts/server.js";
import { jobsNow } from "../scripts/watcher.js";

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
    await ask("iterate", { source, instruction: change, seed, model: models.iterate });
    return;
  }
  const kept = await ask("objects", { picture: source, points: [point], model: models.segment });
  if (!kept) return;
  const object = kept.picture.id;
  if (step === "object") cutOut(object);
  else if (await ask("splat", { object, views_model: models.views, splat_model: models.splat })) turnIn3D(object);
}
/** Id of the picture a job made, once it is over; "" where it made none. */
async function pictureOf(id) {
  const ended = () => { const job = byId(jobsNow(), id); return job && !isOpenJob(job) && job; };
  return (await untilHeard("jobs", ended)).assets[0] || "";
}
