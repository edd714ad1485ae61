// What stands beside a conversation: scores with their evidence, its life, where it is from.

import { html } from "./dom.js";
import { clauseText, link, rowsLink } from "./state.js";
import { count, figure, moment, plain } from "./words.js";

export function details(row, life, about) {
  return html`<aside class="side" aria-label="About this conversation">
    ${scores(row)} ${lifeLine(row, life)} ${partner(row)} ${origin(row)} ${measures(row, about)} ${extra(row)}
  </aside>`;
}

function section(title, body) {
  return html`<section><h3>${title}</h3>${body}</section>`;
}

function scores(row) {
  if (!row.scores?.length) return null;
  return section("Scores, 1 to 5", html`<ul class="scores">${row.scores.map(score)}</ul>`);
}

function score(each) {
  const isKnown = Number.isFinite(each.value);
  const width = isKnown ? `${((each.value - 1) / 4) * 100}%` : "0%";
  const why = each.error ?? each.evidence;
  const spread = each.spread ? `, judges ${figure(each.spread)} apart` : "";
  return html`<li class="score"><span>${plain(each.criterion)}</span>
    <i class="meter" style=${{ "--w": width }}></i><b>${isKnown ? each.value.toFixed(1) : "–"}</b>
    <small>${why ? html`<span dir="auto">${why}</span> ` : null}
      ${
        each.messages?.length
          ? html`<span
        class="refs">${each.messages.slice(0, 6).map(messageButton)}</span>`
          : null
      }
      <span class="by">${each.by}${spread}</span></small></li>`;
}

function messageButton(index) {
  const show = () => {
    const turn = document.querySelector(`.turn[data-index="${index}"]`);
    turn?.scrollIntoView({ block: "center" });
    turn?.classList.remove("lit");
    requestAnimationFrame(() => turn?.classList.add("lit"));
  };
  return html`<button class="ref" @click=${show}
    aria-label=${`Show message ${index + 1}`}>${index + 1}</button>`;
}

function lifeLine(row, life) {
  if (!life?.stages.length && !life?.review?.length) return null;
  const steps = life.stages.map(lifeStep);
  const reviews = (life.review ?? []).map(
    (each) => html`<li class="step-of-life reviewed">
    <b>${each.who}</b> ${each.action}<small>${each.effect ?? ""} ${moment(each.when)}</small></li>`,
  );
  return section("Its life", html`<ol class="life-line">${steps}${reviews}</ol>`);
}

function lifeStep(step) {
  const found = (step.findings ?? []).filter((each) => each.decision !== "measured");
  const isLoud = found.some((each) => each.decision === "warn") || step.changes?.length;
  const kind = step.outcome !== "kept" ? "lost" : isLoud ? "loud" : "";
  return html`<li class=${`step-of-life ${kind}`}><b>${step.stage}</b> ${lifeWords(step)}
    ${step.problem ? html`<small>${step.problem}</small>` : null}
    ${found.map(
      (each) => html`<small class=${each.decision}>${each.rule}
      ${Number.isFinite(each.value) ? figure(each.value) : ""}${Number.isFinite(each.limit) ? `, limit ${figure(each.limit)}` : ""}</small>`,
    )}
    ${step.changes?.length ? changes(step.changes) : null}</li>`;
}

function lifeWords(step) {
  if (step.outcome !== "kept") return step.outcome;
  const edits = (step.edits ?? []).map((each) => plain(each.what ?? each));
  if (edits.length) return `changed it: ${edits.join(", ")}`;
  if (step.scores) return `${count(step.scores)} scores`;
  return "";
}

function changes(all) {
  const shown = all.slice(0, 40).map(
    (change) => html`<p class="change" dir="auto">
    <span class="place">${placeOf(change)}</span> ${pieces(change.pieces)}</p>`,
  );
  return html`<details class="changes" ?open=${all.length <= 3}>
    <summary>${all.length === 1 ? "1 message" : `${count(all.length)} messages`}, before and after</summary>${shown}</details>`;
}

function placeOf({ before, after }) {
  if (before === null) return `${after + 1} added`;
  if (after === null) return `${before + 1} removed`;
  return `${after + 1}`;
}

/** [["same", text], ["gone", text], ["new", text]] → nodes; long equal parts are cut short. */
export function pieces(parts) {
  return parts.map(([kind, text]) => {
    if (kind === "gone") return html`<del>${text}</del>`;
    if (kind === "new") return html`<ins>${text}</ins>`;
    return html`<span>${text.length > 120 ? `${text.slice(0, 50)} … ${text.slice(-50)}` : text}</span>`;
  });
}

function partner(row) {
  if (!row.partner) return null;
  const { id, rule, similarity } = row.partner;
  const open = link({ view: "pairs", id: row.id, partner: id });
  return section(
    "Duplicate of",
    html`<p><a href=${open}>Compare with ${id}</a>
    <small>${rule}${Number.isFinite(similarity) ? `, similarity ${figure(similarity)}` : ""}</small></p>`,
  );
}

function origin(row) {
  const source = row.source ?? { name: row.quarantine?.where.split(":")[0] ?? "", kind: "" };
  const facts = [
    ["source", html`<a href=${rowsLink(clauseText("source", [source.name]))}>${source.name}</a>`],
    ["kind", source.rehearsal ? `${source.kind}, rehearsal` : source.kind],
    [
      "place",
      source.link
        ? html`<a href=${source.link} target="_blank" rel="noreferrer noopener">${source.ref} ↗</a>`
        : source.ref,
    ],
    ["licence", source.license ?? "none known"],
    ["by", source.attribution],
    ["models", source.models?.join(", ")],
    ["prompt", source.prompt],
    ["retrieved", source.retrieved],
    ["language", row.language ? `${row.language.code}, ${figure(row.language.confidence)}` : null],
    ["said to be", row.declared_language],
    ["sitting", row.relationship ? `${row.relationship.number}` : null],
    ["split", row.split],
    ["group", row.split_group],
    ["private", source.private ? "yes: from a person's export" : null],
    ["id", html`<code>${row.id}</code>`],
  ].filter(([, value]) => value);
  return section("Where from", html`<dl class="facts">${facts.map(fact)}</dl>`);
}

function fact([name, value]) {
  return html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>`;
}

function measures(row, about) {
  const known = Object.entries(row.measures ?? {});
  if (!known.length) return null;
  const units = new Map(about.numbers.map((each) => [each.name, each.unit]));
  return html`<details class="measures"><summary>${known.length} measures</summary><dl class="facts">
    ${known.map(
      ([name, value]) => html`<div
      title=${units.get(name) ?? null}><dt>${plain(name)}</dt><dd>${figure(value)}</dd></div>`,
    )}
  </dl></details>`;
}

function extra(row) {
  if (!row.extra) return null;
  return html`<details class="measures"><summary>What else the source says</summary><pre
    class="raw">${row.extra}</pre></details>`;
}
