// The worker that keeps the newest edition for when there is no connection: templates/worker/offline.js.
"use strict";

if ("serviceWorker" in navigator) {
  const { worker, scope } = document.currentScript.dataset;
  addEventListener("load", () => {
    navigator.serviceWorker.register(worker, { scope, updateViaCache: "none" }).catch(() => {});
  });
}
