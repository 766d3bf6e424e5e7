// The column: which object, with which models, how it is seen, and what can be done with the splat that stands on the
// stage.

import { createAdvice } from "../shared/scripts/models/advice.js";
import { drawRange, offerModels, pressable } from "../shared/scripts/models/controls.js";
import { address, make, reconcile, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { byId } from "../shared/scripts/pictures.js";
import { tell } from "../shared/scripts/events.js";
import { createPreflight } from "../shared/scripts/models/preflight.js";
import { markRadios, walkRadios } from "../shared/scripts/elements/radios.js";
import { canMake, choices, chosenModel, elevation, hasViews, memory, ourJob, state } from "./state.js";
const { element, find } = within("splat");
const ERASING = "Paint over parts, or draw a box: Erase removes them, Crop removes everything else. Nothing changes until you keep it.";
const POOR_FIT = 0.85; // of IoU: below it the silhouette is visibly another

/** @param acts {another(), choose(changes), again(), chooseModel(kind, id), make(), makeViews(), ground(name), look(changes), match(), place(), useView(), keepErased()} @param erasing {isOn, hasErased} */
export function createColumn(acts, erasing) {
  const advice = createAdvice(find(".advice"), "3d", (id) => acts.chooseModel(byId(state.models.views, id) ? "views" : "splat", id));
  const preflight = createPreflight(find(".preflight"));
  find(".change").addEventListener("click", acts.another);
  find(".elevation").addEventListener("input", () => acts.choose({ elevation: Number(find(".elevation").value) }));
  find("input.seed").addEventListener("change", () => acts.choose({ seed: find("input.seed").value.trim() }));
  for (const name of ["steps", "guidance"]) find(`input.${name}`).addEventListener("input", () => acts.choose({ [name]: Number(find(`input.${name}`).value) }));
  for (const kind of ["views", "splat"]) find(`.${kind}-model`).addEventListener("change", (event) => acts.chooseModel(kind, event.target.value));
  find("form.column").addEventListener("submit", (event) => {
    event.preventDefault();
    if (erasing.isOn) acts.keepErased();
    else if (isStanding()) acts.useView();
    else acts.make();
  });
  find(".views-only").addEventListener("click", acts.makeViews);
  find(".remake").addEventListener("click", acts.again);
  find(".opacity").addEventListener("input", (event) => acts.look({ opacity: Number(event.target.value) }));
  find("input.box").addEventListener("change", (event) => acts.look({ box: event.target.checked }));
  find(".match").addEventListener("click", acts.match);
  find(".place").addEventListener("click", acts.place);
  const grounds = [...element.querySelectorAll("[data-ground]")];
  for (const node of grounds) node.addEventListener("click", () => acts.ground(node.dataset.ground));
  walkRadios(find(".grounds-field .modes"));

  function offer(kind) {
    const models = state.models[kind], select = find(`.${kind}-model`), chosen = chosenModel(kind);
    offerModels(select, models, chosen);
    show(find(`.${kind}-model-field`), models.length > 1 || Boolean(chosen?.preflight.title)); // what it needs is said
    setText(find(`.about-${kind}`), chosen?.hint || "");
    return chosen;
  }
  function drawSettings() {
    const now = choices(), model = offer("views"), last = offer("splat");
    const used = hasViews() ? ["splat"] : ["views", "splat"];
    const wanting = used.find((kind) => !canMake(kind)) || used.find((kind) => chosenModel(kind).preflight.title);
    const able = wanting && !canMake(wanting) && state.models[wanting].find((each) => each.ready);
    preflight(wanting && chosenModel(wanting)?.preflight, able ? [{ label: `Use ${able.label}`, press: () => acts.chooseModel(wanting, able.id) }] : []);
    const blind = hasViews() || !state.advice?.[model?.id] ? last : model; // with your own views, only the last one works
    advice.draw(state.object?.id, blind?.id, state.advice);
    find(".elevation").value = elevation();
    setText(find(".elevation-value"), `${elevation()}°`);
    if (document.activeElement !== find("input.seed")) find("input.seed").value = now.seed;
    drawRange(find, "steps", model?.steps, now.steps);
    drawRange(find, "guidance", model?.guidance, now.guidance);
  }
  function drawStanding(splat) {
    const look = memory.look(splat.id);
    find(".opacity").value = look.opacity;
    setText(find(".opacity-value"), `${look.opacity} %`);
    find("input.box").checked = look.box;
    const percent = splat.fit === null ? 0 : Math.round(100 * splat.fit), isPoor = splat.fit !== null && splat.fit < POOR_FIT;
    show(find(".fit"), splat.fit !== null);
    find(".fit").classList.toggle("poor", isPoor);
    setText(find(".fit"), isPoor ? `Outline match: ${percent} %. Its size or place is a little off.` : `Outline match: ${percent} %.`);
    show(find(".match"), splat.fit !== null && splat.fit < 0.98);
    show(find(".grounds-field"), Boolean(splat.photo));
    markRadios(grounds, (node) => node.dataset.ground === state.ground);
    for (const node of grounds) show(node, node.dataset.ground !== "filled" || Boolean(splat.filled));
    setText(find(".facts"), `${splat.count.toLocaleString()} splats, ${sizeOf(splat)}.`);
    show(find(".notes"), splat.notes.length > 0);
    reconcile(find(".notes"), splat.notes.map((note) => ({ id: note })), ({ id }) => make("li", {}, id), () => {});
    setText(find(".place"), splat.photo ? "Place it on another picture" : "Place it on a picture");
    show(find(".place"), !state.object);
    for (const name of [".match", ".place"]) find(name).disabled = state.isBusy;
  }
  const isStanding = () => state.step === "splat" && Boolean(state.splat), isDrawn = () => state.drawn === state.splat?.id;
  const primary = () => (erasing.isOn ? "Keep as a new splat" : isStanding() ? "Save this view" : hasViews() ? "Make it 3D from these views" : "Make it 3D");

  return {
    draw() {
      tell("uses", { tab: "3d", label: chosenModel(hasViews() ? "splat" : "views")?.label || "" });
      const { object, splat, picture } = state, job = ourJob(), subject = object || splat || picture;
      const isMaking = Boolean(object) && !isStanding(), canBegin = canMake("splat") && (hasViews() || canMake("views"));
      show(find(".subject"), Boolean(subject));
      if (subject) {
        setAttribute(find(".subject .thumb"), "src", address(subject.crop || subject.thumb));
        setText(find(".subject .title"), subject.title);
        setText(find(".change"), object ? "Open another" : "Close");
      }
      setText(find(".hint"), erasing.isOn ? ERASING : hint(job));
      show(find(".choosing"), Boolean(state.picking));
      setText(find(".missing"), missing());
      show(find(".missing"), Boolean(missing()));
      show(find(".settings"), isMaking);
      if (isMaking) drawSettings();
      else advice.draw(null);
      show(find(".standing"), isStanding() && !erasing.isOn);
      if (isStanding()) drawStanding(splat);
      show(find(".keep"), Boolean(object || splat));
      const stuck = isStanding() ? null : ["splat", ...(hasViews() ? [] : ["views"])].map(chosenModel).find((model) => model && !model.ready);
      pressable(find(".primary"), stuck, primary(), !state.isBusy && (erasing.isOn ? erasing.hasErased : isStanding() ? isDrawn() : !job && canBegin));
      setAttribute(find(".primary"), "title", erasing.isOn ? "The original stays, too" : isStanding() ? "Save what you see as a new picture" : "");
      show(find(".remake"), isStanding() && Boolean(object) && !erasing.isOn);
      show(find(".views-only"), isMaking);
      setText(find(".views-only"), state.views.some(Boolean) ? "Make four new views" : "Only make the four views");
      find(".views-only").disabled = Boolean(job) || state.isBusy || !canMake("views");
    },
  };
}

export const sizeOf = ({ extent }) => `${extent.map((side) => side.toFixed(2)).join(" × ")} (W × H × D)`;
/** What comes next, in a line. */
function hint(job) {
  if (state.picking) return state.picking.words;
  if (job) return job.stage === "views" ? "Making the views…" : "Making the splat…";
  if (state.isStopped) return hasViews() ? "Stopped. The four views are kept." : "Stopped. Nothing was made.";
  if (state.step === "splat" && state.splat) {
    const isTouch = matchMedia("(hover: none)").matches;
    return isTouch ? "Drag to turn it, use two fingers to move and zoom. Reset puts it back." : "Drag to turn it, Shift-drag to move it, scroll to zoom. Reset puts it back.";
  }
  if (state.picture && !state.object) return state.objects.length ? "Choose an object of this picture below." : "Cut something out of this picture in Segment first.";
  if (!state.object) return "Choose an object to begin.";
  if (state.step === "views" && state.views.some(Boolean)) return "A side looks wrong? Make it again, or use your own picture.";
  if (!canMake("views") && canMake("splat") && !hasViews()) return "Add your own picture for each of the four sides: see step 2.";
  return "Make it 3D does everything in one go.";
}
/** What is not here yet, in a sentence; "" when all is. */
function missing() {
  const kinds = ["views", "splat"].filter((kind) => !canMake(kind));
  if (!state.isTold || !kinds.length || (state.step === "splat" && state.splat)) return "";
  if (kinds.every((kind) => chosenModel(kind))) return state.object ? "" : chosenModel(kinds[0]).preflight.why;
  return "There is no 3D model on this machine yet. You can still open, place and export splats.";
}
