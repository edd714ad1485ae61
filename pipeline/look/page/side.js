// The side bar of Rows: counts of every facet, a histogram of every number, both to choose by.

import { brush } from "./charts.js";
import { html } from "./dom.js";
import { clausesOf, clauseText, go, slide, toggled, whereWith } from "./state.js";
import { colourOf, count, figure, plain } from "./words.js";

const FIRST = ["outcome", "reason", "source", "rule", "language"]; // open at first
const SHOWN = 6; // values of a facet before "more"
const opened = new Set(FIRST);
const unfolded = new Set();

export function sideBar(side, about, again) {
  const order = (facet) => (FIRST.includes(facet.name) ? FIRST.indexOf(facet.name) : FIRST.length);
  const facets = about.facets.filter((facet) => side.facets[facet.name]?.length);
  facets.sort((a, b) => order(a) - order(b));
  const criteria = about.numbers.filter((number) => number.kind === "criterion");
  const measures = about.numbers.filter((number) => number.kind !== "criterion");
  return html`
    ${facets.map((facet) => facetBox(facet, side, again))}
    ${numbersBox("scores", "Scores", criteria, side)} ${numbersBox("measures", "Measures", measures, side)}`;
}

function box(name, title, isActive, body) {
  const isOpen = opened.has(name) || isActive;
  const keep = (event) => opened[event.target.open ? "add" : "delete"](name);
  return html`<details class="facet-box" ?open=${isOpen} @toggle=${keep}>
    <summary data-key=${`box ${name}`}>${title}</summary>${body}</details>`;
}

function facetBox(facet, side, again) {
  const values = side.facets[facet.name];
  const chosen = clausesOf(facet.name).flatMap((found) => (found.op === "=" ? found.values : []));
  const isLong = values.length > SHOWN + 1 && !unfolded.has(facet.name);
  const shown = isLong ? values.filter((v, i) => i < SHOWN || chosen.includes(v.value)) : values;
  const largest = Math.max(...values.map((value) => value.all ?? value.count), 1);
  const unfold = () => {
    unfolded.add(facet.name);
    again();
  };
  const body = html`<div role="group" aria-label=${facet.label}>
    ${shown.map((value) => facetValue(facet.name, value, chosen.includes(value.value), largest))}
    ${
      isLong
        ? html`<button class="quiet small"
      @click=${unfold}>${values.length - shown.length} more</button>`
        : null
    }
    ${side.more?.[facet.name] ? html`<p class="hint">and ${count(side.more[facet.name])} more: use the search</p>` : null}
  </div>`;
  return box(facet.name, plain(facet.label ?? facet.name), chosen.length > 0, body);
}

function facetValue(facet, { value, count: here, all }, isChosen, largest) {
  const label = value === "" || value === null ? "none" : value;
  const choose = () => go({ where: toggled(facet, value), id: null, at: null });
  const widths = {
    "--w": `${(100 * here) / largest}%`,
    "--all": `${(100 * (all ?? here)) / largest}%`,
  };
  return html`<button class=${`facet ${here ? "" : "none"}`} aria-pressed=${isChosen ? "true" : "false"}
    style=${widths} @click=${choose} data-key=${`${facet}=${value}`}>
    ${facet === "source" ? html`<i class="dot" style=${{ background: colourOf(value) }}></i>` : null}
    <span class="name">${label}</span><span class="count">${count(here)}</span></button>`;
}

function numbersBox(name, title, numbers, side) {
  const known = numbers.filter((number) => side.numbers[number.name]?.counts?.length > 1);
  const chosen = (number) => clausesOf(number.name).length > 0;
  if (!known.length) return null;
  const body = html`<div>${known.map((number) => numberBox(number, side.numbers[number.name]))}</div>`;
  return box(name, title, known.some(chosen) || name === "scores", body);
}

function numberBox(number, data) {
  const chosen = rangeOf(number.name);
  const words = chosen
    ? `${figure(chosen[0] ?? data.low)} to ${figure(chosen[1] ?? data.high)}`
    : `${figure(data.low)} to ${figure(data.high)}`;
  const choose = (range) => {
    const text = range && clauseText(number.name, [`${ends(range[0])}..${ends(range[1])}`]);
    slide({ where: whereWith(number.name, text), id: null, at: null });
  };
  return html`<div class=${chosen ? "measure chosen" : "measure"} title=${number.unit}>
    <p><span>${plain(number.name)}</span><b>${words}</b></p>
    ${brush(plain(number.name), data, chosen, choose, words)}</div>`;
}

function ends(value) {
  return value === null ? "" : String(Number(value.toPrecision(6)));
}

function rangeOf(name) {
  const found = clausesOf(name).find(({ op, values }) => op === "=" && values[0].includes(".."));
  if (!found) return null;
  return found.values[0].split("..").map((end) => (end === "" ? null : Number(end)));
}
