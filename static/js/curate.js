// The desk by keyboard: one or two keys a decision, and the focus is on the next one before the answer is there.
"use strict";

(() => {
  const items = () => [...document.querySelectorAll(".queue-item:not(.deciding)")];
  const here = () => document.activeElement.closest?.(".queue-item");
  const decided = []; // the ids of what was decided here, the newest last
  let isUndoneOnArrival = null;

  function focus(item) {
    if (!item) return;
    item.focus({ preventScroll: true });
    const { top, bottom } = item.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) item.scrollIntoView({ block: bottom - top < innerHeight ? "nearest" : "start" });
  }

  function step(by) {
    const all = items();
    const at = all.indexOf(here());
    focus(all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]);
    if (at + by >= all.length - 6) document.querySelector(".queue .more a")?.click();
  }

  // The next one that waits, or the one before where there is none.
  function leave(item) {
    const all = items();
    const at = all.indexOf(item);
    item.classList.add("deciding");
    decided.push(item.id);
    focus(all[at + 1] ?? all[at - 1]);
    if (at >= all.length - 6) document.querySelector(".queue .more a")?.click();
  }

  // Undo is of the decision that was pressed last, also while its answer is under way: never of the one before it.
  function undo() {
    const row = document.getElementById(decided.pop());
    if (row?.matches(".queue-done.ready")) row.querySelector("[data-undo]")?.click();
    else isUndoneOnArrival = row?.id;
  }

  function press(key) {
    const item = here() ?? items()[0];
    if (!item || item.classList.contains("deciding")) return false;
    const isDigit = key >= "1" && key <= "9";
    const target = item.querySelector(`${isDigit ? ".refuse[open] " : ""}[data-key="${key}"]`);
    if (!target) return false;
    if (!here()) focus(item);
    target.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, dialog, pre");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || "noKeys" in document.body.dataset) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "o") here()?.querySelector("h2 a")?.click();
    else if (event.key === "u") undo();
    else if (event.key === "b") here()?.querySelector(".pick input")?.click();
    else if (!press(event.key)) return;
    event.preventDefault();
  });

  // A press, by key or by mouse, is on its way: it is not pressed again, and the focus goes on.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const item = event.target.closest?.("form") && event.target.closest(".queue-item");
    if (item) leave(item);
  });

  for (const failed of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failed, (event) => {
      const item = event.target.closest?.(".queue-item");
      if (!item) return;
      item.classList.remove("deciding");
      if (decided.includes(item.id)) decided.splice(decided.lastIndexOf(item.id), 1);
      isUndoneOnArrival = null;
      focus(item);
    });
  }

  // Only now do the buttons of what came do their work without loading the page.
  let isBack = false;
  document.addEventListener("htmx:beforeSwap", (event) => { isBack = event.detail.target.matches(".queue-done, .queue-item"); });
  document.addEventListener("htmx:load", (event) => {
    const fresh = event.detail.elt;
    if (fresh.matches?.(".queue-done")) {
      fresh.classList.add("ready");
      if (fresh.id === isUndoneOnArrival) {
        isUndoneOnArrival = null;
        fresh.querySelector("[data-undo]")?.click();
      }
    } else if (isBack && fresh.matches?.(".queue-item")) focus(fresh);
  });
})();
