// What stands in the column, kept in the browser per picture and per model, so that a reload loses nothing.

import { byId } from "../../shared/scripts/pictures.js";

const KEPT_HERE = "diorama-iterate", MOST_DRAFTS = 60, MOST_JOBS = 60;
export const BLANK = { instruction: "", where: "whole", object: "", strokes: [], extend: [0, 0, 0, 0], invert: false, references: [], control: null };

export function createDrafts() {
  const kept = { model: "", count: 1, models: {}, drafts: [], jobs: [] };
  try {
    const found = JSON.parse(localStorage.getItem(KEPT_HERE) || "{}");
    for (const name of Object.keys(kept)) if (typeof found[name] === typeof kept[name] && Array.isArray(found[name]) === Array.isArray(kept[name])) kept[name] = found[name] ?? kept[name];
  } catch { /* somebody else wrote there */ }

  function keep() {
    kept.drafts = kept.drafts.slice(0, MOST_DRAFTS);
    kept.jobs = kept.jobs.slice(0, MOST_JOBS);
    try {
      localStorage.setItem(KEPT_HERE, JSON.stringify(kept));
    } catch { /* a browser that stores nothing: the tab still works */ }
  }
  const of = (id) => ({ ...BLANK, ...byId(kept.drafts, id) });
  return {
    of,
    /** It was looked at: of many drafts the latest are kept. */
    touch(id) { if (byId(kept.drafts, id)) this.change(id, {}); },
    isBlank: (id) => !byId(kept.drafts, id),
    /** Change what is written for a picture; the latest is kept longest. */
    change(id, patch) {
      kept.drafts = [{ ...of(id), ...patch, id }, ...kept.drafts.filter((one) => one.id !== id)];
      keep();
    },
    settings: (model) => ({ ...kept.models[model] }),
    set(model, patch) {
      kept.models = { ...kept.models, [model]: { ...kept.models[model], ...patch } };
      keep();
    },
    /** Which picture a job began with, as long as the server does not tell. */
    sourceOf: (job) => job.source || byId(kept.jobs, job.id)?.source || "",
    /** What was in the field when a job was sent; its title says the same in the server's words. */
    saidFor: (job) => byId(kept.jobs, job.id)?.said ?? job.title,
    began(id, source, said) {
      kept.jobs = [{ id, source, said }, ...kept.jobs];
      keep();
    },
    get model() { return kept.model; },
    set model(id) { kept.model = id; keep(); },
    get count() { return [1, 2, 3, 4].includes(kept.count) ? kept.count : 1; },
    set count(count) { kept.count = count; keep(); },
  };
}
