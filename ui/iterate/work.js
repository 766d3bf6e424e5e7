// From what the column says to a job, and from a job to its version.

import { loaded } from "../shared/canvas/marks.js";
import { within } from "../shared/scripts/elements/dom.js";
import { isOpenJob } from "../shared/scripts/jobs.js";
import { byId, idsOf } from "../shared/scripts/pictures.js";
import { ask, post } from "../shared/scripts/server.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { jobsNow } from "../shared/scripts/watcher.js";
import { draw, drawBoard } from "./stage/drawing.js";
import { EXTEND_STEP, isExtended } from "./stage/extent.js";
import { column, compare, replay } from "./iterate.js";
import { go, loadTree } from "./opening.js";
import { change, draft, drafts, followed, model, speak, state, versionOf } from "./state.js";
const { find } = within("iterate");

function requestOf(fix) {
  const spec = model(), now = draft(), settings = drafts.settings(spec.id), { width, height } = state.picture;
  const limit = now.where === "extend" ? { extend: now.extend } : now.where === "whole" ? {} : { object: now.where === "object" ? now.object : "", strokes: now.where === "brush" ? now.strokes : [], invert: now.invert };
  const sides = (fix?.extend || []).map((share, i) => EXTEND_STEP * Math.round((share * (i % 2 ? height : width)) / EXTEND_STEP));
  const request = {
    source: state.picture.id, model: spec.id, instruction: fix ? fix.instruction : now.instruction, count: drafts.count,
    references: idsOf(now.references.slice(0, spec.references)),
    ...(sides.some(Boolean) ? { extend: sides } : limit),
  };
  for (const name of ["seed", "steps", "guidance", "clip_skip", "strength", "control_strength"]) if (spec[name] && settings[name] !== undefined) request[name] = settings[name];
  if (spec.control && now.control) request.control = now.control.id;
  if (spec.negative && settings.negative) request.negative_prompt = settings.negative;
  if (spec.qualities.includes(settings.quality)) request.quality = settings.quality;
  if (spec.samplers.includes(settings.sampler)) request.sampler = settings.sampler;
  if (spec.precisions.some((each) => each.id === settings.precision)) request.precision = settings.precision;
  if (spec.fast && settings.fast) request.fast = true;
  if (spec.transparent) request.transparent = Boolean(settings.transparent || fix?.transparent);
  return request;
}
/** Why this cannot be asked yet, as a sentence; "" when it can. */
function missing(fix) {
  const now = draft(), isLimited = now.where !== "whole" && Boolean((now.where === "object" && now.object) || (now.where === "brush" && now.strokes.length));
  if (!model().ready) return `${model().label} ${model().state}. Choose another model.`;
  if (fix?.needs_place && !isLimited) {
    change({ where: state.objects.length ? "object" : "brush" });
    return isPlaceChosen() ? "Only the chosen object will change. Press again to continue." : "Paint over what to remove, then press it again.";
  }
  if (isLimited || fix?.extend?.some(Boolean) || isExtended(now)) return "";
  if (now.where === "whole") return model().maskOnly ? `${model().label} fills in an area: choose an object, or paint the area.` : "";
  if (now.where === "extend") return "Drag an edge of the picture outwards, or choose Anywhere.";
  return now.where === "brush" ? "Paint where it may change, or choose Anywhere." : "Choose an object, or Anywhere.";
}
const isPlaceChosen = () => draft().where === "object" && Boolean(draft().object);

/** Do what the column says, or a quick fix. */
export async function run(fix = null) {
  const spec = model();
  if (!state.picture || !spec || state.isSending) return;
  const sentence = missing(fix);
  if (sentence) { complain(sentence); return; }
  if (fix && spec.provider) { // one small click sends no picture away and pays for nothing
    change({ instruction: fix.instruction });
    column.focus();
    return;
  }
  submit(requestOf(fix));
}
/** @param isConfirmed it may cost more than what is spent in a day without asking */
export async function submit(request, isConfirmed = false) {
  state.isSending = true;
  draw();
  const { ok, answer } = await post("iterate", { ...request, confirm_cost: isConfirmed });
  state.isSending = false;
  if (ok) {
    column.begun();
    began(answer.job, `Changing: ${answer.job.title}`, request.instruction);
    state.hint = answer.hint || "";
    draw();
  } else complain(answer.error, answer.confirm ? request : null);
}
/** What the model follows of the picture becomes a version, to be looked at. */
export async function keepControl() {
  const spec = model(), answer = state.picture && await ask("iterate/control", { id: state.picture.id, model: spec.id });
  if (answer) began(answer.job, `Making the ${spec.follows}`, "");
}
function complain(sentence, confirm = null) {
  Object.assign(state, { trouble: sentence, hint: "", confirm });
  draw();
  find("form.column .note").scrollIntoView({ block: "nearest" });
}
/** A job was sent: it stands in the tree and on the stage at once, unless the server has told of it before it answered. */
export function began(job, spoken, said) {
  drafts.began(job.id, job.source, said);
  const isKnown = seen.has(job.id);
  seen.set(job.id, true);
  if (!isKnown) state.jobs = [job, ...state.jobs];
  Object.assign(state, { following: job.id, preview: null, trouble: "", hint: "", confirm: null, banner: "" });
  compare.stop();
  speak(spoken);
  draw();
  find(".room").scrollIntoView({ block: "nearest" });
  if (isKnown) onJobs(jobsNow()); // it may be over already
}

const seen = new Map(); // job -> whether it was still open when it was last heard of
let told = 0;
export async function onJobs(jobs) {
  const my = ++told, isFirst = !seen.size, ended = jobs.filter((job) => seen.get(job.id) && !isOpenJob(job));
  for (const job of jobs) seen.set(job.id, isOpenJob(job));
  if (state.picture && ended.some((job) => versionOf(drafts.sourceOf(job)))) await loadTree(state.picture.id);
  const sent = state.jobs.filter((job) => isOpenJob(job) && !byId(jobs, job.id)); // the server has not told of them yet
  if (my === told) state.jobs = [...sent, ...jobs];
  if (isFirst && state.picture && !state.following) { // after a reload: what is being made of this picture is watched again
    state.following = jobs.find((job) => isOpenJob(job) && drafts.sourceOf(job) === state.picture.id)?.id || "";
  }
  for (const job of ended) {
    if (job.id === state.following) conclude(job);
    else if (job.state === "failed" && versionOf(drafts.sourceOf(job))) toast(job.error, { trouble: true });
    replay.ended(job);
  }
  showPreview();
  draw();
}
async function showPreview() {
  const job = followed();
  if (!job?.preview) return;
  const image = await loaded(job.preview).catch(() => null);
  if (!image || state.following !== job.id) return;
  state.preview = image;
  drawBoard();
}
/** The job that was watched is over: its version takes its place, or the reason for its absence is shown. */
function conclude(job) {
  const source = versionOf(drafts.sourceOf(job)), made = versionOf(job.assets[0]);
  Object.assign(state, { following: "", preview: null });
  if (made) {
    const { where, object, strokes, invert } = drafts.of(source?.id), isSame = source?.width === made.width && source?.height === made.height;
    if (drafts.isBlank(made.id) && isSame && ["object", "brush"].includes(where)) drafts.change(made.id, { where, object, strokes, invert });
    const typed = source ? drafts.of(source.id).instruction : "";
    if (typed && typed !== drafts.saidFor(job) && source.id === state.picture?.id) { // the next instruction, written meanwhile: it goes along
      drafts.change(made.id, { instruction: typed });
      drafts.change(source.id, { instruction: job.title });
    }
    state.lifted = made.id;
    go(made.id);
    speak(`Version ready: ${job.title}`);
  } else if (job.state === "stopped") speak("Stopped");
  if (job.state === "failed") state.banner = job.error;
}
