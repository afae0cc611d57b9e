// Comfort on top of pages that work without it: keys, the theme without a reload, and words when a vote fails.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  // --- Theme: the cookie is what the server reads; see papers/web/theme.py.

  const isDark = () => root.dataset.theme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

  function switchTheme(button) {
    const theme = isDark() ? "light" : "dark";
    root.dataset.theme = theme;
    button.value = theme === "dark" ? "light" : "dark";
    fetch(button.form.action, { method: "POST", body: new URLSearchParams({ theme }), redirect: "manual" });
  }

  // --- Cards: one of them is the current one.

  const one = (selector) => document.querySelector(selector);
  const cards = () => [...document.querySelectorAll(".card")];
  const current = () => one(".card.current");

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
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (card && card !== current()) mark(card);
  });
  addEventListener("DOMContentLoaded", () => {
    const card = document.getElementById(location.hash.slice(1));
    if (card?.matches(".card")) mark(card);
  });

  // --- The next part of a list comes before its end is reached; what was pressed at the edge waits for it.

  const more = () => one(".more a");
  let isLoading = false;
  let waiting = 0;

  function load() {
    if (isLoading || !more()) return;
    isLoading = true;
    more().click();
  }

  function step(by) {
    const all = cards();
    if (!all.length) return document.querySelector(`[data-step="${by}"]`)?.click();
    const here = all.indexOf(current());
    const seen = all.findIndex((card) => card.getBoundingClientRect().bottom > 120);
    const next = here < 0 ? Math.max(seen, 0) : here + by + waiting;
    if (next >= all.length && more()) {
      waiting = next - here;
      return load();
    }
    select(all[Math.min(Math.max(next, 0), all.length - 1)]);
    if (all.length - next < 12) load();
  }

  document.addEventListener("htmx:afterSettle", () => {
    if (!isLoading || more()?.matches(".htmx-request")) return;
    isLoading = false;
    keepPlace();
    const by = waiting;
    waiting = 0;
    if (by) step(by);
  });
  document.addEventListener("click", (event) => { if (event.target.closest(".more a")) isLoading = true; });

  // Whoever comes back finds as many cards as were there: the address says so, and so do the forms.
  // A part that comes while a paper is being opened leaves the mark of that paper where it is.
  function keepPlace(hash = location.hash) {
    if (!cards().length) return;
    const here = new URL(location);
    if (cards().length > 50) here.searchParams.set("show", cards().length);
    here.hash = hash;
    history.replaceState(history.state, "", here);
    for (const field of document.querySelectorAll("input[name=next]")) field.value = here.pathname + here.search;
  }

  document.addEventListener("click", (event) => {
    const card = event.target.closest(".card-title a")?.closest(".card");
    if (!card) return;
    card.classList.add("seen");
    keepPlace(card.id);
  });

  // What the server answers to an act: this paper is seen now, or not any more; or all of them are.
  document.addEventListener("seen", ({ detail: { all, paper, on } }) => {
    for (const card of all ? cards() : [document.getElementById(`paper-${paper}`)]) {
      card?.classList.toggle("seen", on);
      const button = card?.querySelector(".mark-seen");
      if (!button) continue;
      button.ariaPressed = on;
      button.value = on ? 0 : 1;
    }
  });

  function seenAndOn() {
    const button = inCard(".mark-seen[aria-pressed=false]");
    button?.closest(".card")?.classList.add("seen");
    button?.click();
    step(1);
  }

  const inCard = (selector) => (current() ?? one("article.paper"))?.querySelector(selector);

  // On the shelf in a state, or off it where it is in that state already.
  function shelve(state) {
    const save = inCard(".save");
    if (!save) return;
    const values = new FormData(save.form);
    values.set("state", save.dataset.state === state ? "none" : state);
    htmx.ajax("POST", save.formAction, { target: save, swap: "outerHTML", values: Object.fromEntries(values) });
  }

  // A press shows at once; should it fail, that is taken back.
  function flip({ target }) {
    if (target.matches?.(".vote, .save, .mark-seen")) target.ariaPressed = target.ariaPressed === "true" ? "false" : "true";
  }
  for (const name of ["htmx:beforeRequest", "htmx:responseError", "htmx:sendError"]) document.addEventListener(name, flip);

  // A panel with tags and note opens with the cursor in it; but not under the hand of somebody who went on meanwhile.
  let lastKey = 0;
  let asked = 0;
  let closed = "";

  function ownWords() {
    const fold = one("[data-mine]");
    if (!fold) return inCard(".own-link")?.click();
    fold.open = true;
    fold.querySelector("input[name=tags]").focus();
  }

  document.addEventListener("htmx:beforeRequest", (event) => { if (event.target.matches(".own-link")) asked = performance.now(); });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => { if (detail.target.matches(".own") && !detail.target.querySelector(".mine")) closed = detail.target.innerHTML; });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (lastKey <= asked) event.target.querySelector?.(".own .mine input[name=tags], :scope > .mine input[name=tags]")?.focus();
  });

  function closePanel() {
    const panel = document.activeElement.closest(".card .mine") ?? inCard(".mine");
    if (!panel) return false;
    const card = panel.closest(".card");
    panel.parentElement.innerHTML = closed;
    card.querySelector(".own-link").focus();
    return true;
  }

  function comment() {
    const field = document.getElementById("comment-body");
    if (field) return field.focus();
    const link = inCard(".card-title a");
    if (link) location.href = `${link.href}#comment-body`;
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    o: () => inCard(".card-title a")?.click(),
    a: () => inCard(".abstract summary")?.click(),
    v: () => inCard(".vote")?.click(),
    s: () => inCard(".save")?.click(),
    r: () => shelve("read"),
    x: () => shelve("not_interested"),
    t: ownWords,
    c: comment,
    n: seenAndOn,
    u: () => one("[data-list]")?.click(),
    A: () => one("[data-done]")?.click(),
    z: () => one("[data-undo]")?.click(),
    "/": () => [...document.querySelectorAll("[data-search]")].at(-1)?.select(),
    "?": () => document.getElementById("keys").showModal(),
    ArrowLeft: () => one("[data-key=ArrowLeft]")?.click(),
    ArrowRight: () => one("[data-key=ArrowRight]")?.click(),
  };

  // Behind a "g".
  const places = {
    d: () => one(".wordmark").click(),
    l: () => one("[data-library]")?.click(),
  };
  let isGoing = false;

  document.addEventListener("keydown", (event) => {
    lastKey = performance.now();
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog, math, .formula");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || "noKeys" in document.body.dataset) return;
    const act = isGoing ? places[event.key] : keys[event.key];
    isGoing = event.key === "g" && !isGoing;
    if (!act) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-switch], [data-keys]");
    if (!button) return;
    event.preventDefault();
    if ("keys" in button.dataset) keys["?"]();
    else switchTheme(button);
  });

  // --- What lies over the page goes with Escape, back to its button, and with a press beside it.

  const open = () => [...document.querySelectorAll("details:is(.menu, .calendar)[open]")];

  document.addEventListener("pointerdown", (event) => {
    for (const menu of open()) menu.open = menu.contains(event.target);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || one("dialog[open]")) return;
    const menus = open();
    for (const menu of menus) {
      menu.open = false;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    }
    if (menus.length || closePanel()) return;
    const abstract = inCard(".abstract [open]");
    if (notice().textContent.trim()) quiet();
    else if (abstract) abstract.open = false;
  });

  // --- What was done, or went wrong, is said in one line, and said to screen readers too.

  const notice = () => document.getElementById("notice");
  let timer;

  function quiet() {
    const isHere = notice().contains(document.activeElement);
    notice().textContent = "";
    if (isHere) (current()?.querySelector(".card-title a") ?? document.getElementById("content")).focus({ preventScroll: true });
  }

  // It stays while somebody is at it.
  function stay(seconds) {
    clearTimeout(timer);
    timer = setTimeout(() => (notice().matches(":hover, :focus-within") ? stay(5) : quiet()), seconds * 1000);
  }

  function say(words) {
    notice().textContent = words;
    stay(8);
  }

  document.addEventListener("htmx:oobAfterSwap", (event) => { if (event.target.id === "notice") stay(20); });
  addEventListener("DOMContentLoaded", () => stay(20));

  document.addEventListener("htmx:responseError", (event) => {
    const said = {
      413: "The file is too large. The limit is 12 MB.",
      429: "Too many requests. Try again in a minute.",
    };
    say(said[event.detail.xhr.status] || "Something went wrong. Reload the page.");
  });
  document.addEventListener("htmx:sendError", () => say("The server can’t be reached."));
  for (const failed of ["htmx:responseError", "htmx:sendError"]) document.addEventListener(failed, () => { isLoading = false; waiting = 0; });
})();
