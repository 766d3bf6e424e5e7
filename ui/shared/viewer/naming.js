// The name of what the viewer shows, and a field in its place to give it another one. Empty gives back the one it was made
// with.

import { setText, show, within } from "../scripts/elements/dom.js";
import { tell } from "../scripts/events.js";
import { post } from "../scripts/server.js";
import { toast } from "../scripts/elements/toast.js";
const { find } = within("viewer");

/** @param again called when the field is closed: the focus goes back */
export function createNaming(again) {
  const title = find(".panel .title"), field = find(".rename-box");
  let shown = null, isOpen = false;

  function close(isWanted) {
    if (!isOpen) return;
    isOpen = false;
    const name = field.value.trim(), picture = shown;
    show(field, false);
    show(title, true);
    if (isWanted && name !== picture.title) rename(picture, name);
  }
  async function rename(picture, name) {
    const { ok, answer } = await post("tree/rename", { id: picture.id, title: name });
    if (ok) tell("change", { changed: [answer.picture] });
    else toast(answer.error, { trouble: true });
  }
  field.addEventListener("keydown", (event) => {
    event.stopPropagation(); // arrows and letters are not for the viewer here
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    close(event.key === "Enter");
    again();
  });
  field.addEventListener("blur", () => close(true));
  return {
    draw(picture) {
      if (picture.id !== shown?.id) close(false);
      shown = picture;
      setText(title, picture.title);
    },
    begin() {
      isOpen = true;
      field.value = shown.title;
      show(title, false);
      show(field, true);
      field.focus();
      field.select();
    },
  };
}
