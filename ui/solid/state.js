// What this tab knows and shows. Everything is drawn from `state`; what a person has chosen for an object is kept in the
// browser, so that a reload loses nothing.

import { createSpeaker, within } from "../shared/scripts/elements/dom.js";
import { byId } from "../shared/scripts/pictures.js";
const { find } = within("splat");

export const SIDES = ["Front", "Right side", "Back", "Left side"]; // of the four views, in their order
const KEPT = "diorama-splat", MOST_KEPT = 40;
const CHOICES = { elevation: null, seed: "", steps: null, guidance: null }; // null: as the model takes it
export const NONE = [null, null, null, null];

export const state = {
  object: null, // what is turned into 3D: its picture, with the crop the models see
  picture: null, // a picture that is open without an object: something of it is to be chosen
  objects: [], // of that picture
  views: NONE, // pictures, in the order of SIDES
  advice: null, // of the object, by the id of the model
  splats: [], // of the object, newest first
  splat: null, // what stands in 3D
  drawn: "", // id of the splat that the stage has drawn; "" while it comes
  recent: { splats: [], objects: [], pictures: [] },
  models: { views: [], splat: [] },
  step: "object", // what the stage shows: "object", "views" or "splat"
  ground: "filled", // what a splat is shown on: "photo", "filled" (the object is painted out), "plain"
  jobs: [], // as the server told them last
  picking: null, // a picture is to be chosen: {words, take(picture)}
  trouble: "",
  isBusy: false, // something short is on its way
  isTold: false, // what there is has been told
  isStopped: false, // the last that was begun here was stopped
};

/** What this browser remembers: choices by object, chosen models, and the jobs it began. Its tabs share what is kept: each
    changes there only what it changes itself. */
export const memory = (() => {
  const empty = { objects: [], looks: [], jobs: [], viewsModel: "", splatModel: "" };
  function read(text) {
    try {
      return { ...empty, ...JSON.parse(text || "{}") };
    } catch { return { ...empty }; /* written by something else */ }
  }
  const stored = () => { try { return localStorage.getItem(KEPT); } catch { return ""; } };
  let kept = read(stored());
  /** @param edit gives what is different in what is kept */
  function change(edit) {
    kept = { ...kept, ...edit(kept) };
    try {
      const shared = read(stored());
      localStorage.setItem(KEPT, JSON.stringify({ ...shared, ...edit(shared) }));
    } catch { /* a browser that stores nothing: the tab still works */ }
  }
  return {
    of: (id) => ({ ...CHOICES, ...kept.objects.find((one) => one.id === id)?.choices }),
    choose(id, changes) {
      const choices = { ...this.of(id), ...changes };
      change(({ objects }) => ({ objects: [{ id, choices }, ...objects.filter((one) => one.id !== id)].slice(0, MOST_KEPT) }));
    },
    /** How a splat is looked at: {opacity in percent, box: is it shown} */
    look: (id) => ({ opacity: 100, box: false, ...kept.looks.find((one) => one.id === id) }),
    lookAt(id, changes) {
      const look = { ...this.look(id), ...changes, id };
      change(({ looks }) => ({ looks: [look, ...looks.filter((one) => one.id !== id)].slice(0, MOST_KEPT) }));
    },
    model: (kind) => kept[`${kind}Model`],
    chooseModel(kind, id) { change(() => ({ [`${kind}Model`]: id })); },
    /** Jobs whose end is waited for: {id, object, only: the views that they make} */
    get jobs() { return kept.jobs; },
    addJob(job) { change(({ jobs }) => ({ jobs: [job, ...jobs.filter((one) => one.id !== job.id)].slice(0, MOST_KEPT) })); },
    dropJob(id) { change(({ jobs }) => ({ jobs: jobs.filter((job) => job.id !== id) })); },
  };
})();

export const choices = () => memory.of(state.object?.id);
export const hasViews = () => state.views.every(Boolean);
export const chosenModel = (kind) => byId(state.models[kind], memory.model(kind)) || state.models[kind].find((each) => each.ready || each.damaged) || state.models[kind][0];
/** How far the picture looks down on the object, in degrees. */
export const elevation = () => choices().elevation ?? chosenModel("views")?.elevation ?? 0;
export const canMake = (kind) => Boolean(chosenModel(kind)?.ready);
/** The job that was begun for what is open, with what the server tells of it, until what it made stands here. Its `stage` is
    what is made now: "views" or "splat". */
export function ourJob() {
  const begun = memory.jobs.filter((job) => job.object === state.object?.id);
  for (const one of begun) {
    const told = byId(state.jobs, one.id);
    if (told) return { ...told, ...one, stage: told.assets.length < one.only.length ? "views" : told.task };
  }
  return null;
}
export const speak = createSpeaker(find);
