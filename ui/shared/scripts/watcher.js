// Watches the server for the whole page: asks, waits for the answer, asks again. Heals by itself after sleep, lost network
// and restarts.

import { address } from "./elements/dom.js";
import { hear, tell, untilHeard } from "./events.js";
import { isOpenJob } from "./jobs.js";
import { byId } from "./pictures.js";
import { post } from "./server.js";
import { toast } from "./elements/toast.js";

const LOST = "The connection to Diorama is lost. Trying again...";
const UPDATED = "Diorama was updated. Reload the page to continue.";
let latest = null; // all that was told so far: {jobs, pictures, next}
let lost = ""; // why the server cannot be reached; "" while it can

/** What the server has told, at once, and what it tells from now on: {jobs}, where they changed also {pictures, next}. */
export function hearServer(act) {
  if (latest) act(latest);
  hear("told", act);
}
/** The jobs as they were told last, newest first, over ones too. */
export const jobsNow = () => latest?.jobs || [];
/** Id of the picture that a job made, once it is over; "" where it made none. */
export async function pictureOf(id) {
  const ended = () => { const job = byId(jobsNow(), id); return job && !isOpenJob(job) && job; };
  return (await untilHeard("jobs", ended)).assets[0] || "";
}

function announce(answer) {
  latest = { ...latest, ...answer };
  tell("told", answer);
  if (answer.pictures) tell("news");
  tell("jobs", { jobs: answer.jobs });
}
function setLost(sentence) {
  lost = sentence;
  tell("link", { lost });
}
/** A page that was opened before the app was updated cannot talk to it any more. */
async function sayIfUpdated(edition) {
  if (lost === UPDATED) return;
  try {
    const now = await (await fetch(address("diorama/edition"))).json();
    if (now.edition === edition || lost === UPDATED) return;
  } catch {
    return; // it is away, not another one
  }
  setLost(UPDATED);
  toast(UPDATED, { trouble: true, action: "Reload", onAction: () => location.reload() });
}

/** @param edition of this page, as the server told it */
export async function watchServer(edition) {
  let since = null, pictures = null, failures = 0, news = null, wake = () => {};
  document.addEventListener("visibilitychange", () => {
    since = null; // whatever happened meanwhile, be told everything
    wake();
  });
  const tellNews = () => {
    if (news) announce(news);
    news = null;
  };
  const pause = (ms) => new Promise((resolve) => { wake = resolve; setTimeout(resolve, ms); });
  for (;;) {
    // A hidden tab asks now and then and holds no connection: browsers allow only six to one server.
    const asked = post("watch", { since, pictures, wait: document.hidden ? 0 : 25 }, AbortSignal.timeout(40000));
    tellNews(); // while the next question is on its way
    const { ok, status, answer } = await asked;
    if (!ok) {
      failures += 1;
      since = pictures = null;
      if (failures === 2) setLost(status ? answer.error : LOST);
      if (failures >= 2) sayIfUpdated(edition);
      await pause(Math.min(250 * 2 ** failures, 3000));
      continue;
    }
    if (failures >= 2) {
      setLost("");
      sayIfUpdated(edition);
    }
    failures = 0;
    since = answer.pulse;
    if (answer.digest) pictures = answer.digest;
    if (answer.jobs) news = answer;
    if (!document.hidden) continue;
    tellNews();
    await pause(jobsNow().some(isOpenJob) ? 2000 : 25000); // hundreds of forgotten tabs must cost next to nothing
  }
}
