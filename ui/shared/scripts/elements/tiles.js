// Small pictures that can be pressed, and buttons for what can be done with them.

import { makeDraggable } from "./dragging.js";
import { address, label, make, setAttribute, show } from "./dom.js";

/** @param options source: of another small picture than the thumbnail; name: read out; the rest are attributes */
export function tileOf(picture, press, { source = picture.thumb, className = "", name = picture.title, ...more } = {}, ...children) {
  const image = make("img", { src: address(source), alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  const about = { type: "button", class: `tile ${className}`.trim(), title: name, "aria-label": name, ...more };
  const button = make("button", about, image, ...children);
  button.addEventListener("click", () => press(picture));
  makeDraggable(button, () => picture);
  return button;
}

/**
 * A button, or a link to a file, for each action: {name, icon, word(picture), hint, press(picture) or href(picture),
 * isPressed(picture), fits(picture)}. A hint stands in the tooltip: a key, or more words.
 * @returns {nodes, draw(picture)}
 */
export function createActions(actions) {
  let shown = null;
  const nodes = actions.map(({ name, press, href }) => {
    const node = href ? make("a", { class: `plain ${name}`, download: true }) : make("button", { type: "button", class: `plain ${name}` });
    if (press) node.addEventListener("click", () => press(shown));
    return node;
  });
  function draw(picture) {
    shown = picture;
    actions.forEach(({ icon, word, hint, href, isPressed, fits }, i) => {
      const node = nodes[i], text = word(picture);
      if (node.dataset.word !== text) {
        label(node, icon, text);
        if (hint) setAttribute(node, "title", `${text} (${hint})`);
        node.dataset.word = text;
      }
      if (href) setAttribute(node, "href", href(picture));
      if (isPressed) setAttribute(node, "aria-pressed", isPressed(picture));
      show(node, fits ? fits(picture) : true);
    });
  }
  return { nodes, draw };
}
