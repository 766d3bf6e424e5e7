// The page of an exported splat: draws its content onto its canvas.

import { createSplatViewer } from "./viewer.js";

const textOf = (id) => document.getElementById(id).textContent;
const packed = atob(textOf("data").trim());
const viewer = createSplatViewer(document.getElementById("splat"), Uint8Array.from(packed, (byte) => byte.charCodeAt(0)).buffer, {
  camera: JSON.parse(textOf("about")).pose.camera,
  onMessage: (sentence) => { document.getElementById("message").textContent = sentence; },
});
globalThis.viewer = viewer; // for whoever looks into the page by the developer tools
document.getElementById("reset").onclick = () => viewer?.reset();
