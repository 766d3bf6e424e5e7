// What the browser hands over in a drop or a paste: files, words, or the address of something on another page.

import { toast } from "../scripts/elements/toast.js";

/** Whether there are files, also before they may be looked at. */
export const isFiles = (transfer) => Boolean(transfer) && [...transfer.types].includes("Files");
/** Whether it is a link or a picture of another page. Browsers follow one that is dropped: the page would be gone. */
export const isAddress = (transfer) => Boolean(transfer) && !isFiles(transfer) && transfer.types.includes("text/uri-list");

/** The files of a drop or a paste. Folders are said and left out. */
export function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  const folders = entries.filter((entry) => entry?.isDirectory).map((entry) => entry.name);
  if (folders.length) toast(`“${folders[0]}” is a folder. Open it, and drop the pictures that are in it.`, { trouble: true });
  return [...transfer.files].filter((file) => !folders.includes(file.name));
}

/**
 * Whether the words beside pasted files are what was meant. An office program sends a picture of what it copied; a file
 * manager sends the names of the files, and a browser the address of the picture.
 */
export function areWordsMeant(transfer) {
  const words = transfer.getData("text/plain").trim(), page = transfer.getData("text/html");
  if (page) {
    const { body } = new DOMParser().parseFromString(page, "text/html"); // loads nothing
    const isPicture = body.querySelector("img") && !body.textContent.trim();
    return !isPicture || (words !== "" && !/^(https?|data|file|blob):\S+$/.test(words));
  }
  if (words === "") return false;
  if (transfer.types.includes("text/rtf")) return true;
  const names = new Set([...transfer.files].flatMap(({ name }) => [plain(name), plain(name).replace(/\.[^.]*$/, "")]));
  return !words.split(/[\r\n]+/).every((line) => names.has(plain(line)));
}
/** The last part of a path or address, in the way all systems but one write letters with accents. */
function plain(line) {
  let last = line.trim().split(/[/\\]/).at(-1);
  if (line.startsWith("file:")) try { last = decodeURIComponent(last); } catch { /* it is as it is */ }
  return last.normalize("NFC");
}
