// Where it may change, as something to lay over the picture: an object, or strokes of the brush.

import { loaded, TINT } from "../../shared/canvas/marks.js";
import { address } from "../../shared/scripts/elements/dom.js";
import { byId } from "../../shared/scripts/pictures.js";

const MOST_VEIL = 1024; // longest side, in pixels

/** A grey mask as a canvas whose alpha is the mask. */
async function alphaOf(source) {
  const image = await loaded(source), scale = Math.min(1, MOST_VEIL / Math.max(image.naturalWidth, image.naturalHeight));
  const width = Math.max(1, Math.round(image.naturalWidth * scale)), height = Math.max(1, Math.round(image.naturalHeight * scale));
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  const data = context.getImageData(0, 0, width, height);
  for (let i = 0; i < data.data.length; i += 4) data.data[i + 3] = data.data[i];
  context.putImageData(data, 0, 0);
  return canvas;
}

export function createPlaces() {
  const masks = new Map(); // object id -> promise of its canvas

  function paint(context, { points, radius, add }, scale) {
    context.globalCompositeOperation = add ? "source-over" : "destination-out";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = 2 * radius * scale;
    context.beginPath();
    for (const [x, y] of [points[0], ...points]) context.lineTo(x * scale, y * scale);
    context.stroke();
  }
  return {
    /** @returns promise of a canvas, or null where it may change everywhere */
    async veil({ where, object, strokes, invert }, picture, objects) {
      const chosen = where === "object" ? byId(objects, object) : null, painted = where === "brush" ? strokes : [];
      if (!chosen && !painted.length) return null;
      const scale = Math.min(1, MOST_VEIL / Math.max(picture.width, picture.height));
      const canvas = new OffscreenCanvas(Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale)));
      const context = canvas.getContext("2d");
      if (chosen) {
        const mask = masks.get(chosen.id) || alphaOf(address(chosen.mask));
        masks.set(chosen.id, mask);
        mask.catch(() => masks.delete(chosen.id)); // it is asked for again
        context.drawImage(await mask, 0, 0, canvas.width, canvas.height);
      }
      for (const stroke of painted) paint(context, stroke, scale);
      if (invert) {
        context.globalCompositeOperation = "xor";
        context.fillRect(0, 0, canvas.width, canvas.height);
      }
      context.globalCompositeOperation = "source-in";
      context.fillStyle = `rgb(${TINT.join(" ")} / 42%)`;
      context.fillRect(0, 0, canvas.width, canvas.height);
      return canvas;
    },
  };
}
