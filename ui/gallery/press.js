// A finger that stays on a picture selects it; where there is a menu for that already, it stays closed.

const LONG = 450; // ms

/** @param act called with the id of the picture */
export function pressLong(list, act) {
  let timer = 0, done = false;
  const idOf = (event) => event.target.closest("li:not(.place)")?.dataset.key;
  list.addEventListener("pointerdown", (event) => {
    done = false;
    const id = idOf(event);
    if (event.pointerType !== "touch" || !id) return;
    timer = setTimeout(() => { done = true; act(id); }, LONG);
  });
  for (const name of ["pointerup", "pointercancel", "pointermove"]) {
    list.addEventListener(name, (event) => {
      const isStill = name === "pointermove" && Math.hypot(event.movementX, event.movementY) < 4; // no finger is quite still
      if (!isStill) clearTimeout(timer);
    });
  }
  list.addEventListener("contextmenu", (event) => { if (done) event.preventDefault(); });
  list.addEventListener("click", (event) => { // the end of the same press is not a tap
    if (!done) return;
    done = false;
    event.stopPropagation();
    event.preventDefault();
  }, true);
}
