// A list of papers: one card is the current one, the next part comes in time, and those who hear the page, or go through it
// by Tab, are told.
"use strict";

(() => {
  const { one, all, on, FAILED, current, inCard, keys } = broadsheet;
  const cards = () => all(".card");
  const more = () => one(".more a");
  const tell = (words) => { one("#spoken").textContent = words; };

  function mark(card) {
    current()?.classList.remove("current");
    card.classList.add("current");
  }

  // No smooth scrolling: a held key would run ahead of it.
  function select(card) {
    mark(card);
    (card.querySelector(".card-title a") ?? card).focus({ preventScroll: true });
    const { top, bottom } = card.getBoundingClientRect();
    const edge = one(".list-bar")?.getBoundingClientRect().bottom ?? 0;
    if (top < edge || bottom > innerHeight) card.scrollIntoView({ block: "start" });
  }

  // Whoever goes by Tab, or by a screen reader, is where the keys act; so is who comes to a card by its address.
  on("focusin", (event) => {
    const card = event.target.closest(".card");
    if (card && card !== current()) mark(card);
  });
  const asked = document.getElementById(location.hash.slice(1));
  if (asked?.matches(".card")) mark(asked);

  // --- The next part of a list comes before its end is reached. What is pressed at the edge waits for it, in its order.

  let isLoading = false;
  let held = null; // what waits
  let before = 0; // how many cards there were when more were asked for

  broadsheet.hold = (act) => held?.push(act);

  function release() {
    const acts = held ?? [];
    held = null;
    for (const act of acts) broadsheet.hold(act) || act();
  }

  const load = () => { if (!isLoading) more()?.click(); };

  function step(by) {
    const shown = all(".card:not(.muted-fold:not([open]) .card)");
    const here = shown.indexOf(current());
    const next = here < 0 ? Math.max(shown.findIndex((card) => card.getBoundingClientRect().bottom > 120), 0) : here + by;
    if (next >= shown.length && more()) held = [() => step(by)];
    else if (shown.length) select(shown[Math.min(Math.max(next, 0), shown.length - 1)]);
    if (shown.length - next < 12) load();
  }

  on("htmx:beforeRequest", ({ target }) => {
    if (!target.closest(".more")) return;
    isLoading = true;
    before = cards().length;
    tell("More papers are coming.");
  });

  // Focus goes on to the first of those that came where their link was pressed.
  on("htmx:afterSettle", () => {
    if (!isLoading || more()?.matches(".htmx-request")) return;
    isLoading = false;
    const fresh = cards().slice(before);
    tell(words(fresh));
    if (document.activeElement === document.body) fresh[0]?.querySelector(".card-title a").focus({ preventScroll: true });
    keepPlace();
    release();
  });

  on(FAILED, ({ target }) => {
    if (!target.closest(".more")) return;
    isLoading = false;
    held = null;
    tell("");
  });

  function words(fresh) {
    if (!fresh.length) return "There are no more papers.";
    const places = fresh.map((card) => card.getAttribute("aria-posinset")).filter(Boolean);
    const [first, last] = [places[0], Math.max(...places)];
    const total = fresh[0].getAttribute("aria-setsize");
    return first ? `Papers ${first} to ${last}${total > 0 ? ` of ${total}` : ""}.` : `${fresh.length} more papers.`;
  }

  // Whoever comes back finds as many cards as were there: the address says so, and so do the forms.
  // A part that comes while a paper is being opened leaves the mark of that paper where it is.
  function keepPlace(hash = location.hash) {
    const here = new URL(location);
    const count = cards().length;
    if (count > 50) here.searchParams.set("show", count);
    here.hash = hash;
    history.replaceState(history.state, "", here);
    for (const field of all("input[name=next]")) field.value = here.pathname + here.search;
  }

  // The paper's page knows by this the way through the list, as the reader saw it: in this tab alone.
  function remember() {
    const list = {
      name: document.title.replace(` · ${one(".wordmark").textContent}`, ""),
      address: location.pathname + location.search,
      more: more()?.href,
      papers: all(".card-title a").filter((link) => !link.closest(".muted-fold:not([open])")).map((link) => link.pathname),
    };
    try { sessionStorage.setItem("list", JSON.stringify(list)); } catch { /* full, or forbidden: then without */ }
  }

  on("click", (event) => {
    const card = event.target.closest(".card-title a")?.closest(".card");
    if (!card) return;
    card.classList.add("seen");
    keepPlace(card.id);
    remember();
  });

  // What the server answers to an act: this paper is seen now, or not any more; or all of them are.
  on("seen", ({ detail }) => {
    for (const card of detail.all ? cards() : [document.getElementById(`paper-${detail.paper}`)]) {
      card?.classList.toggle("seen", detail.on);
      const button = card?.querySelector(".mark-seen");
      if (!button) continue;
      button.ariaPressed = detail.on;
      button.value = detail.on ? 0 : 1;
    }
  });

  // --- A panel with tags and note opens with the cursor in it; but not under the hand of somebody who went on meanwhile.

  let opened = 0;
  let closed = "";

  on("htmx:beforeRequest", ({ target }) => { if (target.matches(".own-link")) opened = performance.now(); });
  on("htmx:beforeSwap", ({ detail: { target } }) => {
    if (target.matches(".own") && !target.querySelector(".mine")) closed = target.innerHTML;
  });
  on("htmx:afterSwap", ({ target }) => {
    if (broadsheet.lastKey <= opened) target.querySelector?.(".own .mine input[name=tags], :scope > .mine input[name=tags]")?.focus();
  });

  broadsheet.closePanel = () => {
    const panel = document.activeElement.closest(".card .mine") ?? inCard(".mine");
    if (!panel) return false;
    const card = panel.closest(".card");
    panel.parentElement.innerHTML = closed;
    card.querySelector(".own-link").focus();
    return true;
  };

  Object.assign(keys, {
    j: () => step(1),
    k: () => step(-1),
    t: () => inCard(".own-link")?.click(),
    n: () => {
      const button = inCard(".mark-seen[aria-pressed=false]");
      button?.closest(".card").classList.add("seen");
      button?.click();
      step(1);
    },
  });

  // --- Tab stops at what one does with a paper: vote, save, title, abstract. "Seen" and links in small print take part while the
  // abstract is open, or one's own words are; the paper's page has them all.

  function setStops(part) {
    const around = part.closest?.(".card");
    for (const card of around ? [around] : part.querySelectorAll(".card")) {
      const stop = card.querySelector(".abstract details[open], .mine") ? 0 : -1;
      for (const link of card.querySelectorAll("a[href]:not(.vote, .card-title a, .mine a), .mark-seen")) link.tabIndex = stop;
    }
  }

  setStops(document);
  document.addEventListener("toggle", ({ target }) => setStops(target), true);
  on("htmx:load", ({ detail }) => setStops(detail.elt));
})();
