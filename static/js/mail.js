// The preferences of mail: a search over the topics as it is typed. Without it, the button beside the field searches.
"use strict";

(() => {
  const search = document.querySelector("[data-topic-search]");
  if (!search || !("hasAll" in search.dataset)) return; // some are not on the page: the server finds them
  const typed = search.querySelector("input[name=find]");
  const said = document.querySelector("[data-topic-count]");
  const options = [...document.querySelectorAll(".topic-options [data-words]")];
  if (!options.length) return;
  const found = search.querySelector("input[name=found]");
  search.querySelector("button").hidden = true;

  function show() {
    const words = typed.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const option of options) {
      const fits = words.every((word) => option.dataset.words.includes(word));
      option.hidden = !fits && !option.querySelector("input").checked; // what is ticked stays in view
      if (fits) count += 1;
    }
    found.value = typed.value.trim().split(/\s+/).join(" "); // Enter in another field then saves
    said.textContent = words.length ? (count ? `${count} found` : "No other topic has these words.") : "";
  }

  typed.addEventListener("input", show);
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it is searched already, and nothing is to be sent from here
  });
  show();
})();
