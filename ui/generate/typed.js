// What a person types while an answer is under way: the answer, which knows only what stood there before, leaves it.

let asked = null; // the values that were shown when the answer was asked for; null where none is due
let typed = {}; // what was typed since, by name
let due = null; // the question under way: {number, model, over, end}; `over` promises which model's controls are shown then
let newest = 0; // number of the latest question

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

/**
 * One question at a time: gradio mixes answers that come together, and shows what one of them hides. Whoever has waited
 * learns what is shown by now, or asks for nothing if somebody waits behind.
 */
export async function once(who, model, saved, offered) {
  const number = ++newest;
  let shown = offered;
  while (due) shown = await due.over;
  if (number !== newest) return [who, model, saved, model];
  due = { number, model };
  due.over = new Promise((end) => { due.end = end; });
  return [who, model, saved, shown];
}
function end(shown) {
  due?.end(shown);
  due = null;
}
export const forgetQuestion = () => end("");

/**
 * Bring back what was typed meanwhile, as far as the model takes it. Fails where the controls are another model's
 * and no question is under way or waits: they are to be asked for again.
 * @param names of the values `shown` @param limits what each model takes, by its id and by name
 */
export function keepTyped(names, limits, saved, model, offered, ...shown) {
  const same = { __type__: "update" }, isLatest = model === offered; // else this answer is not the one that is due
  const fits = ([name, value]) => {
    const limit = (limits[model] || {})[name];
    return limit && (limit.choices ? limit.choices.includes(value) : !(value < limit.minimum || value > limit.maximum));
  };
  const kept = isLatest ? Object.fromEntries(Object.entries(typed).filter(fits)) : {};
  const isAnswered = due?.model === offered, isLast = due?.number === newest;
  if (isLatest) [asked, typed] = [null, {}];
  else asked = shown;
  if (isAnswered) end(offered);
  if (!isLatest && (isAnswered ? isLast : !due)) throw new Error(`the controls of ${offered} are shown, not those of ${model}`);
  if (!Object.keys(kept).length) return [same, ...shown.map(() => same)];
  const models = { ...saved?.models, [model]: { ...(saved?.models || {})[model], ...kept } };
  return [{ ...saved, models }, ...names.map((name) => (name in kept ? kept[name] : same))];
}
