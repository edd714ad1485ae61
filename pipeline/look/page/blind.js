// Rating without names, sources and scores; and the choice between two texts.

import { fresh, post } from "./api.js";
import { people, reviewer } from "./decide.js";
import { fill, html } from "./dom.js";
import { complain, empty, toast } from "./notice.js";
import { selection } from "./state.js";
import { marked } from "./text.js";
import { count, figure, plain } from "./words.js";

let task = null; // { kind, answer, ratings, at, body, about, state, signal }

export async function rate(body, about, state, signal) {
  const parameters = selection(state);
  parameters.set("who", reviewer());
  for (const name of ["criteria", "seed"]) if (state.get(name)) parameters.set(name, state.get(name));
  const answer = await fresh("blind", parameters);
  if (signal.aborted) return;
  if (answer.id === null)
    return void fill(
      body,
      empty(
        "All rated",
        "No conversation of this selection is left for you to rate.",
        ...(await agreementNodes()),
      ),
    );
  task = { kind: "rate", answer, ratings: {}, at: 0, body, about, state, signal };
  fill(
    body,
    html`<div class="review-columns"><section class="reader" aria-label="The conversation" tabindex="-1">
      <p class="review-head"><b>${count(answer.left)} left</b><span
        class="hint">Names, source and scores are hidden until you have rated.</span></p>
      ${blindTurns(answer.messages)}</section>
    <aside class="review-side"><form class="card rating"><h2>Your rating</h2><div class="criteria"></div>
      <label class="reason">Why (if you like)<textarea rows="2" name="reason" dir="auto"></textarea></label>
      <button class="btn go">Send, next <kbd>↵</kbd></button></form></aside></div>`,
  );
  body.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    send().catch(complain);
  });
  paintCriteria();
}

function blindTurns(messages) {
  return html`<div class="turns blind">${messages.map(
    (message) => html`<div class=${`turn ${message.role}`}>
    <p class="speaker"><b>${message.speaker ?? plain(message.role)}</b></p><div
      class="say" dir="auto">${marked(message.text, [])}</div></div>`,
  )}</div>`;
}

function paintCriteria() {
  const { answer, about, body } = task;
  fill(
    body.querySelector(".criteria"),
    answer.criteria.map((name, i) => criterion(name, about.criteria[name] ?? {}, i)),
  );
}

function criterion(name, { definition, levels = {} }, place) {
  const value = task.ratings[name];
  const choose = (level) => () => {
    task.ratings[name] = level;
    task.at = place + 1;
    paintCriteria();
  };
  const button = (
    level,
    words,
  ) => html`<button type="button" class="level-button" aria-pressed=${value === level ? "true" : "false"}
    aria-label=${`${plain(name)}: ${level ?? "cannot say"}`} title=${levels[level] ?? null}
      data-key=${`${name} ${level}`} @click=${choose(level)}>${words}</button>`;
  return html`<fieldset class=${place === task.at ? "criterion now" : "criterion"}><legend>${plain(name)}</legend>
    <span class="levels">${[1, 2, 3, 4, 5].map((level) => button(level, level))}${button(null, "?")}</span>
    <small>${value ? levels[value] : definition}</small></fieldset>`;
}

async function send() {
  const { answer, ratings, body, about, state, signal } = task;
  const reason = body.querySelector("[name=reason]").value;
  await post("rate", { id: answer.id, who: reviewer(), ratings, reason });
  toast("Rated.");
  await rate(body, about, state, signal);
}

export async function ab(body, state, signal) {
  const parameters = selection(state);
  parameters.set("who", reviewer());
  const answer = await fresh("ab", parameters);
  if (signal.aborted) return;
  if (answer.id === null)
    return void fill(
      body,
      empty(
        "Nothing left to choose",
        "Two texts of the same place are compared here: swipes, other tries, two conversations of one situation.",
        ...(await agreementNodes()),
      ),
    );
  task = { kind: "ab", answer, body, state, signal };
  const side = (
    name,
    messages,
  ) => html`<section class="card choice" aria-label=${`Text ${name.toUpperCase()}`}><h2>${name.toUpperCase()}</h2>
    ${blindTurns(messages)}<button class="btn go"
      @click=${() => choose(name).catch(complain)}>This one <kbd>${name}</kbd></button></section>`;
  fill(
    body,
    html`<div class="ab"><p class="review-head"><b>${count(answer.left)} left</b><span
      class="hint">Which would you rather read? Which is which is not shown.</span></p>
    ${answer.shared?.length ? blindTurns(answer.shared) : null}<div
      class="choices">${side("a", answer.a)}${side("b", answer.b)}</div>
    <p class="tie"><button class="btn" @click=${() => choose("tie").catch(complain)}>Neither is better <kbd>t</kbd></button></p></div>`,
  );
}

async function choose(choice) {
  const { answer, body, state, signal } = task;
  await post("ab", { id: answer.id, who: reviewer(), choice });
  await ab(body, state, signal);
}

async function agreementNodes() {
  const agreement = await fresh("agreement").catch(() => null);
  await people().catch(() => null);
  return agreement?.criteria?.length ? [agreementCard(agreement)] : [];
}

export function agreementCard({ criteria, ab: choices, next }) {
  const words = (each) => (Number.isFinite(each.alpha) ? figure(each.alpha) : "–");
  const range = (each) =>
    Number.isFinite(each.low) ? ` (${figure(each.low)} to ${figure(each.high)})` : "";
  return html`<section class="card agreement"><h2>Agreement between raters</h2><table><thead><tr>
    <th scope="col">Criterion</th>
      <th scope="col" class="n">Rows</th><th scope="col" class="n">Alpha</th></tr></thead>
        <tbody>${criteria.map(
          (each) => html`<tr>
      <td>${plain(each.criterion)}</td><td class="n">${count(each.n)}</td><td
        class="n">${words(each)}<small>${range(each)}</small></td></tr>`,
        )}</tbody></table>
    ${choices?.n ? html`<p class="hint">A or B: ${count(choices.n)} choices${Number.isFinite(choices.agree) ? `, ${Math.round(100 * choices.agree)} % alike` : ""}</p>` : null}
    ${next ? html`<p class="hint"><code>${next}</code></p>` : null}</section>`;
}

function digit(level) {
  if (task?.kind !== "rate") return;
  const { criteria } = task.answer;
  const name = criteria[Math.min(task.at, criteria.length - 1)];
  task.ratings[name] = level;
  task.at = Math.min(task.at + 1, criteria.length);
  paintCriteria();
}

const chooses = (choice) => () => task?.kind === "ab" && choose(choice);
const levels = [1, 2, 3, 4, 5].map((level) => {
  const words = level === 1 ? "1 to 5: rate, and on to the next criterion" : "";
  return [String(level), words, () => digit(level)];
});

export const keys = {
  rate: [
    ...levels,
    ["0", "cannot say", () => digit(null)],
    ["Enter", "send the rating", () => task?.kind === "rate" && send()],
  ],
  ab: [
    ["a", "A is better", chooses("a")],
    ["b", "B is better", chooses("b")],
    ["t", "neither is better", chooses("tie")],
  ],
};
