// The rows of a selection: fifty at a time, as a list that grows when its end comes into sight, and
// the way from one to the next.

import { get } from "./api.js";
import { spark } from "./charts.js";
import { html } from "./dom.js";
import { outcomePill } from "./reader.js";
import { current, link, selection, slide } from "./state.js";
import { colourOf, figure, plain, plural } from "./words.js";

export const PAGE = 50;

export function page(offset, state = current()) {
  const parameters = selection(state);
  parameters.set("offset", offset);
  parameters.set("limit", PAGE);
  return get("rows", parameters);
}

/** → { at, count }: the place of the row of the address; `at` is null where it stands elsewhere. */
export async function place(state = current()) {
  const hint = Number(state.get("at") ?? 0);
  const start = hint - (hint % PAGE);
  for (const offset of new Set([start, 0])) {
    const found = await page(offset, state);
    const at = found.rows.findIndex((row) => row.id === state.get("id"));
    if (at >= 0) return { at: offset + at, count: found.count };
    if (found.count <= PAGE) return { at: null, count: found.count };
  }
  return { at: null, count: (await page(0, state)).count };
}

/** Goes `by` rows on or back; → whether there was one. */
export async function step(by) {
  const state = current();
  const { at, count } = await place(state);
  const next = at === null ? 0 : at + by;
  if (next < 0 || next >= count) return false;
  const { rows } = await page(next - (next % PAGE), state);
  slide({ id: rows[next % PAGE].id, at: String(next) });
  return true;
}

/** Adds the rows from `offset` on to `host`, and watches for its end. */
export async function growing(host, offset, signal, view = "rows") {
  const found = await page(offset);
  if (signal.aborted) return found;
  host.append(...found.rows.map((row, i) => listed(row, offset + i, view)));
  if (offset + PAGE < found.count) watchEnd(host, offset + PAGE, signal, view);
  return found;
}

function watchEnd(host, offset, signal, view) {
  const end = html`<li class="end" aria-hidden="true"></li>`;
  host.append(end);
  const watcher = new IntersectionObserver(
    ([entry]) => {
      if (!entry.isIntersecting) return;
      watcher.disconnect();
      const list = end.parentElement;
      end.remove();
      growing(list, offset, signal, view);
    },
    { rootMargin: "600px", scrollMargin: "600px" },
  );
  watcher.observe(end);
  signal.addEventListener("abort", () => watcher.disconnect());
}

export function listed(row, at, view = "rows") {
  const open = link({ view, id: row.id, at: String(at) });
  return html`<li><a class="row" href=${open} data-id=${row.id} data-key=${row.id}>
    <span class="meta"><i class="dot" style=${{ background: colourOf(row.source) }}></i>
      <span class="source">${row.source}</span> ${outcomePill(row)}</span>
    <span class="start" dir="auto">${startOf(row)}</span>
    <span class="meta">${row.turns === null ? null : html`<span>${plural(row.turns, "turn")}</span>`}
      ${sorted(row)} ${row.language ? html`<span>${row.language}</span>` : null} ${warnings(row)} ${reviewed(row)}
      ${spark(row.closeness ?? [])}</span></a></li>`;
}

function startOf({ hit, start }) {
  if (!hit) return /[\p{L}\p{N},]$/u.test(start) ? `${start}…` : start || "(no words)";
  return html`${hit.before}<mark>${hit.match}</mark>${hit.after}`;
}

function sorted(row) {
  const name = current().get("sort");
  if (!name || !Number.isFinite(row.value)) return null;
  return html`<b class="value">${plain(name)} ${figure(row.value)}</b>`;
}

function warnings(row) {
  const others = (row.rules ?? []).filter((rule) => rule !== row.reason);
  if (!others.length) return null;
  return html`<span class="warned" title=${others.join(", ")}>▲ ${others.length}</span>`;
}

function reviewed(row) {
  const signs = { keep: "✓ keep", drop: "✕ drop", edit: "✎ edit" };
  if (!signs[row.review] && !row.note) return null;
  return html`<span class=${`reviewed ${row.review ?? ""}`}>${signs[row.review] ?? "✎ note"}</span>`;
}

/** Marks the row of the address, and brings it into sight. */
export function markRow(host, id) {
  for (const row of host.querySelectorAll(".row")) {
    const isHere = row.dataset.id === id;
    row.classList.toggle("at", isHere);
    if (isHere) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    if (isHere) row.scrollIntoView({ block: "nearest" });
  }
}
