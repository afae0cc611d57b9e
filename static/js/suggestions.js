// What the search boxes propose while somebody types: the combobox of the ARIA Authoring Practices, a list under a text
// field. It is loaded when somebody goes to one (static/js/app.js); without it a box is a box.
"use strict";

(() => {
  const { address } = document.querySelector("[data-suggestions]").dataset;
  const PAUSE = 120;
  const known = new Map();

  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  for (const [place, box] of document.querySelectorAll("[data-search]").entries()) enrich(box, `proposals-${place}`);

  function enrich(box, id) {
    const list = set(document.createElement("ul"), { id, class: "proposals", role: "listbox", "aria-label": "Suggestions" });
    list.hidden = true;
    box.after(list);
    set(box, { role: "combobox", "aria-autocomplete": "list", "aria-controls": id, "aria-expanded": "false" });

    let timer, chosen = -1, found = [], asked = "";

    function close() {
      clearTimeout(timer);
      asked = "";
      list.hidden = true;
      chosen = -1;
      box.setAttribute("aria-expanded", "false");
      box.removeAttribute("aria-activedescendant");
    }

    function show(suggestions) {
      found = suggestions;
      chosen = -1;
      box.removeAttribute("aria-activedescendant");
      list.replaceChildren(...found.map((each, place) => {
        const item = set(document.createElement("li"), { id: `${id}-${place}`, role: "option", "aria-selected": "false" });
        const kind = document.createElement("small");
        kind.textContent = each.kind;
        item.append(each.label, kind);
        return item;
      }));
      list.hidden = !found.length;
      box.setAttribute("aria-expanded", String(!list.hidden));
    }

    async function ask() {
      const typed = box.value;
      asked = typed;
      if (!typed.trim() || box.selectionEnd !== typed.length) return close();
      if (!known.has(typed)) {
        const response = await fetch(`${address}?${new URLSearchParams({ q: typed })}`, { headers: { Accept: "application/json" } }).catch(() => null);
        if (!response?.ok || response.redirected) return; // too many, or to the sign-in page
        known.set(typed, (await response.json()).suggestions);
      }
      if (asked === typed && box.value === typed && document.activeElement === box) show(known.get(typed));
    }

    function mark(place) {
      list.children[chosen]?.setAttribute("aria-selected", "false");
      chosen = place;
      const item = list.children[chosen];
      item?.setAttribute("aria-selected", "true");
      item?.scrollIntoView({ block: "nearest" });
      if (item) box.setAttribute("aria-activedescendant", item.id);
      else box.removeAttribute("aria-activedescendant");
    }

    function take(place) {
      const { query, is_unfinished } = found[place];
      box.value = query;
      close();
      if (is_unfinished) later();
      else box.form.requestSubmit();
    }

    function later() {
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE);
    }

    box.addEventListener("input", later);
    if (document.activeElement === box && box.value !== box.defaultValue) later(); // typed while this was loaded
    box.addEventListener("blur", close);
    box.form.addEventListener("submit", close);
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const place = [...list.children].indexOf(event.target.closest("li"));
      if (place >= 0) take(place);
    });
    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const isOpen = !list.hidden, last = found.length - 1;
      const act = {
        ArrowDown: () => (isOpen ? mark(chosen < last ? chosen + 1 : -1) : ask()),
        ArrowUp: isOpen && (() => mark(chosen < 0 ? last : chosen - 1)),
        Enter: isOpen && chosen >= 0 && (() => take(chosen)),
        Escape: isOpen && close,
      }[event.key];
      if (!act) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
  }
})();
