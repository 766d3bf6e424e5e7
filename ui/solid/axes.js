// Which way x, y and z of the world point as the camera sees them: three lines in a corner, the nearest drawn last.

import { lookFrom } from "../../studio/splats/viewer/splats.js";
const ARM = 20, NAMES = ["x", "y", "z"]; // of the drawing's units, -32 to 32

export function createAxes(drawing) {
  const arms = NAMES.map((name) => drawing.querySelector(`.${name}`));
  return function draw(camera) {
    const { right, up, backward } = lookFrom(camera, 1, 1);
    arms.forEach((arm, i) => {
      const [x, y] = [ARM * right[i], -ARM * up[i]], [line, letter] = arm.children;
      line.setAttribute("d", `M0 0L${x.toFixed(1)} ${y.toFixed(1)}`);
      letter.setAttribute("x", (1.38 * x).toFixed(1));
      letter.setAttribute("y", (1.38 * y).toFixed(1));
      arm.classList.toggle("away", backward[i] < -0.05);
    });
    const nearest = arms.map((arm, i) => [backward[i], arm]).toSorted(([one], [other]) => one - other);
    drawing.append(...nearest.map(([, arm]) => arm));
  };
}
