// One conversation with everything that is known of it.

import { fresh, get } from "./api.js";
import { place, step } from "./list.js";
import { decide, editMessage, note, undo, verdicts } from "./decide.js";
import { details } from "./details.js";
import { fill, html } from "./dom.js";
import { complain, empty, loading } from "./notice.js";
import { conversation, messageInSight } from "./reader.js";
import { current, go, link } from "./state.js";
import { count, plural } from "./words.js";

export const title = "Conversation";

let open = null; // the row that is shown

export async function show(host, { about, state, signal }) {
  const id = state.get("id");
  if (!id)
    return fill(
      host,
      empty(
        "No row chosen",
        "Choose one in the list of rows.",
        html`<a class="btn" href=${link({ view: "rows" })}>Rows</a>`,
      ),
    );
  if (!host.querySelector(".reader-desk"))
    fill(host, html`<div class="desk reader-desk">${loading()}</div>`);
  const desk = host.querySelector(".reader-desk");
  const asked = get("life", { id }).catch(() => null);
  const row = await fresh("row", { id });
  if (signal.aborted) return undefined;
  const top = open?.id === id ? (desk.querySelector(".reader")?.scrollTop ?? 0) : 0;
  open = row;
  const find = { find: state.get("find"), isPattern: state.get("regex") === "1" };
  const onEdit = (message) => editMessage(row, message).catch(complain);
  const head = html`<nav class="way" aria-label="Through the selection"></nav>`;
  fill(
    desk,
    html`<section class="reader" tabindex="-1" aria-label="The conversation">${head}
    ${conversation(row, { ...find, signal, onEdit })}</section>`,
    details(row, null, about),
  );
  desk.querySelector(".reader").scrollTop = top;
  const [life] = await Promise.all([asked, showWay(head, state)]);
  if (life && !signal.aborted) desk.lastElementChild.replaceWith(details(row, life, about));
  return undefined;
}

async function showWay(head, state) {
  const { at, count: rows } = await place(state);
  const back = link({ view: "rows" });
  const where = at === null ? "" : `${count(at + 1)} of ${count(rows)}`;
  fill(
    head,
    html`<a class="btn" href=${back} aria-label=${`Back to ${plural(rows, "row")}`}><span
      aria-hidden="true">↑</span> Rows</a>
    <span class="grow hint">${where}</span>
    <button class="btn icon" aria-label="Row before" ?disabled=${!at} @click=${() => step(-1)}>←</button>
    <button class="btn icon" aria-label="Next row" ?disabled=${at !== null && at + 1 >= rows}
      @click=${() => step(1)}>→</button>
    ${open.quarantine ? null : verdicts(open.id)}`,
  );
}

const withOpen = (act) => () => open && open.id === current().get("id") && act(open);

export const keys = () => [
  ["j", "next row", () => step(1), "ArrowRight"],
  ["k", "row before", () => step(-1), "ArrowLeft"],
  ["y", "keep", withOpen((row) => decide(row.id, "keep"))],
  ["n", "drop", withOpen((row) => decide(row.id, "drop"))],
  [
    "e",
    "edit the message in the middle (or click one twice)",
    withOpen((row) => editMessage(row, messageInSight(row))),
  ],
  ["t", "write a note", withOpen(note)],
  ["u", "undo the last decision", undo],
  ["Escape", "back to the rows", () => go({ view: "rows" })],
];
