// What takes time: four views, a splat out of them, and both in one go. A job goes on without this page; whoever comes
// back finds it again.

const ASK_AGAIN_MS = 3000; // after nobody answered
let isTakingUp = false;

/** Ask for views: all four, or only some of them. `then` is what follows by itself. */
async function makeViews({ only = [0, 1, 2, 3], then = "" } = {}) {
  const { object } = state, { seed, steps, guidance } = choices(), model = chosenModel("views");
  if (!object || !model) return;
  const isOne = only.length < 4;
  const number = isOne || seed === "" ? null : Number(seed);
  if (number !== null && !Number.isInteger(number)) { say(`The seed is a whole number, not “${seed}”. Leave it empty for a random one.`); return; }
  const body = { object: object.id, model: model.id, elevation_deg: elevation(), seed: number, only: isOne ? only : [], keep: isOne ? state.views.map((view) => view?.id || "") : [] };
  if (model.steps) body.steps = steps ?? model.steps.default;
  if (model.guidance) body.guidance = guidance ?? model.guidance.default;
  await begin("views", body, { object: object.id, kind: "views", only, then });
}
/** `after` is the job that it follows by itself: however often and in whatever tab that is asked, it is made once. */
async function makeSplat(object, views, after = "") {
  const model = chosenModel("splat");
  if (!model || !views?.every(Boolean)) return null;
  const body = { object, views: idsOf(views), model: model.id, after };
  return begin("splat", body, { object, kind: "splat", only: [], then: "" });
}
/** Everything that is left to do. */
function makeAll() {
  if (hasViews()) makeSplat(state.object.id, state.views);
  else makeViews({ then: "splat" });
}
/** Gives the answer of the server. */
async function begin(path, body, about) {
  Object.assign(state, { isBusy: true, trouble: "", isStopped: false });
  draw();
  const said = await post(path, body), { ok, answer } = said;
  state.isBusy = false;
  if (ok) {
    memory.addJob({ id: answer.job.id, ...about });
    if (!byId(state.jobs, answer.job.id)) state.jobs = [answer.job, ...state.jobs]; // what was told of it since is newer
    if (about.kind === "views") state.step = "views";
  } else say(answer.error);
  draw();
  takeUp();
  return said;
}
/** Nothing follows it, even if it ends before the server hears of this. */
function stop(job) {
  memory.stopJob(job.id);
  draw();
  if (isOpenJob(job)) ask("jobs/stop", { id: job.id });
}
function say(sentence) {
  state.trouble = sentence;
  toast(sentence, { trouble: true, said: true });
  draw();
}

/** The server told how the jobs stand: those of this tab that are over are taken up, in whatever order they end. */
function onJobs(jobs) {
  const sent = state.jobs.filter((job) => isOpenJob(job) && !byId(jobs, job.id) && byId(memory.jobs, job.id));
  state.jobs = [...sent, ...jobs];
  const job = ourJob();
  if (job?.steps) speakRarely(`Step ${job.step} of ${job.steps}`);
  draw();
  takeUp();
}
/** What is over is concluded, one after the other: what follows a job may begin another, which may be over soon, too. */
async function takeUp() {
  if (isTakingUp) return;
  isTakingUp = true;
  try {
    for (let begun = firstOver(); begun; begun = firstOver()) {
      if (!(await conclude(byId(state.jobs, begun.id), begun))) { setTimeout(takeUp, ASK_AGAIN_MS); break; }
      memory.dropJob(begun.id); // only now: whoever reloads in between goes on from here
    }
  } finally {
    isTakingUp = false;
  }
  draw();
}
const firstOver = () => memory.jobs.find(({ id }) => { const told = byId(state.jobs, id); return told && !isOpenJob(told); });
/** False: nobody answered, and it is still to be concluded. */
async function conclude(told, { id, object, kind, then }) {
  const isHere = state.object?.id === object;
  if (told.state === "failed" && isHere) { say(told.error); return true; }
  if (told.state === "stopped") sayStopped(object);
  if (kind === "views") {
    if (isHere) await takeViews();
    if (told.state !== "done") return true;
    if (isHere) speak("Four views are ready");
    if (then) return goOn(id, object);
  } else if (isHere && told.assets.length) {
    await open(told.assets[0], { focus: isVisible() });
    speak(`3D is ready: ${told.title}`);
  } else if (!isHere && told.state === "done") {
    toast(`In 3D: ${told.title}`, { action: "Show", onAction: () => open(told.assets[0]) });
  }
  return true;
}
/** The views are there, and the splat follows, unless Stop is pressed before it is on its way. */
async function goOn(id, object) {
  const isStopped = () => byId(memory.jobs, id)?.isStopped;
  const four = isStopped() ? null : await post("3d/views", { id: object }); // it may have been left meanwhile
  if (isStopped()) { sayStopped(object); return true; }
  if (!four.status) return false;
  const said = await makeSplat(object, four.answer.views, id);
  if (said?.ok && isStopped()) stop(said.answer.job);
  return said?.status !== 0;
}
function sayStopped(object) {
  if (state.object?.id !== object) return;
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
  find(".stop").disabled = Boolean(job.stopping || (!isOpenJob(job) && (job.isStopped || !job.then)));
  bar.classList.toggle("unknown", !isKnown && job.state === "running");
  setAttribute(bar, "aria-valuemax", isKnown ? job.steps : 1);
  setAttribute(bar, "aria-valuenow", isKnown ? job.step : 0);
  setAttribute(bar, "aria-valuetext", situation(job));
  bar.firstElementChild.style.transform = `scaleX(${isKnown ? job.step / job.steps : 0})`;
}
/** What goes on, in a few words. */
function situation(job) {
  if (job.stopping) return "stopping";
  if (!isOpenJob(job)) return job.isStopped ? "stopping" : job.then && job.state === "done" ? "going on to 3D" : "just a moment";
  if (job.state === "waiting" && job.position > 0) return job.position === 1 ? "next in line" : `waiting, ${job.position} before it`;
  const what = job.kind === "views" ? "views" : "3D";
  return job.steps ? `${what}: step ${job.step} of ${job.steps}` : job.note || "starting";
}
