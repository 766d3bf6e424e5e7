// The header: fills the badge, asks for the readiness of the models when it is opened, remembers light or dark.
const badge = element.querySelector(".badge");
const card = element.querySelector("#about-here");
const list = element.querySelector(".models");

function line(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

card.addEventListener("toggle", async (event) => {
  if (event.newState !== "open") return;
  const answer = await server.readiness({});
  if (!answer || answer.error) return;
  list.replaceChildren(...answer.tabs.flatMap((tab) => [
    line("h3", "", tab.label),
    ...tab.models.map((model) => {
      const row = line("p", model.ok ? "model ok" : "model", "");
      row.append(line("b", "", model.label), line("span", "state", model.state), line("span", "hint", model.about));
      return row;
    }),
  ]));
});

function shade(dark) {
  document.body.classList.toggle("dark", dark);
  element.querySelector(".shade").setAttribute("aria-pressed", String(dark));
}
element.querySelector(".shade").addEventListener("click", () => {
  const dark = !document.body.classList.contains("dark");
  localStorage.setItem("diorama-shade", dark ? "dark" : "light");
  shade(dark);
});
const chosen = localStorage.getItem("diorama-shade");
shade(chosen ? chosen === "dark" : document.body.classList.contains("dark"));
badge.textContent = props.value.badge;
