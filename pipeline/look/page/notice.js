// What the page says by the way: short notices, errors, empty and loading places.

import { html } from "./dom.js";

let timer = 0;

/** A notice that goes away by itself. undo: what its button does. */
export function toast(text, { isBad = false, undo = null } = {}) {
  const host = document.getElementById("toast");
  const takeBack = () => {
    host.replaceChildren();
    undo().catch((error) => toast(error.message, { isBad: true }));
  };
  const button = undo
    ? html`<button class="quiet" @click=${takeBack}>Undo <kbd>u</kbd></button>`
    : null;
  host.replaceChildren(
    html`<div class=${isBad ? "toast bad" : "toast"}><span>${text}</span>${button}</div>`,
  );
  clearTimeout(timer);
  timer = setTimeout(() => host.replaceChildren(), isBad ? 9000 : 4500);
}

export function complain(error) {
  if (error.name !== "AbortError") toast(error.message, { isBad: true });
}

export function loading(words = "Reading …") {
  return html`<p class="state loading" role="status"><i class="breath" aria-hidden="true"></i>${words}</p>`;
}

export function empty(title, words, ...actions) {
  return html`<div class="state empty"><h2>${title}</h2><p>${words}</p>
    ${actions.length ? html`<p class="actions">${actions}</p>` : null}</div>`;
}

export function failed(error, again) {
  return html`<div class="state failed" role="alert"><h2>This could not be shown</h2><p>${error.message}</p>
    <p class="actions"><button class="btn" @click=${again}>Try again</button></p></div>`;
}
