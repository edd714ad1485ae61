// The rows of the selection, fifty at a time, and the way from one to the next.

import { get } from "./api.js";
import { current, selection, slide } from "./state.js";

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
