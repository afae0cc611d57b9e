// What is pressed on a paper's page: copy, share, and the way through the list that the reader came from. That list is
// remembered by this tab alone, as the reader saw it, so the server is asked nothing and its pages are the same for all.
"use strict";

(() => {
  const KEY = "list";
  const paper = document.querySelector("article.paper");

  function say(words) {
    document.getElementById("notice").textContent = words;
    setTimeout(() => { document.getElementById("notice").textContent = ""; }, 6000);
  }

  // The clipboard of navigator is for pages by https alone; this works wherever a group runs.
  function copy(text, button) {
    const field = Object.assign(document.createElement("textarea"), { value: text, className: "unseen", readOnly: true });
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    button.focus();
    say(isDone ? "Copied." : "Copying is not allowed in this browser.");
  }

  function remember() {
    const links = [...document.querySelectorAll(".card-title a")].filter((link) => !link.closest(".muted-fold"));
    const list = {
      name: document.title.replace(` · ${document.querySelector(".wordmark").textContent}`, ""),
      address: location.pathname + location.search,
      more: document.querySelector(".more a")?.href,
      papers: links.map((link) => link.pathname),
    };
    try { sessionStorage.setItem(KEY, JSON.stringify(list)); } catch { /* full, or forbidden: then without */ }
  }

  document.addEventListener("click", (event) => {
    const copies = event.target.closest("[data-copy-text], [data-copy-from]");
    if (copies) copy(copies.dataset.copyText ?? document.getElementById(copies.dataset.copyFrom).textContent, copies);
    else if (event.target.closest(".card-title a")) remember();
  });

  // Whoever signs out leaves no list behind.
  document.addEventListener("submit", (event) => {
    if (event.target.action.endsWith("/sign-out")) sessionStorage.removeItem(KEY);
  });

  if (!paper) return;

  const share = paper.querySelector("[data-share]");
  if (navigator.share) {
    share.hidden = false;
    share.addEventListener("click", () => navigator.share({ title: document.querySelector("h1").innerText, url: share.dataset.share }).catch(() => {}));
  }

  // The state beside the tags follows the button, or keeping the tags would bring the old one back.
  document.addEventListener("htmx:afterSwap", () => {
    const state = paper.querySelector(".save")?.dataset.state ?? "";
    for (const radio of paper.querySelectorAll(".mine input[name=state]")) radio.checked = radio.value === state;
  });

  function listHere() {
    try {
      const list = JSON.parse(sessionStorage.getItem(KEY));
      return list && { ...list, place: list.papers.indexOf(location.pathname) };
    } catch { return null; }
  }

  const list = listHere();
  if (!list || list.place < 0) return;
  const steps = paper.querySelector("[data-steps]");
  const lead = (link, address) => Object.assign(link, { href: address, hidden: false });
  const [before, after] = [list.papers[list.place - 1], list.papers[list.place + 1]];
  if (before) lead(steps.querySelector("[data-step='-1']"), before);
  if (after || list.more) lead(steps.querySelector("[data-step='1']"), after ?? list.more);
  if (!after) steps.querySelector("[data-words]").textContent = "More papers";
  lead(steps.querySelector("[data-list]"), `${list.address}#${paper.id}`).textContent = list.name;
  steps.hidden = false;
})();
