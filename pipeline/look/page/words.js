// Numbers, days and names as people read them.

const whole = new Intl.NumberFormat("en-GB");

export function count(value) {
  return value === null || value === undefined ? "–" : whole.format(Math.round(value));
}

/** At most three figures that matter: 1,630 · 14.2 · .605 stays 0.605. */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return count(value);
  return String(Number(value.toPrecision(3)));
}

export function percent(part, all) {
  if (!all) return "–";
  const share = (100 * part) / all;
  return `${share > 0 && share < 1 ? "<1" : Math.round(share)} %`;
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function plain(name) {
  return name.replaceAll("_", " ");
}

export function moment(text) {
  const day = new Date(text);
  if (Number.isNaN(day.getTime())) return text ?? "";
  return day.toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `${figure(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

const SIGNS = { "=": "", "!=": "not ", "<": "< ", "<=": "≤ ", ">": "> ", ">=": "≥ " };

/** { field, op, values } → "source: forum or letters" */
export function clauseWords({ field, op, values }) {
  if (field === "newly_dropped") return `would be dropped by ${values[0]}`;
  if (field === "newly_kept") return `would be kept by ${values[0]}`;
  if (field === "moved") return `moved: ${values[0].replace(">", " → ")}`;
  const range = /^(-?[\d.]*)\.\.(-?[\d.]*)$/.exec(values.length === 1 ? values[0] : "");
  if (op === "=" && range) return `${plain(field)} ${rangeWords(range[1], range[2])}`;
  return `${plain(field)}: ${SIGNS[op]}${values.join(" or ")}`;
}

function rangeWords(low, high) {
  if (low === "") return `≤ ${figure(Number(high))}`;
  if (high === "") return `≥ ${figure(Number(low))}`;
  return `${figure(Number(low))} to ${figure(Number(high))}`;
}

const colours = new Map();

/** Sources in the order of their size; each has one of eight colours, on every view. */
export function nameSources(names) {
  colours.clear();
  names.forEach((name, place) => colours.set(name, place % 8));
}

export function colourOf(source) {
  if (!colours.has(source)) colours.set(source, colours.size % 8);
  return `var(--s${colours.get(source)})`;
}
