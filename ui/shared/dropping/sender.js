// Sends one file to the server. XMLHttpRequest, because `fetch` does not tell how much has left.

import { address } from "../scripts/elements/dom.js";
import { token } from "../scripts/server.js";

const isSplatFile = (file) => /\.(ply|splat|spz|glb)$/i.test(file.name); // where it goes; what it is its content says

/**
 * @param file what to send
 * @param onProgress called with the share that has left, 0 to 1
 * @returns {promise, cancel()}; the promise gives the server's answer, {error: sentence}, or null when it was cancelled
 */
export function send(file, onProgress) {
  const request = new XMLHttpRequest();
  const promise = new Promise((resolve) => {
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve(answerOf(request)));
    request.addEventListener("abort", () => resolve(null));
    for (const name of ["error", "timeout"]) {
      const error = `${file.name} could not be sent: the connection to Diorama was lost. Try again.`;
      request.addEventListener(name, () => resolve({ error }));
    }
  });
  request.open("POST", address(`diorama/${isSplatFile(file) ? "splats" : "pictures"}?name=${encodeURIComponent(file.name)}`));
  request.setRequestHeader("X-Diorama-Token", token);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
  return { promise, cancel: () => request.abort() };
}

function answerOf(request) {
  try {
    const answer = JSON.parse(request.responseText);
    if (answer.picture || answer.error) return answer;
  } catch { /* a proxy's page, say */ }
  return { error: `Diorama could not take this picture (${request.status}). Try again, or check the log.` };
}
