// Below: what stands in 3D, that of the open object first; objects to turn into 3D; and pictures while one is to be chosen.

import { address, make, reconcile, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { byId, deletePictures, download } from "../shared/scripts/pictures.js";
import { lineOf, tileOf } from "../shared/scripts/elements/tiles.js";
import { state } from "./state.js";
const { find } = within("splat");
const ON_SPLATS = [ // one entry adds one
  { name: "save", icon: "save", word: "Download", href: download },
  { name: "delete", icon: "delete", word: "Delete", press: (splat) => deletePictures([splat]) },
];

/** @param acts {open(id), pick(picture)} */
export function createStrip(acts) {
  function tile(item, className, press) {
    const button = tileOf(item, press, { className, source: item.crop || item.thumb }), image = button.firstElementChild;
    image.addEventListener("error", () => setAttribute(image, "src", address(item.thumb)), { once: true }); // an empty object
    return button;
  }
  const splatLine = (splat) => lineOf(splat, tile(splat, "solid", () => acts.open(splat.id)), ON_SPLATS);
  const mark = (chosen) => (node, item) => setAttribute(node.querySelector(".tile"), "aria-current", item.id === chosen);
  return {
    draw() {
      const { picking, object, splat, recent } = state, others = recent.splats.filter((one) => !byId(state.splats, one.id));
      const splats = picking ? [] : [...state.splats, ...others];
      const mine = state.picture && !object ? state.objects : recent.objects, objects = picking ? [] : mine;
      const pictures = picking ? [...recent.pictures, ...recent.objects] : [];
      reconcile(find(".splats"), splats, splatLine, mark(splat?.id));
      reconcile(find(".objects"), objects, (one) => make("li", {}, tile(one, "checkered", () => acts.open(one.id))), mark(object?.id));
      reconcile(find(".pictures"), pictures, (one) => make("li", {}, tile(one, one.kind === "object" ? "checkered" : "", acts.pick)), mark(""));
      for (const [name, list] of Object.entries({ splats, objects, pictures })) show(find(`.tiles .${name}`), list.length > 0);
      const title = picking ? "Your pictures" : splats.length ? "In 3D, and objects to turn" : "Objects to turn into 3D";
      setText(find(".strip-title"), title);
      setText(find(".summary"), splats.length ? `${splats.length} in 3D` : "");
      show(find(".none"), !splats.length && !objects.length && !pictures.length && state.isTold);
    },
  };
}
