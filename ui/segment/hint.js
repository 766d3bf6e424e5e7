// What to do next in the Segment tab, in one sentence. Knows no page.

/**
 * @param state of the tab
 * @param selection what is asked for
 */
export function hintOf(state, { points, box, strokes, start }, { isBusy, isKept, model }) {
  if (!state.picture) return "Open a picture to begin.";
  if (model && !model.ready) return `${model.label} cannot run here. Choose another model.`;
  if (state.regions) return "Click a coloured region to select it.";
  if (!points.length && !box && !strokes.length && !start) return state.note || "Click the object, or draw a box around it.";
  if (state.trouble && !isBusy && !state.answer) {
    return points.length && !points.some((point) => point[2]) ? "Choose Add and click the object first." : "That did not work: see the message on the picture.";
  }
  if (!state.answer) return "Looking…";
  if (!state.answer.area) return "Nothing was found there. Click somewhere else, or draw a box.";
  const [missed] = state.answer.missed;
  if (missed) return missed[2] ? "One of your clicks is outside. Click near it again, or paint it with the brush." : "A click to remove is still inside. Click near it again, or use the eraser.";
  if (isKept) return "Kept. Make it 3D, or click the next object.";
  if (!points.some((point) => !point[2]) && points.length < 2) return "Missing a part? Click it. Too much? Choose Remove and click that.";
  return "Good? Keep it as an object.";
}
