// A Gaussian splat on a canvas: sorted in a worker, drawn when something has changed; orbit, pan, zoom, Reset. Needs no
// network and no library. The picture its camera speaks of is fitted into the canvas as a whole, so that a splat lies
// where it lies in the picture.

import { listenForMoves } from "./hands.js";
import { createSplatPainter } from "./painter.js";
import { boundsOf, cameraAround, createSplatSorter, lookFrom, parseSplats } from "./splats.js";

const SWING_MS = 3000, SWING_DEG = 25;
const NEAR = 0.2 / 1.5; // LGM's renderer leaves out what is nearer than 0.2 to a camera at 1.5

/**
 * @param canvas drawn on at the size CSS gives it; `data-settled` is "yes" once the picture shows what was asked for
 * @param splats ArrayBuffer of a .splat file with y up, or null
 * @param options camera: where Reset returns to, null for one that sees everything; background: [r, g, b] from 0 to 1,
 *   null to see through; onCamera(camera, isHome): called when the view has changed; onMessage(sentence): went wrong
 */
export function createSplatViewer(canvas, splats, options = {}) {
  const { camera = null, background = null, onCamera = () => {}, onMessage = () => {} } = options;
  const painter = createSplatPainter(canvas);
  if (!painter) {
    onMessage("This browser has no WebGL 2, so the splat cannot be shown. Try another browser.");
    return null;
  }
  let home = null, current = null, parsed = null, bounds = { low: [0, 0, 0], high: [0, 0, 0] }, count = 0;
  let asked = 0, sorted = -1, isSorting = false, frame = 0, animation = 0, isClosed = false;
  const style = { background, showBox: false };
  const sorter = createSplatSorter((order, ticket) => {
    isSorting = false;
    if (isClosed || order.length !== count) { if (!isClosed) sort(); return; }
    painter.order(order);
    sorted = ticket;
    paint();
    if (ticket !== asked) sort();
  });
  const isHome = () => JSON.stringify(current) === JSON.stringify(home);
  const view = () => ({ ...lookFrom(current, canvas.width, canvas.height), near: NEAR * current.radius });
  function sort() {
    if (isSorting || !count) return;
    isSorting = true;
    sorter.sort(lookFrom(current, 1, 1).backward, asked);
  }
  function draw(...pixels) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const shown = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * ratio)));
    const [width, height] = pixels.length ? pixels : shown;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    painter.draw(view(), style);
  }
  function paint() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (isClosed) return;
      draw();
      const settled = sorted === asked || !count ? "yes" : "no";
      Object.assign(canvas.dataset, { home: isHome() ? "yes" : "no", splats: count, settled });
    });
  }
  function show(next) {
    current = next;
    asked += 1;
    canvas.dataset.settled = "no";
    sort();
    paint();
    onCamera(current, isHome());
  }
  function change(next) { cancelAnimationFrame(animation); show({ ...current, ...next }); }
  function turn(azimuth, elevation) {
    const most = Math.max(89, Math.abs(home.elevation_deg)), turned = current.azimuth_deg + azimuth;
    change({
      azimuth_deg: turned - 360 * Math.round((turned - home.azimuth_deg) / 360),
      elevation_deg: Math.min(most, Math.max(-most, current.elevation_deg + elevation)),
    });
  }
  function move(x, y) {
    const { right, up, focal } = lookFrom(current, canvas.clientWidth, canvas.clientHeight), unit = current.radius / focal;
    change({ target: current.target.map((value, axis) => value - unit * (x * right[axis] - y * up[axis])) });
  }
  function zoom(factor) {
    change({ radius: Math.min(20 * home.radius, Math.max(0.05 * home.radius, current.radius / factor)) });
  }
  const isCalm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  /** Turns a little to one side and the other, and back to where it began. Whoever moves it ends that. */
  function swing() {
    cancelAnimationFrame(animation);
    const began = performance.now();
    if (isCalm()) return;
    const step = (now) => {
      const time = (now - began) / SWING_MS;
      if (time >= 1) return show(home);
      show({ ...home, azimuth_deg: home.azimuth_deg + SWING_DEG * Math.sin(2 * Math.PI * time) });
      animation = requestAnimationFrame(step);
    };
    animation = requestAnimationFrame(step);
  }
  function reset() {
    cancelAnimationFrame(animation);
    const from = current, began = performance.now();
    if (isCalm()) return show(home);
    const between = (one, other, share) => one + (other - one) * share;
    const angles = ["azimuth_deg", "elevation_deg", "radius"];
    const step = (now) => {
      const time = Math.min(1, (now - began) / 250), share = time * time * (3 - 2 * time);
      if (time >= 1) return show(home); // the very record: the picture is the first one again, to the pixel
      show({
        ...home,
        ...Object.fromEntries(angles.map((name) => [name, between(from[name], home[name], share)])),
        target: home.target.map((value, axis) => between(from.target[axis], value, share)),
      });
      animation = requestAnimationFrame(step);
    };
    animation = requestAnimationFrame(step);
  }
  function load(buffer, nextHome) {
    cancelAnimationFrame(animation);
    parsed = parseSplats(buffer);
    count = parsed.count;
    bounds = boundsOf(parsed.positions);
    painter.load(parsed);
    painter.box(bounds);
    sorter.load(parsed.positions, bounds);
    sorted = -1;
    home = nextHome || cameraAround(bounds);
    show(home);
  }
  listenForMoves(canvas, { turn, move, zoom, reset });
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    if (!isClosed) onMessage("The browser has dropped the 3D picture. Reload the page.");
  });
  const watcher = new ResizeObserver(() => { if (current) paint(); });
  watcher.observe(canvas);
  load(splats || new ArrayBuffer(0), camera);
  return {
    load, turn, move, zoom, reset, swing,
    /** Another place for Reset, such as after *Match size*; the view goes there. */
    setHome(next) { home = next; reset(); },
    setCamera(next) { change(next); },
    setBackground(next) { style.background = next; paint(); },
    /** Other colours for the splats, four bytes each as in `splats`: what is erased has no opacity. */
    setColours(colours) { painter.tint(parsed.rows, colours); paint(); },
    setOpacity(value) { canvas.style.opacity = value; },
    setBox(isShown) { style.showBox = isShown; paint(); },
    /** What is to be seen, as a PNG blob that is see-through around the splat if there is no background: at the size the
     * canvas has, or drawn again with so many pixels, width and height. */
    picture(...pixels) {
      draw(...pixels);
      paint(); // at the canvas's own size again
      return new Promise((done) => canvas.toBlob(done, "image/png"));
    },
    close() { isClosed = true; cancelAnimationFrame(animation); watcher.disconnect(); sorter.close(); painter.close(); },
    get camera() { return current; },
    get home() { return home; },
    get isHome() { return isHome(); },
    get bounds() { return bounds; },
    get count() { return count; },
    get splats() { return parsed; },
  };
}
