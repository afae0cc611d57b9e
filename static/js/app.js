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

  const cards = () => [...document.querySelectorAll(".card")];
  const current = () => document.querySelector(".card.current");

  function select(card) {
    current()?.classList.remove("current");
    card.classList.add("current");
    (card.querySelector(".card-title a") ?? card).focus({ preventScroll: true });
    const { top, bottom } = card.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) card.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
  }

  // Whoever goes by Tab, or by a screen reader, is where the keys act.
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (!card || card === current()) return;
    current()?.classList.remove("current");
    card.classList.add("current");
  });

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function step(by) {
    const all = cards();
    if (!all.length) return;
    const here = all.indexOf(current());
    const seen = all.findIndex((card) => card.getBoundingClientRect().bottom > 80);
    const next = here < 0 ? Math.max(seen, 0) : Math.min(Math.max(here + by, 0), all.length - 1);
    select(all[next]);
    if (next === all.length - 1) document.querySelector(".more a")?.click();
  }

  const inCard = (selector) => (current() ?? document.querySelector("article.paper"))?.querySelector(selector);

  // On the shelf in a state, or off it where it is in that state already.
  function shelve(state) {
    const save = inCard(".save");
    if (!save) return;
    const values = new FormData(save.form);
    values.set("state", save.dataset.state === state ? "none" : state);
    htmx.ajax("POST", save.formAction, { target: save, swap: "outerHTML", values: Object.fromEntries(values) });
  }

  function ownWords() {
    const fold = document.querySelector("[data-mine]");
    if (!fold) return inCard(".own-link")?.click();
    fold.open = true;
    fold.querySelector("input[name=tags]").focus();
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
    A: () => document.querySelector("[data-done]")?.click(),
    "/": () => document.querySelector("[data-search]")?.select(),
    "?": () => document.getElementById("keys").showModal(),
    ArrowLeft: () => document.querySelector("[data-key=ArrowLeft]")?.click(),
    ArrowRight: () => document.querySelector("[data-key=ArrowRight]")?.click(),
  };

  // Behind a "g".
  const places = {
    d: () => document.querySelector(".wordmark").click(),
    l: () => document.querySelector("[data-library]")?.click(),
  };
  let isGoing = false;

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog, math, .formula");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || "noKeys" in document.body.dataset) return;
    const act = isGoing ? places[event.key] : keys[event.key];
    isGoing = event.key === "g" && !isGoing;
    if (!act) return;
    event.preventDefault();
    act();
  });

  // The panel with tags and note opens with the cursor in it.
  document.addEventListener("htmx:afterSwap", (event) => event.target.querySelector?.(".mine input[name=tags]")?.focus());

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-switch], [data-keys], [data-copy]");
    if (!button) return;
    event.preventDefault();
    if ("keys" in button.dataset) keys["?"]();
    else if ("copy" in button.dataset) copy(button);
    else switchTheme(button);
  });

  // The clipboard of navigator is for pages by https alone; this works wherever a group runs.
  function copy(button) {
    getSelection().selectAllChildren(button.closest("[data-copied]").querySelector("code"));
    say(document.execCommand("copy") ? "Copied." : "It is selected: copy it by key.");
  }

  // --- Menus lie over the page: they go with Escape, back to their button, and with a press beside them.

  const openMenus = () => [...document.querySelectorAll("details.menu[open]")];

  document.addEventListener("pointerdown", (event) => {
    for (const menu of openMenus()) menu.open = menu.contains(event.target);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    }
  });

  // --- What goes wrong behind a press is said, and said to screen readers too.

  let timer;
  function say(words) {
    const notice = document.getElementById("notice");
    notice.textContent = words;
    clearTimeout(timer);
    timer = setTimeout(() => { notice.textContent = ""; }, 6000);
  }

  document.addEventListener("htmx:responseError", (event) => {
    const said = {
      413: "That is too large: a file may have 12 MB. Give it in parts.",
      429: "That was a little fast. Try again in a minute.",
    };
    say(said[event.detail.xhr.status] || "That did not work. Load the page again.");
  });
  document.addEventListener("htmx:sendError", () => say("The server can’t be reached."));
})();
