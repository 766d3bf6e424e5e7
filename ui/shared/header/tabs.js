// Which tab is shown stands in the address: a reload comes back to it, and Back leads to the tab before.
const tabOf = (button) => button.id.replace("-tab-button", "");
const tabOfAddress = () => readAddress("tab") || "generate";

addEventListener("click", (event) => {
  const button = event.target.closest('[id$="-tab-button"]');
  if (!element.isConnected || !button || tabOf(button) === tabOfAddress()) return;
  writeAddress({ tab: tabOf(button) === "generate" ? "" : tabOf(button) }, { tab: true });
}, { capture: true });

function followAddress() {
  const button = document.getElementById(`${tabOfAddress()}-tab-button`);
  if (button?.ariaSelected !== "true") button?.click();
}
addEventListener("popstate", () => { if (element.isConnected) followAddress(); });
