// The column: what to change, with which model, where, by which more pictures, and how many versions.

import { createAdvice } from "../../shared/scripts/models/advice.js";
import { drawRange, offerModels, pressable } from "../../shared/scripts/models/controls.js";
import { address, label, make, makeButton, reconcile, setAttribute, setText, show, within } from "../../shared/scripts/elements/dom.js";
import { tell } from "../../shared/scripts/events.js";
import { rememberWords } from "../../shared/scripts/prompt/past.js";
import { byId } from "../../shared/scripts/pictures.js";
import { createPreflight } from "../../shared/scripts/models/preflight.js";
import { sayRead } from "../../shared/scripts/prompt/reading.js";
import { markRadios, walkRadios } from "../../shared/scripts/elements/radios.js";
import { removableTile, tileOf } from "../../shared/scripts/elements/tiles.js";
const { element, find } = within("iterate");
const WHERE_HINTS = {
  whole: "The whole picture may change.",
  object: "Outside the object, every pixel stays as it is.",
  extend: "Drag the edges or corners of the picture outwards.",
  brush: "Paint on the picture. Everything else stays as it is, to the pixel.",
};

/**
 * @param acts {change(patch), set(patch), model(id), count(n), run(fix), confirm(), another(), addReference(),
 *   removeReference(id), chooseControl(), keepControl(), cutOut()}
 */
export function createColumn(acts) {
  const form = find("form.column"), words = find(".instruction"), model = find("select.model");
  const advice = createAdvice(find(".advice"), "iterate", acts.model, [
    { word: "Limit it to an object", press: () => acts.change({ where: "object" }) },
    { word: "Use a cloud model with your own key", press: () => tell("key-wanted", { provider: "" }), isLast: true },
  ]);
  const preflight = createPreflight(find(".preflight"));
  let fixes = null, spec = null;

  rememberWords(words, "iterate");
  words.addEventListener("input", () => acts.change({ instruction: words.value }));
  form.addEventListener("submit", (event) => { event.preventDefault(); acts.run(); });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    acts.run();
  });
  find(".another").addEventListener("click", acts.another);
  find(".confirm").addEventListener("click", acts.confirm);
  model.addEventListener("change", () => acts.model(model.value));
  const parts = (name, choose) => {
    for (const node of element.querySelectorAll(`[data-${name}]`)) node.addEventListener("click", () => choose(node.dataset[name]));
    walkRadios(find(`.parts.${name}`));
  };
  parts("where", (where) => acts.change({ where }));
  parts("count", (count) => acts.count(Number(count)));
  find("input.invert").addEventListener("change", (event) => acts.change({ invert: event.target.checked }));
  for (const name of ["steps", "guidance", "clip_skip", "strength", "control_strength"]) find(`input.${name}`).addEventListener("input", (event) => acts.set({ [name]: Number(event.target.value) }));
  find("input.seed").addEventListener("input", (event) => acts.set({ seed: event.target.value === "" ? null : Number(event.target.value) }));
  find("input.negative").addEventListener("input", (event) => acts.set({ negative: event.target.value }));
  for (const name of ["quality", "sampler", "precision"]) find(`select.${name}`).addEventListener("change", (event) => acts.set({ [name]: event.target.value }));
  for (const name of ["fast", "transparent"]) find(`input.${name}`).addEventListener("change", (event) => acts.set({ [name]: event.target.checked }));
  walkRadios(find(".objects"));

  function chip(fix) {
    const title = spec.provider ? `Write: ${fix.instruction}` : fix.instruction; // nothing is paid for by one small click
    return makeButton("chip", () => acts.run(fix), { title }, fix.label);
  }
  function drawModel(models) {
    offerModels(model, models, spec);
    if (spec) setAttribute(words, "placeholder", spec.placeholder);
    setText(find(".about-model"), spec?.about || "No model here can change pictures.");
    tell("uses", { tab: "iterate", label: spec?.label || "", isCloud: Boolean(spec?.provider) });
    drawNeeds(models);
    if (fixes === spec?.id) return;
    fixes = spec?.id;
    find(".fixes").replaceChildren(...(spec?.fixes || []).map(chip));
    find(".fixes").classList.remove("all");
    const more = makeButton("chip more-fixes", () => find(".fixes").classList.add("all"), {}, "More…");
    if (find(".fixes").children.length > 6) find(".fixes").append(more);
  }
  /** A model that cannot run here: who could do it instead. Nothing is sent before it was chosen. */
  function drawNeeds(models) {
    if (!spec || spec.ready) return preflight(spec?.preflight);
    const able = [false, true].map((isCloud) => models.find((each) => each.ready && Boolean(each.provider) === isCloud)).filter(Boolean);
    const ways = able.map((each) => ({ label: `Use ${each.label}${priceOf(each, {}, 1)}`, press: () => acts.model(each.id) }));
    if (!able.some((each) => each.provider)) ways.push({ label: "Use a cloud model with your own key", press: () => tell("key-wanted", { provider: "" }) });
    return preflight(spec.preflight, ways);
  }
  function drawWhere(draft, objects) {
    markRadios(element.querySelectorAll("[data-where]"), (node) => node.dataset.where === draft.where);
    const isEmpty = draft.where === "object" && !objects.length;
    setText(find(".where-hint"), isEmpty ? "Nothing has been cut out of this picture yet." : WHERE_HINTS[draft.where]);
    show(find(".objects"), draft.where === "object");
    show(find(".invert-field"), ["object", "brush"].includes(draft.where));
    find("input.invert").checked = draft.invert;
    const tiles = [...objects, { id: "cut-out" }];
    reconcile(find(".objects"), tiles, objectTile, (node, object) => {
      if (object.id === "cut-out") return;
      setAttribute(node, "aria-checked", object.id === draft.object);
      setAttribute(node, "tabindex", object.id === draft.object || (!byId(objects, draft.object) && object === objects[0]) ? 0 : -1);
    });
  }
  function objectTile(object) {
    if (object.id === "cut-out") {
      const node = makeButton("plain edged cut-out", acts.cutOut);
      label(node, "cut", "Cut one out");
      return node;
    }
    const more = { className: "checkered", role: "radio", "data-object": object.id };
    return tileOf(object, () => acts.change({ object: object.id }), more);
  }
  function referenceTile(picture) {
    if (picture.id === "add") {
      const node = makeButton("plain edged add", acts.addReference);
      label(node, "open", "Add");
      return node;
    }
    return removableTile(picture, () => acts.removeReference(picture.id));
  }
  /** What is followed: that of the picture itself, or that of another one. */
  function drawControl({ control }) {
    show(find(".control-field"), Boolean(spec?.control));
    if (!spec?.control) return;
    setText(find(".follows"), `Follow the ${spec.follows}`);
    setText(find(".control-hint"), control ? "A line drawing or a depth map is used as it is." : "From this picture, or from another one: a drawing, a view of a splat.");
    reconcile(find(".control"), control ? [control] : [{ id: "keep", word: `Show ${spec.follows}` }, { id: "other", word: "From another" }], controlTile, (node, { word }) => { if (word) setText(node, word); });
  }
  function controlTile(picture) {
    if (picture.thumb) return removableTile(picture, () => acts.change({ control: null }));
    return makeButton("plain edged", picture.id === "keep" ? acts.keepControl : acts.chooseControl);
  }
  function drawMore(settings, count) {
    markRadios(element.querySelectorAll("[data-count]"), (node) => Number(node.dataset.count) === count);
    for (const name of ["control_strength", "strength", "steps", "guidance", "clip_skip"]) drawRange(find, name, spec?.[name], settings[name]);
    show(find(".seed-field"), Boolean(spec?.seed));
    const seed = find("input.seed");
    if (document.activeElement !== seed) seed.value = settings.seed ?? "";
    show(find(".negative-field"), Boolean(spec?.negative));
    const negative = find("input.negative");
    if (document.activeElement !== negative) negative.value = settings.negative || "";
    const plain = (names = []) => names.map((name) => ({ id: name, label: name })), precisions = spec?.precisions || [];
    drawChoice("quality", plain(spec?.qualities), settings);
    drawChoice("sampler", plain(spec?.samplers), settings);
    drawChoice("precision", precisions.length > 1 ? [{ id: "", label: "Automatic" }, ...precisions] : [], settings);
    for (const name of ["fast", "transparent"]) {
      show(find(`.${name}-field`), Boolean(spec?.[name]));
      find(`input.${name}`).checked = Boolean(settings[name]);
    }
    const isFixed = spec?.seed && settings.seed >= 0 && settings.seed !== null; // -1 means another one each time
    setText(find(".more > summary"), isFixed ? `More · seed ${settings.seed}` : "More");
  }
  function drawChoice(name, choices, settings) {
    const choice = find(`select.${name}`);
    show(find(`.${name}-field`), choices.length > 1);
    if (choice.dataset.of !== spec?.id) choice.replaceChildren(...choices.map((each) => make("option", { value: each.id }, each.label)));
    choice.dataset.of = spec?.id || "";
    choice.value = (byId(choices, settings[name]) || choices[0])?.id || "";
  }
  /** ", about $0.08", "" where nothing is paid. */
  function priceOf({ prices, qualities }, { quality }, count) {
    const usd = count * prices[qualities.includes(quality) ? quality : qualities[0] || ""];
    return usd ? `, about $${usd.toFixed(usd < 0.095 ? 3 : 2)}` : "";
  }

  return {
    begun: () => advice.heard(),
    focus: () => words.focus({ preventScroll: true }),
    draw({ picture, draft, objects, models, model: chosen, settings, count, trouble, hint, confirm, isSending, advice: all }) {
      spec = chosen;
      advice.draw(draft.where === "whole" && spec?.ready ? picture?.id : "", spec?.id, all);
      show(find(".subject"), Boolean(picture));
      if (picture && find(".subject .thumb").dataset.of !== picture.id) {
        find(".subject .thumb").dataset.of = picture.id;
        find(".subject .thumb").src = address(picture.thumb);
      }
      setText(find(".subject .title"), picture?.title || "");
      if (words.value !== draft.instruction) words.value = draft.instruction;
      sayRead(find(".read"), words.value, spec || { tokens: 0 });
      drawModel(models);
      drawWhere(draft, objects);
      const most = spec?.references || 0;
      show(find(".references-field"), most > 0);
      const added = draft.references.slice(0, most);
      reconcile(find(".references"), added.length < most ? [...added, { id: "add" }] : added, referenceTile, () => {});
      drawControl(draft);
      drawMore(settings, count);
      const note = find("form.column .note");
      show(note, Boolean(trouble || hint));
      note.classList.toggle("hint", !trouble);
      setAttribute(note, "role", trouble ? "alert" : "status");
      setText(note.firstElementChild, trouble || hint);
      show(find(".confirm"), Boolean(confirm));
      const button = find("form.column .primary");
      pressable(button, spec, spec ? `Change it${priceOf(spec, settings, count)}` : "Change it", picture && !isSending);
      setAttribute(button, "title", spec?.provider ? `The picture is sent to ${spec.provider}.` : "Ctrl+Enter");
    },
  };
}
