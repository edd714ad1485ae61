// Keys: one table a view, and one for all. Nothing happens while somebody writes.

import { html } from "./dom.js";
import { complain } from "./notice.js";

const WRITES = "input:not([type=range]), textarea, select, [contenteditable]";

/** all, own: functions that give rows of [key, words, act, another key]. */
export function listen(all, own) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
      return;
    if (event.target.matches(WRITES)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const isPressed = event.key === "Enter" && event.target.closest("a:not(.at), button, summary");
    const found = [...own(), ...all()].find(
      ([key, , , other]) => key === event.key || other === event.key,
    );
    if (!found || isPressed || event.defaultPrevented) return;
    event.preventDefault();
    Promise.resolve(found[2]()).catch(complain);
  });
}

export function help(all, own, view) {
  const rows = (keys) =>
    keys
      .filter(([, words]) => words)
      .map(
        ([key, words, , other]) => html`<div><dt><kbd>${shown(key)}</kbd>
    ${other ? html`<kbd>${shown(other)}</kbd>` : null}</dt><dd>${words}</dd></div>`,
      );
  const dialog = html`<dialog class="help" aria-label="Keys" @close=${() => dialog.remove()}>
    <form method="dialog">
    <header><h2>Keys</h2><button class="btn" autofocus>Close <kbd>Esc</kbd></button></header></form>
    ${own.length ? html`<h3>${view}</h3><dl>${rows(own)}</dl>` : null}<h3>Everywhere</h3>
      <dl>${rows(all)}</dl></dialog>`;
  document.body.append(dialog);
  dialog.showModal();
}

function shown(key) {
  return { ArrowRight: "→", ArrowLeft: "←", Enter: "↵", Escape: "Esc" }[key] ?? key;
}
