// The state of this tab and what may be done with it. Everything on the stage and the strip is drawn from `state`.

import { changeAgain, cutOut, editHere, goTo, turnIn3D } from "../scripts/address.js";
import { createSpeaker, setAttribute, show, within } from "../scripts/elements/dom.js";
import { hear, tell } from "../scripts/events.js";
import { isOpenJob } from "../scripts/jobs.js";
import { byId, changedList, deletePictures, starPictures, varyPicture } from "../scripts/pictures.js";
import { rememberWords } from "../scripts/prompt/past.js";
import { ask, whenTold } from "../scripts/server.js";
import { copyText, toast } from "../scripts/elements/toast.js";
import { hearServer } from "../scripts/watcher.js";
import { connectDemo } from "./demo.js";
import { createPicture } from "./picture.js";
import { createSheet } from "./sheet.js";
import { createStrip } from "./strip.js";
const { find, isVisible } = within("stage");
const state = {
  jobs: [], // newest first, over ones too
  pictures: [], // newest first: those the server told last, then the older ones that were scrolled to
  next: "", // cursor of the pictures after those
  chosen: "", // id of the picture or job a person chose; "" follows the work
  banner: "", // what went wrong, until something new happens
  skipped: "", // job and number of the picture that was skipped last: the model leaves it within a step
  batch: [], // ids of the pictures that a job has made together, the last one with more than one
  lost: "", // why the server cannot be reached; "" while it can
};
const seen = new Map(); // job id -> last state, to notice what ended

/** What stands on the stage: what was chosen, else the running job, else the next one, else the newest picture. */
function subject() {
  const open = state.jobs.filter(isOpenJob);
  const picture = byId(state.pictures, state.chosen);
  if (picture) return { picture };
  const job = byId(open, state.chosen) || open.find((item) => item.state === "running") || open.at(-1);
  return job ? { job } : batch().length > 1 ? { sheet: batch() } : { picture: state.pictures[0] };
}
const batch = () => state.batch.map((id) => byId(state.pictures, id)).filter(Boolean);

function draw() {
  const { picture, job, sheet } = subject();
  const skipping = Boolean(job) && state.skipped === `${job.id} ${job.picture}`;
  stagePicture.draw({ picture, job, sheet, skipping, banner: state.lost || state.banner });
  drawSheet(batch(), Boolean(sheet), picture?.id);
  const open = state.jobs.filter(isOpenJob).reverse(); // the one that runs first, then in the order of the line
  strip.draw({ open, pictures: state.pictures, chosen: (picture || job || {}).id });
  tell("listed");
  document.title = job && job.steps ? `${Math.round((100 * job.step) / job.steps)} % · Diorama` : "Diorama";
}

/** Pictures the server tells are the newest; older ones that were scrolled to stay behind them. */
function mergePictures(told, next) {
  const ids = new Set(told.map((picture) => picture.id)), last = told.at(-1);
  const older = next ? state.pictures.filter((picture) => !ids.has(picture.id) && picture.created <= last.created) : [];
  if (!older.length) state.next = next;
  state.pictures = [...told, ...older];
}

const speak = createSpeaker(find);

/** Announce what ended, and what is running, but not too often. */
function notice(job) {
  const before = seen.get(job.id);
  seen.set(job.id, job.state);
  if (job.state === "running" && job.steps) speak(`Step ${job.step} of ${job.steps}`, true);
  if (before === job.state || (!told && !isOpenJob(job))) return; // what was over before this tab was opened is no news
  if (isOpenJob(job)) state.banner = "";
  else if (job.assets.length) state.batch = job.assets;
  if (job.state === "done") speak(job.assets.length ? `Picture ready: ${job.title}` : `Nothing was saved: ${job.title}`);
  if (job.state === "stopped") speak("Stopped");
  if (job.state === "failed") {
    state.banner = job.error;
    toast(job.error, { trouble: true, said: true });
  }
}

let told = false, newestSeed = null, trigger = null;
function onAnswer(answer) {
  find(".scene").dataset.told = ""; // now it is known whether there is nothing to show
  state.jobs = answer.jobs;
  if (answer.pictures) mergePictures(answer.pictures, answer.next);
  for (const job of [...answer.jobs].reverse()) notice(job);
  told = true;
  draw();
  setTimeout(offerSeed, 400); // later: it must not stand in the way of the picture itself
}
/** Offer the newest picture's seed in the column. */
function offerSeed() {
  const newest = state.pictures[0];
  if (!newest || newest.seed === newestSeed) return;
  newestSeed = newest.seed;
  trigger("seed", { seed: newestSeed });
}

function bringIntoView(node) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  node.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}

function choose(id) {
  state.chosen = id;
  state.banner = "";
  draw();
}
function step(by) {
  const here = state.pictures.findIndex((picture) => picture.id === (subject().picture || {}).id);
  const there = state.pictures[here + by];
  if (there) choose(there.id);
  return there;
}
function deletePicture(picture) {
  if (picture) deletePictures([picture], () => { choose(picture.id); strip.focus(picture.id); });
}

let loading = null;
/** Whoever asks while a page is on its way gets the same one. The promise gives true when there are more pictures. */
function loadMore() {
  loading = loading || loadPage().finally(() => { loading = null; });
  return loading;
}
async function loadPage() {
  const answer = state.next && (await ask("pictures/more", { after: state.next }));
  if (!answer) return false;
  const ids = new Set(state.pictures.map((picture) => picture.id));
  state.pictures = [...state.pictures, ...answer.pictures.filter((picture) => !ids.has(picture.id))];
  state.next = answer.next;
  draw();
  return true;
}

const stagePicture = createPicture({
  enlarge: () => tell("look", { id: subject().picture.id }),
  step,
  stop: () => ask("jobs/stop", { id: subject().job.id }),
  skip: async () => {
    const { job } = subject();
    if (!(await ask("jobs/skip", { id: job.id }))) return;
    state.skipped = `${job.id} ${job.picture}`;
    draw();
  },
  star: () => starPictures([subject().picture], !subject().picture.starred),
  reuse: () => tell("reuse", subject().picture),
  vary: () => varyPicture(subject().picture, () => choose("")),
  iterate: () => editHere(subject().picture.id),
  segment: () => cutOut(subject().picture.id),
  turn: () => turnIn3D(subject().picture.id),
  delete: () => deletePicture(subject().picture),
  seed: () => copyText(String(subject().picture.seed), find(".seed"), "Seed copied"),
});
const drawSheet = createSheet({ choose, back: () => choose("") });
const strip = createStrip({
  choose,
  chooseJob: choose,
  stopJob: (id) => ask("jobs/stop", { id }),
  deleteFocused: (id) => deletePicture(byId(state.pictures, id)),
  loadMore,
});

hear("roll", ({ offer }) => {
  if (!isVisible()) return;
  offer({
    isOpen: isVisible,
    pictures: () => state.pictures,
    total: () => state.pictures.length,
    hasMore: () => Boolean(state.next),
    more: loadMore,
    follow: choose,
    focus: () => find(".frame").focus(),
  });
});
hear("change", (change) => {
  const { gone = [] } = change, here = state.pictures.findIndex((item) => item.id === state.chosen);
  state.pictures = changedList(state.pictures, change);
  if (byId(gone, state.chosen)) state.chosen = (state.pictures[here] || state.pictures[here - 1] || {}).id || "";
  draw();
});
hear("link", ({ lost }) => { state.lost = lost; draw(); });
let hasSeed = false;
hear("reuse", ({ id, seed, change, parents }) => {
  if (change) { changeAgain({ id, parents }); return; }
  hasSeed = seed !== null;
  goTo("generate");
  trigger("reuse", { id });
});
hear("copied", () => toast(hasSeed ? "Settings copied, seed included" : "Settings copied"));

find(".banner .close").addEventListener("click", () => { state.banner = ""; draw(); });
connectDemo(find(".demo").children);
find(".first-step").addEventListener("click", () => {
  document.querySelector("#examples button")?.click();
  document.querySelector("#generate")?.focus();
});
document.addEventListener("click", (event) => { // whoever presses Generate wants to see that picture
  if (!event.target.closest?.("#generate")) return;
  if (state.lost) { // nobody would hear it
    event.stopImmediatePropagation();
    toast(state.lost, { trouble: true });
    return;
  }
  choose("");
  bringIntoView(find(".room"));
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest?.("#column")) {
    event.preventDefault();
    document.querySelector("#generate").click();
  }
}, true);

/** What needs the column: it is there once the page has told the token. */
function watchColumn() {
  const press = document.querySelector("#press"), prompt = document.querySelector("#prompt textarea");
  document.querySelector("#examples").addEventListener("pointerover", (event) => { // long ones are cut
    const chip = event.target.closest("button");
    if (chip) setAttribute(chip, "title", chip.textContent.trim());
  });
  // What was wrong with a request stands near its button; on a page that is zoomed far in that may be out of sight.
  let said = "";
  const bringNote = () => {
    const note = press.querySelector(".trouble"), sentence = note?.textContent || "";
    if (sentence && sentence !== said) bringIntoView(note);
    said = sentence;
  };
  new MutationObserver(bringNote).observe(press, { attributeFilter: ["class"], childList: true, subtree: true });
  // On a narrow page it floats over the end of the column, which must stay readable.
  const bench = press.closest(".workbench");
  new ResizeObserver(() => bench.style.setProperty("--press", `${press.offsetHeight}px`)).observe(press);
  // Type at once; not on a touch screen, where the keyboard would cover the page.
  rememberWords(prompt, "generate");
  if (matchMedia("(hover: hover)").matches) prompt.focus({ preventScroll: true });
}

export function start(component) {
  ({ trigger } = component);
  whenTold(component, ({ demo }) => {
    show(find(".demo"), demo);
    show(find(".first-step"), !demo);
    watchColumn();
    hearServer(onAnswer);
  });
  draw();
}
