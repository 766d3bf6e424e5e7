// The stage itself: one picture large, or the one that is forming, or what to do first.

function createPicture(actions) {
  const frame = find(".frame"), image = find(".shown");
  let shown = ""; // id of what stands on the stage
  label(find(".save"), "save", "Download");
  label(find(".reuse"), "reuse", "Use settings");
  label(find(".vary"), "vary", "Vary");
  label(find(".iterate"), "edit", "Edit");
  label(find(".segment"), "select", "Cut out");
  label(find(".delete"), "delete", "Delete");
  frame.addEventListener("click", () => actions.enlarge());
  frame.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: () => actions.step(-1), ArrowRight: () => actions.step(1), Delete: actions.delete };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const name of ["star", "reuse", "vary", "iterate", "segment", "delete", "seed", "stop", "skip"]) {
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
    show(find(".segment"), picture.kind !== "splat");
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
    drawProgress(job, skipping);
  }

  function drawProgress(job, skipping) {
    const text = situation(job, skipping);
    setText(find(".step"), text[0].toUpperCase() + text.slice(1));
    setText(find(".left"), job.stopping || skipping ? "" : timeLeft(job.secondsLeft));
    show(find(".skip"), job.pictures > 1 && job.state === "running");
    find(".stop").disabled = job.stopping;
    find(".skip").disabled = job.stopping || skipping;
    const bar = find(".bar"), known = job.steps > 0 && job.state === "running";
    bar.classList.toggle("unknown", !known && job.state === "running");
    setAttribute(bar, "aria-valuemax", known ? job.steps : 1);
    setAttribute(bar, "aria-valuenow", known ? job.step : 0);
    setAttribute(bar, "aria-valuetext", text);
    bar.firstElementChild.style.transform = `scaleX(${known ? job.step / job.steps : 0})`;
  }

  return {
    draw({ picture, job, skipping, banner }) {
      show(find(".empty"), !picture && !job);
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

/** What goes on, in a few words: "picture 1 of 3, step 2 of 8". */
function situation(job, skipping) {
  if (job.stopping) return "stopping";
  if (skipping) return "skipping";
  if (job.state === "waiting") return place(job.position);
  return (job.pictures > 1 ? `picture ${job.picture + 1} of ${job.pictures}, ` : "") + progress(job);
}

/** "starting" (the model is being loaded), "next in line", "waiting, 2 before it". */
function place(position) {
  if (position === 0) return "starting";
  return position === 1 ? "next in line" : `waiting, ${position} before it`;
}

/** "step 3 of 8", or what the model is busy with before its steps. */
function progress(job) {
  return job.steps ? `step ${job.step} of ${job.steps}` : job.note || "starting";
}
