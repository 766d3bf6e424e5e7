// The grid: as tall as all pictures together, but only the rows in view are in the document. Squares of one size, so
// that every picture has its place before it has come.

import { label, reconcile, setAttribute, within } from "../shared/scripts/elements/dom.js";
import { byId } from "../shared/scripts/pictures.js";
import { createTile, updateTile } from "./tile.js";
const { find } = within("gallery");
const TILES = "diorama-gallery-tiles"; // whether they are large, kept in the browser
const GAP = 8, SPARE_ROWS = 3; // pixels; rows above and below what is in view

/**
 * @param actions press(id, event), check(id, event) of a tile; need(index) when the pictures up to there are in view;
 *   settle(index) with the first one in view when scrolling has moved it
 */
export function createGrid(actions) {
  const scroller = find(".scroller"), list = find(".grid");
  let items = [], total = 0, selected = new Set();
  let columns = 1, side = 100, current = ""; // id of the tile that is in the tab order
  let first = -1, waits = false, isLarge = false;
  const size = find(".large-tiles");
  label(size, "tiles", "Large");
  setAttribute(size, "title", "Larger pictures, with their dates");
  function setSize(large) {
    const top = Math.max(0, first);
    isLarge = large;
    setAttribute(size, "aria-pressed", large);
    list.classList.toggle("large", large);
    if (total) scrollTo(top);
    draw();
  }
  size.addEventListener("click", () => {
    setSize(!isLarge);
    try { localStorage.setItem(TILES, isLarge ? "large" : ""); } catch { /* it is small again next time */ }
  });

  function measure() {
    const width = list.clientWidth;
    if (!width) return false;
    const smallest = (width < 600 ? 104 : 164) * (isLarge ? 1.7 : 1);
    columns = Math.max(isLarge ? 1 : 2, Math.floor((width + GAP) / (smallest + GAP)));
    side = (width - GAP * (columns - 1)) / columns;
    return true;
  }
  const rowOf = (index) => Math.floor(index / columns);
  /** The tiles to draw: those in view with some spare rows, and the one that has the focus, wherever it is. */
  function inView() {
    const top = Math.max(0, scroller.scrollTop - list.offsetTop), step = side + GAP;
    const from = Math.max(0, (Math.floor(top / step) - SPARE_ROWS) * columns);
    const to = Math.min(total, (Math.ceil((top + scroller.clientHeight) / step) + SPARE_ROWS) * columns);
    const indexes = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
    const focused = items.findIndex((item) => item.id === current);
    if (focused >= 0 && (focused < from || focused >= to) && list.contains(document.activeElement)) {
      indexes[focused < from ? "unshift" : "push"](focused);
    }
    return { indexes, from, to, top: Math.min(total - 1, Math.round(top / step) * columns) };
  }

  function draw() {
    if (!measure()) return;
    const rows = Math.ceil(total / columns);
    list.style.height = `${rows ? rows * (side + GAP) - GAP : 0}px`;
    if (!byId(items, current)) current = (items[0] || {}).id || "";
    const { indexes, to, top } = inView();
    const drawn = indexes.map((index) => items[index] || { id: `place-${index}`, isPlace: true });
    const places = new Map(drawn.map((item, i) => [item.id, indexes[i]]));
    reconcile(list, drawn, (item) => createTile(item, actions), (node, item) => {
      const index = places.get(item.id), step = side + GAP;
      node.style.cssText = `width:${side}px;height:${side}px;left:${(index % columns) * step}px;top:${rowOf(index) * step}px`;
      updateTile(node, item, { isSelected: selected.has(item.id), isCurrent: item.id === current, index, total });
    });
    if (to > items.length) actions.need(to);
    if (top !== first) actions.settle((first = top));
  }
  /** Draw before the next frame, once. */
  function drawSoon() {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => { waits = false; draw(); });
  }
  scroller.addEventListener("scroll", drawSoon, { passive: true });
  new ResizeObserver(() => { // other columns: keep the first row in view
    const before = columns, top = first;
    if (!measure()) return;
    if (before !== columns && top > 0) scrollTo(top);
    drawSoon();
  }).observe(list);

  function scrollTo(index) {
    measure();
    list.style.height = `${Math.ceil(total / columns) * (side + GAP) - GAP}px`;
    scroller.scrollTop = rowOf(index) * (side + GAP) + list.offsetTop;
  }
  /** Scroll no further than is needed to see the tile. */
  function reveal(index) {
    const top = rowOf(index) * (side + GAP) + list.offsetTop, bottom = top + side;
    if (top < scroller.scrollTop) scroller.scrollTop = top - GAP;
    else if (bottom > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = bottom + GAP - scroller.clientHeight;
  }
  function setCurrent(index, { focus = true } = {}) {
    if (!items[index]) return;
    current = items[index].id;
    reveal(index);
    draw();
    if (focus) [...list.children].find((node) => node.dataset.key === current)?.firstElementChild.focus({ preventScroll: true });
  }
  list.addEventListener("focusin", (event) => {
    const id = event.target.closest("li").dataset.key;
    if (id === current) return;
    current = id;
    draw();
  });
  list.addEventListener("keydown", (event) => {
    const here = items.findIndex((item) => item.id === current);
    const page = columns * Math.max(1, Math.floor(scroller.clientHeight / (side + GAP)));
    const there = {
      ArrowLeft: here - 1,
      ArrowRight: here + 1,
      ArrowUp: here - columns,
      ArrowDown: here + columns,
      PageUp: Math.max(here % columns, here - page),
      PageDown: Math.min(total - 1, here + page),
      Home: 0,
      End: total - 1,
    }[event.key];
    if (there === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (there < 0 || there >= total) return;
    actions.need(there + 1).then(() => setCurrent(Math.min(there, items.length - 1)));
  });

  try { setSize(localStorage.getItem(TILES) === "large"); } catch { setSize(false); }
  return {
    /** Everything there is to draw; `total` counts what has not come yet, too. */
    show(now) {
      ({ items, total, selected } = now);
      draw();
    },
    redraw: draw,
    scrollTo,
    reveal: (id) => setCurrent(items.findIndex((item) => item.id === id), { focus: false }),
    focus: (id) => setCurrent(items.findIndex((item) => item.id === id)),
    isAtTop: () => scroller.scrollTop < side / 2,
    current: () => current,
  };
}
