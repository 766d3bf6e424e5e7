// What this tab knows and shows. Everything is drawn from `state`; what a person has chosen for an object is kept in the
// browser, so that a reload loses nothing.

const SIDES = ["Front", "Right side", "Back", "Left side"]; // of the four views, in their order
const KEPT = "diorama-splat", MOST_KEPT = 40;
const CHOICES = { elevation: null, seed: "", steps: null, guidance: null }; // null: as the model takes it
const NONE = [null, null, null, null];

const state = {
  object: null, // what is turned into 3D: its picture, with the crop the models see
  picture: null, // a picture that is open without an object: something of it is to be chosen
  objects: [], // of that picture
  views: NONE, // pictures, in the order of SIDES
  splats: [], // of the object, newest first
  splat: null, // what stands in 3D
  recent: { splats: [], objects: [], pictures: [] },
  models: { views: [], splat: [] },
  step: "object", // what the stage shows: "object", "views" or "splat"
  ground: "filled", // what a splat is shown on: "photo", "filled" (the object is painted out), "plain"
  jobs: [], // as the server told them last
  picking: null, // a picture is to be chosen: {words, take(picture)}
  trouble: "",
  isBusy: false, // something short is on its way
  isTold: false, // what there is has been told
};

/** What this browser remembers: choices by object, chosen models, and the jobs this tab began. */
const memory = (() => {
  let kept = { objects: [], jobs: [], viewsModel: "", splatModel: "" };
  try {
    kept = { ...kept, ...JSON.parse(localStorage.getItem(KEPT) || "{}") };
  } catch { /* written by something else */ }
  function save() {
    try {
      localStorage.setItem(KEPT, JSON.stringify(kept));
    } catch { /* a browser that keeps nothing: the tab works all the same */ }
  }
  return {
    of: (id) => ({ ...CHOICES, ...kept.objects.find((one) => one.id === id)?.choices }),
    choose(id, changes) {
      const choices = { ...this.of(id), ...changes };
      kept.objects = [{ id, choices }, ...kept.objects.filter((one) => one.id !== id)].slice(0, MOST_KEPT);
      save();
    },
    model: (kind) => kept[`${kind}Model`],
    chooseModel(kind, id) { kept[`${kind}Model`] = id; save(); },
    /** Jobs this tab began: {id, object, kind: "views" or "splat", then: what follows by itself} */
    get jobs() { return kept.jobs; },
    addJob(job) { kept.jobs = [job, ...kept.jobs].slice(0, MOST_KEPT); save(); },
    dropJob(id) { kept.jobs = kept.jobs.filter((job) => job.id !== id); save(); },
  };
})();

const choices = () => memory.of(state.object?.id);
const hasViews = () => state.views.every(Boolean);
const chosenModel = (kind) => byId(state.models[kind], memory.model(kind)) || state.models[kind].find((each) => each.ready) || state.models[kind][0];
/** How far the picture looks down on the object, in degrees. */
const elevation = () => choices().elevation ?? chosenModel("views")?.elevation ?? 0;
const canMake = (kind) => Boolean(chosenModel(kind)?.ready);
const isOpenJob = (job) => job.state === "waiting" || job.state === "running";
/** The job this tab began for what is open, while it lasts, with what the server tells of it. */
function ourJob() {
  const begun = memory.jobs.filter((job) => job.object === state.object?.id);
  for (const one of begun) {
    const told = byId(state.jobs, one.id);
    if (told && isOpenJob(told)) return { ...told, ...one };
  }
  return null;
}
function speak(text) { setText(find(".spoken"), text); }
