// Drawing: the picture, the mask over it, points, box, strokes and the cross. Knows no pointers and no server.

import { begin, createMarks, loaded, RING, TINT } from "../shared/canvas/marks.js";

const REMOVE = "#1f5fd0", ADD = "#c9431b";
const POINT = 8; // radius in CSS pixels
export const LEAST = 700; // longest side of what lies over a picture, in pixels: the steps of a smaller mask would be seen

/** The pixels of a PNG, enlarged by a whole number if it is small. */
async function pixelsOf(source, least = 0) {
  const image = await loaded(source), times = Math.ceil(least / Math.max(image.width, image.height)) || 1;
  const canvas = new OffscreenCanvas(times * image.width, times * image.height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return { canvas, context, data: context.getImageData(0, 0, canvas.width, canvas.height) };
}

const packed = (...rgba) => new Uint32Array(Uint8ClampedArray.of(...rgba).buffer)[0];
const VEIL = Uint32Array.from({ length: 256 }, (_, grey) => (grey > 127 ? packed(...TINT, grey * 0.22) : packed(12, 10, 10, (255 - grey) * 0.4)));
const LIGHT = packed(255, 255, 255, 240), DARK = packed(20, 16, 14, 200);
/**
 * A grey mask as something to lay over the picture: a little of our colour inside, shade outside, so that it is seen on
 * things of any colour, and a line of light and dark between.
 */
export async function veilOf(source) {
  const { canvas, context, data } = await pixelsOf(source, LEAST);
  const { width, height, data: bytes } = data, pixels = new Uint32Array(bytes.buffer);
  const line = 2, wide = width + 2 * line, isIn = new Uint8Array(wide * (height + 2 * line)), down = line * wide;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0, at = (y + line) * wide + line; x < width; x++, i++, at++) {
      const grey = bytes[4 * i];
      isIn[at] = grey >> 7;
      pixels[i] = VEIL[grey];
    }
  }
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0, at = (y + line) * wide + line; x < width; x++, i++, at++) {
      const alike = isIn[at - line] + isIn[at + line] + isIn[at - down] + isIn[at + down];
      if (!isIn[at]) { if (alike) pixels[i] = DARK; }
      else if (alike < 4 && x && y && x < width - 1 && y < height - 1) pixels[i] = LIGHT;
    }
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

/** Regions in colours of their own, and which region lies at a place (fractions of the picture). */
export async function regionsOf(source) {
  const { canvas, context, data } = await pixelsOf(source);
  const { width, height, data: bytes } = data, numbers = new Uint16Array(width * height);
  for (let i = 0; i < numbers.length; i++) numbers[i] = bytes[4 * i] + 256 * bytes[4 * i + 1];
  const paint = (chosen) => {
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i], hue = (number * 137.508) % 360, at = 4 * i;
      const [red, green, blue] = colourOf(hue);
      bytes[at] = red; bytes[at + 1] = green; bytes[at + 2] = blue;
      bytes[at + 3] = !number ? 0 : number === chosen ? 210 : 120;
    }
    context.putImageData(data, 0, 0);
  };
  paint(0);
  return {
    canvas,
    paint,
    at: (x, y) => numbers[Math.min(height - 1, Math.floor(y * height)) * width + Math.min(width - 1, Math.floor(x * width))] || 0,
  };
}
function colourOf(hue) {
  const part = (shift) => Math.round(255 * (0.55 + 0.4 * Math.cos(((hue - shift) * Math.PI) / 180)));
  return [part(0), part(120), part(240)];
}

export function createOverlay(board, view) {
  const context = board.getContext("2d"), marks = createMarks(context, view);
  let asked = 0;

  function frame({ image, veil, regions, request, stroke, box, cross, ring, isBare, hot }) {
    begin(board, context, view.board);
    const [left, top] = view.toScreen(0, 0);
    const place = [left, top, view.picture.width * view.scale, view.picture.height * view.scale];
    context.imageSmoothingEnabled = view.scale < 3; // from there on one wants to see the pixels
    if (image) context.drawImage(image, ...place);
    else { context.fillStyle = getComputedStyle(board).getPropertyValue("--d-soft"); context.fillRect(...place); }
    context.imageSmoothingEnabled = true;
    if (regions) { context.drawImage(regions.canvas, ...place); return; }
    if (isBare) return;
    if (veil) context.drawImage(veil, ...place);
    if (stroke) marks.stroke(stroke, 50);
    if (box || request.box) marks.box(box || request.box);
    request.points.forEach((point, index) => dot(point, index === hot));
    if (cross) marks.cross(cross);
    if (ring) marks.ring(ring);
  }
  function dot([x, y, label], isHot) {
    const [u, v] = view.toScreen(x, y), radius = isHot ? POINT + 2 : POINT;
    context.beginPath();
    context.arc(u, v, radius, 0, 2 * Math.PI);
    context.fillStyle = label ? ADD : REMOVE;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = RING;
    context.stroke();
    context.beginPath(); // told by its sign as well as by its colour
    context.moveTo(u - 4, v); context.lineTo(u + 4, v);
    if (label) { context.moveTo(u, v - 4); context.lineTo(u, v + 4); }
    context.stroke();
  }
  return {
    /** Draw with the next frame; of many calls the last counts. */
    draw(scene) {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(() => frame(scene));
    },
  };
}
