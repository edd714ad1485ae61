// The closeness curve beside the messages, each point at the height of its message. Only what is to
// be seen is measured and drawn: a conversation of 400 messages costs no more than one of ten.

import { svg } from "./dom.js";

const MARGIN = 6; // on both sides of the curve

/** turns: the element that holds an empty <svg class="rail"> and elements .turn[data-index].
 * points: closeness and emotion by index. → a function that ends it. */
export function rail(turns, points, signal) {
  const picture = turns.querySelector(".rail");
  const visible = new Set();
  let waiting = 0;
  const draw = () => {
    waiting = 0;
    picture.replaceChildren(drawn(turns, picture, points, visible));
  };
  const later = () => (waiting ||= requestAnimationFrame(draw));
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        visible[isIntersecting ? "add" : "delete"](Number(target.dataset.index));
      }
      later();
    },
    { rootMargin: "200px", scrollMargin: "200px" },
  );
  const sizes = new ResizeObserver(later);
  turns.querySelectorAll(".turn").forEach((turn) => watcher.observe(turn));
  sizes.observe(turns);
  signal.addEventListener("abort", () => [watcher, sizes].forEach((each) => each.disconnect()));
}

function drawn(turns, picture, points, visible) {
  const known = [...points.keys()].sort((a, b) => a - b);
  const [first, last] = [Math.min(...visible), Math.max(...visible)];
  const from = Math.max(
    0,
    known.findLastIndex((index) => index < first),
  );
  const until = known.findIndex((index) => index > last);
  const shown = known.slice(from, until < 0 ? known.length : until + 1);
  const places = shown.map((index) => placed(turns, picture, points, index)).filter(Boolean);
  return places.length ? curve(places, picture.clientWidth) : document.createTextNode("");
}

function placed(turns, picture, points, index) {
  const bubble = turns.querySelector(`.turn[data-index="${index}"] .say`);
  if (!bubble) return null;
  const box = bubble.getBoundingClientRect();
  const { closeness, emotion } = points.get(index);
  const half = picture.clientWidth / 2;
  const x = half + closeness * (half - MARGIN);
  const y = box.top + box.height / 2 - turns.getBoundingClientRect().top;
  return { x, y, index, closeness, emotion };
}

function curve(places, width) {
  const middle = width / 2;
  const [first, last] = [places[0], places.at(-1)];
  let path = `M${first.x},${first.y}`;
  places.slice(1).forEach((place, i) => {
    const turn = (places[i].y + place.y) / 2;
    path += `C${places[i].x},${turn} ${place.x},${turn} ${place.x},${place.y}`;
  });
  return svg`
    <line class="axis" x1=${middle} x2=${middle} y1=${first.y - 14} y2=${last.y + 14} />
    <path class="under" d=${`${path}L${middle},${last.y}L${middle},${first.y}Z`} />
    <path class="line" d=${path} />
    ${places.map(point)}`;
}

function point({ x, y, closeness, emotion }) {
  const name = emotion ?? "neutral";
  return svg`<circle class=${`point ${name}`} cx=${x} cy=${y} r=${name === "neutral" ? 3.5 : 4.5}>
    <title>${`closeness ${closeness.toFixed(2)}, ${name}`}</title></circle>`;
}
