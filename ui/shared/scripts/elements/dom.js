// Small helpers of the scripts. All text from people goes through textContent or attributes, never innerHTML.

/** A component of ours in the page: its element, a way to find what is in it, and whether it is to be seen. */
export const within = (id) => {
  const element = document.getElementById(id), find = (selector) => element.querySelector(selector);
  return { element, find, isVisible: () => find("section").checkVisibility() };
};
export const address = (path) => new URL(path, document.baseURI).href; // right behind any proxy prefix

/** A new node: make("button", {class: "tile", type: "button"}, child, "text"). Undefined and false attributes are left out. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** A new button: makeButton("chip", act, {title: "..."}, "text"). */
export function makeButton(className, press, attributes = {}, ...children) {
  const node = make("button", { type: "button", class: className, ...attributes }, ...children);
  node.addEventListener("click", press);
  return node;
}

/** Change text, attributes and properties only where they differ: a screen reader hears only what is new. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}
export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** Gives `speak(text, rarely)`: a screen reader hears it from that place; `rarely`: unless it heard something just now. */
export function createSpeaker(find, place = ".spoken") {
  let spokenAt = 0;
  return (text, rarely = false) => {
    if (rarely && Date.now() - spokenAt < 5000) return;
    spokenAt = Date.now();
    setText(find(place), text);
  };
}

const ICONS = {
  star: "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8z",
  save: "M12 4v11m0 0l-4.5-4.5M12 15l4.5-4.5M5 20h14",
  reuse: "M4 7h10m4 0h2M4 17h4m4 0h8M16 4.5v5M10 14.5v5",
  vary: "M4 7h3l10 10h3m0 0l-3-3m3 3l-3 3M4 17h3l3-3m4-4l3-3h3m0 0l-3-3m3 3l-3 3",
  upscale: "M4 20v-7m0 7h7m-7 0l6-6M20 4v7m0-7h-7m7 0l-6 6",
  delete: "M5 7h14M10 7V4.5h4V7m-7 0l1 13h8l1-13",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  before: "M15 5l-7 7 7 7",
  after: "M9 5l7 7-7 7",
  about: "M12 11v6m0-9.6v.2M12 3a9 9 0 1 0 .01 0z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  open: "M4 19V6h6l2 2h8v11zM12 16v-5m0 0l-2.4 2.4M12 11l2.4 2.4",
  select: "M5 5h14v14H5zM8.5 12l2.5 2.5 4.5-5",
  rename: "M8 4.5h2.5L12 6l1.5-1.5H16M8 19.5h2.5L12 18l1.5 1.5H16M12 6v12",
  cut: "M8 8.4L20 18M8 15.6L20 6M6 4.6a2.4 2.4 0 1 0 .01 0zM6 14.6a2.4 2.4 0 1 0 .01 0z",
  back: "M9 5L4.5 9.5 9 14M4.5 9.5H14a5 5 0 0 1 0 10h-3",
  collection: "M4 19V6h6l2 2h8v11zM12 11v5m-2.5-2.5h5",
  tiles: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  close: "M6 6l12 12M18 6L6 18",
  solid: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
  edit: "M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3",
  replay: "M5 12a7 7 0 1 1 2 5M5 20v-5h5M10 9.5l5 2.5-5 2.5z",
  search: "M10.5 4a6.5 6.5 0 1 0 .01 0zM15.5 15.5L20 20",
};

/** Fill a node with an icon of ours. */
export function drawIcon(node, icon) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[icon]);
  drawing.append(path);
  node.replaceChildren(drawing);
}
/** Fill a button with an icon of ours and a word. */
export function label(node, icon, text) {
  drawIcon(node, icon);
  if (text) node.append(make("span", {}, text));
}

/** Bring the children of a list in line with `items`. Nodes that stay are not touched: they keep focus and picture. */
export function reconcile(list, items, create, update) {
  const wanted = new Set(items.map((item) => item.id)), old = new Map();
  for (const node of [...list.children]) {
    if (wanted.has(node.dataset.key)) old.set(node.dataset.key, node);
    else node.remove();
  }
  let place = list.firstElementChild;
  for (const item of items) {
    const node = old.get(item.id) || create(item);
    node.dataset.key = item.id;
    if (node === place) place = place.nextElementSibling;
    else list.insertBefore(node, place);
    update(node, item);
  }
}
