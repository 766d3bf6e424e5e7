// Which controls are compared, and with which values; the job begins like any other.

import { make, within } from "../../shared/scripts/elements/dom.js";
const { find } = within("compare");
const sides = ["x", "y"].map((name) => ({ name, field: find(`.${name}`), values: find(`.${name}-values`) }));
let component = null, drawn = ""; // {props, trigger, watch}
const offered = () => component.props.value?.fields || [];

/** The controls that the chosen model honours, with values that it takes. */
function draw() {
  const fields = offered(), now = JSON.stringify(fields);
  if (!fields.length || now === drawn) return;
  drawn = now;
  for (const { name, field, values } of sides) {
    const before = field.value, none = name === "y" ? [make("option", { value: "" }, "Nothing")] : [];
    field.replaceChildren(...none, ...fields.map(({ id, label }) => make("option", { value: id }, label)));
    if (fields.some(({ id }) => id === before)) field.value = before;
    else values.value = "";
    suggest(field, values);
  }
}
function suggest(field, values) {
  const chosen = offered().find(({ id }) => id === field.value);
  values.disabled = !chosen;
  values.placeholder = chosen?.example || "";
}
for (const { field, values } of sides) field.addEventListener("change", () => { values.value = ""; suggest(field, values); });
find(".run").addEventListener("click", () => {
  const [x, y] = sides.map(({ field, values }) => [field.value, values.value.trim() || values.placeholder]);
  component.trigger("run", { id: "compare", x, y: y[0] ? y : null });
  document.querySelector("#stage .room").scrollIntoView({ block: "nearest" });
});
export function start(given) {
  component = given;
  component.watch("value", draw);
  draw();
}
