// The column: which model, which of the three masks, what is done to the mask, and the name under which it is kept.

import { turnIn3D } from "../shared/scripts/address.js";
import { createAdvice } from "../shared/scripts/models/advice.js";
import { offerModels, pressable } from "../shared/scripts/models/controls.js";
import { address, make, makeButton, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { tell } from "../shared/scripts/events.js";
import { createPreflight } from "../shared/scripts/models/preflight.js";
import { markRadios, walkRadios } from "../shared/scripts/elements/radios.js";
import { hasContent } from "./selection.js";
const { find } = within("segment");
const SLIDERS = ["grow", "feather"], SWITCHES = ["snap", "fill_holes", "largest_part", "invert"];

/** @param acts {change(patch, kind), settle(), choose(index), everything(), keep(name), another(), model(id)} */
export function createColumn(acts) {
  const preflight = createPreflight(find(".preflight"));
  let suggested = "", kept = null, isTyped = false, spec = null; // what a person typed is theirs, until an object has that name
  const three = find(".three"), name = find(".name"), model = find("select.model"), guide = createAdvice(find(".advice"), "segment", acts.model);

  for (const slider of SLIDERS) {
    const input = find(`input.${slider}`);
    input.addEventListener("input", () => acts.change({ [slider]: Number(input.value) }, slider));
    input.addEventListener("change", acts.settle);
  }
  for (const name of SWITCHES) find(`input.${name}`).addEventListener("change", (event) => acts.change({ [name]: event.target.checked }));
  find(".change").addEventListener("click", acts.another);
  find(".everything").addEventListener("click", acts.everything);
  find("form.column").addEventListener("submit", (event) => {
    event.preventDefault();
    if (kept && !isTyped) turnIn3D(kept.id);
    else acts.keep(isTyped ? name.value.trim() : "");
  });
  name.addEventListener("input", () => { isTyped = true; nameStep(); });
  name.addEventListener("change", () => {
    isTyped = Boolean(name.value.trim());
    if (!isTyped) name.value = suggested;
    nameStep();
  });
  /** What the button does next: what is kept already is not kept twice, unless under another name. */
  function nameStep(can = !find(".primary").disabled) {
    pressable(find(".primary"), kept ? null : spec, kept && !isTyped ? "Make it 3D" : "Keep as object", can);
  }
  model.addEventListener("change", () => acts.model(model.value));

  function candidate(each, index) {
    const image = make("img", { src: each.thumb, alt: "", draggable: "false" });
    const words = make("span", {}, `${Math.round(100 * each.score)} %`);
    const about = { role: "radio", "aria-label": `Mask ${index + 1}, ${Math.round(100 * each.score)} percent confidence` };
    return makeButton("candidate", () => acts.choose(index), about, image, words);
  }
  walkRadios(three);

  return {
    drawModels(models, chosen) {
      spec = chosen;
      tell("uses", { tab: "segment", label: chosen?.label || "" });
      offerModels(model, models, chosen);
      const able = chosen?.ready ? null : models.find((each) => each.ready && !each.preflight.title);
      preflight(chosen?.preflight, able ? [{ label: `Use ${able.label}`, press: () => acts.model(able.id) }] : []);
      show(find(".model-field"), models.length > 1);
      setText(find(".about-model"), chosen?.hint || "");
    },
    open(picture) {
      show(find(".subject"), Boolean(picture));
      if (!picture) return;
      find(".subject .thumb").src = address(picture.thumb);
      setText(find(".subject .title"), picture.title);
    },
    suggest(text) {
      suggested = text;
      if (!isTyped) name.value = text;
    },
    /** An object has this name by now. */
    spend(text) { if (name.value.trim() === text) isTyped = false; },
    draw({ request, answer, hint, isPicking, isLooking, isKeeping, isBusy, opened, advice, model: chosen, ...more }) {
      const isOpen = Boolean(opened);
      kept = more.kept;
      const warning = guide.draw(opened, chosen, advice);
      setText(find(".hint"), hint);
      setText(find(".beside"), isOpen ? (!hasContent(request) && warning) || hint : ""); // on a phone, where the column is far below
      const isClear = request.points.length !== 1 || request.box || request.start, offered = isClear ? [] : answer?.candidates || [];
      show(find(".choices"), offered.length > 1);
      if (three.dataset.of !== answer?.mask) { // drawn again only when there is something new
        three.dataset.of = answer?.mask || "";
        three.replaceChildren(...(answer?.candidates || []).map(candidate));
      }
      markRadios(three.childNodes, (node) => node === three.childNodes[answer.choice]);
      for (const slider of SLIDERS) {
        find(`input.${slider}`).value = request[slider];
        setText(find(`.${slider}-value`), `${request[slider]} px`);
      }
      for (const name of SWITCHES) find(`input.${name}`).checked = request[name];
      setAttribute(find(".everything"), "aria-pressed", isPicking);
      setText(find(".everything"), isLooking ? "Detecting objects…" : isPicking ? "Hide everything" : "Show everything");
      find(".everything").disabled = !isOpen || isLooking || !spec?.ready;
      nameStep(isOpen && !isKeeping && !isBusy && !isPicking && Boolean(answer?.box) && hasContent(request));
    },
  };
}
