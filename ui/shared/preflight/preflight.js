// The card in the Generate column; what it says comes with the model that is chosen.

import { within } from "../scripts/elements/dom.js";
import { tell } from "../scripts/events.js";
import { createPreflight } from "../scripts/models/preflight.js";
const { find } = within("preflight");

export function start({ props, trigger, watch }) {
  const card = createPreflight(find(".preflight"));
  const press = ({ key, use }) => () => { if (key) tell("key-wanted", { provider: key }); else trigger("use", { id: use }); };
  const draw = () => {
    const { label = "", isCloud } = props.value || {};
    if (label) tell("uses", { tab: "generate", label, isCloud });
    card(props.value, (props.value?.offers || []).map((offer) => ({ label: offer.label, press: press(offer) })));
  };
  watch("value", draw);
  draw();
}
