// What takes time: views, and a splat, in one job of the server. It goes on without this page; whoever comes back finds it
// again.

const ALL = [0, 1, 2, 3];
let isTakingUp = false;

/** Ask for views: all four, or only some of them beside those that are there. */
function makeViews(only = ALL) {
  const isAll = only.length === ALL.length;
  return begin("views", only, isAll ? {} : { only, views: state.views.map((view) => view?.id || ""), seed: "" });
}
/** Ask for the splat: of the four views that are there, else of new ones. */
function makeSplat() {
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
function say(sentence) {
  state.trouble = sentence;
  toast(sentence, { trouble: true, said: true });
  draw();
}

/** The server told how the jobs stand. One for the open object whose answer was lost is known from here on, too. */
function onJobs(jobs) {
  const sent = state.jobs.filter((job) => isOpenJob(job) && !byId(jobs, job.id) && byId(memory.jobs, job.id));
  const stage = ourJob()?.stage;
  state.jobs = [...sent, ...jobs];
  const isLost = (job) => !state.isBusy && isOpenJob(job) && job.source === state.object?.id && ["views", "splat"].includes(job.task) && !byId(memory.jobs, job.id);
  for (const { id, source } of jobs.filter(isLost)) memory.addJob({ id, object: source, only: [] });
  const job = ourJob();
  if (job?.steps) speakRarely(`Step ${job.step} of ${job.steps}`);
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
      memory.dropJob(begun.id); // only now: whoever reloads in between goes on from here
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
    await open(assets.at(-1), { focus: isVisible() });
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
  const { object } = state, { ok, answer } = await post("3d/views", { id: object.id });
  if (!ok || state.object?.id !== object.id) return;
  state.views = answer.views;
  draw();
}
/** A picture of one's own instead of a view. */
async function setView(index, picture) {
  const { object } = state;
  const { ok, answer } = await post("views/replace", { object: object.id, index, picture: picture.id, elevation_deg: elevation() });
  if (!ok) { say(answer.error); return; }
  state.isStopped = false;
  speak(`${SIDES[index]}: ${picture.title}`);
  await takeViews();
}

let spokenAt = 0;
function speakRarely(text) {
  if (Date.now() - spokenAt < 5000) return;
  spokenAt = Date.now();
  speak(text);
}

function drawProgress(job) {
  show(find(".below"), Boolean(job));
  if (!job) return;
  const isKnown = job.steps > 0 && job.state === "running", bar = find(".below .bar");
  setText(find(".below .step"), situation(job));
  setText(find(".below .left"), timeLeft(job.secondsLeft));
  find(".stop").disabled = Boolean(job.stopping) || !isOpenJob(job);
  bar.classList.toggle("unknown", !isKnown && job.state === "running");
  setAttribute(bar, "aria-valuemax", isKnown ? job.steps : 1);
  setAttribute(bar, "aria-valuenow", isKnown ? job.step : 0);
  setAttribute(bar, "aria-valuetext", situation(job));
  bar.firstElementChild.style.transform = `scaleX(${isKnown ? job.step / job.steps : 0})`;
}
/** What goes on, in a few words. */
function situation(job) {
  if (job.stopping) return "stopping";
  if (!isOpenJob(job)) return "just a moment";
  if (job.state === "waiting" && job.position > 0) return job.position === 1 ? "next in line" : `waiting, ${job.position} before it`;
  const what = job.stage === "views" ? "views" : "3D";
  return job.steps ? `${what}: step ${job.step} of ${job.steps}` : job.note || "starting";
}
