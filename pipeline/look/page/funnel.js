// The first view: how many rows came through, what was lost where and why, what is worth a look.

import { get } from "./api.js";
import { fill, html } from "./dom.js";
import { flow, flowOf } from "./flow.js";
import { empty } from "./notice.js";
import { clause, clauseText, link, rowsLink } from "./state.js";
import { colourOf, count, duration, percent, plural } from "./words.js";

export const title = "Funnel";
export const keys = () => [];

const LIMIT = 8; // sources with a band of their own

export async function show(host, { about, signal }) {
  const funnel = withWaiting(await get("funnel", {}, signal), about);
  if (!funnel.stages.length && !about.rows) return fill(host, noRows(about));
  const isFlow = funnel.stages.length > 0; // a published dataset has none
  const place = html`<div class="flow-place"></div>`;
  fill(
    host,
    html`<div class="page">
    <header class="lead"><h1>${headline(funnel, about)}</h1><p>${subline(funnel, about)}</p></header>
    ${isFlow ? html`<section class="card flow-card" aria-label="The funnel">${place}</section>` : null}
    <div class="two">${sourceTable(funnel)} ${worth(funnel.worth)}</div></div>`,
  );
  return isFlow ? drawInto(place, funnel, signal) : undefined;
}

/** In a live run the stages that are still to come stand there as well, empty. */
function withWaiting(funnel, about) {
  if (!about.live || !funnel.stages.length) return funnel;
  const begun = new Set(funnel.stages.map(({ stage }) => stage));
  const nothing = { in: 0, added: 0, kept: 0, dropped: 0, quarantined: 0, reasons: [], sources: {} };
  const others = about.stages.filter((stage) => !begun.has(stage));
  const waiting = others.map((stage) => ({ ...nothing, stage, state: "waiting" }));
  return { ...funnel, stages: [...funnel.stages, ...waiting] };
}

function noRows(about) {
  return empty(
    "No rows yet",
    `Nothing has landed in ${about.path}. Rows appear here as soon as a first part is written.`,
  );
}

function headline({ stages }, about) {
  if (about.kind !== "run" || stages.length < 2) return plural(about.rows, "conversation");
  const last = stages.findLast((stage) => stage.state !== "waiting") ?? stages[0];
  const read = stages.reduce((sum, stage) => sum + stage.added, stages[0].in || stages[0].kept);
  if (about.live) return `${count(last.kept)} of ${count(read)} conversations so far`;
  return `${count(last.kept)} of ${plural(read, "conversation")} came through`;
}

function subline({ stages }, about) {
  const seconds = stages.reduce((sum, stage) => sum + (stage.seconds ?? 0), 0);
  const took = seconds ? `, ${duration(seconds)} of work` : "";
  return `${about.name}${took}. Follow ${stages.length ? "a band or a reason" : "a source"} to its rows.`;
}

function drawInto(place, funnel, signal) {
  const sorted = [...funnel.sources]
    .sort((a, b) => b.in + b.kept - a.in - a.kept)
    .map((source) => source.name);
  const stages = flowOf(withOthers(funnel, sorted), shownSources(sorted));
  let width = 0;
  const sizes = new ResizeObserver(() => {
    if (!place.clientWidth || place.clientWidth === width) return;
    width = place.clientWidth;
    fill(place, flow(stages, width), sorted.length > 1 ? legend(shownSources(sorted)) : null);
  });
  sizes.observe(place);
  signal.addEventListener("abort", () => sizes.disconnect());
  for (const kind of ["pointerover", "focusin"])
    place.addEventListener(kind, (event) => lit(place, event.target));
  place.addEventListener("pointerleave", () => lit(place, place));
}

/** What belongs to the band, thread or word under the pointer is lit, the rest steps back. */
function lit(place, target) {
  const { reason, source } = target.closest?.("[data-reason], [data-source]")?.dataset ?? {};
  place.classList.toggle("some", Boolean(reason ?? source));
  for (const node of place.querySelectorAll("[data-source], [data-reason]")) {
    const isLit = reason ? node.dataset.reason === reason : node.dataset.source === source;
    node.classList.toggle("lit", isLit);
  }
}

function shownSources(sorted) {
  return sorted.length > LIMIT ? [...sorted.slice(0, LIMIT - 1), "other sources"] : sorted;
}

/** Small sources become one, so that a run of fifty stays a picture. */
function withOthers(funnel, sorted) {
  if (sorted.length <= LIMIT) return funnel;
  const small = sorted.slice(LIMIT - 1);
  const stages = funnel.stages.map((stage) => {
    const all = small.map((name) => stage.sources?.[name]).filter(Boolean);
    return { ...stage, sources: { ...stage.sources, "other sources": all.reduce(added, {}) } };
  });
  return { ...funnel, stages };
}

function added(sum, part) {
  const total = { reasons: { ...sum.reasons } };
  for (const name of ["in", "kept", "dropped", "quarantined"])
    total[name] = (sum[name] ?? 0) + (part[name] ?? 0);
  for (const [rule, n] of Object.entries(part.reasons ?? {}))
    total.reasons[rule] = (total.reasons[rule] ?? 0) + n;
  return total;
}

function legend(names) {
  return html`<ul class="legend" aria-label="Sources">${names.map(
    (name) => html`<li data-source=${name}>
    <i class="dot" style=${{ background: colourOf(name) }}></i>${name}</li>`,
  )}</ul>`;
}

function sourceTable({ sources, stages }) {
  const rows = [...sources].sort((a, b) => b.in - a.in).map((source) => sourceRow(source, stages));
  return html`<section class="card sources" aria-label="Sources"><table>
    <thead><tr><th scope="col">Source</th><th scope="col" class="wide">Licence</th><th scope="col"
      class="n wide">In</th>
      <th scope="col" class="n">Kept</th><th scope="col" class="fate-head">What became of it</th>
      <th scope="col" class="wide">Most lost to</th></tr></thead>
    <tbody>${rows}</tbody></table></section>`;
}

function sourceRow(source, stages) {
  const all = Math.max(source.in, source.kept);
  const isPoor = source.kept * 2 < all;
  const lost = clauseText("reason", [source.most_lost_to ?? ""]);
  const here = clauseText("source", [source.name]);
  return html`<tr><th scope="row"><i class="dot" style=${{ background: colourOf(source.name) }}></i>
      <a href=${rowsLink(here)}>${source.name}</a></th>
    <td class="wide">${source.license ?? "none known"}</td><td class="n wide">${count(all)}</td><td
      class="n">${count(source.kept)}</td>
    <td><span class="fate">${fate(source, stages, all)}<b
      class=${isPoor ? "poor" : ""}>${percent(source.kept, all)}</b></span></td>
    <td class="wide">${
      source.most_lost_to
        ? html`<a
      href=${rowsLink([here, lost])}>${source.most_lost_to}</a>`
        : "–"
    }</td></tr>`;
}

function fate(source, stages, all) {
  const parts = stages
    .map((stage) => [stage.stage, stage.sources?.[source.name]])
    .filter(([, part]) => part);
  const losses = parts
    .map(([name, part]) => [name, (part.dropped ?? 0) + (part.quarantined ?? 0)])
    .filter(([, n]) => n);
  const width = (n) => `${(100 * n) / (all || 1)}%`;
  return html`<span class="life"><i style=${{ width: width(source.kept), background: colourOf(source.name) }}></i>
    ${losses.map(
      ([name, n]) => html`<i class="gone" style=${{ width: width(n) }}
      title=${`${name}: ${count(n)} lost`}></i>`,
    )}</span>`;
}

function worth(all) {
  return html`<section class="card worth" aria-label="Worth a look"><h2>Worth a look</h2>
    ${
      all.length
        ? html`<ul>${all.map(worthItem)}</ul>`
        : html`<p
      class="hint">Nothing stands out.</p>`
    }</section>`;
}

function worthItem({ kind, level, text, where }) {
  const signs = { ok: "✓", info: "i" };
  const rule = (where ?? []).map(clause).find(({ field }) => field === "rule" || field === "reason")
    ?.values[0];
  return html`<li class=${level}><i class="level" aria-hidden="true">${signs[level] ?? "!"}</i><div>
    <p dir="auto">${text}</p>
    ${where?.length ? html`<a href=${rowsLink(where)}>See the rows</a>` : null}
    ${
      kind === "near_limit" && rule
        ? html`<a
      href=${link({ view: "whatif", rule }, new URLSearchParams())}>What if?</a>`
        : null
    }</div></li>`;
}
