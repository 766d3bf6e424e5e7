// Under the stage: how far the change is, or what the version is called and what can be done with it.

/** @param acts {stop(), skip(), rename(title)} @param actions as for the menu */
function createBelow(acts, actions) {
  const caption = find(".below .caption"), box = find(".rename-box");
  const buttons = actions.filter((action) => action.icon).map((action) => {
    const node = action.href ? make("a", { class: `plain ${action.name}`, download: true }) : make("button", { type: "button", class: `plain ${action.name}` });
    if (action.press) node.addEventListener("click", () => action.press(shown));
    return { action, node };
  });
  let shown = null, isNaming = false;
  find(".below .actions").append(...buttons.map(({ node }) => node));
  find(".below .stop").addEventListener("click", acts.stop);
  find(".below .skip").addEventListener("click", acts.skip);

  function endNaming(isWanted) {
    if (!isNaming) return;
    isNaming = false;
    const title = box.value.trim();
    show(box, false);
    show(caption, true);
    if (isWanted && title && title !== shown?.title) acts.rename(shown, title);
  }
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    endNaming(event.key === "Enter");
    acts.named();
  });
  box.addEventListener("blur", () => endNaming(true));
  caption.addEventListener("dblclick", () => name());
  function name() {
    if (!shown) return;
    isNaming = true;
    box.value = shown.title;
    show(box, true);
    show(caption, false);
    box.focus();
    box.select();
  }
  function drawJob(job) {
    const isKnown = job.steps > 0 && job.state === "running", bar = find(".below .bar");
    const text = job.stopping ? "Stopping" : wordsOf(job);
    setText(find(".below .step"), text);
    setText(find(".below .left-time"), job.stopping ? "" : timeLeft(job.secondsLeft));
    find(".below .stop").disabled = job.stopping;
    show(find(".below .skip"), job.pictures > 1 && job.state === "running");
    bar.classList.toggle("unknown", !isKnown && job.state === "running");
    setAttribute(bar, "aria-valuemax", isKnown ? job.steps : 1);
    setAttribute(bar, "aria-valuenow", isKnown ? job.step : 0);
    setAttribute(bar, "aria-valuetext", text);
    bar.firstElementChild.style.transform = `scaleX(${isKnown ? job.step / job.steps : 0})`;
  }
  return {
    name,
    draw({ picture, job }) {
      show(find(".below .forming"), Boolean(job));
      show(find(".below .made"), Boolean(picture) && !job);
      if (job) drawJob(job);
      if (isNaming && (job || picture?.id !== shown?.id)) endNaming(false);
      shown = picture;
      if (!picture) return;
      setText(caption, picture.title);
      setText(find(".notice"), picture.notice || "");
      setAttribute(find(".notice"), "title", picture.notice || "");
      setAttribute(caption, "title", `${picture.title} · ${picture.model} · ${picture.width} x ${picture.height}`);
      for (const { action, node } of buttons) {
        const word = action.word(picture);
        if (node.dataset.word !== word) {
          label(node, action.icon, "");
          setAttribute(node, "title", word);
          setAttribute(node, "aria-label", word);
          node.dataset.word = word;
        }
        if (action.href) setAttribute(node, "href", action.href(picture));
        if (action.isPressed) setAttribute(node, "aria-pressed", action.isPressed(picture));
        show(node, action.fits ? action.fits(picture) : true);
      }
    },
  };
}

/** "Step 3 of 8", "Version 2 of 4, step 3 of 8", "Next in line". */
function wordsOf(job) {
  if (job.state === "waiting") return job.position < 1 ? "Starting" : job.position === 1 ? "Next in line" : `Waiting, ${job.position} before it`;
  const step = job.steps ? `step ${job.step} of ${job.steps}` : job.note || "starting";
  const text = job.pictures > 1 ? `version ${job.picture + 1} of ${job.pictures}, ${step}` : step;
  return text[0].toUpperCase() + text.slice(1);
}
