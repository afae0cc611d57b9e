// Offline reading is off on this site: the worker that a browser may still have goes, and takes along what it kept.
"use strict";

const SITE = {{ site|safe }};

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith(`broadsheet ${SITE.root} `));
    await Promise.all(names.map((name) => caches.delete(name)));
    await self.registration.unregister();
  })());
});
