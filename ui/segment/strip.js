// Below: the objects of the picture, each with what can be done with it, then pictures to open.

import { editHere, turnIn3D } from "../shared/scripts/address.js";
import { address, label, make, reconcile, setAttribute, setText, show, within } from "../shared/scripts/dom.js";
import { tell } from "../shared/scripts/events.js";
import { deletePictures } from "../shared/scripts/pictures.js";
import { tileOf } from "../shared/scripts/tiles.js";
const { find } = within("segment");
const ON_OBJECTS = [ // one entry adds one
  { name: "cutout", icon: "save", word: "Cut-out, cropped", href: (object) => object.cutout },
  { name: "mask", icon: "select", word: "Mask", href: (object) => object.mask },
  { name: "turn", icon: "solid", word: "Turn into 3D", press: (object) => turnIn3D(object.id) },
  { name: "edit", icon: "edit", word: "Edit here", press: (object) => editHere(object.id) },
  { name: "look", icon: "search", word: "Look", press: (object) => tell("look", { id: object.id }) },
  { name: "delete", icon: "delete", word: "Delete", press: (object) => deletePictures([object]) },
];

/** @param acts {open(id)} */
export function createStrip(acts) {
  const tile = (picture, className) => tileOf(picture, () => acts.open(picture.id), { className });
  function objectTile(object) {
    const buttons = ON_OBJECTS.map(({ name, icon, word, href, press }) => {
      const node = href
        ? make("a", { class: `plain ${name}`, href: address(href(object)), download: true, title: word, "aria-label": `${word} of ${object.title}` })
        : make("button", { type: "button", class: `plain ${name}`, title: word, "aria-label": `${word}: ${object.title}` });
      label(node, icon, "");
      if (press) node.addEventListener("click", () => press(object));
      return node;
    });
    return make("li", { class: "object" }, tile(object, "checkered"), make("div", { class: "about" }, make("b", {}, object.title), make("div", { class: "actions" }, ...buttons)));
  }
  return {
    draw({ objects, pictures, opened }) {
      reconcile(find(".objects"), objects, objectTile, (node, object) => setText(node.querySelector("b"), object.title));
      reconcile(find(".pictures"), pictures, (picture) => make("li", {}, tile(picture, "")), (node, picture) => {
        setAttribute(node.firstElementChild, "aria-current", picture.id === opened);
      });
      show(find(".objects"), objects.length > 0);
      setText(find(".strip-title"), objects.length ? "Objects of this picture, and your pictures" : "Your pictures");
      setText(find(".summary"), objects.length ? `${objects.length} ${objects.length === 1 ? "object" : "objects"}` : "");
      show(find(".none"), !objects.length && !pictures.length);
    },
  };
}
