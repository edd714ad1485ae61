// What if a limit were another: a handle on the histogram, answered from stored measures.

import { get } from "./api.js";
import { bars } from "./charts.js";
import { fill, html, svg } from "./dom.js";
import { listed } from "./list.js";
import { empty, loading, toast } from "./notice.js";
import { link, rowsLink, slide } from "./state.js";
import { count, figure, plain } from "./words.js";

export const title = "What if";
export const keys = () => [];

const HEIGHT = 170;
let timer = 0;

export async function show(host, { signal, state }) {
  const { rules } = await get("whatif", {}, signal);
  if (!rules.length)
    return fill(
      host,
      empty(
        "No limits to move",
        "Limits can be moved once `filter` has measured rows: this needs a run.",
      ),
    );
  const rule = state.get("rule") ?? [...rules].sort((a, b) => b.rows - a.rows)[0].rule;
  let page = host.querySelector(".whatif");
  if (page?.dataset.rule !== rule) {
    page = html`<div class="page whatif" data-rule=${rule}><header
      class="lead"><h1>${loading()}</h1></header>
      <div class="if"><nav class="card rules"
        aria-label="Rules with a limit">${ruleLinks(rules, rule)}</nav>
      <div class="if-main"></div></div></div>`;
    fill(host, page);
  }
  return answer(page, rule, state, signal);
}

function ruleLinks(rules, chosen) {
  const choose = (event) => slide({ rule: event.target.value, limit: null });
  return html`<select class="only-narrow" aria-label="Rule" @change=${choose}>
      ${rules.map(({ rule }) => html`<option ?selected=${rule === chosen}>${rule}</option>`)}</select>
    <ul>${rules.map(
      (each) => html`<li><a href=${link({ rule: each.rule, limit: null })} data-key=${each.rule}
      aria-current=${each.rule === chosen ? "true" : null}><span>${each.rule}</span>
      <span class="count" title=${`${count(each.rows)} rows beyond the limit`}>${count(each.rows)}</span></a></li>`,
    )}</ul>`;
}

async function answer(page, rule, state, signal) {
  const asked = state.get("limit");
  const found = await get("whatif", asked === null ? { rule } : { rule, limit: asked }, signal);
  if (signal.aborted) return;
  const limit = asked === null ? found.limit : Number(asked);
  fill(
    page.querySelector(".lead"),
    html`<h1>${question(found, limit)}</h1>
    <p>${sentence(found.unit)} ${today(found)} ${sentence(found.note)}</p>`,
  );
  const main = page.querySelector(".if-main");
  const isDragging = main.contains(document.activeElement) && document.activeElement.type === "range";
  const parts = main.querySelector(".big") ? partsOf(main) : skeleton(main, found, rule);
  paint(parts, found, limit, isDragging);
  await changedRows(parts.rows, found, signal);
}

function question({ rule, fires, limit: now }, limit) {
  const name = plain(rule.split(".").at(-1));
  if (now === null || limit === now) return `What if the limit of ${name} were another?`;
  const isStricter = fires === "above" ? limit < now : limit > now;
  return `What if ${name} were ${isStricter ? "stricter" : "looser"}?`;
}

function today({ decision, fixed }) {
  if (fixed) return "This limit is fixed.";
  return decision === "warn" ? "Today it only warns." : "";
}

function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.` : "";
}

function skeleton(main, found, rule) {
  const range = html`<input class="handle" type="range" min="0" max=${found.counts.length} step="0.05"
    aria-label=${`Limit of ${rule}`} data-key="handle">`;
  const exact = html`<input class="exact" type="number" step="any" aria-label="Limit, exactly"
    data-key="exact">`;
  const picture = html`<svg class="limit-picture"
    viewBox=${`0 0 1000 ${HEIGHT + 24}`} preserveAspectRatio="none" aria-hidden="true"></svg>`;
  const labels = html`<div class="limit-labels" aria-hidden="true"></div>`;
  const delta = html`<dl class="delta"></dl>`;
  const recipe = html`<div class="recipe"></div>`;
  const rows = html`<section class="card changes-list" aria-label="Rows that would change"></section>`;
  const move = (value, isSettled) => moved(main, found, value, isSettled);
  range.addEventListener("input", () => move(valueAt(found, Number(range.value)), false));
  range.addEventListener("change", () => move(valueAt(found, Number(range.value)), true));
  exact.addEventListener("change", () => exact.value !== "" && move(Number(exact.value), true));
  fill(
    main,
    html`<section class="card big" aria-label="The limit"><div
      class="plot">${picture}${labels}${range}</div>
    <p class="limit-line"><label>Limit ${exact}</label><button class="btn"
      @click=${() => slide({ limit: null })}>As it is now</button></p>
    ${delta}${recipe}</section>`,
    rows,
  );
  return partsOf(main);
}

function partsOf(main) {
  const find = (name) => main.querySelector(name);
  return {
    range: find(".handle"),
    exact: find(".exact"),
    picture: find(".limit-picture"),
    labels: find(".limit-labels"),
    delta: find(".delta"),
    recipe: find(".recipe"),
    rows: find(".changes-list"),
  };
}

/** While the handle moves, the answer comes from the curve that is here; where it rests, from the server. */
function moved(main, found, value, isSettled) {
  paint(partsOf(main), { ...found, ...estimate(found, value) }, value, true);
  clearTimeout(timer);
  timer = setTimeout(() => slide({ limit: String(value) }), isSettled ? 0 : 220);
}

function estimate({ limits, dropped, dropped_now: now }, limit) {
  const at = Math.max(
    0,
    limits.findLastIndex((each) => each <= limit),
  );
  const then = dropped[at] ?? 0;
  return {
    asked: limit,
    dropped_then: then,
    newly_dropped: Math.max(0, then - now),
    newly_kept: Math.max(0, now - then),
    recipe: null,
    isEstimate: true,
  };
}

function paint(parts, found, limit, isDragging) {
  const { range, exact, picture, labels, delta, recipe } = parts;
  if (!isDragging) range.value = placeOf(found.edges, limit ?? found.edges[0]);
  if (document.activeElement !== exact) exact.value = limit ?? "";
  range.setAttribute(
    "aria-valuetext",
    `${figure(limit)}; ${count(found.newly_dropped)} more dropped, ${count(found.newly_kept)} kept`,
  );
  picture.replaceChildren(histogram(found, limit));
  fill(labels, limitLabels(found, limit));
  fill(delta, deltas(found));
  if (found.recipe) fill(recipe, recipeLine(found.recipe));
}

function histogram({ edges, counts, limit: now, fires, decision }, limit) {
  const beyond = (edge, line) => line !== null && (fires === "above" ? edge >= line : edge < line);
  const kinds = (i) => {
    const middle = (edges[i] + edges[i + 1]) / 2;
    const [then, before] = [beyond(middle, limit), decision === "drop" && beyond(middle, now)];
    return then ? (before ? "gone" : "newly-gone") : before ? "newly-kept" : "own";
  };
  const lines = [
    [now, "now"],
    [limit, "then"],
  ].filter(([line]) => line !== null);
  return svg`<g transform=${`translate(0 20) scale(${1000 / counts.length} 1)`}>${bars(counts, { height: HEIGHT, kinds })}</g>
    ${lines.map(
      ([line, name]) => svg`<line class=${name}
      x1=${share(edges, line) * 10} x2=${share(edges, line) * 10} y1="8" y2=${HEIGHT + 20} />`,
    )}`;
}

/** Where a value stands, counted in bins: bins may be of unequal width, and are drawn alike. */
function placeOf(edges, value) {
  const bin = Math.max(
    0,
    Math.min(
      edges.length - 2,
      edges.findLastIndex((edge) => edge <= value),
    ),
  );
  const part = (value - edges[bin]) / (edges[bin + 1] - edges[bin] || 1);
  return bin + Math.max(0, Math.min(1, part));
}

/** The value at a place; whole where all limits are. */
function valueAt({ edges, limits }, place) {
  const bin = Math.min(edges.length - 2, Math.floor(place));
  const value = edges[bin] + (place - bin) * (edges[bin + 1] - edges[bin]);
  return limits.every(Number.isInteger) ? Math.round(value) : Number(value.toPrecision(3));
}

/** Where a value stands between the ends of the picture, in per cent. */
function share(edges, value) {
  return (100 * placeOf(edges, value)) / (edges.length - 1);
}

function limitLabels({ edges, limit: now }, limit) {
  const at = (value) => ({ "inset-inline-start": `${share(edges, value)}%` });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => edges[Math.round(part * (edges.length - 1))]);
  const isApart =
    now !== null && limit !== null && Math.abs(share(edges, now) - share(edges, limit)) > 9;
  return html`${limit === null ? null : html`<b class="then" style=${at(limit)}>${figure(limit)}</b>`}
    ${isApart || limit === null ? html`<span class="now" style=${at(now)}>now ${figure(now)}</span>` : null}
    ${ticks.map((tick) => html`<span class="tick" style=${at(tick)}>${figure(tick)}</span>`)}`;
}

function deltas(found) {
  const near = found.isEstimate ? "≈ " : "";
  const numbers = [
    [count(found.rows - found.dropped_then), `pass, of ${count(found.rows)} measured`, ""],
    [
      `${near}+${count(found.newly_dropped)}`,
      "more would be dropped",
      found.newly_dropped ? "bad" : "",
    ],
    [`${near}${count(found.newly_kept)}`, "would be kept after all", found.newly_kept ? "good" : ""],
  ];
  return numbers.map(
    ([number, words, kind]) => html`<div><dd class=${kind}>${number}</dd><dt>${words}</dt></div>`,
  );
}

function recipeLine(recipe) {
  const copy = async () => {
    const isCopied = await navigator.clipboard.writeText(recipe).then(
      () => true,
      () => false,
    );
    toast(
      isCopied
        ? "Copied. Put it into the recipe."
        : "The browser does not let this page copy: select the text.",
    );
  };
  return html`<pre><code>${recipe.trimEnd()}</code></pre><button class="btn" @click=${copy}>Copy</button>`;
}

async function changedRows(host, found, signal) {
  const kinds = [
    ["drop", "more would be dropped", found.newly_dropped, found.where_dropped],
    ["kept", "would be kept", found.newly_kept, found.where_kept],
  ].filter(([, , number]) => number > 0);
  if (!host.childNodes.length) fill(host, loading());
  if (!kinds.length)
    return fill(
      host,
      html`<h2>Rows that would change</h2><p class="hint">None at this limit. Move the handle.</p>`,
    );
  const lists = await Promise.all(
    kinds.map(async ([kind, words, number, where]) => {
      const { rows } = await get("rows", { where, limit: 20 }, signal);
      return html`<header><h2>${count(number)} ${words}</h2><a
        href=${rowsLink(where)}>All of them in Rows</a></header>
      <ol class=${`row-list ${kind}`}>${rows.map((row, i) => changedRow(row, i, where))}</ol>`;
    }),
  );
  return signal.aborted ? undefined : fill(host, lists);
}

function changedRow(row, at, where) {
  const item = listed(row, at);
  item.querySelector("a").href = rowsLink(where, { id: row.id, at: String(at) });
  return item;
}
