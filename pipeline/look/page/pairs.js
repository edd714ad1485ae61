// Near-duplicates side by side, folded to what differs.

import { get } from "./api.js";
import { decide, undo } from "./decide.js";
import { pieces } from "./details.js";
import { fill, html } from "./dom.js";
import { empty, loading } from "./notice.js";
import { marked } from "./text.js";
import { current, link, selection, slide } from "./state.js";
import { colourOf, count, figure, plain, plural } from "./words.js";

export const title = "Pairs";

const PAGE = 20;
let all = []; // pairs that are listed
let shown = "";

export async function show(host, { about, state, signal }) {
  if (!host.querySelector(".pairs-desk")) {
    shown = "";
    fill(
      host,
      html`<div class="desk pairs-desk"><section class="list" aria-label="Pairs">${loading()}</section>
      <section class="pair" aria-label="The pair" tabindex="-1"></section></div>`,
    );
  }
  const [list, place] = host.querySelectorAll(".pairs-desk > section");
  const wanted = `${selection(state)} ${about.version}`;
  if (wanted !== shown) {
    all = [];
    await grow(list, state, signal);
    shown = wanted;
  }
  if (signal.aborted) return undefined;
  if (!all.length) return fill(host, noPairs(state));
  const id = state.get("id") ?? all[0].id;
  const partner = state.get("partner") ?? all.find((pair) => pair.id === id)?.partner ?? all[0].partner;
  mark(list, id);
  return showPair(place, id, partner, signal);
}

function noPairs(state) {
  const isChosen = state.has("where") || state.has("find");
  const link_ = link({ where: null, find: null, id: null, partner: null });
  const words = isChosen
    ? "No row of this selection was dropped as a duplicate."
    : "dedup found no two conversations alike.";
  return empty("No pairs", words, isChosen ? html`<a class="btn" href=${link_}>All pairs</a>` : null);
}

async function grow(list, state, signal) {
  const parameters = selection(state);
  parameters.set("offset", all.length);
  parameters.set("limit", PAGE);
  const found = await get("pairs", parameters, signal);
  all = [...all, ...found.pairs];
  const more = () => grow(list, state, signal).then(() => mark(list, current().get("id")));
  fill(
    list,
    html`<header class="list-head"><p class="how-many"><b>${count(found.count)}</b> ${found.count === 1 ? "pair" : "pairs"}</p></header>
    <ol class="row-list">${all.map(listed)}</ol>
    ${
      all.length < found.count
        ? html`<button class="btn more-rows"
      @click=${more}>Show ${PAGE} more</button>`
        : null
    }`,
  );
}

function listed(pair) {
  return html`<li><a class="row" href=${link({ id: pair.id, partner: pair.partner })} data-id=${pair.id}
    data-key=${pair.id}>
    <span class="meta"><b class="value">${figure(pair.similarity)}</b><i class="dot"
      style=${{ background: colourOf(pair.source) }}></i>
      <span class="source">${pair.source}</span><span class="pill dropped">${pair.rule}</span></span>
    <span class="start" dir="auto">${pair.start}</span></a></li>`;
}

function mark(list, id) {
  for (const row of list.querySelectorAll(".row")) {
    row.classList.toggle("at", row.dataset.id === id);
    if (row.dataset.id === id) row.scrollIntoView({ block: "nearest" });
  }
}

async function showPair(place, id, partner, signal) {
  const pair = await get("pair", { id, partner }, signal);
  if (signal.aborted) return;
  const differing = pair.lines.filter(isDiffering).length;
  fill(
    place,
    html`<header class="pair-head"><dl class="meter-row">
      <div><dd>${figure(pair.similarity)}</dd><dt>similarity, ${pair.rule}</dt></div>
      <div><dd>${count(differing)}</dd><dt>${differing === 1 ? "message differs" : "messages differ"}</dt></div></dl>
    <span class="grow"></span>
    <button class="btn" @click=${() => judge(id, "keep")}>Not the same <kbd>n</kbd></button>
    <button class="btn go" @click=${() => judge(id, "drop")}>Agreed, next <kbd>y</kbd></button></header>
    <div class="sides" role="table" aria-label="Both conversations">${sideHeads(pair)}${pair.lines.flatMap((line, i) => lineOf(line, pair, i))}</div>`,
  );
  place.scrollTop = 0;
}

function isDiffering({ same, left, right, pieces: parts }) {
  return !same && (!left || !right || parts.some(([kind]) => kind !== "same"));
}

function sideHeads(pair) {
  const head = (
    id,
  ) => html`<div class=${`side-head ${id === pair.stays ? "stays" : "goes"}`} role="columnheader"><span
    class=${id === pair.stays ? "pill kept" : "pill dropped"}>
    ${id === pair.stays ? "stays" : "dropped"}</span> <a
      href=${link({ view: "conversation", id, partner: null })}><code>${id}</code></a>
    ${id === pair.stays ? html`<small>${pair.why}</small>` : null}</div>`;
  return html`<div class="pair-line" role="row">${head(pair.left)}${head(pair.right)}</div>`;
}

function lineOf(line, pair, place) {
  if (line.same) return [fold(line.same, pair, place)];
  const { left, right, pieces: parts } = line;
  const cell = (side, gone) => {
    const stays = (side === left ? pair.left : pair.right) === pair.stays;
    if (!side)
      return html`<div class="cell nothing" role="cell"><span class="sr">no such message</span></div>`;
    const own = parts.filter(([kind]) => kind !== gone);
    const isWhole = !left || !right;
    return html`<div class=${stays ? "cell stays" : "cell goes"}
      role="cell"><b>${side.name ?? plain(side.role)}</b>
      <p dir="auto">${isWhole ? html`${own.map(([, text]) => whole(text, gone))}` : pieces(own)}</p></div>`;
  };
  return [html`<div class="pair-line" role="row">${cell(left, "new")}${cell(right, "gone")}</div>`];
}

function whole(text, gone) {
  return gone === "new" ? html`<del>${text}</del>` : html`<ins>${text}</ins>`;
}

function fold(same, pair, place) {
  const row = html`<div class="pair-line fold" role="row"><div role="cell"></div></div>`;
  const open = async () => {
    const { messages } = await get("row", { id: pair.left });
    const start = messageBefore(pair.lines, place);
    const equal = messages.slice(start, start + same);
    row.replaceWith(
      ...equal.map(
        (message) => html`<div class="pair-line" role="row"><div class="cell alike" role="cell">
      <b>${message.name ?? plain(message.role)}</b>
        <p dir="auto">${marked(message.text, [])}</p></div></div>`,
      ),
    );
  };
  if (pair.lines.length === 1) open();
  row.firstElementChild.append(
    html`<button class="quiet" @click=${open}>${plural(same, "message")} alike: show</button>`,
  );
  return row;
}

/** How many messages of the left side stand before a line. */
function messageBefore(lines, place) {
  return lines.slice(0, place).reduce((sum, line) => sum + (line.same ?? (line.left ? 1 : 0)), 0);
}

async function judge(id, action) {
  await decide(id, action);
  move(1);
}

function move(by) {
  const at = all.findIndex((pair) => pair.id === current().get("id"));
  const next = all[Math.max(0, at) + by];
  if (next) slide({ id: next.id, partner: next.partner });
}

const here = () => current().get("id") ?? all[0]?.id;

export const keys = () => [
  ["j", "next pair", () => move(1), "ArrowRight"],
  ["k", "pair before", () => move(-1), "ArrowLeft"],
  ["y", "agreed: the copy is dropped", () => judge(here(), "drop")],
  ["n", "not the same: keep both", () => judge(here(), "keep")],
  ["u", "undo the last decision", undo],
];
