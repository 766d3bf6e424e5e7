// Beside the picture: what one can do with it, its recipe in words, and its relatives.

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
    if (my.signal.aborted) draw(before, "You are no longer waiting. The description is saved here when it arrives.");
    else draw(ok ? answer.description : before, ok ? "" : answer.error);
    button.focus();
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
function createPanel(actions, onRelative) {
  const buttons = actions.map((action) => {
    const kind = action.href ? ["a", { download: true }] : ["button", { type: "button" }];
    const node = make(kind[0], { class: `plain ${action.name}`, ...kind[1] });
    if (action.press) node.addEventListener("click", () => action.press(shown, node));
    return node;
  });
  let shown = null;
  const describing = createDescribing(() => shown);
  find(".actions").append(...buttons);
  label(find(".copy-prompt"), "copy", "Copy");
  find(".copy-prompt").addEventListener("click", () => copyText(find(".words").textContent, find(".words"), "Prompt copied"));

  function fact({ label: name, value, kind }) {
    const said = make("span", {}, kind === "time" ? readableTime(Number(value)) : value);
    const line = make("dd", {}, said);
    if (kind === "copy") {
      const about = { "aria-label": `Copy the ${name.toLowerCase()}`, title: "Copy" };
      const button = make("button", { type: "button", class: "plain", ...about });
      label(button, "copy", "");
      button.addEventListener("click", () => copyText(value, said, `${name} copied`));
      line.append(button);
    }
    return [make("dt", {}, name), line];
  }
  function relative(picture) {
    const image = make("img", { src: address(picture.thumb), alt: "", loading: "lazy", draggable: "false" });
    const button = make("button", { type: "button", class: "tile", title: picture.title, "aria-label": picture.title }, image);
    button.addEventListener("click", () => onRelative(picture.id));
    return make("li", {}, button);
  }
  function drawRelatives(name, pictures) {
    show(find(`.${name}`), pictures.length > 0);
    find(`.${name} ul`).replaceChildren(...pictures.map(relative));
  }

  return {
    /** What a list knows of the picture: enough for the buttons. */
    draw(picture) {
      shown = picture;
      actions.forEach((action, i) => {
        const word = action.word(picture), node = buttons[i];
        if (node.dataset.word !== word) label(node, action.icon, word);
        node.dataset.word = word;
        if (action.href) setAttribute(node, "href", action.href(picture));
        if (action.isPressed) setAttribute(node, "aria-pressed", action.isPressed(picture));
        show(node, action.fits ? action.fits(picture) : true);
      });
    },
    /** What the server knows of it; null while it is asked. */
    tell(answer) {
      const { prompt = "", facts = [], parents = [], children = [] } = answer || {};
      describing.tell(answer || {});
      show(find("section.prompt"), Boolean(prompt));
      setText(find(".words"), prompt);
      find(".facts").replaceChildren(...facts.flatMap(fact));
      drawRelatives("parents", parents);
      drawRelatives("children", children);
    },
    prompt: () => find(".words").textContent,
  };
}

/** "21 Nov 2026, 01:02", as the reader's own language and clock say it. */
function readableTime(seconds) {
  return new Date(1000 * seconds).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
