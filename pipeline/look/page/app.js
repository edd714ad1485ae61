// Starts the page: reads what is open, shows the view of the address, follows a live run.

import { fresh, get, setVersion } from "./api.js";
import * as compare from "./compare.js";
import * as conversation from "./conversation.js";
import { setReviewer } from "./decide.js";
import { fill, html } from "./dom.js";
import * as funnel from "./funnel.js";
import { help, listen } from "./keys.js";
import { failed, loading, toast } from "./notice.js";
import * as pairs from "./pairs.js";
import * as review from "./review.js";
import * as rows from "./rows.js";
import { changed, current, go, link } from "./state.js";
import * as whatif from "./whatif.js";
import { count, nameSources } from "./words.js";

const views = { funnel, rows, conversation, pairs, whatif, compare, review };
const TABS = ["funnel", "rows", "pairs", "whatif", "compare", "review"];
const POLL = 2000; // milliseconds between two looks at a live run
const SOON = 400; // while the index is made

const main = document.getElementById("main");
let about = null;
let showing = new AbortController();
let view = null;

async function show() {
  showing.abort();
  showing = new AbortController();
  const { signal } = showing;
  const state = current();
  const name = state.get("view");
  document.body.classList.remove("sheet-open");
  if (name !== view) begin(name);
  if (!about.rows && about.indexing) return fill(main, loading("Reading the rows …"));
  try {
    await views[name].show(main, { about, state, signal });
  } catch (error) {
    if (error.name !== "AbortError" && !signal.aborted) fill(main, failed(error, show));
  }
}

function begin(name) {
  view = name;
  document.body.dataset.view = name;
  document.title = `${views[name].title} · ${about.name} · Rapport`;
  fill(main, loading());
  showTabs();
}

function showTabs() {
  const active = view === "conversation" ? "rows" : view;
  const keep = changed({
    id: null,
    at: null,
    rule: null,
    limit: null,
    partner: null,
    mode: null,
    with: null,
  });
  fill(
    document.getElementById("tabs"),
    TABS.map(
      (name) => html`<a href=${link({ view: name }, keep)} data-key=${name}
    aria-current=${name === active ? "page" : null}>${views[name].title}</a>`,
    ),
  );
}

function showRun() {
  const state = about.live ? html`<i class="breath" aria-hidden="true"></i><span>running</span>` : null;
  const kind = about.kind === "run" ? null : html`<span>${about.kind}</span>`;
  fill(document.getElementById("run"), html`<b>${about.name}</b>`, kind, state);
  fill(
    document.getElementById("problems"),
    about.problems.map((text) => html`<p role="alert">${text}</p>`),
  );
}

async function read() {
  about = await fresh("about");
  setVersion(about.version);
  setReviewer(about.reviewer, about.can_review);
  const { sources } = await get("funnel").catch(() => ({ sources: [] }));
  nameSources([...sources].sort((a, b) => b.in + b.kept - a.in - a.kept).map((source) => source.name));
  showRun();
}

/** While a run is at work, or its index is made: where rows have landed, the view is made anew. */
async function follow() {
  const progress = (await fresh("progress").catch(() => null)) ?? about;
  const isOther = (name) => progress[name] !== about[name];
  if (["version", "live", "indexing"].some(isOther)) {
    const before = about.rows;
    await read();
    await show();
    if (about.live && before && about.rows > before)
      toast(`${count(about.rows - before)} more rows have landed.`);
  }
  followOn();
}

function followOn() {
  if (about.indexing) setTimeout(follow, SOON);
  else if (about.live) setTimeout(follow, POLL);
}

function searchBox() {
  const form = document.getElementById("find");
  const { words, pattern } = form.elements;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const view_ = ["rows", "pairs", "review"].includes(view) ? view : "rows";
    go({
      view: view_,
      find: words.value || null,
      regex: pattern.checked ? "1" : null,
      id: null,
      at: null,
    });
    words.blur();
  });
  const follow_ = () => {
    if (document.activeElement !== words) words.value = current().get("find") ?? "";
    pattern.checked = current().get("regex") === "1";
    form.classList.toggle("filled", words.value !== "");
  };
  pattern.addEventListener("change", () => words.value && form.requestSubmit());
  window.addEventListener("hashchange", follow_);
  follow_();
}

function theme() {
  const root = document.documentElement;
  const stored = localStorage.getItem("rapport-theme");
  if (stored) root.dataset.theme = stored;
  document.getElementById("theme").addEventListener("click", () => {
    const isDark =
      getComputedStyle(root).colorScheme === "dark" ||
      (getComputedStyle(root).colorScheme !== "light" &&
        matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("rapport-theme", root.dataset.theme);
  });
}

function openSearch() {
  document.body.classList.add("search-open");
  document.querySelector("#find [name=words]").select();
}

const everywhere = () => [
  ["/", "search every word", openSearch],
  ["?", "these keys", () => help(everywhere(), views[view].keys(), views[view].title)],
  ...TABS.map((name, i) => [`${i + 1}`, `${views[name].title}`, () => go({ view: name })]),
];

async function start() {
  theme();
  document
    .getElementById("keys")
    .addEventListener("click", () => help(everywhere(), views[view].keys(), views[view].title));
  document.getElementById("open-search").addEventListener("click", openSearch);
  document.getElementById("skip").addEventListener("click", () => main.focus());
  try {
    await read();
  } catch (error) {
    return fill(main, failed(error, start));
  }
  searchBox();
  listen(everywhere, () => views[view].keys());
  window.addEventListener("hashchange", () => {
    showTabs();
    show();
  });
  window.addEventListener("reviewed", () => view !== "review" && show());
  await show();
  return followOn();
}

start();
