// Under the stage: how far the change is, or what the version is called and what can be done with it.

import { setAttribute, setText, show, within } from "../../shared/scripts/elements/dom.js";
import { capitalized, drawProgress, situation } from "../../shared/scripts/jobs.js";
import { createActions } from "../../shared/scripts/elements/tiles.js";
const { find } = within("iterate");

/** @param acts {stop(), skip(), rename(title)} @param actions as for the menu */
export function createBelow(acts, actions) {
  const caption = find(".below .caption"), box = find(".rename-box");
  const buttons = createActions(actions.filter((action) => action.icon));
  let shown = null, isNaming = false;
  find(".below .actions").append(...buttons.nodes);
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
    drawProgress(find(".below .forming"), job, capitalized(situation(job, "version")));
    find(".below .stop").disabled = job.stopping;
    show(find(".below .skip"), job.pictures > 1 && job.state === "running");
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
      buttons.draw(picture);
    },
  };
}
