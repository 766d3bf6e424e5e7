// What is looked for: words, stars, a model, a kind. Kept in the address, so that a reload and a link find it again.

import { readAddress, writeAddress } from "../shared/scripts/address.js";
import { drawIcon, label, make, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
const { find } = within("gallery");
const KINDS = [["", "All kinds"], ["image", "Made here"], ["upload", "Uploaded"], ["object", "Objects"], ["view", "Views"], ["splat", "In 3D"], ["trash", "Deleted"]];
const DEBOUNCE = 180; // ms between the last key and the question

/** @param onChange called with the filters when they have changed */
export function createFilters(onChange) {
  const query = find(".query"), switches = { meaning: find(".chip.meaning"), starred: find(".chip.starred") };
  const selects = { model: find("select.model"), kind: find("select.kind"), collection: find("select.collection") };
  const now = {
    query: readAddress("q"),
    ...Object.fromEntries(Object.keys(switches).map((name) => [name, readAddress(name) === "1"])),
    ...Object.fromEntries(Object.keys(selects).map((name) => [name, readAddress(name)])),
  };
  let timer = 0;
  label(switches.starred, "star", "Starred");
  drawIcon(find(".glass"), "search");
  offer(selects.kind, KINDS, now.kind);

  function offer(select, choices, chosen) {
    if (chosen && !choices.some(([id]) => id === chosen)) choices = [...choices, [chosen, chosen]];
    const same = JSON.stringify(choices) === select.dataset.choices;
    if (!same) select.replaceChildren(...choices.map(([id, text]) => make("option", { value: id }, text)));
    select.dataset.choices = JSON.stringify(choices);
    select.value = chosen;
    select.classList.toggle("set", Boolean(chosen));
  }
  function draw() {
    if (query.value !== now.query && document.activeElement !== query) query.value = now.query;
    for (const [name, node] of Object.entries(switches)) setAttribute(node, "aria-pressed", now[name]);
    for (const [name, select] of Object.entries(selects)) {
      select.value = now[name];
      select.classList.toggle("set", Boolean(select.value));
    }
  }
  function keep() {
    const { query: q, ...rest } = now;
    writeAddress({ q, ...rest, meaning: now.meaning ? "1" : "", starred: now.starred ? "1" : "" });
  }
  function change(changes) {
    clearTimeout(timer);
    Object.assign(now, changes);
    draw();
    keep();
    onChange({ ...now });
  }
  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => change({ query: query.value.trim() }), DEBOUNCE);
  });
  query.addEventListener("keydown", (event) => {
    if (event.key === "Enter") change({ query: query.value.trim() });
  });
  for (const [name, node] of Object.entries(switches)) node.addEventListener("click", () => change({ [name]: !now[name] }));
  for (const [name, select] of Object.entries(selects)) select.addEventListener("change", () => change({ [name]: select.value }));
  query.value = now.query;
  draw();

  return {
    now,
    keep,
    isTrash: () => now.kind === "trash",
    isSet: () => Boolean(now.query || now.starred || now.model || now.kind || now.collection),
    offerModels(models) {
      offer(selects.model, [["", "All models"], ...models.map(({ id, label: text }) => [id, text])], now.model);
      show(selects.model, models.length > 1 || Boolean(now.model));
    },
    offerCollections(names) {
      offer(selects.collection, [["", "All collections"], ...names.map((name) => [name, name])], now.collection);
      show(selects.collection, names.length > 0 || Boolean(now.collection));
    },
    /** @param can whether a model for that is here @param seen how many pictures of how many it has looked at */
    offerMeaning(can, [done = 0, all = 0] = []) {
      show(switches.meaning, can);
      setText(switches.meaning, now.meaning && done < all ? `By meaning (${done} of ${all} seen)` : "By meaning");
    },
    clear() {
      query.value = "";
      change({ query: "", meaning: false, starred: false, model: "", kind: "", collection: "" });
    },
    focus: () => query.focus(),
  };
}
