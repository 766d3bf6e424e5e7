// How a job stands, in words and as a bar.

import { setAttribute, setText } from "./elements/dom.js";

export const isOpenJob = (job) => job.state === "waiting" || job.state === "running";

/** "0.4 s left", "12 s left", "3 min left". */
export function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 10) return `${seconds.toFixed(1)} s left`;
  return seconds < 100 ? `${Math.round(seconds)} s left` : `${Math.round(seconds / 60)} min left`;
}

/** "stopping", "next in line", "starting" (the model is being loaded), "picture 1 of 3, step 2 of 8". */
export function situation(job, what = "picture") {
  if (job.stopping) return "stopping";
  if (job.state === "waiting") return job.position < 1 ? job.note || "starting" : job.position === 1 ? "next in line" : `waiting, ${job.position} ahead of it`;
  const step = job.steps ? `step ${job.step} of ${job.steps}` : job.note || "starting";
  return job.pictures > 1 ? `${what} ${job.picture + 1} of ${job.pictures}, ${step}` : step;
}

/** @param box what tells of the job: it has a .step, a .bar and a .left for the time that is left */
export function drawProgress(box, job, text, isEnding = job.stopping) {
  const bar = box.querySelector(".bar"), isRunning = job.state === "running", isKnown = job.steps > 0 && isRunning;
  setText(box.querySelector(".step"), text);
  setText(box.querySelector(".left"), isEnding ? "" : timeLeft(job.secondsLeft));
  bar.classList.toggle("unknown", !isKnown && isRunning);
  setAttribute(bar, "aria-valuemax", isKnown ? job.steps : 1);
  setAttribute(bar, "aria-valuenow", isKnown ? job.step : 0);
  setAttribute(bar, "aria-valuetext", text);
  bar.firstElementChild.style.transform = `scaleX(${isKnown ? job.step / job.steps : 0})`;
}
export const capitalized = (text) => text[0].toUpperCase() + text.slice(1);
