// Above the main button: what it will cost, whether it may cost more, or why it was refused.

import { makeButton, setAttribute, setText, show, within } from "../scripts/elements/dom.js";
import { hear } from "../scripts/events.js";
const { find } = within("price");
let component = null; // {props, trigger, watch}
const said = () => component.props.value || {};

function draw() {
  const { words = "", today = "", sentence = "", offers = [], refused = false } = said(), note = find(".offer");
  show(find(".price"), Boolean(words || sentence));
  show(find(".line"), Boolean(words));
  setText(find(".words"), words);
  setText(find(".today"), today);
  show(note, Boolean(sentence));
  setAttribute(note, "role", refused || offers.length ? "alert" : "status");
  note.classList.toggle("trouble", refused);
  if (refused) find(".sentence").replaceChildren(); // what was only said before is read out
  setText(find(".sentence"), sentence);
  find(".ways").replaceChildren(...offers.map(({ label }) => makeButton("plain", () => component.trigger("confirm"), {}, label)));
}
hear("keys", () => { component.trigger("keys"); });
hear("news", () => { if (said().words) component.trigger("news"); });
let open = 0; // jobs that are not over: one that ends may have cost nothing
hear("jobs", ({ jobs }) => {
  const now = jobs.filter((job) => job.state === "waiting" || job.state === "running").length;
  if (now < open && said().words) component.trigger("news");
  open = now;
});
export function start(given) {
  component = given;
  component.watch("value", draw);
  draw();
}
