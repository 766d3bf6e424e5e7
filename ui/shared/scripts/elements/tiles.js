// Small pictures that can be pressed, and buttons for what can be done with them.

import { makeDraggable } from "./dragging.js";
import { address, label, make, makeButton, setAttribute, show } from "./dom.js";

/** @param options source: of another small picture than the thumbnail; name: read out; the rest are attributes */
export function tileOf(picture, press, { source = picture.thumb, className = "", name = picture.title, ...more } = {}, ...children) {
  const image = make("img", { src: address(source), alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  const about = { title: name, "aria-label": name, ...more };
  const button = makeButton(`tile ${className}`.trim(), () => press(picture), about, image, ...children);
  makeDraggable(button, () => picture);
  return button;
}

/** A picture that a press takes out again. */
export const removableTile = (picture, press) => tileOf(picture, press, { name: `Remove: ${picture.title}` }, make("span", { class: "cross", "aria-hidden": "true" }, "×"));

/** A line of a strip: a picture, its title, and its actions {name, icon, word, long: read out, href(picture) or press(picture)}. */
export function lineOf(picture, tile, actions) {
  const buttons = actions.map(({ name, icon, word, long = word, href, press }) => {
    const about = { title: long, "aria-label": `${long}: ${picture.title}` };
    const node = href
      ? make("a", { class: `plain ${name}`, href: address(href(picture)), download: true, ...about })
      : makeButton(`plain ${name}`, () => press(picture), about);
    label(node, icon, word);
    return node;
  });
  return make("li", { class: "object" }, tile, make("div", { class: "about" }, make("b", {}, picture.title), make("div", { class: "actions" }, ...buttons)));
}

/**
 * A button, or a link to a file, for each action: {name, icon, word(picture), hint, press(picture) or href(picture),
 * isPressed(picture), fits(picture)}. A hint stands in the tooltip: a key, or more words.
 * @returns {nodes, draw(picture)}
 */
export function createActions(actions) {
  let shown = null;
  const nodes = actions.map(({ name, press, href }) => (
    href ? make("a", { class: `plain ${name}`, download: true }) : makeButton(`plain ${name}`, () => press(shown))
  ));
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
