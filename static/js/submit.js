// The bookmarklet as a link to drag. The page's policy lets no such address run here, so a click only says what to do.
"use strict";

(() => {
  for (const link of document.querySelectorAll("[data-bookmarklet]")) {
    link.href = document.getElementById(link.dataset.bookmarklet).textContent;
    link.closest("[hidden]").hidden = false;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      document.getElementById("notice").textContent = "Drag it to your bookmarks bar.";
    });
  }
})();
