// What HTML alone does not do: dialogs that ask first, choices that take effect at once, and news that take nothing away
// from who is reading or typing.
"use strict";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    document.getElementById(opener.dataset.opens).showModal();
  }
  const closer = event.target.closest("[data-closes]");
  if (closer) {
    closer.closest("dialog").close();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) {
    event.target.form.requestSubmit();
  }
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const there = event.detail.target;
  if (there.querySelector("dialog[open]") || there.contains(document.activeElement)) {
    event.detail.shouldSwap = false;
  }
});

let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  opened = [...event.detail.target.querySelectorAll("details[id][open]")].map((one) => one.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened.splice(0)) {
    document.getElementById(id)?.setAttribute("open", "");
  }
});
