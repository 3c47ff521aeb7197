"use strict";
// Pictures open large, by mouse or Enter; arrow keys go on to the next, Escape closes.
const buttons = [...document.querySelectorAll("button.zoom")];
const dialog = document.createElement("dialog");
const large = document.createElement("img");
const words = document.createElement("p");
const row = document.createElement("div");
let at = 0;

function show(index) {
  at = (index + buttons.length) % buttons.length;
  const picture = buttons[at].querySelector("img");
  large.src = picture.src;
  large.alt = picture.alt;
  words.textContent = picture.alt;
  if (!dialog.open) dialog.showModal();
}

function add(label, text, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.setAttribute("aria-label", label);
  button.addEventListener("click", action);
  row.append(button);
}

add("Previous picture", "\u2190", () => show(at - 1));
add("Close", "Close", () => dialog.close());
add("Next picture", "\u2192", () => show(at + 1));
dialog.setAttribute("aria-label", "One picture, large");
dialog.append(large, words, row);
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") show(at - 1);
  if (event.key === "ArrowRight") show(at + 1);
});
dialog.addEventListener("close", () => buttons[at].focus());
large.addEventListener("click", () => dialog.close());
buttons.forEach((button, index) => button.addEventListener("click", () => show(index)));
if (buttons.length) document.body.append(dialog);
