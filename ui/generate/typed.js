// What a person types while an answer is under way: the answer, which knows only what stood there before, leaves it.

let asked = null; // the values that were shown when the answer was asked for; null where none is due
let typed = {}; // what was typed since, by name
let due = null; // the model that was asked about

/** An answer is asked for. */
export function expectAnswer(shown) {
  asked = shown;
  typed = {};
}
/** Something was typed. */
export function noteTyped(names, shown) {
  names.forEach((name, i) => { if (asked && shown[i] !== asked[i]) typed[name] = shown[i]; });
}
/** What was typed since the answer was asked for, by name; null where no answer is due. */
export const typedSince = () => (asked ? typed : null);

/** Of two questions for the same model the second one learns that it is shown already. While another model's answer is
    due, none is: its controls may come at any moment. */
export function once(who, model, saved, offered) {
  const shown = due === model ? model : due ? "" : offered;
  due = model;
  return [who, model, saved, shown];
}
export function forgetQuestion() { due = null; }

/**
 * Bring back what was typed meanwhile, as far as the model takes it. Fails where the controls are another model's, as
 * answers may come in another order, and none is due: they are to be asked for again.
 * @param names of the values `shown` @param limits what each model takes, by its id and by name
 */
export function keepTyped(names, limits, saved, model, offered, ...shown) {
  const same = { __type__: "update" }, isLatest = model === offered; // else this answer is not the one that is due
  const fits = ([name, value]) => {
    const limit = (limits[model] || {})[name];
    return limit && (limit.choices ? limit.choices.includes(value) : !(value < limit.minimum || value > limit.maximum));
  };
  const kept = isLatest ? Object.fromEntries(Object.entries(typed).filter(fits)) : {};
  if (isLatest) [asked, typed, due] = [null, {}, null];
  else asked = shown;
  if (!isLatest && due !== model) throw new Error(`the controls of ${offered} came after those of ${model}`);
  if (!Object.keys(kept).length) return [same, ...shown.map(() => same)];
  const models = { ...saved?.models, [model]: { ...(saved?.models || {})[model], ...kept } };
  return [{ ...saved, models }, ...names.map((name) => (name in kept ? kept[name] : same))];
}
