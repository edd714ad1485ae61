// A conversation as a chat: who speaks, the messages with their findings, the curve of closeness.

import { get } from "./api.js";
import { fill, html } from "./dom.js";
import { rail } from "./rail.js";
import { link } from "./state.js";
import { hitsOf, isClamped, marked } from "./text.js";
import { colourOf, count, figure, plain, plural } from "./words.js";

/** row: an answer of api/row. options: find, isPattern, signal, onEdit(index). */
export function conversation(row, options) {
  if (row.quarantine) return quarantined(row);
  const turns = html`<div class="turns">${messagesOf(row, options)}</div>`;
  const points = closenessOf(row.messages);
  if (points.size > 1) {
    turns.prepend(html`<svg class="rail" aria-hidden="true"></svg>`, legend());
    turns.classList.add("with-rail");
    rail(turns, points, options.signal);
  }
  return html`<article class="talk" aria-label=${`Conversation ${row.id}`}>
    ${heading(row)} ${reviewNote(row)} ${wholeFindings(row)} ${turns}
  </article>`;
}

function closenessOf(messages) {
  const measured = messages.filter((message) => Number.isFinite(message.closeness));
  return new Map(measured.map((message) => [message.index, message]));
}

function legend() {
  return html`<p class="rail-words" aria-hidden="true"><span>distant</span><span>close</span></p>`;
}

export function outcomePill({ outcome, reason, stage }) {
  const words = outcome === "kept" ? "kept" : (reason ?? outcome);
  return html`<span class=${`pill ${outcome}`} title=${`${outcome} by ${stage}`}>${words}</span>`;
}

function heading(row) {
  const name = row.persona?.name ?? speakerOf(row, "assistant");
  const other = row.user_persona?.name ?? speakerOf(row, "user");
  const description = row.persona?.description;
  return html`<header class="who">
    <span class="face" style=${{ "--of": colourOf(row.source.name) }} aria-hidden="true">
      ${firstLetter(name ?? row.source.name)}</span>
    <div class="who-words">
      <h2>${name ?? `From ${row.source.name}`}${
        other
          ? html`<span
        class="with"> with ${other}</span>`
          : null
      }</h2>
      ${description ? longText(description, "who-card") : null}
      ${cardDetails(row)}
    </div>
    ${outcomePill(row)}
  </header>`;
}

function speakerOf(row, role) {
  return row.messages.find((message) => message.role === role && message.name)?.name;
}

function firstLetter(name) {
  return [...name.replace(/[^\p{L}\p{N}]/gu, "")][0]?.toUpperCase() ?? "·";
}

function longText(text, name) {
  const paragraph = html`<p class=${name} dir="auto">${text}</p>`;
  if (text.length < 260) return paragraph;
  paragraph.classList.add("clamped");
  const more = html`<button class="quiet small" @click=${() => {
    paragraph.classList.remove("clamped");
    more.remove();
  }}>Whole card</button>`;
  return html`${paragraph} ${more}`;
}

function cardDetails(row) {
  const parts = [
    ["Scenario", row.persona?.scenario],
    ["Greeting", row.persona?.greeting],
    [`About ${row.user_persona?.name ?? "the user"}`, row.user_persona?.description],
  ].filter(([, text]) => text);
  if (!parts.length) return null;
  return html`<details class="card-more"><summary>More of the card</summary>
    <dl>${parts.map(([title, text]) => html`<div><dt>${title}</dt><dd dir="auto">${text}</dd></div>`)}</dl>
  </details>`;
}

function reviewNote(row) {
  const review = row.review;
  if (!review || (!review.decision && !review.note)) return null;
  const words = review.decision
    ? `${review.who ?? "Somebody"}: ${review.decision}`
    : `${review.who ?? "Note"}`;
  return html`<p class=${`note ${review.decision ?? ""}`}><b>${words}</b>
    ${review.note ? html`<span dir="auto"> “${review.note}”</span>` : null}
    ${review.effect ? html`<small>${review.effect}</small>` : null}</p>`;
}

/** Findings of the whole conversation; those that dropped it first. */
function wholeFindings(row) {
  const whole = row.findings.filter((found) => found.message === null && found.decision !== "measured");
  const sorted = [...whole].sort((a, b) => (b.decision === "drop") - (a.decision === "drop"));
  if (!sorted.length) return null;
  return html`<ul class="flags whole">${sorted.map((found) => flag(found, row.partner))}</ul>`;
}

function flag(found, partner = null) {
  const numbers = [
    Number.isFinite(found.value) ? figure(found.value) : null,
    Number.isFinite(found.limit) ? `limit ${figure(found.limit)}` : null,
  ]
    .filter(Boolean)
    .join(", ");
  const verb = found.decision === "drop" ? "Dropped by" : "Warned by";
  return html`<li class=${`flag ${found.decision}`}>
    <span class="sign" aria-hidden="true">${found.decision === "drop" ? "●" : "▲"}</span>
    <span><span class="sr">${verb} </span><b>${found.rule}</b> ${numbers}
      ${found.unit ? html`<small>${found.unit}</small>` : null}
      ${evidenceOf(found, partner)}</span></li>`;
}

function evidenceOf({ rule, evidence }, partner) {
  if (partner && rule === partner.rule) {
    const { id } = partner;
    return html` <a href=${link({ view: "pairs", partner: id })}>beside <code>${id}</code></a>`;
  }
  return evidence ? html`<q dir="auto">${evidence}</q>` : null;
}

function messagesOf(row, options) {
  let stage = null;
  const context = { ...options, row, byMessage: findingsByMessage(row) };
  return row.messages.flatMap((message) => {
    const isNew = message.stage && message.stage !== stage;
    stage = message.stage ?? stage;
    return [
      isNew ? html`<p class="stage"><span>${message.stage}</span></p>` : null,
      turn(message, context),
    ];
  });
}

function findingsByMessage(row) {
  const found = new Map();
  for (const finding of row.findings) {
    if (finding.message === null || finding.decision === "measured") continue;
    found.set(finding.message, [...(found.get(finding.message) ?? []), finding]);
  }
  return found;
}

function turn(message, context) {
  const findings = context.byMessage.get(message.index) ?? [];
  const edited = context.row.review?.edits?.[message.index];
  const swipes = context.row.alternatives.find((each) => each.message === message.index);
  return html`<div class=${`turn ${message.role}`} data-index=${message.index}>
    <p class="speaker"><b dir="auto">${message.name ?? plain(message.role)}</b> ${feeling(message)}</p>
    ${bubble(message, findings, context)}
    ${
      edited === undefined
        ? null
        : html`<div class="rewritten"><small>rewritten in review</small>
      <p dir="auto">${edited}</p></div>`
    }
    ${findings.length ? html`<ul class="flags">${distinct(findings).map((each) => flag(each))}</ul>` : null}
    ${swipes ? alternatives(swipes) : null}
  </div>`;
}

/** One line for a rule and value, however many places it marks. */
function distinct(findings) {
  return [...new Map(findings.map((each) => [`${each.rule} ${each.value}`, each])).values()];
}

function feeling({ emotion, step }) {
  const steps = { closer: "↗ closer", back: "↘ back" };
  return html`${
    emotion && emotion !== "neutral"
      ? html`<span class="feeling"><i class=${`dot ${emotion}`}></i>${emotion}</span>`
      : null
  }
    ${steps[step] ? html`<span class="step">${steps[step]}</span>` : null}`;
}

function bubble(message, findings, context) {
  const marks = [
    ...findings
      .filter((each) => each.end > each.start)
      .map((each) => ({
        start: each.start,
        end: each.end,
        kind: each.decision,
        title: each.rule,
      })),
    ...(message.masks ?? []).map((mask) => ({ ...mask, kind: "mask", title: `masked: ${mask.kind}` })),
    ...hitsOf(message.text, context.find, context.isPattern),
  ];
  const edit = context.onEdit ? () => context.onEdit(message) : null;
  const text = html`<div class="say" dir="auto">${marked(message.text, marks)}</div>`;
  const whole = () => showWhole(text, message, marks, context.row.id);
  if (isClamped(message.text) || message.cut) {
    const length = count(message.cut ?? message.text.length);
    text.append(html`<button class="more" @click=${whole}>… Show all ${length} characters</button>`);
  }
  if (edit) text.addEventListener("dblclick", edit);
  return text;
}

async function showWhole(host, message, marks, id) {
  const parameters = { id, index: message.index };
  const text = message.cut ? (await get("message", parameters)).text : message.text;
  fill(host, marked(text, marks, true));
}

function alternatives({ texts }) {
  const others = texts.filter((each) => !each.chosen);
  if (!others.length) return null;
  const failed = others.filter((each) => each.failed).length;
  const words =
    failed === others.length
      ? plural(failed, "failed try", "failed tries")
      : plural(others.length, "alternative");
  return html`<details class="swipes"><summary>${words}</summary>
    ${others.map(
      (each) => html`<div class=${each.failed ? "swipe failed" : "swipe"}>
      <small>${each.failed ? `failed: ${each.reason}` : (each.reason ?? "another text")}</small>
      <p dir="auto">${marked(each.text, [])}</p></div>`,
    )}</details>`;
}

function quarantined(row) {
  const { where, rule, detail, raw } = row.quarantine;
  return html`<article class="talk" aria-label=${`Record ${row.id}`}>
    <header class="who"><div class="who-words"><h2>A record that could not be read</h2>
      <p class="who-card">${detail}</p></div>${outcomePill(row)}</header>
    <ul class="flags whole"><li class="flag drop"><span class="sign" aria-hidden="true">●</span>
      <span><b>${rule}</b> in ${where}</span></li></ul>
    <pre class="raw" dir="auto" tabindex="0">${raw}</pre></article>`;
}

/** The message nearest to the middle of the window: what a key that concerns a message means. */
export function messageInSight(row) {
  const middle = window.innerHeight / 2;
  const away = (turn) => {
    const box = turn.getBoundingClientRect();
    return Math.abs((box.top + box.bottom) / 2 - middle);
  };
  const turns = [...document.querySelectorAll(".turn")].sort((a, b) => away(a) - away(b));
  return row.messages.find((message) => message.index === Number(turns[0]?.dataset.index));
}
