// What is pressed on a paper's page: copy, share, and the way through the list that the reader came from, which
// static/js/list.js keeps in this tab alone: the server is asked nothing, and its pages are the same for all.
"use strict";

(() => {
  const { one, on, say, keys } = broadsheet;
  const paper = one("article.paper");

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

  on("click", (event) => {
    const copies = event.target.closest("[data-copy-text], [data-copy-from]");
    if (copies) copy(copies.dataset.copyText ?? document.getElementById(copies.dataset.copyFrom).textContent, copies);
  });

  const share = paper.querySelector("[data-share]");
  if (navigator.share) {
    share.hidden = false;
    share.addEventListener("click", () => navigator.share({ title: one("h1").innerText, url: share.dataset.share }).catch(() => {}));
  }

  // The state beside the tags follows the button, or keeping the tags would bring the old one back.
  on("htmx:afterSwap", () => {
    const state = paper.querySelector(".save")?.dataset.state ?? "";
    for (const radio of paper.querySelectorAll(".mine input[name=state]")) radio.checked = radio.value === state;
  });

  const step = (by) => () => one(`[data-step="${by}"]`)?.click();
  keys.j = step(1);
  keys.k = step(-1);
  keys.t = () => {
    const fold = one("[data-mine]");
    if (!fold) return;
    fold.open = true;
    fold.querySelector("input[name=tags]").focus();
  };

  function listHere() {
    try {
      const list = JSON.parse(sessionStorage.getItem("list"));
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
