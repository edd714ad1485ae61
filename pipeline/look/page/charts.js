// Small pictures: a histogram that can be brushed, a line of closeness.

import { html, svg } from "./dom.js";

const HEIGHT = 40;

export function spark(points) {
  if (points.length < 2) return null;
  const places = points.map((value, i) => {
    const x = 1 + (i / (points.length - 1)) * 62;
    return `${x.toFixed(1)},${(8 - value * 7).toFixed(1)}`;
  });
  return html`<svg class="spark" viewBox="0 0 64 16" aria-hidden="true">
    <path d="M1,8H63" class="axis" /><path d=${`M${places.join("L")}`} /></svg>`;
}

/** Bars of counts. kinds: the class of each bar. Heights follow the square root: small bars of a
 * long tail stay to be seen. */
export function bars(counts, { height = HEIGHT, top = Math.max(...counts, 1), kinds = () => "" } = {}) {
  return counts.map((each, i) => {
    const tall = each ? Math.max(1.5, Math.sqrt(each / top) * height) : 0;
    return svg`<rect class=${kinds(i)} x=${i + 0.06} y=${height - tall} width=".88" height=${tall} />`;
  });
}

/** data: { edges, counts, all }. chosen: [low, high] or null. choose([low, high] or null). */
export function brush(name, data, chosen, choose, words) {
  const picture = html`<svg class="hist" viewBox=${`0 0 ${data.counts.length} ${HEIGHT}`}
    preserveAspectRatio="none" aria-hidden="true"></svg>`;
  const box = html`<div class="brush" role="slider" tabindex="0" data-key=${`brush ${name}`}
    aria-label=${`${name}: lower limit with the arrow keys, upper limit with shift, Delete clears`}
    aria-valuemin=${data.edges[0]} aria-valuemax=${data.edges.at(-1)}
    aria-valuenow=${chosen?.[0] ?? data.edges[0]} aria-valuetext=${words}>${picture}</div>`;
  const paint = (range) => picture.replaceChildren(...layers(data, range));
  paint(chosen && binsOf(data.edges, chosen));
  drag(box, data, paint, choose);
  box.addEventListener("keydown", (event) => moveByKey(event, data, chosen, choose));
  return box;
}

function layers(data, range) {
  const top = Math.max(...data.all, 1);
  const inside = (i) => !range || (i >= range[0] && i <= range[1]);
  const own = (i) => (inside(i) ? (range ? "on" : "own") : "off");
  return [...bars(data.all, { top, kinds: () => "all" }), ...bars(data.counts, { top, kinds: own })];
}

/** The first and last bin that a range of values touches. */
export function binsOf(edges, [low, high]) {
  const first = low === null ? 0 : edges.findLastIndex((edge) => edge <= low);
  const last = high === null ? edges.length - 2 : edges.findLastIndex((edge) => edge <= high);
  return [Math.max(0, first), Math.max(0, Math.min(last, edges.length - 2))];
}

/** Values from bin to bin. Both ends belong to a range, so that it stops short of the next bin. */
function rangeOf(edges, first, last) {
  const low = first <= 0 ? null : edges[first];
  const short = edges.slice(0, 2).every(Number.isInteger) ? 1 : (edges[1] - edges[0]) / 1000;
  const high = last >= edges.length - 2 ? null : edges[last + 1] - short;
  return low === null && high === null ? null : [low, high];
}

function drag(box, data, paint, choose) {
  let from = null;
  const binAt = (event) => {
    const { left, width } = box.getBoundingClientRect();
    const share = (event.clientX - left) / width;
    return Math.max(0, Math.min(data.counts.length - 1, Math.floor(share * data.counts.length)));
  };
  const span = (event) => [from, binAt(event)].sort((a, b) => a - b);
  box.addEventListener("pointerdown", (event) => {
    from = binAt(event);
    box.setPointerCapture(event.pointerId);
    paint(span(event));
  });
  box.addEventListener("pointermove", (event) => from !== null && paint(span(event)));
  box.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [first, last] = span(event);
    from = null;
    choose(rangeOf(data.edges, first, last));
  });
}

function moveByKey(event, data, chosen, choose) {
  if (event.key === "Delete" || event.key === "Backspace") return choose(null);
  const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (!step) return undefined;
  event.preventDefault();
  event.stopPropagation();
  const [first, last] = binsOf(data.edges, chosen ?? [null, null]);
  const end = data.counts.length - 1;
  const held = (bin) => Math.max(0, Math.min(end, bin));
  if (event.shiftKey) return choose(rangeOf(data.edges, first, Math.max(first, held(last + step))));
  return choose(rangeOf(data.edges, Math.min(last, held(first + step)), last));
}
