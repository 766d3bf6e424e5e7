// The splat on the stage: a canvas over the picture it stands on, as large as fits. What one does with hand and keys is in
// studio/splats/viewer.

import { createSplatViewer } from "../../studio/splats/viewer/viewer.js";
import { address, setAttribute, show, within } from "../shared/scripts/elements/dom.js";
import { createAxes } from "./axes.js";
const { find } = within("splat");
const SPEAK_MS = 500, VIEW_SIDE = 1024; // pause after which a turn is announced; longest side of a saved view, at least

/** @param acts {turned(isHome), said(sentence), failed(sentence)} */
export function createTurntable(acts) {
  const frame = find(".frame"), ground = find(".ground"), drawAxes = createAxes(find(".axes"));
  let canvas = find(".turntable"), viewer = null, shown = null, opacity = 1, timer = 0, isLost = false;

  function tellTurn(camera, isHome) {
    drawAxes(camera);
    acts.turned(isHome);
    clearTimeout(timer);
    timer = setTimeout(() => acts.said(said(camera, isHome)), SPEAK_MS);
  }
  function said(camera, isHome) {
    if (isHome) return shown?.camera ? "Back on its picture" : "Seen from the front";
    const { home } = viewer, round = (value) => Math.round(value), by = round(camera.azimuth_deg - home.azimuth_deg);
    const parts = [by && `turned ${Math.abs(by)} degrees to the ${by > 0 ? "right" : "left"}`];
    parts.push(`seen ${round(Math.abs(camera.elevation_deg))} degrees from ${camera.elevation_deg < 0 ? "below" : "above"}`);
    if (camera.radius !== home.radius) parts.push(`zoom ${round((100 * home.radius) / camera.radius)} percent`);
    return parts.filter(Boolean).join(", ");
  }
  /** A canvas that has lost its context never draws again: a new one takes its place. */
  function fresh() {
    if (!isLost) return;
    viewer?.close();
    const next = canvas.cloneNode();
    canvas.replaceWith(next);
    [canvas, viewer, isLost] = [next, null, false];
  }
  function fail(sentence) {
    isLost = true;
    acts.failed(sentence);
  }

  return {
    /** @param splat {id, data, camera}; camera null: it is seen as a whole */
    async open(splat) {
      shown = splat;
      if (viewer && !isLost && canvas.dataset.shows === splat.id) { acts.turned(viewer.isHome); return; } // it is there
      delete canvas.dataset.shows;
      let content;
      try {
        const response = await fetch(address(splat.data));
        if (!response.ok) throw new Error(String(response.status));
        content = await response.arrayBuffer();
      } catch {
        if (shown === splat) acts.failed("The splat cannot be loaded. Open it again, or choose another one.");
        return;
      }
      if (shown !== splat) return;
      fresh();
      const camera = splat.camera || null;
      try {
        if (viewer) viewer.load(content, camera);
        else viewer = createSplatViewer(canvas, content, { camera, onCamera: (now, isHome) => viewer && tellTurn(now, isHome), onMessage: fail });
      } catch {
        viewer = null;
        fail("The splat cannot be drawn by this browser. Try another browser, or export it.");
      }
      if (!viewer) return;
      viewer.setOpacity(opacity);
      drawAxes(viewer.camera);
      canvas.dataset.shows = splat.id;
      acts.turned(viewer.isHome);
    },
    close() { shown = null; },
    /** @param source address of what lies behind, "" for a plain ground; size of the picture in pixels, null for none */
    setGround(source, size) {
      if (source) setAttribute(ground, "src", source);
      else ground.removeAttribute("src");
      show(ground, Boolean(source));
      frame.classList.toggle("plain-ground", !source);
      frame.classList.toggle("free", !size);
      if (size) frame.style.setProperty("--ratio", size[0] / size[1]);
    },
    setOpacity(value) { opacity = value; viewer?.setOpacity(value); },
    setBox(isShown) { viewer?.setBox(isShown); },
    reset() { viewer?.reset(); },
    swing() { viewer?.swing(); },
    focus() { canvas.focus({ preventScroll: true }); },
    get viewer() { return viewer; },
    get camera() { return viewer?.camera; },
    /** Id of the splat that is drawn; "" while another one comes. */
    get shows() { return canvas.dataset.shows || ""; },
    get isHome() { return !viewer || viewer.isHome; },
    /** What is to be seen, at the size of the picture or larger: a PNG blob. */
    async picture() {
      const size = sizeOfView(), sheet = new OffscreenCanvas(...size), context = sheet.getContext("2d");
      context.imageSmoothingQuality = "high"; // a small picture is enlarged for a splat that is sharp at any size
      if (ground.hidden) {
        context.fillStyle = getComputedStyle(frame).backgroundColor;
        context.fillRect(0, 0, ...size);
      } else {
        await ground.decode();
        context.drawImage(ground, 0, 0, ...size);
      }
      const drawn = await createImageBitmap(await viewer.picture(...size));
      context.globalAlpha = opacity;
      context.drawImage(drawn, 0, 0, ...size);
      return sheet.convertToBlob({ type: "image/png" });
    },
  };
  function sizeOfView() {
    const [width, height] = shown.size || [canvas.clientWidth, canvas.clientHeight];
    const scale = shown.size ? Math.max(1, VIEW_SIDE / Math.max(width, height)) : VIEW_SIDE / Math.max(width, height, 1);
    return [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  }
}
