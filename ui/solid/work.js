// What takes time: views, and a splat, in one job of the server. It continues without this page; whoever comes back finds it
// again.

import { show, within } from "../shared/scripts/elements/dom.js";
import { drawProgress, isOpenJob, situation } from "../shared/scripts/jobs.js";
import { byId, idsOf } from "../shared/scripts/pictures.js";
import { post } from "../shared/scripts/server.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { draw, open } from "./splat.js";
import { choices, chosenModel, elevation, hasViews, memory, ourJob, SIDES, speak, state } from "./state.js";
const { find, isVisible } = within("splat");
const ALL = [0, 1, 2, 3];
let isTakingUp = false;

/** Ask for views: all four, or only some of them beside those that are there. */
export function makeViews(only = ALL) {
  const isAll = only.length === ALL.length;
  return begin("views", only, isAll ? {} : { only, views: state.views.map((view) => view?.id || ""), seed: "" });
}
/** Ask for the splat: of the four views that are there, else of new ones. */
export function makeSplat() {
  return hasViews() ? begin("splat", [], { views: idsOf(state.views), elevation_deg: null }) : begin("splat", ALL);
}
/** @param only the views that are made for it */
async function begin(path, only, changes = {}) {
  const { object } = state, [views, splat] = ["views", "splat"].map(chosenModel);
  if (!object) return;
  const { seed, steps, guidance } = { ...choices(), ...changes }, number = seed === "" || !only.length ? null : Number(seed);
  if (number !== null && !Number.isInteger(number)) { say(`The seed is a whole number, not “${seed}”. Leave it empty for a random one.`); return; }
  const body = { object: object.id, views_model: views?.id, splat_model: splat?.id, elevation_deg: elevation(), ...changes, seed: number };
  if (views?.steps) body.steps = steps ?? views.steps.default;
  if (views?.guidance) body.guidance = guidance ?? views.guidance.default;
  Object.assign(state, { isBusy: true, trouble: "", isStopped: false });
  draw();
  const { ok, answer } = await post(path, body);
  state.isBusy = false;
  if (ok) {
    memory.addJob({ id: answer.job.id, object: object.id, only });
    if (!byId(state.jobs, answer.job.id)) state.jobs = [answer.job, ...state.jobs]; // what was told of it since is newer
    if (only.length) state.step = "views";
  } else say(answer.error);
  onJobs(state.jobs);
}
export function say(sentence) {
  state.trouble = sentence;
  toast(sentence, { trouble: true, said: true });
  draw();
}

/** The server told how the jobs stand. One for the open object whose answer was lost is known from here on, too. */
export function onJobs(jobs) {
  const sent = state.jobs.filter((job) => isOpenJob(job) && !byId(jobs, job.id) && byId(memory.jobs, job.id));
  const stage = ourJob()?.stage;
  state.jobs = [...sent, ...jobs];
  const isLost = (job) => !state.isBusy && isOpenJob(job) && job.source === state.object?.id && ["views", "splat"].includes(job.task) && !byId(memory.jobs, job.id);
  for (const { id, source } of jobs.filter(isLost)) memory.addJob({ id, object: source, only: [] });
  const job = ourJob();
  if (job?.steps) speak(`Step ${job.step} of ${job.steps}`, true);
  if (job?.stage === "splat" && stage === "views") takeViews();
  draw();
  takeUp();
}
/** What the jobs that are over have made takes its place, one after the other. */
async function takeUp() {
  if (isTakingUp) return;
  isTakingUp = true;
  try {
    for (let begun = firstOver(); begun; begun = firstOver()) {
      await conclude(byId(state.jobs, begun.id), state.object?.id === begun.object);
      memory.dropJob(begun.id); // only now: a reload in between continues from here
    }
  } finally {
    isTakingUp = false;
  }
  draw();
}
const firstOver = () => memory.jobs.find(({ id }) => { const told = byId(state.jobs, id); return told && !isOpenJob(told); });
async function conclude({ state: end, task, title, assets, error }, isHere) {
  if (end === "done" && task === "splat" && assets.length) {
    if (!isHere) { toast(`In 3D: ${title}`, { action: "Show", onAction: () => open(assets.at(-1)) }); return; }
    await open(assets.at(-1), { focus: isVisible(), isNew: true });
    speak(`3D is ready: ${title}`);
  } else if (isHere) {
    await takeViews();
    if (end === "done") speak("Four views are ready");
    if (end === "stopped") sayStopped();
    if (end === "failed") say(error);
  }
}
function sayStopped() {
  state.isStopped = true;
  speak("Stopped");
  toast("Stopped", { said: true });
}
/** The newest views take their places. */
async function takeViews() {
  const { object } = state;
  if (!object) return; // closed meanwhile
  const { ok, answer } = await post("3d/views", { id: object.id });
  if (!ok || state.object?.id !== object.id) return;
  state.views = answer.views;
  draw();
}
/** Your own picture instead of a view. */
export async function setView(index, picture) {
  const { object } = state;
  const { ok, answer } = await post("views/replace", { object: object.id, index, picture: picture.id, elevation_deg: elevation() });
  if (!ok) { say(answer.error); return; }
  state.isStopped = false;
  speak(`${SIDES[index]}: ${picture.title}`);
  await takeViews();
}

export function drawJob(job) {
  show(find(".below"), Boolean(job));
  if (!job) return;
  drawProgress(find(".below"), job, words(job), false);
  find(".stop").disabled = Boolean(job.stopping) || !isOpenJob(job);
}
/** What is happening, in a few words. */
function words(job) {
  if (!isOpenJob(job) && !job.stopping) return "just a moment";
  const text = situation({ ...job, pictures: 1 });
  return job.steps && job.state === "running" && !job.stopping ? `${job.stage === "views" ? "Views" : "3D"}: ${text}` : text;
}
