// Keys of the providers: one line for each, with a field that is emptied as soon as its key is on its way.

import { make, makeButton, reconcile, setAttribute, setText, show } from "../scripts/elements/dom.js";

/**
 * @param list where the lines stand
 * @param onSend called with (provider, key); "" forgets. Its promise gives true when it was taken
 */
export function createKeyBox(list, onSend) {
  function row({ provider }) {
    const id = `key-${provider.replaceAll(" ", "-")}`;
    const field = make("input", {
      type: "password", id, autocomplete: "off", spellcheck: "false", autocapitalize: "off", maxlength: "500",
      placeholder: "Paste a key", "data-1p-ignore": true, "data-lpignore": "true",
    });
    const send = async () => {
      if (!field.value.trim()) return field.focus();
      if (await onSend(provider, field.value)) field.value = "";
    };
    const forget = makeButton("plain forget", async () => { if (await onSend(provider, "")) field.focus(); }, {}, "Forget");
    const get = make("a", { class: "get", target: "_blank", rel: "noopener noreferrer" }, "Get one");
    const paste = make("span", { class: "paste" }, field, makeButton("plain save", send, {}, "Use it"));
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") send(); });
    return make(
      "li", { class: "provider" },
      make("label", { for: id }, provider), make("span", { class: "state" }), get, forget, paste, make("p", { class: "hint todo" }),
    );
  }
  function update(node, { source, said, name, file, url }) {
    const own = source === "session";
    node.classList.toggle("ok", Boolean(source));
    setText(node.querySelector(".state"), said);
    setAttribute(node.querySelector(".get"), "href", url);
    show(node.querySelector(".get"), !source);
    show(node.querySelector(".forget"), own);
    show(node.querySelector(".paste"), !own);
    setText(node.querySelector(".todo"), source || !file ? "" : `To keep it permanently, add ${name}=... to ${file}`);
  }
  return {
    draw(providers) {
      reconcile(list, providers.map((each) => ({ ...each, id: each.provider })), row, update);
    },
    focus(provider) {
      const node = [...list.children].find((each) => each.dataset.key === provider) || list.firstElementChild;
      node?.scrollIntoView({ block: "nearest" });
      node?.querySelector("input").focus();
    },
  };
}
