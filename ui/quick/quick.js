// The quick page: words go in, one picture comes out. Everything is drawn from `state`.

import { address, createSpeaker, label, make, setAttribute, setText, show } from "../shared/scripts/elements/dom.js";
import { hear } from "../shared/scripts/events.js";
import { capitalized, drawProgress, isOpenJob, situation } from "../shared/scripts/jobs.js";
import { byId, download, lookOf } from "../shared/scripts/pictures.js";
import { rememberWords } from "../shared/scripts/prompt/past.js";
import { arrive, ask, introduce, post, token } from "../shared/scripts/server.js";
import { followShade } from "../shared/scripts/shade.js";
import { followLook } from "../shared/stardust/stardust.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { hearServer, watchServer } from "../shared/scripts/watcher.js";

const KEPT = "diorama-quick-model";
const find = (selector) => document.querySelector(selector);
const words = find("#words"), entry = find(".entry"), choice = find("#model"), image = find(".shown"), frame = find(".frame");
const edition = find("script[type=module]").src.split("/scripts/")[1].split("/")[0];
const state = {
  jobs: [], // newest first, over ones too
  pictures: [], // the newest, newest first
  models: [], // {id, label, about, hint, example}
  asked: "", // id of the job that was begun here last
  lost: "", // why the server cannot be reached; "" while it can
  trouble: "", // what went wrong, until something new happens
  isOut: false, // has to sign in first
};
const seen = new Map(); // job id -> last state, to notice what ended

/** What stands on the page: the job that was begun last while it is open, else any that is, else the newest picture. */
function subject() {
  const open = state.jobs.filter((job) => isOpenJob(job) && job.task === "generate"), asked = byId(state.jobs, state.asked);
  const job = byId(open, state.asked) || open.find((each) => each.state === "running") || open[0];
  if (job) return { job };
  return { picture: byId(state.pictures, asked?.assets[0]) || state.pictures.find((each) => each.kind === "image") };
}

function draw() {
  const { job, picture } = subject();
  document.body.classList.toggle("signed-out", state.isOut);
  setText(find(".banner"), (!state.isOut && state.lost) || state.trouble);
  show(frame, Boolean(job || picture));
  show(find(".forming"), Boolean(job));
  show(find(".empty"), isTold && !job && !picture);
  show(find(".made"), Boolean(picture));
  if (job) drawJob(job);
  else if (picture) drawPicture(picture);
  document.title = job?.steps ? `${Math.round((100 * job.step) / job.steps)} % · Diorama` : "Diorama";
}
function drawJob(job) {
  if (frame.dataset.shown !== job.id) {
    frame.dataset.shown = job.id;
    image.removeAttribute("src");
    image.alt = `Forming: ${job.title}`;
  }
  if (job.preview) image.src = job.preview;
  drawProgress(find(".forming"), job, capitalized(situation(job)));
  find(".stop").disabled = job.stopping;
}
function drawPicture(picture) {
  if (frame.dataset.shown === picture.id) return;
  frame.dataset.shown = picture.id;
  image.src = lookOf(picture);
  image.alt = picture.title;
  frame.style.setProperty("--ratio", picture.width / picture.height);
  setAttribute(find(".save"), "href", download(picture));
  setAttribute(find(".open"), "href", address(`./#picture=${picture.id}`));
}
image.addEventListener("load", () => frame.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight));

const speak = createSpeaker(find, ".told");
let isTold = false;
/** Announce what ended, and what is running, but not too often. */
function notice(job) {
  const before = seen.get(job.id);
  seen.set(job.id, job.state);
  if (job.state === "running" && job.steps) speak(`Step ${job.step} of ${job.steps}`, true);
  if (before === job.state || !(isTold || job.id === state.asked)) return; // what was over before this page was opened is no news
  if (job.state === "done" && job.assets.length) speak(`Picture ready: ${job.title}`);
  if (job.state === "stopped") speak("Stopped");
  if (job.state === "failed") state.trouble = job.error;
}

/** @param confirmed what was asked before and may cost more than is spent in a day; null: what is written now */
async function send(confirmed = null) {
  if (!state.models.length) { // Enter is often faster than their list
    setText(find(".note"), "Getting ready…");
    await begun;
    if (!state.models.length) await lookForModels();
    setText(find(".note"), "");
    if (!state.models.length) return;
  }
  const request = confirmed || { prompt: words.value, model: choice.value }, asked = await post("quick/make", request);
  if (asked.status === 401) return lookForModels();
  setText(find(".note"), asked.ok ? asked.answer.note : "");
  state.trouble = asked.ok || asked.answer.confirm ? "" : asked.answer.error;
  if (asked.ok) state.asked = asked.answer.job;
  draw();
  if (asked.answer.confirm) toast(asked.answer.error, { action: "Make it anyway", onAction: () => send({ ...request, confirm_cost: true }) });
}
const stop = async () => { const { job } = subject(); if (job) await ask("jobs/stop", { id: job.id }); };
async function copy() {
  const { picture } = subject();
  if (!picture) return;
  if (!navigator.clipboard?.write) {
    toast("Browsers copy pictures only from this machine or over https. Save it instead.", { trouble: true });
    return;
  }
  try { // a promise of the bytes: Safari takes no picture that is fetched before
    const bytes = fetch(lookOf(picture)).then((answer) => answer.blob());
    await navigator.clipboard.write([new ClipboardItem({ "image/png": bytes })]);
    toast("Picture copied");
  } catch {
    toast("The browser did not allow the picture to be copied. Save it instead.", { trouble: true });
  }
}

async function lookForModels() {
  const { ok, status, answer } = await post("quick/models"), wasOut = state.isOut;
  if (status) state.isOut = status === 401;
  if (wasOut !== state.isOut) {
    state.lost = state.trouble = "";
    draw();
    (state.isOut ? entry.elements.username : words).focus();
  }
  if (!ok) return;
  const before = choice.value || localStorage.getItem(KEPT);
  state.models = answer.models;
  choice.replaceChildren(...state.models.map(({ id, label: name }) => make("option", { value: id }, name)));
  if (byId(state.models, before)) choice.value = before;
  if (!state.models.length) state.trouble = "No model is ready here. Open Diorama to see what each of them needs.";
  drawHint();
  draw();
}
/** Here and not on another page: whoever came to make a picture stays, and what was typed does. */
async function signIn(event) {
  event.preventDefault();
  const response = await fetch(address("login"), { method: "POST", body: new FormData(entry) }).catch(() => null);
  const said = await response?.json().catch(() => ({}));
  if (!response) state.trouble = "Diorama is not responding. Try again in a moment.";
  else if (response.status === 400) state.trouble = "Wrong name or password. Try again.";
  else state.trouble = response.ok ? "" : said.error;
  draw();
  if (!response?.ok) return;
  entry.reset();
  await arrive(token);
  await lookForModels();
}
function drawHint() {
  const { hint = "", about = "", example = "" } = byId(state.models, choice.value) || {};
  setText(find("#hint"), hint);
  setText(find(".about"), about);
  setText(find(".example"), example);
  show(find(".example"), Boolean(example));
}

label(find(".copy"), "copy", "Copy");
label(find(".save"), "save", "Save");
label(find(".open"), "open", "Open in Diorama");
entry.addEventListener("submit", signIn);
find(".box").addEventListener("submit", (event) => { event.preventDefault(); send(); });
find(".stop").addEventListener("click", stop);
find(".copy").addEventListener("click", copy);
find(".example").addEventListener("click", () => { words.value = find(".example").textContent; words.focus(); });
choice.addEventListener("change", () => { localStorage.setItem(KEPT, choice.value); drawHint(); });
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
const isTextChosen = () => words.selectionStart !== words.selectionEnd || !getSelection().isCollapsed;
addEventListener("keydown", (event) => {
  const isMod = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey, has = Boolean(subject().picture);
  const acts = isMod && has ? { c: !isTextChosen() && copy, s: () => find(".save").click(), o: () => find(".open").click() } : {};
  const act = event.key === "Escape" && subject().job ? stop : acts[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
addEventListener("focus", () => { if (document.activeElement === document.body) words.focus(); }); // a shortcut brought it up
hear("link", ({ lost }) => {
  state.lost = lost;
  draw();
  lookForModels(); // where it was lost, too: perhaps because one has to sign in again
});

followShade(document.documentElement);
followLook();
if (/Mac|iP/.test(navigator.platform)) for (const key of document.querySelectorAll(".mod")) setText(key, "⌘");
for (const [name, key] of [["copy", "C"], ["save", "S"], ["open", "O"]]) setAttribute(find(`.${name}`), "aria-keyshortcuts", `Control+${key}`);
const begun = arrive("").then(introduce).then(lookForModels);
rememberWords(words, "generate");
await begun;
hearServer((answer) => {
  state.jobs = answer.jobs;
  if (answer.pictures) state.pictures = answer.pictures;
  for (const job of [...answer.jobs].reverse()) notice(job);
  isTold = true;
  draw();
});
watchServer(edition);
navigator.serviceWorker?.register(address(`diorama/quick/worker.js?${edition}`), { scope: address("quick") }).catch(() => {});
