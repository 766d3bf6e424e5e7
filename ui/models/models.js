// The Models view: a dialog over the page. It looks again while a download runs, and when something was done.

import { address, make, makeButton, reconcile, setAttribute, setText, show, within } from "../shared/scripts/elements/dom.js";
import { hear } from "../shared/scripts/events.js";
import { ofHost, post, whenTold } from "../shared/scripts/server.js";
const { find } = within("models");
const dialog = find("dialog");
const LOOK_MS = 1000;
const WORDS = { download: "Download", pause: "Pause", cancel: "Cancel", load: "Load", unload: "Unload", delete: "Delete" };
let timer = 0, sure = "";

function row({ label }) {
  return make(
    "li", { class: "model" },
    make("img", { class: "example", loading: "lazy" }),
    make("div", { class: "head" }, make("b", {}, label), make("span", { class: "state" })),
    make("p", { class: "about" }),
    make("p", { class: "facts" }),
    make("p", { class: "hint why" }),
    make("p", { class: "note progress", role: "status" }),
    make("div", { class: "actions" }),
  );
}
function update(node, model) {
  const { ok, state, about, licence, licenceUrl, size, memory, pace, honours, tasks, hint, page, fetch, actions, id, label, example, exampleOf } = model;
  node.classList.toggle("ok", ok);
  setText(node.querySelector(".state"), state);
  const picture = node.querySelector(".example");
  show(picture, Boolean(example));
  if (example) setAttribute(picture, "src", address(example));
  setAttribute(picture, "alt", `Example: ${exampleOf}`);
  setText(node.querySelector(".about"), about);
  const facts = [tasks, size, memory, pace && `${pace} here`, honours && `supports ${honours}`].filter(Boolean).join(" · ");
  if (node.dataset.facts !== facts) {
    node.dataset.facts = facts;
    const terms = licenceUrl ? make("a", { href: licenceUrl, target: "_blank", rel: "noopener noreferrer" }, licence) : licence;
    node.querySelector(".facts").replaceChildren(facts, ...(licence ? [" · ", terms] : []));
  }
  const why = node.querySelector(".why");
  if (why.dataset.said !== hint + page) {
    why.dataset.said = hint + page;
    const accept = page ? [" ", make("a", { href: page, target: "_blank", rel: "noopener noreferrer" }, "Accept the licence here")] : [];
    why.replaceChildren(hint, ...accept);
  }
  show(why, Boolean(hint));
  const progress = node.querySelector(".progress");
  setText(progress, fetch ? (fetch.state === "paused" ? `Paused. ${fetch.note}` : fetch.note) : "");
  show(progress, Boolean(fetch));
  progress.classList.toggle("trouble", fetch?.state === "failed");
  reconcile(node.querySelector(".actions"), actions.map((action) => ({ id: action })), ({ id: action }) => {
    return makeButton("plain", ({ detail }) => press(id, action, detail > 1), { "aria-label": `${WORDS[action]} ${label}` }, WORDS[action]);
  }, (button, { id: action }) => setText(button, action === "delete" && sure === id ? "Delete it?" : WORDS[action]));
}
function meter({ label }) {
  return make("div", { class: "meter" }, make("span", {}, label), make("span", { class: "said" }), make("span", { class: "bar" }, make("i")));
}

function suggestion({ id, label, size, about, actions }) {
  const button = makeButton("plain", () => press(id, "download"), { "aria-label": `Download ${label}` }, WORDS.download);
  return make("li", {}, make("span", {}, make("b", {}, label), ` ${size}. ${about}`), ...(actions.includes("download") ? [button] : []));
}

async function press(id, action, isDouble = false) {
  if (action === "delete" && (sure !== id || isDouble)) { // one press too many would cost a long download
    sure = id;
    return look();
  }
  sure = "";
  draw(await post("models/act", { id, action }, undefined, ofHost()));
}
const look = async () => draw(await post("models", {}, undefined, ofHost()));

function draw({ ok, answer }) {
  clearTimeout(timer);
  const isBusy = ok && answer.models.some(({ fetch }) => fetch?.state === "running");
  if (dialog.open) timer = setTimeout(look, isBusy ? LOOK_MS : 5 * LOOK_MS);
  setText(find(".trouble"), ok ? "" : answer.error);
  if (!ok) return;
  reconcile(find(".list"), answer.models, row, update);
  reconcile(find(".meters"), answer.meters.map((each) => ({ ...each, id: each.label })), meter, (node, { said, share }) => {
    setText(node.querySelector(".said"), said);
    setAttribute(node.querySelector("i"), "style", `width: ${Math.round(100 * share)}%`);
    show(node.querySelector(".bar"), share > 0);
  });
  show(find(".only"), !answer.may);
  setText(find(".token"), answer.token);
  show(find(".token"), Boolean(answer.token));
  const named = answer.suggested.map((id) => answer.models.find((each) => each.id === id)).filter(Boolean);
  show(find(".first"), named.length > 0);
  reconcile(find(".suggested"), named, suggestion, () => {});
  show(find(".workers"), answer.workers.length > 0);
  const workers = answer.workers.map((each, index) => ({ ...each, id: String(index) }));
  reconcile(find(".workers ul"), workers, () => make("li", {}, make("b"), make("span")), (node, { host, machine, models }) => {
    setText(node.querySelector("b"), host);
    setText(node.querySelector("span"), ` ${machine}: ${models.join(", ")}`);
  });
}

function open() {
  if (dialog.open) return;
  dialog.showModal();
  look();
}
find(".shut").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => { clearTimeout(timer); sure = ""; });
hear("models-wanted", open);
document.addEventListener("click", (event) => { if (event.target.closest("[data-models]")) open(); });
export function start(component) {
  whenTold(component, () => {});
}
