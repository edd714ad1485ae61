// The one place that asks the server. Addresses are relative: the token stands in the page's own.

export class Problem extends Error {}

const remembered = new Map();
let version = 0;

/** Answers of an older version of the run are forgotten. */
export function setVersion(next) {
  if (next !== version) remembered.clear();
  version = next;
}

function address(route, parameters) {
  const text = new URLSearchParams(parameters).toString();
  return `api/${route}${text ? `?${text}` : ""}`;
}

/** → the answer, decoded. Throws Problem with a sentence for the user. */
export async function get(route, parameters = {}, signal = undefined) {
  const where = address(route, parameters);
  if (!remembered.has(where)) {
    const answer = await fetched(where, { signal });
    if (remembered.size > 300) remembered.clear();
    remembered.set(where, answer);
  }
  return remembered.get(where);
}

/** As `get`, never from memory: what others may have changed meanwhile. */
export function fresh(route, parameters = {}) {
  return fetched(address(route, parameters), {});
}

export async function post(route, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetched(`api/${route}`, { method: "POST", headers, body: JSON.stringify(body) });
  remembered.clear();
  return answer;
}

async function fetched(where, options) {
  let answer;
  try {
    answer = await fetch(where, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer. Is `rapport look` still running in its terminal?");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(body.error ?? `The server answered ${answer.status}.`);
  return body;
}

/** Lines of JSON, as they come. */
export async function* lines(route, parameters, signal) {
  const answer = await fetch(address(route, parameters), { signal });
  if (!answer.ok) throw new Problem((await answer.json().catch(() => ({}))).error ?? "No search.");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const pieces = (rest + (value ?? "")).split("\n");
    rest = pieces.pop();
    for (const piece of pieces) if (piece) yield JSON.parse(piece);
    if (done) break;
  }
  if (rest) yield JSON.parse(rest);
}

export function exportLink(selection, kind) {
  const parameters = new URLSearchParams(selection);
  parameters.set("to", kind);
  return address("export", parameters);
}
