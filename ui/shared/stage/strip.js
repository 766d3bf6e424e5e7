// The strip: waiting and running jobs first, then the newest pictures. Arrow keys move along it, Enter opens.

import { make, makeButton, reconcile, setAttribute, setText, show, within } from "../scripts/elements/dom.js";
import { situation, timeLeft } from "../scripts/jobs.js";
import { tileOf } from "../scripts/elements/tiles.js";
const { find } = within("stage");

export function createStrip(actions) {
  const row = find(".tiles"), jobs = find(".jobs"), pictures = find(".pictures");

  const createPictureTile = (picture) => make("li", {}, tileOf(picture, () => actions.choose(picture.id)));
  function updatePictureTile(node, picture, chosen) {
    const button = node.firstElementChild;
    setAttribute(button, "aria-label", picture.title + (picture.starred ? ", starred" : ""));
    setAttribute(button, "aria-current", picture.id === chosen);
    button.classList.toggle("starred", picture.starred);
  }

  function createJobTile(job) {
    const open = makeButton("tile job", () => actions.chooseJob(job.id), {}, make("img", { alt: "" }), make("span", { class: "words" }), make("i"));
    const cancel = makeButton("cancel", () => actions.stopJob(job.id), { "aria-label": `Stop: ${job.title}`, title: "Stop" }, "×");
    return make("li", {}, open, cancel);
  }
  function updateJobTile(node, job, chosen) {
    const [image, words, bar] = node.firstElementChild.children;
    const running = job.state === "running";
    const count = job.pictures > 1 ? `${running ? job.picture + 1 : 0}/${job.pictures}` : "";
    const text = brief(job);
    if (job.preview) image.src = job.preview;
    image.hidden = !job.preview;
    setText(words, count ? `${count} · ${text}` : text);
    setAttribute(node.firstElementChild, "title", job.title);
    setAttribute(node.firstElementChild, "aria-label", `${job.title}: ${situation(job)}`);
    setAttribute(node.firstElementChild, "aria-current", job.id === chosen);
    const made = job.steps ? (job.picture + job.step / job.steps) / job.pictures : 0;
    bar.style.transform = `scaleX(${running ? made : 0})`;
    node.lastElementChild.disabled = job.stopping;
  }

  const tiles = () => [...row.querySelectorAll(".tile")];
  /** One tile is in the tab order: the one that has or had the focus, else the one on the stage, else the first. */
  function rove(target) {
    const all = tiles();
    const current = target || all.find((tile) => tile === document.activeElement)
      || all.find((tile) => tile.getAttribute("aria-current") === "true") || all[0];
    for (const tile of all) tile.tabIndex = tile === current ? 0 : -1;
  }
  row.addEventListener("keydown", (event) => {
    const all = tiles(), here = all.indexOf(document.activeElement);
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0) return;
    if (event.key === "Delete") actions.deleteFocused(all[here].parentElement.dataset.key);
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    rove(all[to]);
    all[to].focus();
  });
  row.addEventListener("wheel", (event) => { // a plain wheel moves the strip sideways while there is somewhere to go
    const before = row.scrollLeft;
    row.scrollLeft += event.deltaX ? 0 : event.deltaY;
    if (row.scrollLeft !== before) event.preventDefault();
  }, { passive: false });
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) actions.loadMore();
  }, { root: row, rootMargin: "0px 600px 0px 0px" }).observe(find(".end"));

  let unfinished = [];
  find(".stop-all").addEventListener("click", async () => { // the last first: else each that leaves would begin the next
    for (const job of [...unfinished].reverse()) await actions.stopJob(job.id);
  });

  let current = "";
  /** Scroll the strip, and only the strip, to the tile that came onto the stage. */
  function follow(chosen) {
    if (chosen === current) return;
    current = chosen;
    const tile = row.querySelector('[aria-current="true"]')?.parentElement;
    if (!tile) return;
    const left = tile.offsetLeft, right = left + tile.offsetWidth;
    if (left < row.scrollLeft) row.scrollLeft = left - 8;
    else if (right > row.scrollLeft + row.clientWidth) row.scrollLeft = right - row.clientWidth + 8;
  }

  return {
    focus(id) {
      tiles().find((tile) => tile.parentElement.dataset.key === id)?.focus({ preventScroll: true });
    },
    draw({ open, pictures: made, chosen }) {
      const focused = tiles().indexOf(document.activeElement);
      reconcile(jobs, open, createJobTile, (node, job) => updateJobTile(node, job, chosen));
      reconcile(pictures, made, createPictureTile, (node, picture) => updatePictureTile(node, picture, chosen));
      show(find(".none"), !open.length && !made.length);
      const running = open.filter((job) => job.state === "running").length, waiting = open.length - running;
      const parts = [running && `${running} running`, waiting && `${waiting} waiting`].filter(Boolean);
      setText(find(".summary"), parts.join(", "));
      unfinished = open;
      show(find(".stop-all"), waiting > 1);
      if (focused >= 0 && !row.contains(document.activeElement)) { // its tile left: the neighbour takes over
        const left = tiles();
        (left[focused] || left.at(-1))?.focus({ preventScroll: true });
      }
      rove();
      follow(chosen);
    },
  };
}

/** How a job stands in as few letters as a tile takes: "starting", "downloading", "next", "2 ahead", "0.4 s". */
function brief(job) {
  if (job.stopping) return "stopping";
  if (job.state === "waiting" && job.position > 0) return job.position === 1 ? "next" : `${job.position} ahead`;
  return timeLeft(job.secondsLeft).replace(" left", "") || (job.steps ? `step ${job.step}` : job.note.split(" ")[0] || "starting");
}
