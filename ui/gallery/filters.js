// What is looked for: words, stars, a model, a kind. Kept in the address, so that a reload and a link find it again.

import { readAddress, writeAddress } from "../shared/scripts/address.js";
import { drawIcon, label, make, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
const { find } = within("gallery");
const KINDS = [["", "All kinds"], ["image", "Made here"], ["upload", "Uploaded"], ["object", "Objects"], ["view", "Views"], ["splat", "In 3D"], ["trash", "Deleted"]];
const DEBOUNCE = 180; // ms between the last key and the question

/** @param onChange called with the filters when they have changed */
export function createFilters(onChange) {
  const query = find(".query"), meaning = find(".chip.meaning"), starred = find(".chip.starred"), model = find("select.model"), kind = find("select.kind"), collection = find("select.collection");
  const now = {
    query: readAddress("q"),
    meaning: readAddress("meaning") === "1",
    starred: readAddress("starred") === "1",
    model: readAddress("model"),
    kind: readAddress("kind"),
    collection: readAddress("collection"),
  };
  let timer = 0;
  label(starred, "star", "Starred");
  drawIcon(find(".glass"), "search");
  offer(kind, KINDS, now.kind);

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
    setAttribute(starred, "aria-pressed", now.starred);
    setAttribute(meaning, "aria-pressed", now.meaning);
    model.value = now.model;
    kind.value = now.kind;
    collection.value = now.collection;
    for (const select of [model, kind, collection]) select.classList.toggle("set", Boolean(select.value));
  }
  function keep() {
    writeAddress({ q: now.query, meaning: now.meaning ? "1" : "", starred: now.starred ? "1" : "", model: now.model, kind: now.kind, collection: now.collection });
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
  meaning.addEventListener("click", () => change({ meaning: !now.meaning }));
  starred.addEventListener("click", () => change({ starred: !now.starred }));
  model.addEventListener("change", () => change({ model: model.value }));
  kind.addEventListener("change", () => change({ kind: kind.value }));
  collection.addEventListener("change", () => change({ collection: collection.value }));
  query.value = now.query;
  draw();

  return {
    now,
    keep,
    isTrash: () => now.kind === "trash",
    isSet: () => Boolean(now.query || now.starred || now.model || now.kind || now.collection),
    offerModels(models) {
      offer(model, [["", "All models"], ...models.map(({ id, label: text }) => [id, text])], now.model);
      show(model, models.length > 1 || Boolean(now.model));
    },
    offerCollections(names) {
      offer(collection, [["", "All collections"], ...names.map((name) => [name, name])], now.collection);
      show(collection, names.length > 0 || Boolean(now.collection));
    },
    /** @param can whether a model for that is here @param seen how many pictures of how many it has looked at */
    offerMeaning(can, [done = 0, all = 0] = []) {
      show(meaning, can);
      setText(meaning, now.meaning && done < all ? `By meaning (${done} of ${all} seen)` : "By meaning");
    },
    clear() {
      query.value = "";
      change({ query: "", meaning: false, starred: false, model: "", kind: "", collection: "" });
    },
    focus: () => query.focus(),
  };
}
