// The group's settings: a search box over the categories, the browser's time zone as a guess.
"use strict";

(() => {
  const picker = document.querySelector("[data-picker]");
  const zone = document.querySelector("[data-first-run] input[name=time_zone]:enabled");

  // --- Categories.

  const search = picker.querySelector("[data-picker-search]");
  const chosen = picker.querySelector("[data-picker-chosen]");
  const none = picker.querySelector("[data-picker-none]");
  const branches = [...picker.querySelectorAll("[data-branch]")];
  const options = [...picker.querySelectorAll("[data-option]")];
  const box = (option) => option.querySelector("input");
  let openBefore = null;

  function filter(typed) {
    const words = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (option) => words.every((word) => option.dataset.option.includes(word));
    if (words.length && !openBefore) openBefore = branches.filter((branch) => branch.open);
    for (const option of options) option.hidden = !fits(option);
    for (const part of picker.querySelectorAll("[data-archive], [data-branch]")) {
      part.hidden = !part.querySelector("[data-option]:not([hidden])");
    }
    for (const branch of branches) branch.open = words.length ? !branch.hidden : (openBefore ?? []).includes(branch) || (!openBefore && branch.open);
    if (!words.length) openBefore = null;
    const count = options.filter((option) => !option.hidden).length;
    none.textContent = words.length ? (count ? `${count} found` : "No categories match.") : "";
  }

  function showChosen() {
    const codes = options.map(box).filter((input) => input.checked);
    chosen.querySelectorAll(".chip, .none").forEach((old) => old.remove());
    for (const input of codes.sort((one, other) => one.value.localeCompare(other.value))) chosen.append(chip(input));
    if (!codes.length) chosen.append(Object.assign(document.createElement("span"), { className: "none", textContent: "none selected" }));
    for (const branch of branches) {
      const inputs = [...branch.querySelectorAll("input")];
      const count = inputs.filter((input) => input.checked).length;
      branch.querySelector("[data-branch-count]").textContent = count ? `${count} of ${inputs.length}` : `${inputs.length}`;
    }
  }

  function chip(input) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "chip", title: "Remove" });
    button.append(input.value, Object.assign(document.createElement("span"), { textContent: " ×", ariaHidden: "true" }));
    button.addEventListener("click", () => {
      const after = button.nextElementSibling ?? button.previousElementSibling;
      const place = [...chosen.children].indexOf(after?.matches(".chip") ? button : null);
      input.checked = false;
      showChosen();
      (chosen.children[place] ?? chosen.querySelector(".chip:last-child") ?? searchBox).focus();
    });
    return button;
  }

  const searchBox = search.querySelector("input");
  search.hidden = false;
  searchBox.addEventListener("input", () => filter(searchBox.value));
  searchBox.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // Enter chooses the only one found, and never sends the form from here
    const found = options.filter((option) => !option.hidden);
    if (searchBox.value.trim() && found.length === 1) {
      box(found[0]).checked = true;
      searchBox.value = "";
      filter("");
      showChosen();
    }
  });
  picker.addEventListener("change", (event) => { if (event.target.name === "categories") showChosen(); });
  showChosen();

  // --- Time zone: only on the first run, and only over the default.

  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && zone.value === "UTC" && guess) zone.value = guess;
})();
