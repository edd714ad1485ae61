// The picture of the funnel: a band for each source, from stage to stage; what is lost leaves it and
// goes to its reason. Wide windows show it from left to right, narrow ones from top to bottom.

import { html, svg } from "./dom.js";
import { clauseText, rowsLink } from "./state.js";
import { colourOf, count } from "./words.js";

const BAR = 7; // thickness of a stage's bar
const PAD = 4; // between two sources
const REASONS = 4; // named at a stage; the rest stand together

/** → { stages: [{ name, total, lost, added, reasons, bands }] } with one band per source. */
export function flowOf(funnel, sources) {
  return funnel.stages.map((stage) => ({
    name: stage.stage,
    state: stage.state,
    total: stage.kept,
    added: stage.added,
    lost: Math.max(0, stage.dropped + stage.quarantined),
    reasons: topReasons(stage),
    bands: sources.map((name) => ({ name, in: 0, kept: 0, reasons: {}, ...stage.sources?.[name] })),
  }));
}

function topReasons({ reasons, dropped, quarantined }) {
  const sorted = [...reasons].sort((a, b) => b.count - a.count);
  const named = sorted.slice(0, sorted.length === REASONS + 1 ? REASONS + 1 : REASONS);
  const rest = dropped + quarantined - named.reduce((sum, each) => sum + each.count, 0);
  return rest > 0 ? [...named, { rule: null, count: rest }] : named;
}

/** width: of the place, in pixels. */
export function flow(stages, width) {
  const isTall = width < 760;
  const plan = isTall ? tallPlan(stages, width) : widePlan(stages, width);
  const layers = { bands: [], lost: [], bars: [], words: [] };
  stages.forEach((stage, i) => {
    if (i) drawBands(layers, plan, stages, i);
    drawLosses(layers, plan, stages, i);
    drawBars(layers, plan, stage, i);
    layers.words.push(...(isTall ? tallWords(plan, stage, i) : wideWords(plan, stage, i)));
  });
  return html`<svg class=${isTall ? "flow tall" : "flow"} viewBox=${`0 0 ${width} ${plan.height}`}
    width=${width} height=${plan.height} role="group" aria-label="Rows from stage to stage">
    ${layers.bands}${layers.lost}${layers.bars}${layers.words}</svg>`;
}

function largest(stages) {
  const thick = (stage) => stage.bands.reduce((sum, each) => sum + Math.max(each.in, each.kept), 0);
  return Math.max(1, ...stages.map(thick));
}

function widePlan(stages, width) {
  const lead = stages[0]?.lost ? 110 : 0;
  const gap = (width - lead - 84) / Math.max(1, stages.length - 1);
  const extent = 210;
  const top = 56;
  const scale = extent / largest(stages);
  const floor = top + extent + PAD * (stages[0]?.bands.length ?? 1) + 34;
  const rows = Math.max(...stages.map((stage) => stage.reasons.length), 0);
  const along = (i) => lead + i * gap;
  return { isTall: false, along, scale, top, floor, gap, lead, width, height: floor + 34 + rows * 18 };
}

function tallPlan(stages, width) {
  const extent = width * 0.38;
  const steps = stages.map((stage) => Math.max(64, (stage.lost ? 56 : 0) + stage.reasons.length * 19));
  const ends = steps.reduce(
    (sums, step, i) => [...sums, (sums[i - 1] ?? 0) + (i || stages[0].lost ? step : 8)],
    [],
  );
  const pads = PAD * (stages[0]?.bands.length ?? 1);
  const scale = (extent - pads) / largest(stages);
  const height = (ends.at(-1) ?? 0) + 26;
  return {
    isTall: true,
    along: (i) => ends[i],
    scale,
    top: 0,
    floor: width * 0.46,
    width,
    height,
    ends,
    lead: steps[0],
  };
}

/** Where each source's part of a stage begins and how thick it is, across the flow. */
function slots(plan, stage, key = "kept") {
  let at = plan.top;
  return stage.bands.map((band) => {
    const size = band[key] * plan.scale;
    const slot = { at, size };
    at += size + (Math.max(band.in, band.kept) ? PAD : 0);
    return slot;
  });
}

function path(plan, ...points) {
  return points
    .map(
      ([letter, ...pairs]) =>
        letter +
        pairs
          .map(([u, v]) => {
            const [x, y] = plan.isTall ? [v, u] : [u, v];
            return `${x.toFixed(1)},${y.toFixed(1)}`;
          })
          .join(" "),
    )
    .join("");
}

function drawBands(layers, plan, stages, i) {
  const [before, here] = [stages[i - 1], stages[i]];
  const [from, to] = [slots(plan, before), slots(plan, here)];
  const [u0, u1] = [plan.along(i - 1) + BAR, plan.along(i)];
  here.bands.forEach((band, j) => {
    const kept = Math.min(from[j].size, to[j].size);
    if (!to[j].size) return;
    const shape = kept
      ? bandShape(plan, [u0, from[j].at, kept], [u1, to[j].at, to[j].size])
      : bandShape(
          plan,
          [u1 - Math.min(70, (u1 - u0) / 2), to[j].at + to[j].size / 2, 0],
          [u1, to[j].at, to[j].size],
        );
    const words = `${band.name}: ${count(band.kept)} kept by ${here.name}`;
    layers.bands.push(bandLink(band.name, kept ? "band" : "band new", shape, words));
  });
}

/** A band from one place to another, each [along, across, thickness]. */
function bandShape(plan, [u0, a, thick], [u1, b, thicker]) {
  const turn = (u0 + u1) / 2;
  return path(
    plan,
    ["M", [u0, a]],
    ["C", [turn, a], [turn, b], [u1, b]],
    ["L", [u1, b + thicker]],
    ["C", [turn, b + thicker], [turn, a + thick], [u0, a + thick]],
  );
}

function bandLink(source, kind, shape, words) {
  const where = [clauseText("source", [source]), "outcome=kept"];
  return svg`<a href=${rowsLink(where)} tabindex="-1" data-source=${source}>
    <path class=${kind} d=${`${shape}Z`} style=${{ fill: colourOf(source) }}><title>${words}</title></path></a>`;
}

/** Threads from each source to each reason, in the order of both, so that none crosses without need. */
function drawLosses(layers, plan, stages, i) {
  const stage = stages[i];
  if (!stage.lost) return;
  const u0 = i ? plan.along(i - 1) + BAR : plan.along(0) - plan.lead;
  const from = i ? slots(plan, stages[i - 1]) : slots(plan, stage, "in");
  const kept = stage.bands.map((band) => Math.min(band.in, band.kept) * plan.scale);
  if (!i) leadIn(layers, plan, stage);
  let drain = drainOf(plan, i);
  const left = from.map((slot, j) => slot.at + kept[j]);
  for (const reason of stage.reasons) {
    const parts = stage.bands.map((band) => lossOf(band, reason, stage.reasons));
    parts.forEach((part, j) => {
      if (!part) return;
      const size = part * plan.scale;
      layers.lost.push(
        thread(plan, u0, left[j], drain, size, stage, reason, part, stage.bands[j].name),
      );
      left[j] += size;
      drain += size;
    });
    drain += 1.5;
  }
}

function drainOf(plan, i) {
  return plan.isTall
    ? (i ? plan.ends[i - 1] : 0) + BAR + 26
    : i
      ? plan.along(i) - plan.gap * 0.52
      : plan.along(0) - plan.lead * 0.62;
}

function lossOf(band, reason, reasons) {
  if (reason.rule) return band.reasons?.[reason.rule] ?? 0;
  const named = reasons.reduce(
    (sum, each) => sum + (each.rule ? (band.reasons?.[each.rule] ?? 0) : 0),
    0,
  );
  return Math.max(0, (band.dropped ?? 0) + (band.quarantined ?? 0) - named);
}

function leadIn(layers, plan, stage) {
  const [from, to] = [slots(plan, stage, "in"), slots(plan, stage)];
  const [u0, u1] = [plan.along(0) - plan.lead, plan.along(0)];
  stage.bands.forEach((band, j) => {
    const size = Math.min(from[j].size, to[j].size);
    if (!size) return;
    const shape = bandShape(plan, [u0, from[j].at, size], [u1, to[j].at, size]);
    layers.bands.push(bandLink(band.name, "band", shape, `${band.name}: ${count(band.in)} read`));
  });
}

function thread(plan, u0, v0, drain, size, stage, reason, part, source) {
  const thick = Math.max(1, size);
  const [far, near] = [drain + thick, drain];
  const reach = u0 + Math.max(20, (drain - u0) * 0.6);
  const fall = v0 + (plan.floor - v0) * 0.45;
  const shape = path(
    plan,
    ["M", [u0, v0]],
    ["C", [reach, v0], [far, fall], [far, plan.floor]],
    ["L", [near, plan.floor]],
    ["C", [near, fall], [reach, v0 + thick], [u0, v0 + thick]],
  );
  const name = reason.rule ?? "other reasons";
  const where = [clauseText("source", [source]), ...reasonWhere(stage, reason)];
  return svg`<a href=${rowsLink(where)} tabindex="-1" data-reason=${`${stage.name} ${name}`}
    data-source=${source}>
    <path class="lost" d=${`${shape}Z`}><title>${`${source}: ${count(part)} lost to ${name}`}</title></path></a>`;
}

function reasonWhere(stage, { rule }) {
  const lost = [clauseText("stage", [stage.name]), clauseText("outcome", ["dropped", "quarantined"])];
  return rule ? [clauseText("stage", [stage.name]), clauseText("reason", [rule])] : lost;
}

function drawBars(layers, plan, stage, i) {
  slots(plan, stage).forEach(({ at, size }, j) => {
    if (!size) return;
    const [x, y, w, h] = plan.isTall ? [at, plan.along(i), size, BAR] : [plan.along(i), at, BAR, size];
    layers.bars
      .push(svg`<rect class="node" x=${x} y=${y} width=${Math.max(w, 1)} height=${Math.max(h, 1)} rx="2"
      data-source=${stage.bands[j].name} style=${{ fill: colourOf(stage.bands[j].name) }} />`);
  });
}

function stageTotal(stage) {
  if (stage.state === "waiting") return "waiting";
  return stage.state === "running" ? `${count(stage.total)} so far` : count(stage.total);
}

function wideWords(plan, stage, i) {
  const x = plan.along(i);
  const added = stage.added
    ? svg`<tspan class="added" dx="6">${`+${count(stage.added)} new`}</tspan>`
    : null;
  const drain = drainOf(plan, i);
  return [
    svg`<text class="stage-name" x=${x} y="16">${stage.name}</text>`,
    svg`<text class=${`total ${stage.state}`} x=${x} y="37">${stageTotal(stage)}${added}</text>`,
    ...(stage.lost ? lossWords(plan, stage, drain, plan.floor + 19, 18) : []),
  ];
}

function tallWords(plan, stage, i) {
  const x = plan.floor + 12;
  const y = plan.along(i) + BAR + 3;
  const before = i ? plan.ends[i - 1] : 0;
  return [
    svg`<text class="stage-name" x=${x} y=${y}>${stage.name}</text>`,
    svg`<text class=${`total ${stage.state}`} x=${plan.width}
      y=${y} text-anchor="end">${stageTotal(stage)}</text>`,
    ...(stage.lost ? lossWords(plan, stage, x, before + BAR + 32, 19) : []),
  ];
}

function lossWords(plan, stage, x, y, line) {
  const end = plan.isTall ? plan.width : null;
  const all = [clauseText("stage", [stage.name]), clauseText("outcome", ["dropped", "quarantined"])];
  const total = svg`<a href=${rowsLink(all)}><text class="loss" x=${x}
    y=${y}>${`−${count(stage.lost)}`}</text></a>`;
  const lines = stage.reasons.map((reason, j) => {
    const name = reason.rule ?? "others";
    const at = y + (j + 1) * line;
    const number =
      end === null
        ? svg`<tspan class="number" dx="6">${count(reason.count)}</tspan>`
        : svg`<tspan class="number" x=${end} text-anchor="end">${count(reason.count)}</tspan>`;
    return svg`<a href=${rowsLink(reasonWhere(stage, reason))} class="reason"
      data-reason=${`${stage.name} ${reason.rule ?? "other reasons"}`}
      aria-label=${`${name}: ${count(reason.count)} rows`}><text x=${x}
        y=${at}>${name}${number}</text></a>`;
  });
  return [total, ...lines];
}
