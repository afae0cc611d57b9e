// For those who hear the page, or go through it by Tab: what loads is said, a card takes few stops, each key has a button.
"use strict";

(() => {
  const cards = () => [...document.querySelectorAll(".card")];
  const say = (words) => { document.getElementById("spoken").textContent = words; };

  // --- Tab stops at what one does with a paper: vote, save, title, abstract. The links in small print take part while the
  // abstract is open, or one's own words are; the paper's page has them all.

  function setStops(card) {
    const isOpen = card.querySelector(".abstract details[open], .mine");
    for (const link of card.querySelectorAll("a[href]:not(.vote, .card-title a, .mine a)")) {
      if (isOpen) link.removeAttribute("tabindex");
      else link.tabIndex = -1;
    }
  }

  function setStopsIn(part) {
    const around = part.closest?.(".card");
    for (const card of around ? [around] : part.querySelectorAll?.(".card") ?? []) setStops(card);
  }

  setStopsIn(document);
  document.addEventListener("toggle", (event) => setStopsIn(event.target.closest(".card") ?? event.target), true);
  document.addEventListener("htmx:load", (event) => setStopsIn(event.detail.elt));

  // --- More papers: that they are coming, and which came. Focus goes on to the first of them where its link was pressed.

  let before = -1; // how many cards there were when more were asked for

  const place = (card) => card.getAttribute("aria-posinset");

  function words(fresh) {
    if (!fresh.length) return "There are no more papers.";
    const [first, last] = [fresh[0], fresh.at(-1)];
    if (!place(first) || !place(last)) return `${fresh.length} more papers.`;
    const total = Number(first.getAttribute("aria-setsize"));
    return `Papers ${place(first)} to ${place(last)}${total > 0 ? ` of ${total}` : ""}.`;
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.closest(".more")) return;
    before = cards().length;
    say("More papers are coming.");
  });

  document.addEventListener("htmx:afterSettle", () => {
    if (before < 0) return;
    const fresh = cards().slice(before);
    before = -1;
    say(words(fresh));
    if (document.activeElement === document.body) fresh[0]?.querySelector(".card-title a").focus({ preventScroll: true });
  });

  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failure, () => { before = -1; say(""); });
  }

  // --- The list of keys is a list of buttons: whoever has no keyboard, or has the keys turned off, presses them there.

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-press]");
    if (!button) return;
    button.closest("dialog").close();
    const off = document.body.dataset.noKeys;
    delete document.body.dataset.noKeys;
    for (const key of button.dataset.press.split(" ")) {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }
    if (off !== undefined) document.body.dataset.noKeys = off;
  });
})();
