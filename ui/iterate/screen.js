// Drawing the stage: a version, where it may change, and two versions compared. Knows no pointers and no server.

import { begin, createMarks } from "../shared/canvas/marks.js";

const BLOCKY = 8; // screen pixels per pixel from which one wants to see them

export function createScreen(board, view) {
  const context = board.getContext("2d"), marks = createMarks(context, view);
  let asked = 0;

  function lay(image, shift = 0) {
    const [left, top] = view.toScreen(0, 0), width = view.picture.width * view.scale, height = view.picture.height * view.scale;
    const ratio = Math.min(width / (image.naturalWidth || image.width), height / (image.naturalHeight || image.height));
    const wide = ratio * (image.naturalWidth || image.width), high = ratio * (image.naturalHeight || image.height);
    context.drawImage(image, left + shift + (width - wide) / 2, top + (height - high) / 2, wide, high);
  }
  function checks() {
    const [left, top] = view.toScreen(0, 0), style = getComputedStyle(board);
    context.fillStyle = style.getPropertyValue("--d-soft");
    context.fillRect(left, top, view.picture.width * view.scale, view.picture.height * view.scale);
  }
  function within(x, width, paint) {
    context.save();
    context.beginPath();
    context.rect(x, 0, Math.max(0, width), board.height);
    context.clip();
    paint();
    context.restore();
  }
  const COMPARED = {
    slider({ image, other, split }) {
      lay(image);
      const [left] = view.toScreen(0, 0), at = left + split * view.picture.width * view.scale;
      within(0, at, () => { checks(); lay(other); });
    },
    side({ image, other }, full) { // the view has half the width
      within(0, full / 2, () => lay(other));
      within(full / 2, full / 2, () => lay(image, full / 2));
    },
    blink({ image, other, isOther }) { lay(isOther ? other : image); },
    difference({ difference }) { if (difference) lay(difference); },
  };
  function frame(scene, size) {
    begin(board, context, size);
    context.imageSmoothingEnabled = view.scale < BLOCKY;
    if (!scene.image) { checks(); return; }
    if (scene.kind && scene.other) { COMPARED[scene.kind](scene, size.width); return; }
    lay(scene.image);
    if (scene.veil) {
      const [left, top] = view.toScreen(0, 0);
      context.drawImage(scene.veil, left, top, view.picture.width * view.scale, view.picture.height * view.scale);
    }
    if (scene.stroke) marks.stroke(scene.stroke, 42);
    if (scene.cross) marks.cross(scene.cross);
    if (scene.ring) marks.ring(scene.ring);
  }
  return {
    /** Draw with the next frame; of many calls the last counts. `size` of the board in CSS pixels. */
    draw(scene, size) {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(() => frame(scene, size));
    },
  };
}

const MOST_DIFFERENCE = 1024, SAME = 6; // longest side; levels of 255 up to which a pixel counts as the same
/** What differs between two pictures, made bright, and the share of the pixels that do: {canvas, share}. */
export function differenceOf(one, other) {
  const scale = Math.min(1, MOST_DIFFERENCE / Math.max(one.naturalWidth, one.naturalHeight));
  const width = Math.max(1, Math.round(one.naturalWidth * scale)), height = Math.max(1, Math.round(one.naturalHeight * scale));
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(one, 0, 0, width, height);
  context.globalCompositeOperation = "difference";
  context.drawImage(other, 0, 0, width, height);
  const data = context.getImageData(0, 0, width, height), bytes = data.data;
  let count = 0;
  for (let i = 0; i < bytes.length; i += 4) {
    if (Math.max(bytes[i], bytes[i + 1], bytes[i + 2]) > SAME) count += 1;
    for (let c = i; c < i + 3; c++) bytes[c] = Math.min(255, 3 * bytes[c]);
    bytes[i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
  return { canvas, share: count / (width * height) };
}
