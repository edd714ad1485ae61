// Review: one conversation after the other, a key for each decision.

import { fresh, get } from "./api.js";
import * as blind from "./blind.js";
import { page, place, step } from "./list.js";
import { ask, decide, editMessage, note, people, renameReviewer, reviewer, undo } from "./decide.js";
import { fill, html } from "./dom.js";
import { complain, empty, loading } from "./notice.js";
import { conversation, messageInSight } from "./reader.js";
import { changed, clause, clauseText, current, go, link, slide } from "./state.js";
import { clauseWords, count, plural } from "./words.js";

export const title = "Review";

const MODES = [
  ["decide", "Keep or drop"],
  ["rate", "Rate blindly"],
  ["ab", "A or B"],
];
let open = null;
let again = () => {};

export async function show(host, context) {
  const { about, state, signal } = context;
  const mode = state.get("mode") ?? "decide";
  let page = host.querySelector(".review");
  if (page?.dataset.mode !== mode) {
    page = html`<div class="review" data-mode=${mode}><nav class="modes"
      aria-label="Ways to review">${modeLinks(mode)}</nav>
      <div class="review-body">${loading()}</div></div>`;
    fill(host, page);
  }
  again = () => show(host, { ...context, state: current() }).catch(complain);
  const body = page.querySelector(".review-body");
  if (!about.can_review) return fill(body, readingOnly());
  if (mode === "rate") return blind.rate(body, about, state, signal);
  if (mode === "ab") return blind.ab(body, state, signal);
  return one(body, state, signal);
}

function readingOnly() {
  const words = "Decisions and ratings are kept with a run, whose next run honours them.";
  const rows = html`<a class="btn" href=${link({ view: "rows" })}>Look at the rows</a>`;
  return empty("This is open for reading only", words, rows);
}

function modeLinks(mode) {
  return MODES.map(
    ([name, words]) => html`<a href=${link({ mode: name === "decide" ? null : name })}
    aria-current=${name === mode ? "page" : null}>${words}</a>`,
  );
}

async function one(body, state, signal) {
  const { at, count: rows } = await place(state);
  if (!rows)
    return fill(
      body,
      empty(
        "No rows to review",
        "Nothing is in this selection.",
        html`<a class="btn" href=${link({ where: null, find: null, sample: null })}>All rows</a>`,
      ),
    );
  if (!state.get("id")) return first(state);
  const row = await fresh("row", { id: state.get("id") });
  const isOther = row.id !== open?.id;
  if (signal.aborted) return undefined;
  open = row;
  const onEdit = (message) => editMessage(row, message).then(again).catch(complain);
  const aside = html`<aside class="review-side"></aside>`;
  fill(
    body,
    progress(at, rows),
    html`<div class="review-columns"><section class="reader" aria-label="The conversation" tabindex="-1">
      ${chosen(state, at, rows)} ${conversation(row, { signal, onEdit, find: state.get("find") })}</section>${aside}</div>`,
    keyBar(),
  );
  if (isOther) window.scrollTo(0, 0);
  return showPeople(aside);
}

/** Goes to the first row; records that could not be read are left out, nothing can be decided on them. */
async function first(state) {
  const isChosen = ["where", "find", "sample"].some((name) => state.has(name));
  const where = isChosen ? state.getAll("where") : ["outcome!=quarantined"];
  const { rows } = await page(0, changed({ where }, state));
  slide({ where, id: rows[0].id, at: "0" });
}

function progress(at, rows) {
  const share = at === null ? 0 : (at + 1) / rows;
  return html`<div class="progress" role="progressbar" aria-label="Through the selection"
    aria-valuemin="0" aria-valuemax=${rows}
    aria-valuenow=${(at ?? 0) + 1}><i style=${{ width: `${100 * share}%` }}></i></div>`;
}

function chosen(state, at, rows) {
  const clauses = state.getAll("where").map((text) => clauseWords(clause(text)));
  if (state.get("find")) clauses.push(`“${state.get("find")}”`);
  if (state.get("sample"))
    clauses.push(
      `sample of ${state.get("sample")} by ${state.get("by") ?? "source"}, seed ${state.get("seed") ?? 1}`,
    );
  const draw = link({ sample: "200", seed: "1", by: "source", id: null, at: null });
  return html`<p class="review-head"><b>${at === null ? "–" : count(at + 1)} of ${count(rows)}</b>
    <span class="hint">${clauses.length ? clauses.join(", ") : "all rows"}</span><span class="grow"></span>
    <a href=${link({ view: "rows" })}>Choose others</a>
    ${state.get("sample") || rows <= 200 ? null : html`<a href=${draw}>Sample 200</a>`}</p>`;
}

function keyBar() {
  const button = (
    words,
    key,
    act,
    kind = "",
  ) => html`<button class=${`btn ${kind}`} @click=${() => Promise.resolve(act()).catch(complain)}>
    ${words} <kbd>${key}</kbd></button>`;
  return html`<div class="key-bar" role="toolbar" aria-label="Decisions">
    ${button("Back", "k", () => step(-1), "wide")} ${button("Keep", "y", () => verdict("keep"), "yes")} ${button("Drop", "n", () => verdict("drop"), "no")}
    ${button("Edit", "e", edit)} ${button("Note", "t", write)} ${button("Undo", "u", takeBack)} ${button("Next", "j", () => step(1), "wide")}</div>`;
}

async function verdict(action) {
  if (!open) return;
  const { id } = open;
  await decide(id, action);
  if (!(await step(1))) again();
}

async function edit() {
  await editMessage(open, messageInSight(open));
  again();
}

async function write() {
  await note(open);
  again();
}

/** Undo goes back to the row whose decision it took. */
async function takeBack() {
  const { id } = await undo();
  if (id === current().get("id")) return again();
  const { at } = await place(
    new URLSearchParams(
      [...current(), ["id", id]].filter(([name, value]) => name !== "id" || value === id),
    ),
  );
  return slide({ id, at: at === null ? null : String(at) });
}

async function showPeople(aside) {
  const [mine, agreement] = await Promise.all([people(), get("agreement").catch(() => null)]);
  const last = await withWords(mine.last?.slice(0, 8) ?? []);
  fill(
    aside,
    html`<section class="card me"><h2>You are <b>${reviewer()}</b></h2>
      <button class="quiet small" @click=${rename}>Another name</button>${tally(mine)}</section>
    ${last.length ? html`<section class="card done"><h2>Last decisions</h2><ol>${last.map(lastOne)}</ol></section>` : null}
    ${agreement?.criteria?.length ? blind.agreementCard(agreement) : null}`,
  );
}

/** Decisions with the first words of their rows. */
async function withWords(last) {
  if (!last.length) return [];
  const ids = [...new Set(last.map(({ id }) => id))];
  const { rows } = await get("rows", { where: clauseText("id", ids), limit: ids.length });
  const starts = new Map(rows.map(({ id, start }) => [id, start]));
  return last.map((each) => ({ ...each, start: starts.get(each.id) }));
}

async function rename() {
  const name = await ask("Your name, as it stands beside your decisions", reviewer(), {
    isLong: false,
  });
  if (name?.trim()) renameReviewer(name);
  again();
}

function tally({ counts, people: all }) {
  const rows = Object.entries(counts ?? {}).filter(([, number]) => number);
  if (!rows.length) return html`<p class="tally hint">No decision yet.</p>`;
  const names = Object.entries(all ?? {}).map(
    ([name, number]) => `${name} ${plural(number, "decision")}`,
  );
  return html`<p class="tally">${rows.map(
    ([action, number]) => html`<span
    class=${`pill ${action}`}>${action} ${count(number)}</span> `,
  )}</p>
    <p class="hint">${names.join(", ")}</p>`;
}

function lastOne({ id, action, who, text, start }) {
  const signs = { keep: "✓", drop: "✕", edit: "✎", note: "✎", clear: "○" };
  return html`<li class=${`did-${action}`}><span aria-hidden="true">${signs[action] ?? "·"}</span>
    <a href=${link({ id, at: null })}><span class="sr">${action} </span>${text || start || id}</a><span
      class="hint">${who}</span></li>`;
}

const when = (act) => () => open && act();

const deciding = [
  ["j", "next row", when(() => step(1)), "ArrowRight"],
  ["k", "row before", when(() => step(-1)), "ArrowLeft"],
  ["y", "keep, and on to the next", when(() => verdict("keep"))],
  ["n", "drop, and on to the next", when(() => verdict("drop"))],
  ["e", "edit the message in the middle (or click one twice)", when(edit)],
  ["t", "write a note", when(write)],
  ["u", "undo the last decision", when(takeBack)],
];
const away = ["Escape", "back to the rows", () => go({ view: "rows", mode: null })];

export const keys = () => [...(blind.keys[current().get("mode")] ?? deciding), away];
