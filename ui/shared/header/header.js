// The header: fills the badge, asks what runs here when it is opened, takes keys, remembers light or dark.

import { make, setText, show, within } from "../scripts/elements/dom.js";
import { hear, tell } from "../scripts/events.js";
import { post, token, whenTold } from "../scripts/server.js";
import { toast } from "../scripts/elements/toast.js";
import { watchServer } from "../scripts/watcher.js";
import { choose, followLook, isChosen } from "../stardust/stardust.js";
import { createKeyBox } from "./keys.js";
import "./lists.js";
import { followAddress, tabOfAddress } from "./tabs.js";
const { find } = within("header");
const card = find("#about-here");

const keyBox = createKeyBox(find(".providers"), async (provider, key) => {
  const { ok, answer } = await post("keys", { provider, key });
  say(ok ? "" : answer.error);
  if (!ok) return false;
  tell("keys");
  await look();
  return true;
});

function line(tag, className, text) {
  return make(tag, { class: className }, text);
}
function say(sentence) {
  setText(find(".card .trouble"), sentence);
}

async function look() {
  const [{ ok, answer }, account] = await Promise.all([post("readiness"), post("account")]);
  if (!ok) return;
  drawAccount(account.ok ? account.answer : { name: "" });
  const own = answer.own ? [line("p", "hint own", answer.own)] : [];
  const tabs = answer.tabs.flatMap((tab) => [
    line("h3", "", tab.label),
    ...tab.models.map((model) => {
      const row = line("p", model.ok ? "model ok" : "model", "");
      row.append(line("b", "", model.label), line("span", "state", model.state), line("span", "hint", model.about));
      return row;
    }),
  ]);
  find(".models").replaceChildren(...tabs, ...own);
  drawClouds(answer.clouds);
}
function drawAccount({ name, admin, with: elsewhere }) {
  show(find(".account"), Boolean(name || admin));
  setText(find(".account b"), name);
  show(find(".account .out"), !elsewhere);
  show(find(".account .leave"), Boolean(elsewhere));
  show(find(".elsewhere"), Boolean(elsewhere) && !name);
  setText(find(".elsewhere .in"), `Sign in with ${elsewhere}`);
  show(find(".account .admin"), admin);
}
function drawClouds({ providers, spent, cap }) {
  show(find(".clouds"), providers.length > 0);
  const names = providers.map((each) => each.provider), last = names.pop();
  setText(find(".clouds h2"), `Use ${names.length ? `${names.join(", ")} or ` : ""}${last} with your own key`);
  keyBox.draw(providers);
  setText(find(".spent"), cap ? `Spent today: ${spent}. You are asked before spending more than ${cap} a day.` : `Spent today: ${spent}.`);
}

card.addEventListener("toggle", async (event) => {
  if (event.newState !== "open" || token === null) return;
  say("");
  await look();
});
for (const button of document.querySelectorAll("#header .all-models")) {
  button.addEventListener("click", () => {
    card.hidePopover();
    tell("models-wanted");
  });
}
find(".account .leave").addEventListener("click", async () => {
  await post("sign-out");
  location.reload();
});
hear("key-wanted", async ({ provider }) => {
  card.showPopover();
  await look(); // the lines have to be there before one of them can be focused
  keyBox.focus(provider);
});

function shade(dark) {
  document.body.classList.toggle("dark", dark);
  find(".shade").setAttribute("aria-pressed", String(dark));
}
find(".shade").addEventListener("click", () => {
  const dark = !document.body.classList.contains("dark");
  localStorage.setItem("diorama-shade", dark ? "dark" : "light");
  shade(dark);
});
const chosen = localStorage.getItem("diorama-shade");
shade(chosen ? chosen === "dark" : document.body.classList.contains("dark"));

find(".stardust-look").checked = isChosen();
find(".stardust-look").addEventListener("change", (event) => choose(event.target.checked));
followLook((reason) => setText(find(".look-off"), reason));

/** What the open tab works with, and on what: a model in a cloud names its provider itself. */
const uses = {};
let badge = null; // {model, machine}: what runs here to begin with
function drawBadge() {
  const { label = "", isCloud } = uses[tabOfAddress()] || { label: badge.model };
  setText(find(".badge"), [label, isCloud ? "" : badge.machine].filter(Boolean).join(", "));
}
hear("uses", ({ tab, label, isCloud = false }) => { uses[tab] = { label, isCloud }; if (badge) drawBadge(); });
hear("tab", () => { if (badge) drawBadge(); });

export function start(component) {
  const { notice } = component.props;
  badge = component.props.badge;
  drawBadge();
  setText(find(".notice"), notice);
  show(find(".notice"), Boolean(notice));
  whenTold(component, ({ edition }) => {
    followAddress();
    if (notice && !sessionStorage.getItem("diorama-notice")) {
      sessionStorage.setItem("diorama-notice", "told");
      toast(notice);
    }
    watchServer(edition);
  });
}
