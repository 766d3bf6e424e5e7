// Below: the objects of the picture, each with what can be done with it, then pictures to open.

import { editHere, turnIn3D } from "../shared/scripts/address.js";
import { make, reconcile, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { tell } from "../shared/scripts/events.js";
import { deletePictures } from "../shared/scripts/pictures.js";
import { lineOf, tileOf } from "../shared/scripts/elements/tiles.js";
const { find } = within("segment");
const ON_OBJECTS = [ // one entry adds one
  { name: "cutout", icon: "save", word: "Cut-out", long: "Download the cut-out, cropped", href: (object) => object.cutout },
  { name: "mask", icon: "save", word: "Mask", long: "Download the mask", href: (object) => object.mask },
  { name: "turn", icon: "solid", word: "3D", long: "Turn into 3D", press: (object) => turnIn3D(object.id) },
  { name: "edit", icon: "edit", word: "Edit", press: (object) => editHere(object.id) },
  { name: "look", icon: "search", word: "Enlarge", press: (object) => tell("look", { id: object.id }) },
  { name: "delete", icon: "delete", word: "Delete", press: (object) => deletePictures([object]) },
];

/** @param acts {open(id)} */
export function createStrip(acts) {
  const tile = (picture, className) => tileOf(picture, () => acts.open(picture.id), { className });
  const objectLine = (object) => lineOf(object, tile(object, "checkered"), ON_OBJECTS);
  return {
    draw({ objects, pictures, opened }) {
      reconcile(find(".objects"), objects, objectLine, (node, object) => setText(node.querySelector("b"), object.title));
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
