// Rows: choose at the left, go through them in the middle, read at the right.

import { exportLink, get, lines } from "./api.js";
import { decide, editMessage, note, undo, verdicts } from "./decide.js";
import { fill, html } from "./dom.js";
import { growing, listed, markRow, step } from "./list.js";
import { complain, empty, loading } from "./notice.js";
import { conversation, messageInSight } from "./reader.js";
import { sideBar } from "./side.js";
import { clause, current, go, link, selection, slide } from "./state.js";
import { clauseWords, count, plain, plural } from "./words.js";

export const title = "Rows";

let parts = null; // the panes, while this view is shown
let shown = ""; // the selection and version that they show
let chosenRows = ""; // the selection whose rows are listed
let listing = new AbortController(); // ends when other rows are listed
let readId = null;
let reading = new AbortController(); // ends when another row is read

export async function show(host, { about, state, signal }) {
  if (!parts || !host.contains(parts.list)) {
    shown = chosenRows = "";
    parts = panes(host);
  }
  const wanted = `${selection(state)} ${about.version}`;
  if (wanted !== shown) await showSelection(about, state, signal, wanted);
  await showRow(state);
}

function panes(host) {
  const own = {
    side: html`<section class="facets" aria-label="Choose rows"></section>`,
    head: html`<header class="list-head"></header>`,
    list: html`<ol class="row-list"></ol>`,
    reader: html`<section class="reader" aria-label="The row" tabindex="-1"></section>`,
  };
  fill(
    host,
    html`<div class="desk rows-desk">${own.side}
    <section class="list" aria-label="Rows">${own.head}${own.list}${hints()}</section>${own.reader}</div>`,
  );
  return own;
}

function hints() {
  return html`<p class="key-hints"><kbd>j</kbd><kbd>k</kbd> move <kbd>y</kbd> keep <kbd>n</kbd> drop
    <kbd>u</kbd> undo <kbd>?</kbd> all keys</p>`;
}

/** In a live run the numbers change; a list that somebody has scrolled stays as it is. */
async function showSelection(about, state, signal, wanted) {
  const { side, head, list } = parts;
  if (!list.childNodes.length) fill(list, loading());
  if (state.get("find")) await search(state, signal);
  const [counted] = await Promise.all([get("side", selection(state), signal), grown(state)]);
  if (signal.aborted) return;
  const paint = () => fill(side, sheetHead(), sideBar(counted, about, paint));
  paint();
  fill(head, ...headOf(counted, about, state));
  shown = wanted;
  if (!counted.count) fill(list, noRows(state));
}

async function grown(state) {
  const wanted = String(selection(state));
  const pane = parts.list.parentElement;
  if (wanted === chosenRows && pane.scrollTop > 200) return;
  listing.abort();
  listing = new AbortController();
  const { signal } = listing;
  const host = document.createElement("ol");
  await growing(host, 0, signal, isNarrow() ? "conversation" : "rows");
  if (signal.aborted) return;
  fill(parts.list, ...host.childNodes);
  if (wanted !== chosenRows) pane.scrollTop = 0;
  chosenRows = wanted;
}

function isNarrow() {
  return matchMedia("(max-width: 859px)").matches;
}

/** First hits are shown while the rest is still searched. */
async function search(state, signal) {
  let ids = [];
  for await (const line of lines("search", selection(state), signal)) {
    ids = [...ids, ...line.ids].slice(0, 50);
    if (line.done) return;
    const words = `${plural(line.count, "row")} in ${count(line.parts)} of ${plural(line.of, "part")} …`;
    fill(parts.head, html`<p class="searching" role="status"><i class="breath"></i>${words}</p>`);
    if (line.ids.length && ids.length <= 50) await firstHits(state, ids, signal);
  }
}

async function firstHits(state, ids, signal) {
  const find = { find: state.get("find"), regex: state.get("regex") ?? "0" };
  const { rows } = await get("rows", { where: `id=${ids.join("|")}`, ...find, limit: 50 }, signal);
  fill(
    parts.list,
    rows.map((row, i) => listed(row, i)),
  );
}

function noRows(state) {
  const all = link({ where: null, find: null, regex: null, sample: null }, state);
  return html`<li>${empty(
    "No row is so",
    "Nothing in this run answers all of these at once.",
    html`<a class="btn" href=${all}>Show all rows</a>`,
  )}</li>`;
}

function sheetHead() {
  const close = () => document.body.classList.remove("sheet-open");
  return html`<p class="sheet-head"><b>Choose rows</b><button class="btn"
    @click=${close}>Done</button></p>`;
}

function headOf(counted, about, state) {
  return [
    html`<div class="head-line"><p class="how-many" role="status"><b>${count(counted.count)}</b>
      ${counted.count === counted.total ? "rows" : `of ${plural(counted.total, "row")}`}</p>
      ${filterButton(state)} ${sorting(about, state)} ${sampling(about, state)} ${exporting(state, counted.count)}</div>`,
    chips(state),
  ];
}

function filterButton(state) {
  const chosen = state.getAll("where").length;
  const open = () => document.body.classList.add("sheet-open");
  return html`<button class="btn only-narrow" @click=${open}>Filter${chosen ? ` ${chosen}` : ""}</button>`;
}

function chips(state) {
  const clauses = state.getAll("where");
  const without = (text) =>
    link({ where: clauses.filter((each) => each !== text), id: null, at: null });
  const all = clauses.map((text) => chip(clauseWords(clause(text)), without(text)));
  const find = state.get("find");
  if (find)
    all.unshift(
      chip(
        state.get("regex") === "1" ? `/${find}/` : `“${find}”`,
        link({ find: null, regex: null, id: null, at: null }),
      ),
    );
  if (state.get("sample"))
    all.push(
      chip(
        `sample of ${state.get("sample")}, seed ${state.get("seed") ?? 0}`,
        link({ sample: null, seed: null, by: null, at: null }),
      ),
    );
  if (!all.length) return null;
  return html`<ul class="chips" aria-label="What is chosen">${all}</ul>`;
}

function chip(words, away) {
  return html`<li><a class="chip" href=${away} aria-label=${`${words}: take away`}
    data-key=${`chip ${words}`}>
    <span dir="auto">${words}</span><span aria-hidden="true">✕</span></a></li>`;
}

function sorting(about, state) {
  const chosen = state.get("sort") ? `${state.get("sort")} ${state.get("order") ?? "asc"}` : "";
  const names = about.numbers.map((number) => number.name);
  const option = (value, words) =>
    html`<option value=${value} ?selected=${value === chosen}>${words}</option>`;
  const choose = (event) => {
    const [sort, order] = event.target.value.split(" ");
    slide({ sort: sort || null, order: order ?? null, at: null, id: null });
  };
  return html`<select class="sort" aria-label="Sort by" data-key="sort"
    @change=${choose}>${option("", "Sort")}
    ${names.flatMap((name) => [option(`${name} asc`, `${plain(name)} ↑`), option(`${name} desc`, `${plain(name)} ↓`)])}</select>`;
}

function menu(words, key, ...body) {
  return html`<details class="menu"><summary class="btn" data-key=${key}>${words}</summary><div
    class="menu-body">${body}</div></details>`;
}

function sampling(about, state) {
  const form = html`<form class="sample">
    <label>Rows <input name="sample" type="number" min="1" max="10000" value=${state.get("sample") ?? "50"}></label>
    <label>Seed <input name="seed" type="number" min="0" value=${state.get("seed") ?? "1"}></label>
    <label>In equal parts of <select name="by">${about.facets.map(({ name }) => html`<option ?selected=${name === (state.get("by") ?? "source")}>${name}</option>`)}</select></label>
    <button class="btn go">Draw a sample</button></form>`;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { sample, seed, by } = form.elements;
    go({ sample: sample.value, seed: seed.value, by: by.value, id: null, at: null });
  });
  return menu("Sample", "sample", form);
}

function exporting(state, rows) {
  const kinds = [
    ["jsonl", "JSON lines"],
    ["parquet", "Parquet"],
    ["csv", "CSV table"],
  ];
  const links = kinds.map(
    ([kind, words]) => html`<a href=${exportLink(selection(state), kind)} download>${words}</a>`,
  );
  return menu("Export", "export", html`<p>${plural(rows, "row")} as</p>`, links);
}

async function showRow(state) {
  const id = state.get("id");
  markRow(parts.list, id);
  reading.abort();
  reading = new AbortController();
  const { signal } = reading;
  if (!id) return fill(parts.reader, nothingOpen());
  const row = await get("row", { id }, signal);
  if (signal.aborted) return undefined;
  const find = { find: state.get("find"), isPattern: state.get("regex") === "1" };
  const onEdit = (message) => editMessage(row, message).catch(complain);
  fill(parts.reader, readerHead(row), conversation(row, { ...find, signal, onEdit }));
  if (id !== readId) parts.reader.scrollTop = 0;
  readId = id;
  return undefined;
}

function readerHead(row) {
  const whole = link({ view: "conversation" });
  return html`<p class="reader-head"><a class="btn" href=${whole}>Everything about it <kbd>↵</kbd></a>
    <span class="grow"></span> ${row.quarantine ? null : verdicts(row.id)}</p>`;
}

function nothingOpen() {
  return empty(
    "Choose a row",
    "Its messages, its findings and what became of it stand here.",
    html`<kbd>j</kbd>`,
    " next ",
    html`<kbd>/</kbd>`,
    " search every word",
  );
}

const withRow = (act) => async () => {
  const id = current().get("id");
  if (id) await act(await get("row", { id }));
};

export const keys = () => [
  ["j", "next row", () => step(1), "ArrowRight"],
  ["k", "row before", () => step(-1), "ArrowLeft"],
  ["Enter", "everything about the row", () => current().get("id") && go({ view: "conversation" })],
  ["y", "keep", withRow((row) => decide(row.id, "keep"))],
  ["n", "drop", withRow((row) => decide(row.id, "drop"))],
  ["e", "edit a message (or click it twice)", withRow((row) => editMessage(row, messageInSight(row)))],
  ["t", "write a note", withRow(note)],
  ["u", "undo the last decision", undo],
  ["Escape", "close the row", () => slide({ id: null, at: null })],
];
