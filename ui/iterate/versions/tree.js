// The versions drawn as a tree: a picture for each, what was said on the way to it, and the keys that walk along.

import { address, make, makeButton, reconcile, setAttribute, setText, show, within } from "../../shared/scripts/elements/dom.js";
import { byId } from "../../shared/scripts/pictures.js";
import { edgesOf, layOut, neighbour, TILE_SIDE } from "./layout.js";
const { find } = within("iterate");

/**
 * @param acts {open(id), rename(id), remove(id), compare(id), leave(), star(id), menu(id, node)}
 */
export function createTree(acts) {
  const forest = find(".forest"), ground = find(".forest .ground"), list = find(".tree"), edges = find(".edges");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  edges.append(path);
  let layout = layOut([]), current = "", focused = "", drawn = "";

  function create(version) {
    const image = make("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
    const tile = make("span", { class: "tile" }, image, make("i"), make("span", { class: "words" }));
    const openMenu = (event) => { event.stopPropagation(); acts.menu(version.id, more); };
    const more = makeButton("round more-of", openMenu, { tabindex: "-1", "aria-label": "More actions", title: "More" }, "⋯");
    const node = make("li", { role: "treeitem", class: "version", tabindex: "-1" }, make("span", { class: "said" }), tile, more);
    tile.addEventListener("click", () => acts.open(version.id));
    tile.addEventListener("dblclick", () => acts.rename(version.id));
    return node;
  }
  function update(node, version, { current: shown, marked }) {
    const { x, y, level, position, siblings, children } = layout.places.get(version.id);
    const [said, tile, more] = node.children, [image, bar, words] = tile.children, job = version.job;
    node.style.cssText = `left:${x}px;top:${y}px`;
    setText(said, version.instruction || "");
    setAttribute(said, "title", version.instruction || "");
    const source = job ? job.preview : address(version.thumb);
    if (source && image.getAttribute("src") !== source) image.src = source;
    show(image, Boolean(source));
    const isNamed = !job && version.parent && version.title !== version.instruction;
    setText(words, job ? (job.state === "waiting" ? "waiting" : job.steps ? `step ${job.step}` : "starting") : isNamed ? version.title : "");
    bar.style.transform = `scaleX(${job?.steps ? job.step / job.steps : 0})`;
    for (const [name, isOn] of Object.entries({ job: Boolean(job), starred: version.starred, gone: version.deleted, marked: version.id === marked })) node.classList.toggle(name, Boolean(isOn));
    show(more, !job && !version.deleted);
    const attributes = { "aria-level": level + 1, "aria-posinset": position, "aria-setsize": siblings, "aria-selected": version.id === shown, "aria-label": spokenName(version, marked) };
    if (children.length) attributes["aria-expanded"] = true;
    else node.removeAttribute("aria-expanded");
    for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
    setAttribute(node, "tabindex", version.id === (layout.places.has(focused) ? focused : shown) ? 0 : -1);
    setAttribute(tile, "title", version.title);
  }
  function spokenName(version, marked) {
    const parts = [version.instruction && version.instruction !== version.title ? `${version.title}, by: ${version.instruction}` : version.title];
    if (version.job) parts.push("being made");
    if (version.deleted) parts.push("deleted");
    if (version.starred) parts.push("starred");
    if (version.id === marked) parts.push("compared");
    return parts.join(", ");
  }
  const nodeOf = (id) => [...list.children].find((node) => node.dataset.key === id);
  function focus(id) {
    const node = nodeOf(id);
    if (!node) return;
    for (const other of list.children) other.tabIndex = other === node ? 0 : -1;
    focused = id;
    node.focus({ preventScroll: true });
    reveal(id);
  }
  /** Scroll the strip, and only the strip, no further than is needed. */
  function reveal(id) {
    const place = layout.places.get(id);
    if (!place) return;
    const spare = 12, right = place.x + TILE_SIDE + 2 * spare, bottom = place.y + TILE_SIDE + 2 * spare;
    if (place.x < forest.scrollLeft) forest.scrollLeft = place.x - spare;
    else if (right > forest.scrollLeft + forest.clientWidth) forest.scrollLeft = right - forest.clientWidth;
    if (place.y < forest.scrollTop) forest.scrollTop = place.y - spare;
    else if (bottom > forest.scrollTop + forest.clientHeight) forest.scrollTop = bottom - forest.clientHeight;
  }
  const KEYS = { Enter: acts.open, " ": acts.open, Delete: acts.remove, F2: acts.rename, c: acts.compare, C: acts.compare, s: acts.star, S: acts.star };
  list.addEventListener("keydown", (event) => {
    const id = event.target.closest("li")?.dataset.key;
    if (!id || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
    const there = event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End" ? neighbour(layout, id, event.key) : null;
    if (there) focus(there);
    else if (event.key === "Escape") { if (!acts.leave()) return; }
    else if (KEYS[event.key]) KEYS[event.key](id);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
  });
  list.addEventListener("focusin", (event) => { focused = event.target.closest("li").dataset.key; });
  list.addEventListener("contextmenu", (event) => {
    const node = event.target.closest("li");
    if (!node || node.classList.contains("job")) return;
    event.preventDefault();
    acts.menu(node.dataset.key, node.querySelector(".tile"));
  });

  return {
    focus,
    hasFocus: () => list.contains(document.activeElement),
    /** @param versions what the server told, and the jobs that will become versions: {id, parent, instruction, job} */
    draw({ versions, current: shown, marked }) {
      layout = layOut(versions);
      const place = focused && list.contains(document.activeElement) ? layout.order.indexOf(focused) : -1;
      const told = edgesOf(layout);
      if (told !== drawn) {
        drawn = told;
        path.setAttribute("d", told);
        for (const [name, value] of [["width", layout.width], ["height", layout.height]]) setAttribute(edges, name, value);
        ground.style.cssText = `width:${layout.width}px;height:${layout.height}px`;
      }
      const hadFocus = list.contains(document.activeElement);
      const byOrder = layout.order.map((id) => byId(versions, id));
      reconcile(list, byOrder, create, (node, version) => update(node, version, { current: shown, marked }));
      if (hadFocus && !list.contains(document.activeElement)) focus(place >= 0 ? focused : shown); // its version left
      if (shown !== current) { current = shown; reveal(shown); }
    },
  };
}
