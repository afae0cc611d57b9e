// The service worker. It keeps the newest edition for when there is no connection, and shows it then. Everything else
// goes to the network as if this were not here: no page of a reader's own is kept, no form is touched, and no style or
// script of a page comes from here, so a new release is a new release at once.
"use strict";

const SITE = {{ site|safe }};
const OURS = `broadsheet ${SITE.root} `;
const KEPT = OURS + SITE.release;
const FRESH = 15 * 60 * 1000; // milliseconds
// What people read: no way in, no form, no file.
const PAGES = /^(?:(?:papers|topics|authors|organizations|library|tags|following)(?:\/.*)?)?$/;
const FILE = /\.[a-z]+$/;
// Where a session begins or ends. What was kept for one reader is not there for the next.
const DOORS = /^(?:sign-|account\/(?:sessions|delete)|admin\/log)/;

let generation = 0; // another one whenever what is kept is thrown away

async function forget(but = "") {
  generation += 1;
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(OURS) && name !== but).map((name) => caches.delete(name)));
}

async function keep() {
  const begun = generation;
  const page = await fetch(SITE.offline, { redirect: "manual", cache: "no-store" });
  if (page.type === "opaqueredirect" || [401, 403, 404].includes(page.status)) return forget();
  if (!page.ok) return undefined;
  const source = await page.clone().text();
  const parts = [...source.matchAll(/href="([^"]+\?kept)"/g)].map((found) => new URL(found[1], location).href);
  const answers = await Promise.all(parts.map((address) => fetch(address)));
  if (!answers.every((answer) => answer.ok) || begun !== generation) return undefined;
  const cache = await caches.open(KEPT);
  await Promise.all(parts.map((address, place) => cache.put(address, answers[place])));
  await cache.put(SITE.offline, page);
  const needed = [...parts, new URL(SITE.offline, location).href];
  const old = (await cache.keys()).filter((request) => !needed.includes(request.url));
  await Promise.all(old.map((request) => cache.delete(request)));
  return begun === generation ? undefined : forget(); // somebody left meanwhile
}

async function keepWhenOld() {
  const kept = await caches.match(SITE.offline, { cacheName: KEPT });
  const age = Date.now() - Date.parse(kept?.headers.get("Date") ?? "");
  if (!(age < FRESH)) await keep();
}

async function page(event) {
  try {
    const answer = await fetch(event.request);
    event.waitUntil(keepWhenOld().catch(() => {}));
    return answer;
  } catch {
    return (await caches.match(SITE.offline, { cacheName: KEPT })) ?? nothingKept();
  }
}

const part = async (request) => (await caches.match(request, { cacheName: KEPT })) ?? fetch(request);

const nothingKept = () => new Response(
  '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    + "<title>You are offline</title><h1>You are offline</h1>"
    + "<p>This site can’t be reached, and no edition is kept on this device.</p></html>",
  { status: 503, headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'" } },
);

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    await forget(KEPT);
    await self.clients.claim();
    await keep().catch(() => {});
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || !url.pathname.startsWith(SITE.root)) return;
  const path = url.pathname.slice(SITE.root.length);
  if (DOORS.test(path)) event.waitUntil(forget());
  else if (request.method !== "GET") return;
  else if (url.search === "?kept") event.respondWith(part(request));
  else if (request.mode === "navigate" && PAGES.test(path) && !FILE.test(path)) event.respondWith(page(event));
});
