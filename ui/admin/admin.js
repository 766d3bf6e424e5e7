// The host's page: asks for what there is every few seconds, and does what is pressed. The key of the link that the
// terminal printed stands behind the # of the address, which no server sees, and then in this tab alone.

import { make, makeButton, reconcile, setText, show } from "../shared/scripts/elements/dom.js";
import { ofHost, post } from "../shared/scripts/server.js";
import { followShade } from "../shared/scripts/shade.js";

const AGAIN_MS = 3000;
const find = (selector) => document.querySelector(selector);
followShade(document.documentElement);
if (location.hash.length > 1) {
  sessionStorage.setItem("diorama-host-key", location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

async function act(action, body) {
  const { ok, status, answer } = await post(`admin/${action}`, body, undefined, ofHost());
  setText(find(".trouble"), ok ? "" : status ? answer.error : "Diorama is not responding. This page keeps trying.");
  draw(ok ? answer : null);
}

const button = (said, about, press) => makeButton("", press, { "aria-label": `${said}: ${about}` }, said);
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
  setText(find(".state"), answer.paused ? "Paused: new jobs wait." : "Open.");
  setText(find(".disk"), answer.disk);
  setText(find(".pause"), answer.paused ? "Resume" : "Pause");
  reconcile(find(".jobs tbody"), answer.jobs, jobRow, drawJob);
  reconcile(find(".visitors tbody"), answer.visitors.map((each) => ({ ...each, id: each.owner })), visitorRow, drawVisitor);
  show(find(".jobs"), answer.jobs.length > 0);
  show(find(".none-waits"), answer.jobs.length === 0);
  show(find(".visitors"), answer.visitors.length > 0);
  show(find(".none-came"), answer.visitors.length === 0);
}
find(".pause").addEventListener("click", () => act("pause", { paused: find(".pause").textContent === "Pause" }));

async function look() {
  if (!document.hidden) await act("state");
  setTimeout(look, AGAIN_MS);
}
look();
