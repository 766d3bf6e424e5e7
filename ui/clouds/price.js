// Above the main button: what it will cost, whether it may cost more, a missing key, or who could do it instead.
const said = () => props.value || {};

function draw() {
  const { words = "", today = "", sentence = "", button = "" } = said();
  show(find(".price"), Boolean(words || sentence));
  show(find(".line"), Boolean(words));
  setText(find(".words"), words);
  setText(find(".today"), today);
  show(find(".offer"), Boolean(sentence));
  setAttribute(find(".offer"), "role", said().confirm ? "alert" : "status");
  setText(find(".sentence"), sentence);
  setText(find(".take"), button);
}
find(".take").addEventListener("click", () => {
  const { key, use, confirm } = said();
  if (key) tell("key-wanted", { provider: key });
  if (use) trigger("use", { id: use });
  if (confirm) trigger("confirm");
});
hear("keys", () => { trigger("keys"); });
hear("news", () => { if (said().words) trigger("news"); });
let open = 0; // jobs that are not over: one that ends may have cost nothing
hear("jobs", ({ jobs }) => {
  const now = jobs.filter((job) => job.state === "waiting" || job.state === "running").length;
  if (now < open && said().words) trigger("news");
  open = now;
});
watch("value", draw);
draw();
