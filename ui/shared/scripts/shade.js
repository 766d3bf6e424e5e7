// Light or dark: what was chosen in this browser, else what its system wants.

const KEPT = "diorama-shade";
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => { const kept = localStorage.getItem(KEPT); return kept ? kept === "dark" : system.matches; };

/** Put it on a node, now and whenever the system changes or another page of ours chooses. */
export function followShade(node) {
  const draw = () => node.classList.toggle("dark", isDark());
  addEventListener("storage", draw);
  system.addEventListener("change", draw);
  draw();
}
