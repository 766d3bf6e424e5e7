// The files that a splat can be saved as. The server takes half a minute for some: what is made says so, and is made once.

import { address, make, reconcile, setAttribute, setText, within } from "../shared/scripts/elements/dom.js";
import { draw } from "./splat.js";
import { speak, state } from "./state.js";
import { say } from "./work.js";
const { find } = within("splat");

export function createExporting() {
  const making = new Map(); // from address to how far it is, in words
  async function save({ href, word }) {
    const from = address(href);
    if (making.has(from)) return;
    making.set(from, "");
    speak(`Exporting: ${word}`);
    draw();
    try {
      const response = await fetch(`${from}&steps=1`);
      if (response.ok) handOver(await fileOf(response, (share) => { making.set(from, ` ${Math.floor(100 * share)} %`); draw(); }), nameOf(response));
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
    setText(item.querySelector(".quiet"), isMaking ? `Exporting…${making.get(address(one.href))}` : one.about);
  }
  return {
    draw() {
      const { splat } = state;
      if (splat) reconcile(find(".exports ul"), splat.exports.map((one) => ({ ...one, id: splat.id + one.word })), link, mark);
      setText(find(".exports summary"), making.size ? `Making it…${[...making.values()].find(Boolean) || ""}` : "Export");
    },
  };
}
/** What the server sends; of what takes long, a byte comes first for each step that is done. */
async function fileOf(response, onShare) {
  const steps = Number(response.headers.get("X-Diorama-Steps") || 0), reader = response.body.getReader(), parts = [];
  let done = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const before = Math.min(part.value.length, steps - done);
    parts.push(part.value.subarray(before));
    done += before;
    if (before) onShare(done / steps);
  }
  return new Blob(parts);
}
function handOver(file, name) {
  const from = URL.createObjectURL(file);
  make("a", { href: from, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(from), 60_000); // a browser may ask the person first where to put it
}
/** As the server calls the file. */
const nameOf = (response) => decodeURIComponent(response.headers.get("Content-Disposition").split("filename*=UTF-8''")[1]);
