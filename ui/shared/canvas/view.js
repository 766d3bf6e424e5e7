// Where the picture lies on the canvas, in CSS pixels, and the way between a place on the screen and one in the picture.

const MOST_ZOOM = 40, MARGIN = 16;

export function createView() {
  const board = { width: 1, height: 1 }, picture = { width: 1, height: 1 };
  let scale = 1, left = 0, top = 0, isFitted = true;

  const fitting = () => Math.min((board.width - 2 * MARGIN) / picture.width, (board.height - 2 * MARGIN) / picture.height);
  function fit() {
    isFitted = true;
    scale = Math.max(fitting(), 1e-6);
    left = (board.width - scale * picture.width) / 2;
    top = (board.height - scale * picture.height) / 2;
  }
  /** The picture never leaves the board: some of it stays in sight. */
  function keepInSight() {
    const least = 48;
    left = Math.min(board.width - least, Math.max(least - scale * picture.width, left));
    top = Math.min(board.height - least, Math.max(least - scale * picture.height, top));
  }
  return {
    open(width, height) { Object.assign(picture, { width, height }); fit(); },
    resize(width, height) {
      const middle = { x: (board.width / 2 - left) / scale, y: (board.height / 2 - top) / scale };
      Object.assign(board, { width, height });
      if (isFitted) { fit(); return; }
      left = width / 2 - middle.x * scale;
      top = height / 2 - middle.y * scale;
      keepInSight();
    },
    fit,
    /** Zoom so that what lies under (x, y) stays there. */
    zoomAt(x, y, factor) {
      const before = scale;
      scale = Math.min(Math.max(scale * factor, 0.5 * fitting()), Math.max(MOST_ZOOM, 4 * fitting()));
      left = x - (x - left) * (scale / before);
      top = y - (y - top) * (scale / before);
      isFitted = false;
      keepInSight();
    },
    pan(x, y) { left += x; top += y; isFitted = false; keepInSight(); },
    /** Move as little as shows this place of the picture. */
    follow(x, y) {
      const [u, v] = this.toScreen(x, y), inside = (at, length) => Math.min(length - MARGIN, Math.max(MARGIN, at));
      const [by, down] = [inside(u, board.width) - u, inside(v, board.height) - v];
      if (by || down) this.pan(by, down);
    },
    toPicture: (x, y) => [(x - left) / scale, (y - top) / scale],
    toScreen: (x, y) => [left + x * scale, top + y * scale],
    isInside(x, y) {
      const [u, v] = [(x - left) / scale, (y - top) / scale];
      return u >= 0 && v >= 0 && u <= picture.width && v <= picture.height;
    },
    get scale() { return scale; },
    get picture() { return picture; },
    get board() { return board; },
  };
}
