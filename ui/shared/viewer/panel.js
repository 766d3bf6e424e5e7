// Beside the picture: what one can do with it, its recipe in words, and its relatives.

import { label, make, makeButton, setText, show, within } from "../scripts/elements/dom.js";
import { post } from "../scripts/server.js";
import { createActions, tileOf } from "../scripts/elements/tiles.js";
import { copyText } from "../scripts/elements/toast.js";
const { find } = within("viewer");

/** What is to be seen, as a provider says it: nothing is sent before the button that names it was pressed. */
function createDescribing(shown) {
  let reader = "", asking = null; // who would say it; how the asking is ended
  const button = find(".describe"), words = find(".seen");
  function draw(description, sentence = "") {
    show(find(".described"), Boolean(description || reader));
    show(button, Boolean(reader) && !asking);
    show(find(".described .stop"), Boolean(asking));
    setText(button, description ? `Again with ${reader}` : `Describe with ${reader}`);
    setText(words, sentence || description);
    words.classList.toggle("quiet", !description || Boolean(sentence));
  }
  button.addEventListener("click", async () => {
    const { id } = shown(), before = words.textContent, my = (asking = new AbortController());
    draw(before, `${reader} is looking at it...`);
    find(".described .stop").focus();
    const { ok, answer } = await post("describe", { picture: id }, my.signal);
    if (asking !== my) return; // another picture is shown: the description waits there
    asking = null;
    const hasFocus = find(".described").contains(document.activeElement);
    if (my.signal.aborted) draw(before, "You are no longer waiting. The description is saved here when it arrives.");
    else draw(ok ? answer.description : before, ok ? "" : answer.error);
    if (hasFocus) button.focus();
  });
  find(".described .stop").addEventListener("click", () => asking.abort());
  return {
    tell({ description = "", reader: now = "" }) {
      reader = now;
      asking = null;
      draw(description);
    },
  };
}

/**
 * @param actions what the buttons do, in their order: {name, icon, word(picture), press(picture, button), fits(picture)}
 * @param onRelative called with the id of a parent or child
 */
export function createPanel(actions, onRelative) {
  const buttons = createActions(actions);
  let shown = null;
  const describing = createDescribing(() => shown);
  find(".actions").prepend(...buttons.nodes);
  label(find(".copy-prompt"), "copy", "Copy");
  find(".copy-prompt").addEventListener("click", () => copyText(find(".words").textContent, find(".words"), "Prompt copied"));

  function fact({ label: name, value, kind }) {
    if (kind === "curve") return [make("dt", {}, name), curve(value.split(" ").map(Number))];
    const said = make("span", {}, kind === "time" ? readableTime(Number(value)) : kind === "file" ? "" : value);
    const line = make("dd", {}, said);
    if (kind === "file") said.append(make("a", { href: value, download: "" }, `Save the ${name.toLowerCase()}`));
    if (kind === "copy") {
      const about = { "aria-label": `Copy the ${name.toLowerCase()}`, title: "Copy" };
      const button = makeButton("plain", () => copyText(value, said, `${name} copied`), about);
      label(button, "copy", "");
      line.append(button);
    }
    return [make("dt", {}, name), line];
  }
  function drawUpscalers(upscalers) {
    const choice = find(".upscaler select"), chosen = choice.value;
    choice.replaceChildren(...[{ id: "", label: "what suits the picture" }, ...upscalers].map(({ id, label: name }) => make("option", { value: id }, name)));
    choice.value = upscalers.some(({ id }) => id === chosen) ? chosen : "";
    show(find(".upscaler"), upscalers.length > 0);
  }
  function drawRelatives(name, pictures) {
    show(find(`.${name}`), pictures.length > 0);
    find(`.${name} ul`).replaceChildren(...pictures.map((picture) => make("li", {}, tileOf(picture, () => onRelative(picture.id)))));
  }

  return {
    /** What a list knows of the picture: enough for the buttons. */
    draw(picture) {
      shown = picture;
      buttons.draw(picture);
    },
    /** What the server knows of it; null while it is asked. */
    tell(answer) {
      const { prompt = "", facts = [], parents = [], children = [] } = answer || {};
      if (answer) drawUpscalers(answer.upscalers);
      describing.tell(answer || {});
      show(find("section.prompt"), Boolean(prompt));
      setText(find(".words"), prompt);
      find(".facts").replaceChildren(...facts.flatMap(fact));
      drawRelatives("parents", parents);
      drawRelatives("children", children);
    },
    prompt: () => find(".words").textContent,
    /** Id of the model that enlarges; "": what suits the picture. */
    upscaler: () => find(".upscaler select").value,
  };
}

/** Numbers as a line from left to right, the lowest at the bottom, with the last one beside it. */
function curve(values) {
  const low = Math.min(...values), height = Math.max(...values) - low || 1, wide = Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${(100 * index) / wide},${30 - (28 * (value - low)) / height - 1}`);
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  for (const [key, value] of Object.entries({ viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img" })) drawing.setAttribute(key, value);
  drawing.setAttribute("aria-label", `From ${values[0]} to ${values.at(-1)} in ${values.length} steps`);
  line.setAttribute("points", points.join(" "));
  drawing.append(line);
  return make("dd", { class: "curve" }, drawing, make("span", {}, values.at(-1).toFixed(2)));
}

/** "21 Nov 2026, 01:02", as the reader's own language and clock say it. */
function readableTime(seconds) {
  return new Date(1000 * seconds).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
