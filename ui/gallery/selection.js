// Which pictures are selected, and what can be done with all of them at once.

import { address, label, makeButton, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { collectPictures, deletePictures, starPictures, takeBack } from "../shared/scripts/pictures.js";
import { toast } from "../shared/scripts/elements/toast.js";
const { find } = within("gallery");

/**
 * @param source items(): the pictures in their order; isTrash(): whether they are deleted ones; collection(): the one they
 *   are in, "" for any; search(): look again
 * @param onChange called when the selection is another one
 */
export function createSelection(source, onChange) {
  const ids = new Set();
  const bar = find(".selection"), form = find(".zip-form"), frame = find(".zip-answer");
  let anchor = "", isOn = false; // on: a tap selects instead of opening
  label(find(".selection .collect"), "collection", "Collect");
  label(find(".selection .zip"), "save", "Download zip");
  label(find(".selection .clear"), "close", "Clear");
  label(find(".selecting"), "select", "Select");

  const pictures = () => source.items().filter((picture) => ids.has(picture.id));
  function draw() {
    const areStarred = ids.size > 0 && pictures().every((picture) => picture.starred);
    label(find(".selection .star"), "star", areStarred ? "Remove stars" : "Star");
    find(".selection .star").dataset.starred = areStarred;
    const isTrash = source.isTrash();
    show(bar, ids.size > 0 || isOn || (isTrash && source.items().length > 0));
    setText(find(".selected"), ids.size ? `${ids.size.toLocaleString()} selected` : isTrash ? "Choose what to restore" : "Choose pictures");
    label(find(".selection .delete"), isTrash ? "back" : "delete", isTrash ? "Restore" : "Delete");
    for (const name of ["zip", "star", "collect"]) show(find(`.selection .${name}`), !isTrash);
    show(find(".selection .uncollect"), Boolean(source.collection()) && !isTrash);
    label(find(".selection .uncollect"), "close", "Remove");
    setAttribute(find(".selection .uncollect"), "title", `Remove them from “${source.collection()}”`);
    show(find(".selection .clear"), ids.size > 0 || isOn);
    for (const name of ["zip", "star", "collect", "uncollect", "delete"]) find(`.selection .${name}`).disabled = !ids.size;
    setAttribute(find(".selecting"), "aria-pressed", isOn || ids.size > 0);
    find(".gallery").classList.toggle("picking", isOn || ids.size > 0);
  }
  function changed() {
    draw();
    onChange();
  }
  function toggle(id, range) {
    const all = source.items(), here = all.findIndex((item) => item.id === id), there = all.findIndex((item) => item.id === anchor);
    if (range && there >= 0) {
      for (const item of all.slice(Math.min(here, there), Math.max(here, there) + 1)) ids.add(item.id);
    } else if (!ids.delete(id)) ids.add(id);
    anchor = id;
    changed();
  }
  function clear() {
    ids.clear();
    anchor = "";
    isOn = false;
    changed();
  }

  /** A form and not a fetch: the browser writes the zip straight to the disk. Its answer is only seen when it is a refusal. */
  find(".selection .zip").addEventListener("click", () => {
    form.action = address("diorama/zip");
    form.elements.ids.value = pictures().map((picture) => picture.id).join(",");
    form.submit();
  });
  frame.addEventListener("load", () => {
    const said = frame.contentDocument?.body?.textContent || "";
    if (said) toast(reasonIn(said), { trouble: true });
  });
  const star = find(".selection .star");
  star.addEventListener("click", () => starPictures(pictures(), star.dataset.starred !== "true"));
  find(".selection .delete").addEventListener("click", () => (source.isTrash() ? takeBack(pictures()) : deletePictures(pictures())));
  find(".selection .clear").addEventListener("click", clear);
  const collecting = find(".collecting"), typed = find(".collecting .name");
  async function collect(name) {
    collecting.hidePopover();
    typed.value = "";
    if (await collectPictures(pictures(), name)) source.search();
  }
  collecting.addEventListener("submit", (event) => {
    event.preventDefault();
    if (typed.value.trim()) collect(typed.value);
  });
  find(".selection .uncollect").addEventListener("click", async () => { if (await collectPictures(pictures(), source.collection(), false)) source.search(); });
  find(".selecting").addEventListener("click", () => {
    if (isOn || ids.size) return clear();
    isOn = true;
    return changed();
  });
  draw();

  return {
    ids,
    toggle,
    clear,
    isPicking: () => isOn || ids.size > 0,
    size: () => ids.size,
    delete: () => deletePictures(pictures()),
    all() {
      for (const item of source.items()) ids.add(item.id);
      changed();
    },
    /** Forget those that are no longer there. */
    forget(gone) {
      for (const picture of gone) ids.delete(picture.id);
      changed();
    },
    /** @param names of the collections there are */
    offer(names) {
      typed.autofocus = !names.length; // else a phone's keyboard would cover those that can be pressed
      find(".collecting .names").replaceChildren(...names.map((name) => makeButton("plain", () => collect(name), {}, name)));
    },
    redraw: draw,
  };
}

/** The sentence in a refusal of one of our routes. */
function reasonIn(text) {
  try {
    const { error, detail } = JSON.parse(text);
    return error || detail;
  } catch {
    return "Diorama could not make the zip. Try again with fewer pictures.";
  }
}
