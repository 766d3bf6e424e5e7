// What is drawn over a picture on any canvas: strokes, boxes, the crosshair, and how large the brush is.

export const TINT = [228, 87, 46], RING = "#ffffff";
const SHADE = "rgb(0 0 0 / 70%)";

/** A picture of an address. `decode()` would wait for the browser to draw a frame, which a tab behind others does not. */
export const loaded = (source) => new Promise((done, fail) => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = fail;
  image.src = source;
});

/** Make a canvas ready to be drawn on in CSS pixels, at the sharpness of the screen. */
export function begin(board, context, { width, height }) {
  const ratio = devicePixelRatio || 1, size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
  if (board.width !== size.width || board.height !== size.height) Object.assign(board, size);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
}

export function createMarks(context, view) {
  /** Light on dark, to be seen on any picture. */
  function outlined(trace, dark = 4, light = 1.5) {
    for (const [style, width] of [[SHADE, dark], [RING, light]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      trace();
      context.stroke();
    }
  }
  return {
    /** @param alpha of what is added, in percent */
    stroke({ points, radius, add }, alpha) {
      context.save();
      context.lineCap = context.lineJoin = "round";
      context.lineWidth = 2 * radius * view.scale;
      context.strokeStyle = add ? `rgb(${TINT.join(" ")} / ${alpha}%)` : "rgb(31 95 208 / 45%)";
      context.beginPath();
      for (const [x, y] of [points[0], ...points]) context.lineTo(...view.toScreen(x, y));
      context.stroke();
      context.restore();
    },
    box([x0, y0, x1, y1]) {
      const [left, top] = view.toScreen(x0, y0), [right, bottom] = view.toScreen(x1, y1);
      outlined(() => context.rect(left, top, right - left, bottom - top), 4, 2);
    },
    cross([x, y]) {
      const [u, v] = view.toScreen(x, y);
      outlined(() => {
        context.moveTo(u - 14, v); context.lineTo(u + 14, v);
        context.moveTo(u, v - 14); context.lineTo(u, v + 14);
      });
    },
    ring([x, y, radius]) {
      outlined(() => context.arc(...view.toScreen(x, y), radius * view.scale, 0, 2 * Math.PI), 3);
    },
  };
}
