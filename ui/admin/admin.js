// The host's page: asks for what there is every few seconds, and does what is pressed. The key of the link that the
// terminal printed stands behind the # of the address, which no server sees, and then in this tab alone.

import { address, make, reconcile, setText, show } from "../shared/scripts/dom.js";

const AGAIN_MS = 3000, KEY = "diorama-host-key";
const find = (selector) => document.querySelector(selector);
const shade = localStorage.getItem("diorama-shade");
const isDark = shade ? shade === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.classList.toggle("dark", isDark);
if (location.hash.length > 1) {
  sessionStorage.setItem(KEY, location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

async function post(action, body = {}) {
  try {
    const response = await fetch(address(`diorama/admin/${action}`), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Diorama-Token": "", "X-Diorama-Host": sessionStorage.getItem(KEY) || "" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    setText(find(".trouble"), response.ok ? "" : answer.error);
    return response.ok ? answer : null;
  } catch {
    setText(find(".trouble"), "Diorama does not answer. This page tries again by itself.");
    return null;
  }
}
const act = async (action, body) => draw(await post(action, body));

function button(said, about, press) {
  const node = make("button", { type: "button", "aria-label": `${said}: ${about}` }, said);
  node.addEventListener("click", press);
  return node;
}
const cells = (...texts) => texts.map((text) => make("td", {}, text));

function jobRow({ id, name, what }) {
  const row = make("tr", {}, make("th", { scope: "row" }, name), ...cells("", ""));
  row.append(make("td", {}, button("Stop", `${what}, of ${name}`, () => act("stop", { id }))));
  return row;
}
function drawJob(row, { what, state }) {
  setText(row.cells[1], what);
  setText(row.cells[2], state);
}
function visitorRow({ owner, name, signed }) {
  const remove = button("Remove", name, () => {
    if (confirm(`Stop the jobs of ${name} and remove all their pictures, for good?`)) act("remove", { owner });
  });
  const row = make("tr", {}, make("th", { scope: "row" }, name), ...cells("", "", ""), make("td"));
  if (signed) row.cells[4].append(button("Sign out", name, () => act("sign-out", { owner })));
  row.cells[4].append(remove);
  return row;
}
function drawVisitor(row, { files, size, last }) {
  [files, size, last].forEach((text, index) => setText(row.cells[index + 1], text));
}

function draw(answer) {
  show(find(".all"), answer !== null || !find(".all").hidden);
  if (answer === null) return;
  setText(find(".state"), answer.paused ? "Paused: what comes waits." : "Open.");
  setText(find(".disk"), answer.disk);
  setText(find(".pause"), answer.paused ? "Go on" : "Pause");
  reconcile(find(".jobs tbody"), answer.jobs, jobRow, drawJob);
  reconcile(find(".visitors tbody"), answer.visitors.map((each) => ({ ...each, id: each.owner })), visitorRow, drawVisitor);
  show(find(".jobs"), answer.jobs.length > 0);
  show(find(".none-waits"), answer.jobs.length === 0);
  show(find(".visitors"), answer.visitors.length > 0);
  show(find(".none-came"), answer.visitors.length === 0);
}
find(".pause").addEventListener("click", () => act("pause", { paused: find(".pause").textContent === "Pause" }));

async function look() {
  if (!document.hidden) draw(await post("state"));
  setTimeout(look, AGAIN_MS);
}
look();
