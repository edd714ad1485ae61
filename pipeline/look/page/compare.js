// Two runs or releases: which rows changed sides, which rules did it, what the recipes differ in.

import { get } from "./api.js";
import { bars } from "./charts.js";
import { fill, html, svg } from "./dom.js";
import { empty, loading } from "./notice.js";
import { go, rowsLink } from "./state.js";
import { count, figure, percent, plain } from "./words.js";

export const title = "Compare";
export const keys = () => [];

export async function show(host, { about, state, signal }) {
  if (!about.others?.length) return fill(host, nothing());
  const other = state.get("with") ?? about.others[0];
  if (!host.querySelector(".compare"))
    fill(host, html`<div class="page compare">${loading(`Comparing with ${other} …`)}</div>`);
  const found = await get("compare", { with: other }, signal);
  if (signal.aborted) return undefined;
  return fill(
    host.querySelector(".compare"),
    html`<header class="lead"><h1>${headline(found)}</h1>
      <p class="with-what"><label>${found.a.name} beside ${choice(about.others, other)}</label></p></header>
    ${totals(found)}
    <div class="two even">${moves(found)} ${reasons(found)}</div>
    <div class="two even">${recipe(found)} ${stages(found)}</div>
    ${numbers(found)}`,
  );
}

function nothing() {
  return empty(
    "Nothing to compare with",
    "Runs that stand in the same folder can be compared. Run a copy of the recipe under another name, with one setting changed; it appears here.",
  );
}

function headline({ moves: all, only_a: a, only_b: b }) {
  const moved = all.reduce((sum, move) => sum + move.count, 0);
  if (!moved && !a && !b) return "Both kept and dropped the same rows";
  return `${count(moved)} ${moved === 1 ? "row" : "rows"} changed sides`;
}

function choice(others, chosen) {
  return html`<select data-key="with" @change=${(event) => go({ with: event.target.value })}>
    ${others.map((name) => html`<option ?selected=${name === chosen}>${name}</option>`)}</select>`;
}

function totals({ a, b, both, only_a: onlyA, only_b: onlyB }) {
  const kept = (side) => side.outcomes?.kept ?? side.rows;
  const numbers = [
    [count(both), "rows in both"],
    [count(onlyA), `only in ${a.name}`],
    [count(onlyB), `only in ${b.name}`],
    [`${count(kept(a))} → ${count(kept(b))}`, "kept"],
  ];
  return html`<dl class="card delta">${numbers.map(([number, words]) => html`<div><dd>${number}</dd><dt>${words}</dt></div>`)}</dl>`;
}

function moves({ moves: all, b }) {
  const sorted = [...all].sort((x, y) => y.count - x.count);
  return html`<section class="card"><h2>What changed sides</h2>${
    sorted.length
      ? html`<table><thead><tr>
    <th scope="col">From</th><th scope="col">To, in ${b.name}</th><th scope="col">By</th><th scope="col"
      class="n">Rows</th></tr></thead>
    <tbody>${sorted.map(
      (move) => html`<tr><td><span class=${`pill ${move.from}`}>${move.from}</span></td>
      <td><span class=${`pill ${move.to}`}>${move.to}</span></td><td>${move.reason ?? "–"}</td>
      <td class="n"><a href=${rowsLink(move.where)}>${count(move.count)}</a></td></tr>`,
    )}</tbody></table>`
      : html`<p class="hint">No row.</p>`
  }</section>`;
}

function reasons({ reasons: all, a, b }) {
  const sorted = all
    .filter((each) => each.a !== each.b)
    .sort((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a));
  return html`<section class="card"><h2>Rules that drop more or fewer</h2>${
    sorted.length
      ? html`<table><thead><tr><th scope="col">Rule</th>
    <th scope="col" class="n">${a.name}</th><th scope="col" class="n">${b.name}</th><th scope="col"
      class="n">±</th></tr></thead><tbody>
    ${sorted.slice(0, 20).map(
      (each) => html`<tr><td>${each.rule}</td><td class="n">${count(each.a)}</td><td
        class="n">${count(each.b)}</td>
      <td class=${`n ${each.b > each.a ? "bad" : "good"}`}>${signed(each.b - each.a)}</td></tr>`,
    )}</tbody></table>`
      : html`<p class="hint">The same counts of every rule.</p>`
  }</section>`;
}

function signed(number) {
  return number > 0 ? `+${count(number)}` : `−${count(-number)}`;
}

function recipe({ recipe: lines }) {
  const kind = (line) => ({ "-": "gone", "+": "new" })[line[0]] ?? "";
  return html`<section class="card"><h2>The recipes</h2>${
    lines?.length
      ? html`<pre class="diff" tabindex="0">${lines.map(
          (line) => html`<span
        class=${kind(line)}>${`${line}\n`}</span>`,
        )}</pre>`
      : html`<p class="hint">The same settings.</p>`
  }</section>`;
}

function stages({ stages: all, a, b }) {
  return html`<section class="card"><h2>Kept by each stage</h2><table><thead><tr><th scope="col">Stage</th>
    <th scope="col" class="n">${a.name}</th><th scope="col" class="n">${b.name}</th></tr></thead><tbody>
    ${all.map(
      (stage) => html`<tr><td>${stage.stage}</td><td class="n">${share(stage.a)}</td><td
      class="n">${share(stage.b)}</td></tr>`,
    )}</tbody></table></section>`;
}

function share(side) {
  if (!side) return "–";
  return `${count(side.kept)} (${percent(side.kept, side.kept + side.dropped)})`;
}

function numbers({ numbers: all, a, b }) {
  const differing = all
    .filter((each) => each.counts_a?.length)
    .sort((x, y) => distance(y) - distance(x))
    .slice(0, 12);
  if (!differing.length) return null;
  return html`<section class="card spread"><h2>Measures, those that differ most first
    <span class="key-a">${a.name}</span> <span class="key-b">${b.name}</span></h2>
    <div class="grid">${differing.map(
      (
        each,
      ) => html`<figure><figcaption>${plain(each.name)} <b>${figure(each.a)} → ${figure(each.b)}</b></figcaption>
      ${twoHistograms(each)}</figure>`,
    )}</div></section>`;
}

function shares(counts) {
  const all = counts.reduce((sum, each) => sum + each, 0) || 1;
  return counts.map((each) => each / all);
}

function distance({ counts_a: a, counts_b: b }) {
  const [left, right] = [shares(a), shares(b)];
  return left.reduce((sum, each, i) => sum + Math.abs(each - (right[i] ?? 0)), 0);
}

function twoHistograms({ counts_a: a, counts_b: b }) {
  const [left, right] = [shares(a), shares(b)];
  const top = Math.max(...left, ...right, 1e-9);
  const y = (value) => 40 - Math.sqrt(value / top) * 38;
  const path = right
    .map((value, i) => `${i ? "L" : "M"}${i},${y(value)}L${i + 1},${y(value)}`)
    .join("");
  return html`<svg class="hist" viewBox=${`0 0 ${a.length} 40`} preserveAspectRatio="none"
    aria-hidden="true">
    ${bars(left, { top, kinds: () => "own" })}${svg`<path class="other" d=${path} />`}</svg>`;
}
