// Controls of a column that follow what the chosen model honours.

import { make, setAttribute, setText, show } from "../elements/dom.js";

/** A slider in its field, with its value beside it. @param range {low, high, default}, null: the model has none */
export function drawRange(find, name, range, value) {
  show(find(`.${name}-field`), Boolean(range && range.low < range.high));
  if (!range) return;
  const input = find(`input.${name}`);
  setAttribute(input, "min", range.low);
  setAttribute(input, "max", range.high);
  input.value = value ?? range.default;
  setText(find(`.${name}-value`), String(Math.round(100 * input.value) / 100));
}

/** The main button: what it does, as long as the model can run here. @param model of the server's list */
export function pressable(button, model, words, can) {
  const isStuck = Boolean(model) && !model.ready;
  setText(button, !isStuck ? words : model.provider ? "Needs a key" : "Cannot run here");
  button.disabled = isStuck || !can;
}

/** The models of a list, those that are not ready with the reason: choosing one shows what it needs. */
export function offerModels(select, models, chosen) {
  const told = JSON.stringify(models.map(({ id, label, ready, state }) => [id, label, ready, state]));
  if (select.dataset.told !== told) {
    select.dataset.told = told;
    select.replaceChildren(...models.map(({ id, label, ready, state }) => (
      make("option", { value: id }, ready && state === "ready" ? label : `${label} (${state})`)
    )));
  }
  select.value = chosen?.id || "";
}
