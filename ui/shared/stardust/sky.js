// Stars that drift through space, drawn so seldom that an idle page takes next to nothing: without a GPU a frame of the
// whole window costs some 10 ms of a core. They move on while the pointer does, and slowly by themselves.

const STARS = 240, WARM = 0.2; // how many there are, and which part of them is warm
const IDLE_MS = 750, AWAKE_MS = 50, AWAKE_FOR_MS = 1200; // between two frames; how long a movement keeps the sky awake
const DRIFT = 0.004; // of the depth of space, per second
const LEAN = 0.03; // how far the pointer turns the sky, of its width
const NEAR = 0.35; // the nearest depth
const BRIGHTEST = 0.5, GLOW = "66"; // of a star and, of that, its glow (0 to ff): contrast counts on both, see test_stardust

/** @param canvas that fills the window @returns what begins and ends it */
export function createSky(canvas) {
  const pen = canvas.getContext("2d"), stars = Array.from({ length: STARS }, star);
  let timer = 0, before = 0, awakeUntil = 0, time = 0, inks = [];
  const lean = { x: 0, y: 0 }, wanted = { x: 0, y: 0 };

  function star(_, i) {
    const random = (seed) => { const value = Math.sin(i * 127.1 + seed * 311.7) * 43758.5453; return value - Math.floor(value); };
    return { x: random(1) - 0.5, y: random(2) - 0.5, z: random(3), size: 0.7 + 1.1 * random(4) ** 4, pulse: 6.3 * random(5), warm: random(6) < WARM };
  }
  function fit() {
    canvas.width = innerWidth;
    canvas.height = innerHeight;
    const style = getComputedStyle(canvas);
    inks = ["--d-star", "--d-star-warm"].map((name) => style.getPropertyValue(name).trim()).map((colour) => ({ colour, glow: glowOf(colour) }));
  }
  function glowOf(colour) {
    const glow = new OffscreenCanvas(64, 64), brush = glow.getContext("2d"), light = brush.createRadialGradient(32, 32, 0, 32, 32, 32);
    for (const [place, alpha] of [[0, GLOW], [0.3, "24"], [1, "00"]]) light.addColorStop(place, colour + alpha);
    brush.fillStyle = light;
    brush.fillRect(0, 0, 64, 64);
    return glow;
  }
  function draw() {
    const { width, height } = canvas, span = Math.max(width, height);
    pen.clearRect(0, 0, width, height);
    for (const { x, y, z, size, pulse, warm } of stars) {
      const depth = (z + 1 - ((time * DRIFT) % 1)) % 1, near = 1 / (NEAR + depth);
      const fade = Math.min(1, 5 * depth, 5 * (1 - depth)); // none comes or goes at once
      const left = width / 2 + (x * 1.4 + lean.x * LEAN * near) * span * near * 0.6;
      const top = height / 2 + (y * 1.4 + lean.y * LEAN * near) * span * near * 0.6;
      pen.globalAlpha = BRIGHTEST * fade * (0.75 + 0.25 * Math.sin(time * 0.6 + pulse)) * Math.min(1, 0.35 + 0.4 * near);
      const { colour, glow } = inks[warm ? 1 : 0];
      pen.fillStyle = colour;
      pen.beginPath();
      pen.arc(left, top, size * (0.5 + 0.55 * near), 0, 7);
      pen.fill();
      if (size < 1.2) continue; // the large ones glow
      const reach = size * (3 + 3.5 * near);
      pen.drawImage(glow, left - reach, top - reach, 2 * reach, 2 * reach);
    }
  }
  function tick() {
    const now = performance.now(), isAwake = now < awakeUntil;
    time += Math.min(1, (now - before) / 1000);
    before = now;
    for (const axis of ["x", "y"]) lean[axis] += (wanted[axis] - lean[axis]) * (isAwake ? 0.12 : 1);
    if (!document.querySelector("dialog[open]")) draw(); // it would not be seen
    timer = setTimeout(tick, isAwake ? AWAKE_MS : IDLE_MS);
  }
  function wake(event) {
    wanted.x = event.clientX / innerWidth - 0.5;
    wanted.y = event.clientY / innerHeight - 0.5;
    const isAsleep = performance.now() >= awakeUntil;
    awakeUntil = performance.now() + AWAKE_FOR_MS;
    if (isAsleep && timer) { clearTimeout(timer); tick(); }
  }
  const look = () => (document.hidden || !document.hasFocus() ? pause() : go());
  function pause() { clearTimeout(timer); timer = 0; }
  function go() {
    if (timer) return;
    before = performance.now();
    fit();
    tick();
  }
  const heard = [[document, "visibilitychange", look], [window, "focus", look], [window, "blur", look], [window, "resize", fit], [window, "pointermove", wake]];
  return {
    start() { for (const [node, name, act] of heard) node.addEventListener(name, act, { passive: true }); fit(); draw(); look(); },
    stop() { for (const [node, name, act] of heard) node.removeEventListener(name, act); pause(); },
    /** The colours have become others. */
    recolour() { fit(); draw(); },
  };
}
