// What a browser keeps of the quick page, so that it opens where Diorama is not responding yet, and says that. A worker
// belongs to one edition of the page, which its address names: another one starts over.

const EDITION = `diorama-quick${self.location.search}`, PAGE = new URL("../../quick", self.location.href).href;
const isScript = (url) => url.includes("/diorama/scripts/");

async function keep() {
  const page = await fetch(PAGE, { cache: "no-cache" });
  if (!page.ok) return;
  const cache = await caches.open(EDITION), text = await page.clone().text();
  await cache.put(PAGE, page);
  const paths = new Set([...text.matchAll(/"(diorama\/scripts\/[^"]+)"/g)].map(([, path]) => path)); // each once
  await cache.addAll([...paths].map((path) => new URL(path, PAGE).href));
}
async function forget() {
  const names = (await caches.keys()).filter((name) => name.startsWith("diorama-quick") && name !== EDITION);
  await Promise.all(names.map((name) => caches.delete(name)));
}
/** The page as it is now, else as it was; scripts of an edition never change. */
async function answer(request) {
  const url = isScript(request.url) ? request.url : PAGE, cache = await caches.open(EDITION);
  const kept = () => cache.match(url);
  if (isScript(url)) return (await kept()) || fetch(request);
  try {
    return await fetch(request);
  } catch (error) {
    const page = await kept();
    if (page) return page;
    throw error;
  }
}

self.addEventListener("install", (event) => { self.skipWaiting(); event.waitUntil(keep()); });
self.addEventListener("activate", (event) => event.waitUntil(forget()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" || isScript(event.request.url)) event.respondWith(answer(event.request));
});
