// Replaying a branch: the same changes, one after the other, on another picture or with another model or seed. What is
// still to do is kept in this browser tab, so that a reload goes on with it.

const PLAN = "diorama-replay";

/** @param acts {picker, models(), began(job), say(text), trouble(sentence), done(id)} */
function createReplay(acts) {
  const dialog = find("dialog.replay");
  let way = [], target = null, plan = null, isAsking = false;
  try {
    plan = JSON.parse(sessionStorage.getItem(PLAN) || "null");
  } catch { /* somebody else wrote there */ }

  function keep(changed) {
    plan = changed;
    if (plan) sessionStorage.setItem(PLAN, JSON.stringify(plan));
    else sessionStorage.removeItem(PLAN);
  }
  /** Ask for the next change; its source is what the one before has made. */
  async function next() {
    if (!plan || plan.job || isAsking) return;
    isAsking = true;
    const { steps, at, source, model, new_seed } = plan;
    const { ok, answer } = await post("diorama/tree/replay", { id: steps[at], source, model, new_seed });
    isAsking = false;
    if (!ok) {
      keep(null);
      acts.trouble(`Replaying stopped at change ${at + 1} of ${steps.length}. ${answer.error}`);
      return;
    }
    keep({ ...plan, job: answer.job.id });
    acts.began(answer.job, `Replaying change ${at + 1} of ${steps.length}`);
  }
  function chooseTarget(picture) {
    target = picture;
    find("dialog.replay .thumb").src = address(picture.thumb);
    setText(find("dialog.replay .title"), picture.title);
  }
  find("dialog.replay .shut").addEventListener("click", () => dialog.close());
  find("dialog.replay .choose-target").addEventListener("click", () => acts.picker.open("Replay on which picture?", chooseTarget));
  find("dialog.replay form").addEventListener("submit", () => {
    keep({ steps: idsOf(way), at: 0, source: target.id, model: find("dialog.replay .with").value, new_seed: find("dialog.replay .new-seed").checked, job: "" });
    next();
  });

  return {
    /** @param branch the versions from the one after the root to the last; @param root the picture it began with */
    open(branch, root) {
      way = branch;
      chooseTarget(root);
      find("dialog.replay .steps").replaceChildren(...branch.map((version) => make("li", {}, version.instruction || version.title)));
      const ready = acts.models().filter((each) => each.ready && !each.provider);
      find("dialog.replay .with").replaceChildren(make("option", { value: "" }, "As it was"), ...ready.map((each) => make("option", { value: each.id }, each.label)));
      find("dialog.replay .new-seed").checked = false;
      setText(find("dialog.replay .primary"), branch.length === 1 ? "Replay this change" : `Replay ${branch.length} changes`);
      dialog.showModal();
    },
    /** A job of this page is over: go on with what comes after it. */
    ended(job) {
      if (!plan || plan.job !== job.id) return;
      const [made] = job.assets, at = plan.at + 1;
      if (job.state !== "done" || !made) { keep(null); return; }
      if (at === plan.steps.length) { keep(null); acts.done(made); return; }
      keep({ ...plan, at, source: made, job: "" });
      next();
    },
    /** After a reload: what has ended meanwhile is told like everything else. */
    resume(jobs) {
      if (plan && !plan.job) next();
      const job = plan && byId(jobs, plan.job);
      if (job && !isOpenJob(job)) this.ended(job);
    },
  };
}
