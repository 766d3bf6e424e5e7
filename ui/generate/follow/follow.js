// The picture whose outlines, depth or likeness the chosen model follows. The column's hidden `control` holds its id.

import { choosePicture } from "../../shared/picker/picker.js";
import { makeButton, reconcile, setText, show, within } from "../../shared/scripts/elements/dom.js";
import { ask } from "../../shared/scripts/server.js";
import { removableTile } from "../../shared/scripts/elements/tiles.js";
const { find } = within("follow");
let component = null; // component: {props, trigger, watch}
const shown = () => component.props.value || {};

function choose(picture) {
  component.props.value = { ...shown(), picture, control: picture ? picture.id : "" };
  component.trigger("chosen", {});
  draw();
}
/** What the model follows of the picture becomes a picture of its own, on the stage. */
const keep = () => ask("iterate/control", { id: shown().picture.id, model: shown().model });

function draw() {
  const { what, makes, hint, picture } = shown();
  show(find(".follow"), Boolean(what));
  if (!what) return;
  setText(find(".title"), `Follow the ${what} of`);
  setText(find(".quiet"), hint);
  const keepable = { id: "keep", word: `Show ${makes}`, press: keep };
  const items = picture ? [picture, ...(makes ? [keepable] : [])] : [{ id: "choose", word: "Choose a picture", press: () => choosePicture("Choose a picture to follow", choose) }];
  reconcile(find(".references"), items, tile, (node, { word }) => { if (word) setText(node, word); });
}
function tile(item) {
  return item.thumb ? removableTile(item, () => choose(null)) : makeButton("plain edged", () => item.press());
}
export function start(given) {
  component = given;
  component.watch("value", draw);
  draw();
}
