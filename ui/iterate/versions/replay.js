// Replaying a branch: the same changes, one after the other, on another picture or with another model or seed.

import { choosePicture } from "../../shared/picker/picker.js";
import { address, make, setText, within } from "../../shared/scripts/elements/dom.js";
import { post } from "../../shared/scripts/server.js";
const { find } = within("iterate");

/** @param acts {models(), show(id), began(job, spoken), trouble(sentence), done(id)} */
export function createReplay(acts) {
  const dialog = find("dialog.replay");
  let way = [], target = null, mine = ""; // id of the job

  async function start() {
    const { ok, answer } = await post("tree/replay", {
      id: way.at(-1).id, last: way.length, source: target.id,
      model: find("dialog.replay .with").value, new_seed: find("dialog.replay .new-seed").checked,
    });
    if (!ok) { acts.trouble(answer.error); return; }
    await acts.show(answer.job.source); // first: a quick job is over before another picture's tree is here
    mine = answer.job.id;
    acts.began(answer.job, way.length === 1 ? "Replaying the change" : `Replaying ${way.length} changes`);
  }
  function chooseTarget(picture) {
    target = picture;
    find("dialog.replay .thumb").src = address(picture.thumb);
    setText(find("dialog.replay .title"), picture.title);
  }
  find("dialog.replay .shut").addEventListener("click", () => dialog.close());
  find("dialog.replay .choose-target").addEventListener("click", () => choosePicture("Choose a picture to replay on", chooseTarget));
  find("dialog.replay form").addEventListener("submit", start);

  return {
    /** @param branch the versions from the one after the root to the last; @param root the picture it began with */
    open(branch, root) {
      way = branch;
      chooseTarget(root);
      find("dialog.replay .steps").replaceChildren(...branch.map((version) => make("li", {}, version.instruction || version.title)));
      const ready = acts.models().filter((each) => each.ready && !each.provider);
      find("dialog.replay .with").replaceChildren(make("option", { value: "" }, "Original model"), ...ready.map((each) => make("option", { value: each.id }, each.label)));
      find("dialog.replay .new-seed").checked = false;
      setText(find("dialog.replay .primary"), branch.length === 1 ? "Replay this change" : `Replay ${branch.length} changes`);
      dialog.showModal();
    },
    /** A job is over: of the one that was started here, show the last version. */
    ended(job) {
      if (job.id !== mine) return;
      mine = "";
      if (job.state === "done" && job.assets.length) acts.done(job.assets.at(-1));
    },
  };
}
