// Decisions of a reviewer: sent at once, answered with what the next run will make of them.

import { fresh, post } from "./api.js";
import { html } from "./dom.js";
import { complain, toast } from "./notice.js";

let fallback = "";
let canDecide = true;

/** Who decides, if no other name is chosen; whether decisions can be stored at all. */
export function setReviewer(name, isPossible) {
  fallback = name ?? "";
  canDecide = isPossible;
}

export function reviewer() {
  return localStorage.getItem("rapport-reviewer") || fallback || "me";
}

export function renameReviewer(name) {
  localStorage.setItem("rapport-reviewer", name.trim());
}

/** Sends one decision on a row; → the answer, after saying in words what it means. */
export async function decide(id, action, more = {}) {
  const answer = await post("review", { id, action, who: reviewer(), ...more });
  const words = { keep: "Keep", drop: "Drop", edit: "Edited", note: "Noted", clear: "Cleared" };
  const text = answer.effect ? `${words[action]}: ${answer.effect}` : words[action];
  toast(text, { isBad: answer.honoured === false, undo });
  changed(id);
  return answer;
}

/** The buttons for a row. */
export function verdicts(id) {
  if (!canDecide) return null;
  const send = (action) => () => decide(id, action).catch(complain);
  return html`<button class="btn yes" @click=${send("keep")}>Keep <kbd>y</kbd></button>
    <button class="btn no" @click=${send("drop")}>Drop <kbd>n</kbd></button>`;
}

export async function undo() {
  const answer = await post("undo", { who: reviewer() });
  toast(`Undone: ${answer.action}`);
  changed(answer.id);
  return answer;
}

function changed(id) {
  window.dispatchEvent(new CustomEvent("reviewed", { detail: { id } }));
}

export async function people() {
  return fresh("review", { who: reviewer() });
}

/** Asks for a text in a dialog; → the text, or null where it was left. */
export function ask(title, text, { hint = "", isLong = true } = {}) {
  return new Promise((resolve) => {
    const field = isLong
      ? html`<textarea rows="6" dir="auto" aria-label=${title}></textarea>`
      : html`<input type="text" aria-label=${title}>`;
    field.value = text;
    const answer = (value) => {
      dialog.remove();
      resolve(value);
    };
    const onKey = (event) => {
      if (event.key !== "Enter" || (isLong && !event.ctrlKey && !event.metaKey)) return;
      event.preventDefault(); // or the button that has the focus then is pressed as well
      dialog.close("save");
    };
    field.addEventListener("keydown", onKey);
    const dialog = html`<dialog class="ask" aria-label=${title}
        @close=${() => answer(dialog.returnValue === "save" ? field.value : null)}>
      <form method="dialog"><h2>${title}</h2>${field}${hint ? html`<p class="hint">${hint}</p>` : null}
      <menu><button class="btn" value="">Cancel <kbd>Esc</kbd></button>
      <button class="btn go" value="save">Save ${isLong ? html`<kbd>Ctrl ↵</kbd>` : html`<kbd>↵</kbd>`}</button></menu></form></dialog>`;
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}

/** Lets the reviewer write a message anew. */
export async function editMessage(row, message) {
  if (!message) return null;
  const before = row.review?.edits?.[message.index] ?? message.text;
  const title = `Message ${message.index + 1}, ${message.name ?? message.role}`;
  const text = await ask(title, before, {
    hint: "The next run reads it by all rules, and masks it again.",
  });
  if (text === null || text === before) return null;
  return decide(row.id, "edit", { message: message.index, text });
}

export async function note(row) {
  const text = await ask("A note on this conversation", row.review?.note ?? "");
  return text === null ? null : decide(row.id, "note", { text });
}
