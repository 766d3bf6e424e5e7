// Own settings under a name: chosen, saved and deleted. What they mean the server knows; see __init__.py.

import { make, show, within } from "../../shared/scripts/elements/dom.js";
import { ask, token, whenTold } from "../../shared/scripts/server.js";
import { toast } from "../../shared/scripts/elements/toast.js";
const { find } = within("presets");
const names = find(".names"), naming = find(".naming"), name = find(".name");
let component = null; // {props, trigger, watch}

function draw(all, chosen = "") {
  names.replaceChildren(make("option", { value: "" }, all.length ? "Choose one" : "None yet"), ...all.map((each) => make("option", { value: each }, each)));
  names.value = all.includes(chosen) ? chosen : "";
  names.disabled = !all.length;
  find(".drop").disabled = !names.value;
}
async function load(chosen) {
  const answer = await ask("presets/list");
  if (answer) draw(answer.names, chosen);
}
function close() {
  show(naming, false);
  find(".keep").focus();
}
names.addEventListener("change", () => {
  find(".drop").disabled = !names.value;
  if (names.value) component.trigger("use", { id: names.value });
});
find(".keep").addEventListener("click", () => {
  show(naming, true);
  name.value = names.value;
  name.select();
});
find(".cancel").addEventListener("click", close);
naming.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
naming.addEventListener("submit", (event) => {
  event.preventDefault();
  component.trigger("save", { id: name.value });
});
find(".drop").addEventListener("click", async () => {
  const gone = names.value;
  if (!(await ask("presets/delete", { name: gone }))) return;
  await load();
  names.focus();
  toast(`Deleted: ${gone}`);
});
export function start(given) {
  component = given;
  whenTold(component, () => load());
  component.watch("value", () => {
    const { saved } = component.props.value || {};
    if (token === null || !saved || saved.at === component.last) return;
    component.last = saved.at;
    close();
    load(saved.name);
    toast(`Saved: ${saved.name}`);
  });
}
