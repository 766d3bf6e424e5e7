// Where the versions stand: their generations from left to right, the first change in line with what it changed. Pure.

export const TILE_SIDE = 64, LEVEL = 196, ROW = 80; // pixels: a version, from one generation to the next, from row to row

/**
 * @param nodes [{id, parent}], parents before their children
 * @returns {places: Map id -> {x, y, level, row, parent, children, position, siblings}, order: [id] as one reads, width, height}
 */
export function layOut(nodes) {
  const places = new Map(), roots = [];
  for (const { id, parent } of nodes) {
    const above = places.get(parent);
    const place = { id, parent: above ? parent : null, children: [], level: above ? above.level + 1 : 0 };
    (above ? above.children : roots).push(place);
    places.set(id, place);
  }
  const order = [];
  let row = 0, deepest = 0;
  const todo = [...roots].reverse(); // no recursion: a line of versions may be thousands long
  while (todo.length) {
    const place = todo.pop(), siblings = place.parent ? places.get(place.parent).children : roots;
    place.position = siblings.indexOf(place) + 1;
    place.siblings = siblings.length;
    if (order.length && !(place.parent && place.position === 1)) row += 1;
    place.row = row;
    place.x = place.level * LEVEL;
    place.y = row * ROW;
    deepest = Math.max(deepest, place.level);
    order.push(place.id);
    todo.push(...[...place.children].reverse());
  }
  return { places, order, width: deepest * LEVEL + TILE_SIDE, height: row * ROW + TILE_SIDE };
}

/** The edges as one path: from the right of a version to the left of what was made from it. */
export function edgesOf({ places }) {
  const half = TILE_SIDE / 2, parts = [];
  for (const { parent, x, y, row } of places.values()) {
    if (!parent) continue;
    const above = places.get(parent), from = above.x + TILE_SIDE, turn = from + 14;
    if (above.row === row) parts.push(`M${from} ${y + half}H${x}`);
    else parts.push(`M${from} ${above.y + half}H${turn - 6}q6 0 6 6V${y + half - 6}q0 6 6 6H${x}`);
  }
  return parts.join("");
}

/** Where an arrow key leads: to the parent, the first child, the one above or below. */
export function neighbour({ places, order }, id, key) {
  const place = places.get(id);
  if (!place) return order[0];
  if (key === "Home") return order[0];
  if (key === "End") return order.at(-1);
  if (key === "ArrowLeft") return place.parent;
  if (key === "ArrowRight") return place.children[0]?.id;
  const down = key === "ArrowDown", beside = [...places.values()].filter((one) => (down ? one.row > place.row : one.row < place.row));
  const near = (one) => Math.abs(one.row - place.row) * 1000 + Math.abs(one.level - place.level);
  return beside.sort((one, other) => near(one) - near(other))[0]?.id;
}
