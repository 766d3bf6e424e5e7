// The files that a splat can be saved as. The server takes half a minute for some: what is made says so, and is made once.

import { address, make, reconcile, setAttribute, setText, within } from "../shared/scripts/elements/dom.js";
import { draw } from "./splat.js";
import { speak, state } from "./state.js";
import { say } from "./work.js";
const { find } = within("splat");

export function createExporting() {
  const making = new Set(); // addresses
  async function save({ href, word }) {
    const from = address(href);
    if (making.has(from)) return;
    making.add(from);
    speak(`Exporting: ${word}`);
    draw();
    try {
      const response = await fetch(from);
      if (response.ok) handOver(await response.blob(), nameOf(response));
      else say((await response.json()).error);
    } catch {
      say("The file could not be saved. Try again in a moment.");
    }
    making.delete(from);
    draw();
  }
  function link(one) {
    const node = make("a", { class: "plain", download: true, href: address(one.href) }, make("b", {}, one.word), make("i", { class: "kind" }, one.kind), make("span", { class: "quiet" }));
    node.addEventListener("click", (event) => { event.preventDefault(); save(one); });
    return make("li", {}, node);
  }
  function mark(item, one) {
    const isMaking = making.has(address(one.href));
    setAttribute(item.firstElementChild, "aria-disabled", isMaking);
    setText(item.querySelector(".quiet"), isMaking ? "Exporting…" : one.about);
  }
  return {
    draw() {
      const { splat } = state;
      if (splat) reconcile(find(".exports ul"), splat.exports.map((one) => ({ ...one, id: splat.id + one.word })), link, mark);
      setText(find(".exports summary"), making.size ? "Making it…" : "Export");
    },
  };
}
function handOver(file, name) {
  const from = URL.createObjectURL(file);
  make("a", { href: from, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(from), 60_000); // a browser may ask the person first where to put it
}
/** As the server calls the file. */
const nameOf = (response) => decodeURIComponent(response.headers.get("Content-Disposition").split("filename*=UTF-8''")[1]);
