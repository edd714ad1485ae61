// What the page shows is written in its address, after the #: a view, a selection, a row.
// `#view=rows&where=source%3Dforum&find=kettle&id=7ff0…`: the parameters of the API, so that a link,
// the API and `rapport sample --where` speak alike.

export const VIEWS = ["funnel", "rows", "conversation", "pairs", "whatif", "compare", "review"];
const SELECTION = ["where", "find", "regex", "sample", "seed", "by", "sort", "order"];

/** → the parameters of the address, `view` always among them. */
export function current() {
  const state = new URLSearchParams(location.hash.slice(1));
  if (!VIEWS.includes(state.get("view"))) state.set("view", "funnel");
  return state;
}

/** The part that says which rows, for the API. */
export function selection(state = current()) {
  const kept = new URLSearchParams();
  for (const name of SELECTION) for (const v of state.getAll(name)) kept.append(name, v);
  return kept;
}

/** changes: name → value, an array of values, or null to take it away. */
export function changed(changes, from = current()) {
  const next = new URLSearchParams(from);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const v of [value].flat()) if (v !== null && v !== "") next.append(name, v);
  }
  return next;
}

export function link(changes, from) {
  return `#${changed(changes, from)}`;
}

/** A link to rows, without the selection that is there now. */
export function rowsLink(where, more = {}) {
  return link({ view: "rows", where, ...more }, new URLSearchParams());
}

export function go(changes) {
  const next = link(changes);
  if (next !== location.hash) location.hash = next;
}

/** As `go`, without a step of its own for the Back button: a drag, a move by j and k. */
export function slide(changes) {
  const next = link(changes);
  if (next === location.hash) return;
  history.replaceState(null, "", next);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

const CLAUSE = /^([^=!<>]+?)(!=|<=|>=|=|<|>)(.*)$/s;

/** "source=forum|letters" → { field, op, values } */
export function clause(text) {
  const [, field, op, rest] = CLAUSE.exec(text) ?? [null, text, "=", ""];
  const values = rest.match(/(?:\\.|[^|\\])+/gs) ?? [""];
  return { field, op, values: values.map((value) => value.replace(/\\(.)/gs, "$1")) };
}

export function clauseText(field, values, op = "=") {
  return field + op + values.map((value) => value.replace(/[\\|]/g, "\\$&")).join("|");
}

export function clausesOf(field, state = current()) {
  return state
    .getAll("where")
    .map(clause)
    .filter((found) => found.field === field);
}

/** The clauses with those of `field` replaced by `text`, or taken away. */
export function whereWith(field, text, state = current()) {
  const others = state.getAll("where").filter((each) => clause(each).field !== field);
  return text ? [...others, text] : others;
}

/** Adds a value of a facet to the selection, or takes it away. */
export function toggled(field, value) {
  const chosen = clausesOf(field).find((found) => found.op === "=")?.values ?? [];
  const isChosen = chosen.includes(value);
  const values = isChosen ? chosen.filter((other) => other !== value) : [...chosen, value];
  return whereWith(field, values.length ? clauseText(field, values) : null);
}
