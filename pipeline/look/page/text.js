// The text of a message as nodes: findings, masks, hits and hidden characters marked in their place.

import { html } from "./dom.js";

const CLAMP = 3000; // characters of a message that are drawn at first
const CHARACTERS =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const ACTION = /\*[^*\n]{1,400}\*/g;

/** marks: [{ start, end, kind, title }], kind: find, warn, drop, mask, action or hidden. */
export function marked(text, marks, isWhole = false) {
  const shown = isWhole || text.length <= CLAMP * 1.2 ? text : text.slice(0, CLAMP);
  const all = [...marks, ...hiddenOf(shown), ...actionsOf(shown)].filter(
    (mark) => mark.start < shown.length && mark.end > mark.start,
  );
  const edges = new Set([0, shown.length]);
  for (const { start, end } of all) edges.add(Math.max(0, start)).add(Math.min(end, shown.length));
  const cuts = [...edges].sort((a, b) => a - b);
  return cuts.slice(1).map((end, i) => piece(shown, cuts[i], end, all));
}

export function isClamped(text) {
  return text.length > CLAMP * 1.2;
}

function piece(text, start, end, marks) {
  const over = marks.filter((mark) => mark.start <= start && mark.end >= end);
  const part = text.slice(start, end);
  if (!over.length) return part;
  const kinds = new Set(over.map((mark) => mark.kind));
  const title =
    over
      .map((mark) => mark.title)
      .filter(Boolean)
      .join("\n") || null;
  if (kinds.has("hidden")) return hiddenTile(part);
  if (kinds.has("mask")) return html`<span class="mask" title=${title}>${part}</span>`;
  if (kinds.has("find")) return html`<mark class=${[...kinds].join(" ")} title=${title}>${part}</mark>`;
  const tag = kinds.size === 1 && kinds.has("action") ? html`<em></em>` : html`<span></span>`;
  tag.className = [...kinds].join(" ");
  if (title) tag.title = title;
  tag.append(part);
  return tag;
}

/** Characters that nobody sees, or that turn the text around, stand as a tile with their number. */
function hiddenTile(character) {
  const code = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  return html`<span class="hidden-character" title="a character that is not seen">${code}</span>`;
}

function hiddenOf(text) {
  return spans(text, CHARACTERS, "hidden");
}

function actionsOf(text) {
  return spans(text, ACTION, "action");
}

function spans(text, pattern, kind) {
  return [...text.matchAll(pattern)].map((found) => ({
    start: found.index,
    end: found.index + found[0].length,
    kind,
  }));
}

/** Where `find` stands in a text; case is of no matter, as in the search. */
export function hitsOf(text, find, isPattern) {
  if (!find) return [];
  const escaped = isPattern ? find : find.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  let pattern;
  try {
    pattern = new RegExp(escaped, "giu");
  } catch {
    return [];
  }
  return spans(text, pattern, "find").slice(0, 500);
}
