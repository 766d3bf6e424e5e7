// The tab drawn from `state`: tools, stage, column and strip, each by its own part.

import { make, reconcile, setAttribute, setText, show, within } from "../../shared/scripts/elements/dom.js";
import { markRadios } from "../../shared/scripts/elements/radios.js";
import { tileOf } from "../../shared/scripts/elements/tiles.js";
import { below, column, compare, extent, tree } from "../iterate.js";
import { open } from "../opening.js";
import {
  board, draft, drafts, followed, isPainting, model, otherVersion, ourJobs, parentOf, screen, state, view,
} from "../state.js";
const { element, find, isVisible } = within("iterate");

export function draw() {
  if (!isVisible()) return; // drawn when the tab is opened
  const { picture, mode } = state, job = followed(), spec = model(), now = draft(), canPaint = Boolean(picture) && isPainting();
  show(board, Boolean(picture));
  show(find(".empty"), !picture);
  show(find(".tools"), Boolean(picture));
  for (const name of [".modes", ".brush-size", ".unpaint", ".clear"]) show(find(`.tools > ${name}`), canPaint);
  markRadios(element.querySelectorAll("[data-mode]"), (tool) => tool.dataset.mode === mode);
  find(".unpaint").disabled = find(".clear").disabled = !now.strokes.length;
  find(".tool.before").disabled = !parentOf(picture?.id) || Boolean(job);
  find(".tool.compare").disabled = !compare.state.kind && (!otherVersion() || Boolean(job));
  board.style.cursor = canPaint && mode !== "pan" ? "crosshair" : "grab";
  board.dataset.shown = job ? job.id : picture?.id || "";
  const keys = canPaint ? ". D brush, E eraser; arrow keys move a cross, Enter paints" : "";
  setAttribute(board, "aria-label", job ? `Forming: ${job.title}` : `${picture?.title || ""}${keys}`);
  show(find(".banner"), Boolean(state.banner));
  setText(find(".banner span"), state.banner);
  column.draw({ ...state, draft: now, model: spec, settings: drafts.settings(spec?.id), count: drafts.count });
  below.draw({ picture, job });
  drawStrip();
  drawBoard();
}
export function drawBoard() {
  const { picture } = state, { kind, split, isOther, difference } = compare.state;
  if (!picture) return;
  const size = { width: view.board.width * (kind === "side" ? 2 : 1), height: view.board.height };
  compare.draw([otherVersion()?.title, picture.title]);
  extent.draw();
  if (followed()) screen.draw({ image: state.preview || state.image }, size);
  else if (state.isBefore && state.otherImage) screen.draw({ image: state.otherImage }, size);
  else screen.draw({ ...state, veil: state.lifted === picture.id ? null : state.veil, other: state.otherImage, kind, split, isOther, difference }, size);
}

function drawStrip() {
  const { picture, versions } = state, jobs = ourJobs(), count = versions.filter((one) => !one.deleted).length;
  show(find(".forest"), Boolean(picture));
  show(find(".roots"), !picture);
  setText(find(".strip-title"), picture ? "Versions" : "Your pictures");
  const parts = [picture && `${count} ${count === 1 ? "version" : "versions"}`, jobs.length && `${jobs.length} being made`];
  setText(find(".strip .summary"), parts.filter(Boolean).join(", "));
  if (picture) {
    const coming = jobs.map((job) => ({ id: job.id, parent: drafts.sourceOf(job), instruction: job.title, title: job.title, job }));
    const marked = compare.state.kind ? otherVersion()?.id : "";
    tree.draw({ versions: [...versions, ...coming], current: followed()?.id || picture.id, marked });
    return;
  }
  show(find(".strip .none"), !state.recent.length);
  reconcile(find(".strip .pictures"), state.recent, recentTile, () => {});
}
function recentTile(picture) {
  return make("li", {}, tileOf(picture, () => open(picture.id)));
}
export function measure() {
  const { width, height } = find(".room").getBoundingClientRect();
  if (!width || !height) return;
  view.resize(compare.state.kind === "side" ? width / 2 : width, height);
  drawBoard();
}
