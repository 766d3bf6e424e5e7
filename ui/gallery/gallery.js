// The gallery's state: which pictures are known, and how more of them come. Everything is drawn from `state`.

import { focusSoon, goTo, writeAddress } from "../shared/scripts/address.js";
import { label, setText, show, within } from "../shared/scripts/elements/dom.js";
import { hear, tell } from "../shared/scripts/events.js";
import { byId, changedList, deletePictures, idsOf, newestFirst } from "../shared/scripts/pictures.js";
import { inTurn, post, token, whenTold } from "../shared/scripts/server.js";
import { toast } from "../shared/scripts/elements/toast.js";
import { createFilters } from "./filters.js";
import { createGrid } from "./grid.js";
import { pressLong } from "./press.js";
import { createSelection } from "./selection.js";
const { element, find, isVisible } = within("gallery");
const FIRST_PAGE = 60, LARGE_PAGE = 200; // pictures in one answer: the first screen soon, then as many as may be asked
const PLACE = "diorama-gallery-place"; // where one was, over a reload
const state = {
  pictures: [], // newest first, without gaps
  next: "", // cursor of those after them
  total: 0, // how many there are in all
  isTold: false, // an answer was there
  isLost: false, // the last question had none
  fresh: 0, // pictures that were made meanwhile and wait above
  isStale: false, // something was told while the tab was closed
};
const away = new Set(); // ids that were in this list before they were deleted: they come back into it
let epoch = 0; // grows with every new question: answers to older ones are not news
let news = 0; // how often something new was told

const filters = createFilters(() => search());
const selection = createSelection({ items: () => state.pictures, isTrash: filters.isTrash, collection: () => filters.now.collection, search: () => search() }, () => draw());
const grid = createGrid({
  press(id, event) {
    if (event.shiftKey || event.ctrlKey || event.metaKey || selection.isPicking() || filters.isTrash()) selection.toggle(id, event.shiftKey);
    else tell("look", { id });
  },
  check: (id, event) => selection.toggle(id, event.shiftKey),
  need,
  settle(index) {
    if (state.isTold) sessionStorage.setItem(PLACE, JSON.stringify({ filters: filters.now, index }));
    if (state.fresh && grid.isAtTop()) refresh();
  },
});

function draw() {
  const { pictures, isTold, isLost, fresh } = state, total = size(), isEmpty = isTold && !total && !isLost;
  grid.show({ items: pictures, total, selected: selection.ids });
  setText(find(".count"), isTold && total ? counted(total) : "");
  show(find(".nothing"), isEmpty && !filters.isSet());
  show(find(".unfound"), isEmpty && filters.isSet());
  const { query } = filters.now, isTrash = filters.isTrash();
  setText(find(".unfound .quiet"), query ? `No picture matches “${query}”.` : isTrash ? "Nothing is in the trash." : "No picture matches these filters.");
  show(find(".lost"), isLost && !total);
  show(find(".newer"), fresh > 0);
  setText(find(".newer"), `${fresh === FIRST_PAGE ? `${fresh} or more` : fresh} new ${fresh === 1 ? "picture" : "pictures"}`);
  show(find(".bar .selecting"), total > 0 && !isTrash);
  selection.redraw();
  if (isEmpty && selection.isPicking()) selection.clear(); // nothing is left to be chosen
  tell("listed");
}
/** How many there are, as far as is known: while pages are missing, at least one more than have come. */
const size = () => (state.next ? Math.max(state.total, state.pictures.length + 1) : state.pictures.length);
const counted = (total) => `${total.toLocaleString()} ${total === 1 ? "picture" : "pictures"}`;

const askFor = (after, limit) => post("pictures/find", { ...filters.now, after, limit });
function takeFirst(answer) {
  Object.assign(state, { total: answer.count, isTold: true, isLost: false, isStale: false });
  filters.offerModels(answer.models);
  filters.offerCollections(answer.collections);
  selection.offer(answer.collections);
  filters.offerMeaning(answer.canMean, answer.seen);
}

/** Start over with the filters as they are. */
async function search() {
  const my = ++epoch, heard = news, { ok, status, answer } = await askFor("", FIRST_PAGE);
  if (my !== epoch) return;
  Object.assign(state, { pictures: [], next: "", total: 0, fresh: 0 });
  away.clear();
  selection.clear();
  if (ok) {
    takeFirst(answer);
    Object.assign(state, { pictures: answer.pictures, next: answer.next });
    setText(find(".spoken"), answer.count ? counted(answer.count) : "Nothing found");
  } else {
    state.isLost = true;
    if (status) toast(answer.error, { trouble: true });
  }
  find(".scroller").scrollTop = 0;
  draw();
  if (ok && heard !== news) refresh(); // the answer may be older than what was told meanwhile
}

let loading = null, wanted = 0;
/** Fetch pages until the pictures up to this index are there, or the last one is. */
function need(index) {
  if (!state.next || state.pictures.length >= index) return Promise.resolve();
  wanted = Math.max(wanted, index);
  loading = loading || load(epoch);
  return loading;
}
async function load(my) {
  while (my === epoch && state.next && state.pictures.length < wanted) {
    const { ok, answer } = await askFor(state.next, LARGE_PAGE);
    if (my !== epoch) break;
    if (ok) append(answer);
    else await new Promise((resolve) => setTimeout(resolve, 2000)); // the server is away; what is in view waits for it
  }
  loading = null;
  wanted = 0;
  draw(); // which asks again for what a newer question needs
}
function append(answer) {
  const known = new Set(idsOf(state.pictures));
  state.pictures = [...state.pictures, ...answer.pictures.filter((picture) => !known.has(picture.id))];
  state.next = answer.next;
  if (!state.next) state.total = state.pictures.length;
  draw();
}

const askRefresh = inTurn();
/** Something new was told: bring the top up to date, but move nothing that somebody looks at. */
async function refresh() {
  if (!state.isTold) return state.isLost ? search() : undefined; // else the first question is under way
  const my = epoch, isNews = askRefresh(), { ok, answer } = await askFor("", FIRST_PAGE);
  if (my !== epoch || !ok || !isNews()) return undefined;
  const known = new Set(idsOf(state.pictures)), fresh = answer.pictures.filter((picture) => !known.has(picture.id)).length;
  if (fresh && !grid.isAtTop() && state.pictures.length) {
    state.fresh = fresh;
    return draw();
  }
  takeFirst(answer);
  const last = answer.pictures.at(-1), told = new Set(idsOf(answer.pictures));
  const older = answer.next && !filters.now.meaning ? state.pictures.filter((picture) => !told.has(picture.id) && newestFirst(last, picture) < 0) : [];
  if (fresh === FIRST_PAGE || !older.length) { // nothing known follows without a gap
    epoch += 1; // a page that is on its way would not follow, either
    state.next = answer.next;
    older.length = 0;
  }
  const now = [...answer.pictures, ...older], left = new Set(idsOf(now));
  selection.forget(state.pictures.filter((picture) => !left.has(picture.id)));
  state.pictures = now;
  state.fresh = 0;
  return draw();
}
function toTop() {
  find(".scroller").scrollTop = 0;
  refresh();
}
async function selectAll() {
  if (state.next) setText(find(".spoken"), "Selecting all");
  while (state.next) await need(Infinity); // also of a newer question
  selection.all();
}

hear("news", () => {
  if (token === null) return;
  news += 1;
  if (isVisible()) refresh();
  else state.isStale = true;
});
hear("change", (change) => {
  if (!state.isTold) return;
  if (filters.isTrash()) { search(); return; }
  const before = state.pictures.length;
  for (const picture of change.gone || []) if (byId(state.pictures, picture.id)) away.add(picture.id);
  const isInReach = (picture) => !state.next || !state.pictures.length || newestFirst(picture, state.pictures.at(-1)) < 0;
  const belongs = (picture) => away.has(picture.id) || !filters.isSet();
  const back = (change.back || []).filter((picture) => belongs(picture) && !byId(state.pictures, picture.id));
  state.pictures = changedList(state.pictures, { ...change, back }, isInReach);
  state.total += back.length || state.pictures.length - before;
  selection.forget(change.gone || []);
  draw();
});
hear("roll", ({ offer }) => {
  if (!isVisible()) return;
  offer({
    isOpen: isVisible,
    pictures: () => state.pictures,
    total: size,
    hasMore: () => Boolean(state.next),
    async more() {
      const before = state.pictures.length;
      await need(before + 1);
      return state.pictures.length > before;
    },
    follow: grid.reveal,
    focus: grid.focus,
  });
});

label(find(".open"), "open", "Open a picture");
find(".open").addEventListener("click", () => tell("pick"));
find(".newer").addEventListener("click", toTop);
find(".clear-search").addEventListener("click", () => { filters.clear(); filters.focus(); });
find(".again").addEventListener("click", () => search());
find(".first-step").addEventListener("click", () => {
  goTo("generate");
  focusSoon("#prompt textarea");
});
find(".gallery").addEventListener("keydown", (event) => {
  const inList = event.target.closest(".grid"), withControl = event.ctrlKey || event.metaKey;
  if (event.key === "Escape" && selection.isPicking()) selection.clear();
  else if (withControl && event.key.toLowerCase() === "a" && !event.target.closest("input")) selectAll();
  else if (inList && event.key === " ") selection.toggle(grid.current(), event.shiftKey);
  else if (inList && event.key === "Delete") removeSelected();
  else return;
  event.preventDefault();
});
function removeSelected() {
  if (filters.isTrash()) return undefined;
  if (selection.size()) return selection.delete();
  const here = state.pictures.findIndex((picture) => picture.id === grid.current()), picture = state.pictures[here];
  const neighbour = state.pictures[here + 1] || state.pictures[here - 1];
  return deletePictures([picture], () => grid.focus(picture.id)).then((isGone) => {
    if (isGone && neighbour) grid.focus(neighbour.id);
  });
}
pressLong(find(".grid"), (id) => selection.toggle(id, false));

/** A gallery that is opened says in the address what it is searched for, and looks what has happened meanwhile. */
new IntersectionObserver((entries) => {
  if (!entries.at(-1).isIntersecting) {
    if (!isVisible()) writeAddress({ q: "", meaning: "", starred: "", model: "", kind: "", collection: "" });
    return;
  }
  filters.keep();
  grid.redraw();
  if (state.isStale) refresh();
}).observe(element);

export const start = (component) => whenTold(component, async () => {
  let place = {};
  try {
    place = JSON.parse(sessionStorage.getItem(PLACE)) || {};
  } catch { /* somebody else wrote there */ }
  await search();
  if (place.index && JSON.stringify(place.filters) === JSON.stringify(filters.now)) grid.scrollTo(place.index);
});
draw();
