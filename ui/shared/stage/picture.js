// The stage itself: one picture large, or the one that is forming, or what to do first.

import { label, setAttribute, setText, show, within } from "../scripts/elements/dom.js";
import { capitalized, drawProgress, situation } from "../scripts/jobs.js";
import { makeDraggable } from "../scripts/elements/dragging.js";
import { download, lookOf } from "../scripts/pictures.js";
const { find } = within("stage");

export function createPicture(actions) {
  const frame = find(".frame"), image = find(".shown");
  let shown = "", standing = null; // id of what stands on the stage; the picture itself
  label(find(".save"), "save", "Download");
  label(find(".reuse"), "reuse", "Use settings");
  label(find(".vary"), "vary", "Vary");
  label(find(".iterate"), "edit", "Edit");
  label(find(".segment"), "cut", "Cut out");
  label(find(".delete"), "delete", "Delete");
  makeDraggable(frame, () => (frame.disabled ? null : standing));
  frame.addEventListener("click", () => actions.enlarge());
  frame.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: () => actions.step(-1), ArrowRight: () => actions.step(1), Delete: actions.delete };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const name of ["star", "reuse", "vary", "iterate", "segment", "turn", "delete", "seed", "stop", "skip"]) {
    find(`.${name}`).addEventListener("click", () => actions[name]());
  }

  image.addEventListener("load", () => { // a preview tells the shape of what is forming
    if (frame.disabled) size(image.naturalWidth, image.naturalHeight);
  });

  /** The frame keeps the shape of what it shows: as large as fits, small pictures at most 640 pixels wide or high. */
  function size(width, height) {
    const longest = Math.max(640, width, height);
    frame.style.setProperty("--ratio", width / height);
    frame.style.setProperty("--most", `${width >= height ? longest : (longest * width) / height}px`);
  }

  function drawPicture(picture) {
    standing = picture;
    if (shown !== picture.id) {
      shown = picture.id;
      image.src = lookOf(picture);
      image.alt = picture.title;
      size(picture.width, picture.height);
      setAttribute(frame, "aria-label", `Enlarge: ${picture.title}`);
    }
    frame.classList.remove("unformed");
    setText(find(".caption"), picture.title);
    setAttribute(find(".caption"), "title", `${picture.title} · ${picture.model} · ${picture.width} x ${picture.height}`);
    show(find(".seed"), picture.seed !== null);
    show(find(".reuse"), picture.again);
    show(find(".vary"), picture.again && picture.prompted);
    show(find(".iterate"), picture.kind !== "splat");
    show(find(".segment"), picture.kind !== "splat");
    show(find(".actions .turn"), ["object", "splat"].includes(picture.kind));
    if (!find(".actions .turn").hidden) label(find(".actions .turn"), "solid", picture.kind === "splat" ? "Open in 3D" : "Turn into 3D");
    if (find(".seed").dataset.seed !== String(picture.seed)) {
      find(".seed").dataset.seed = picture.seed;
      label(find(".seed"), "copy", `Seed ${picture.seed}`);
    }
    if (find(".star").dataset.state !== picture.id + picture.starred) {
      find(".star").dataset.state = picture.id + picture.starred;
      label(find(".star"), "star", picture.starred ? "Starred" : "Star");
      setAttribute(find(".star"), "aria-pressed", picture.starred);
    }
    setAttribute(find(".save"), "href", download(picture));
  }

  function drawJob(job, skipping) {
    if (shown !== job.id) {
      shown = job.id;
      image.alt = `Forming: ${job.title}`;
      image.removeAttribute("src");
      setAttribute(frame, "aria-label", `Forming: ${job.title}`);
    }
    if (job.preview) image.src = job.preview;
    frame.classList.toggle("unformed", !image.hasAttribute("src"));
    drawForming(job, skipping);
  }

  function drawForming(job, skipping) {
    drawProgress(find(".forming"), job, capitalized(skipping ? "skipping" : situation(job)), job.stopping || skipping);
    show(find(".skip"), job.pictures > 1 && job.state === "running");
    find(".stop").disabled = job.stopping;
    find(".skip").disabled = job.stopping || skipping;
  }

  return {
    draw({ picture, job, sheet, skipping, banner }) {
      show(find(".empty"), !picture && !job && !sheet);
      show(frame, Boolean(picture || job));
      show(find(".made"), Boolean(picture));
      show(find(".forming"), Boolean(job));
      show(find(".banner"), Boolean(banner));
      setText(find(".banner span"), banner || "");
      frame.disabled = !picture;
      if (picture) drawPicture(picture);
      else if (job) drawJob(job, skipping);
      else shown = "";
    },
  };
}
