// Comfort on top of pages that work without it: keys, the theme without a reload, and words when something fails. What
// only lists need is in list.js, what only a paper's page needs in paper.js; both add to what is shared here.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const on = (names, act) => { for (const name of names.split(" ")) document.addEventListener(name, act); };
  const FAILED = "htmx:responseError htmx:sendError";

  // --- Theme: the cookie is what the server reads; see papers/web/theme.py.

  function switchTheme(button) {
    const isDark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches && "dark")) === "dark";
    const theme = isDark ? "light" : "dark";
    root.dataset.theme = theme;
    button.value = isDark ? "dark" : "light";
    fetch(button.form.action, { method: "POST", body: new URLSearchParams({ theme }), redirect: "manual" });
  }

  // --- What was done, or went wrong, is said in one line, and said to screen readers too.

  const notice = one("#notice");
  let timer;

  function quiet() {
    const isHere = notice.contains(document.activeElement);
    notice.textContent = "";
    if (isHere) (current()?.querySelector(".card-title a") ?? one("#content")).focus({ preventScroll: true });
  }

  // It stays while somebody is at it.
  function stay(seconds) {
    clearTimeout(timer);
    timer = setTimeout(() => (notice.matches(":hover, :focus-within") ? stay(5) : quiet()), seconds * 1000);
  }

  function say(words) {
    notice.textContent = words;
    stay(8);
  }

  stay(20);
  on("htmx:oobAfterSwap", (event) => { if (event.target === notice) stay(20); });
  on("htmx:responseError", (event) => {
    const said = {
      413: "The file is too large. The limit is 12 MB.",
      429: "Too many requests. Try again in a minute.",
    };
    say(said[event.detail.xhr.status] || "Something went wrong. Reload the page.");
  });
  on("htmx:sendError", () => say("The server can’t be reached."));

  // --- The paper that the keys act on: the current card of a list, or the paper of a page.

  const current = () => one(".card.current");
  const inCard = (selector) => (current() ?? one("article.paper"))?.querySelector(selector);
  const press = (selector) => () => one(selector)?.click();
  const pressIn = (selector) => () => inCard(selector)?.click();

  // On the shelf in a state, or off it where it is in that state already.
  const shelve = (state) => () => {
    const save = inCard(".save");
    if (!save) return;
    const values = new FormData(save.form);
    values.set("state", save.dataset.state === state ? "none" : state);
    htmx.ajax("POST", save.formAction, { target: save, swap: "outerHTML", values: Object.fromEntries(values) });
  };

  // A press shows at once; should it fail, that is taken back.
  on(`htmx:beforeRequest ${FAILED}`, ({ target }) => {
    if (target.matches?.(".vote, .save, .mark-seen")) target.ariaPressed = String(target.ariaPressed !== "true");
  });

  function comment() {
    const field = one("#comment-body");
    if (field) return field.focus();
    const link = inCard(".card-title a");
    if (link) location.href = `${link.href}#comment-body`;
  }

  const keys = {
    o: pressIn(".card-title a"),
    a: pressIn(".abstract summary"),
    v: pressIn(".vote"),
    s: pressIn(".save"),
    r: shelve("read"),
    x: shelve("not_interested"),
    c: comment,
    u: press("[data-list]"),
    A: press("[data-done]"),
    z: press("[data-undo]"),
    "/": () => all("[data-search]").at(-1)?.select(),
    "?": () => one("#keys").showModal(),
    ArrowLeft: press("[data-key=ArrowLeft]"),
    ArrowRight: press("[data-key=ArrowRight]"),
  };

  // Behind a "g".
  const places = { d: press(".wordmark"), l: press("[data-library]") };
  let isGoing = false;

  on("keydown", (event) => {
    shared.lastKey = performance.now();
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog, math, .formula");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || "noKeys" in document.body.dataset) return;
    const act = isGoing ? places[event.key] : keys[event.key];
    isGoing = event.key === "g" && !isGoing;
    if (!act) return;
    event.preventDefault();
    if (!shared.hold(act)) act();
  });

  // The list of keys is a list of buttons: whoever has no keyboard, or has the keys turned off, presses them there.
  function pressAll(button) {
    button.closest("dialog").close();
    const off = document.body.dataset.noKeys;
    delete document.body.dataset.noKeys;
    for (const key of button.dataset.press.split(" ")) {
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }
    if (off !== undefined) document.body.dataset.noKeys = off;
  }

  on("click", (event) => {
    const button = event.target.closest("[data-theme-switch], [data-keys], [data-press]");
    if (!button) return;
    event.preventDefault();
    if ("keys" in button.dataset) keys["?"]();
    else if (button.dataset.press) pressAll(button);
    else switchTheme(button);
  });

  // --- What lies over the page goes with Escape, back to its button, and with a press beside it.

  const open = () => all("details:is(.menu, .calendar)[open]");

  on("pointerdown", (event) => { for (const menu of open()) menu.open = menu.contains(event.target); });

  on("keydown", (event) => {
    if (event.key !== "Escape" || one("dialog[open]")) return;
    const menus = open();
    for (const menu of menus) {
      menu.open = false;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    }
    if (menus.length || shared.closePanel()) return;
    const abstract = inCard(".abstract [open]");
    if (notice.textContent.trim()) quiet();
    else if (abstract) abstract.open = false;
  });

  // --- What the search boxes propose is loaded when somebody goes to one.

  const { worker, scope } = document.currentScript.dataset;
  let { suggestions } = document.currentScript.dataset;

  function propose({ target }) {
    if (!suggestions || !target.matches("[data-search]")) return;
    document.head.append(Object.assign(document.createElement("script"), { src: suggestions }));
    suggestions = "";
  }
  on("focusin", propose);
  propose({ target: document.activeElement });

  // The worker that keeps the newest edition for when there is no connection: templates/worker/offline.js.
  if (worker && "serviceWorker" in navigator) {
    addEventListener("load", () => { navigator.serviceWorker.register(worker, { scope, updateViaCache: "none" }).catch(() => {}); });
  }

  // Whoever signs out leaves no list behind; static/js/list.js keeps it.
  on("submit", ({ target }) => { if (target.action.endsWith("/sign-out")) sessionStorage.removeItem("list"); });

  const shared = { one, all, on, FAILED, say, current, inCard, keys, lastKey: 0, hold: () => false, closePanel: () => false };
  window.broadsheet = shared;
})();
