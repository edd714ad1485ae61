// Makes DOM nodes of tagged templates. What is between ${} never becomes markup: it is set as text,
// as an attribute, as a property or as a listener. Only the template's own letters are parsed.
//
//   html`<a href=${link} @click=${go} class="x">${text}</a>`
//
// A hole stands for the whole value of an attribute, or between tags. `@name` adds a listener,
// `.name` sets a property, `?name` an attribute that is there or not, `style` takes an object.

const MARK = "hole-";
const policy = globalThis.trustedTypes?.createPolicy("page", { createHTML: (text) => text });
const prepared = new WeakMap();
const SAFE_LINK = /^(https?:\/\/|#|\.\/|api\/|data:image\/)/i;

export function html(strings, ...values) {
  return made(strings, values, "");
}

/** As `html`, for parts of an SVG picture. */
export function svg(strings, ...values) {
  return made(strings, values, "svg");
}

function made(strings, values, wrapper) {
  if (!prepared.has(strings)) prepared.set(strings, prepare(strings, wrapper));
  const { template, holes } = prepared.get(strings);
  const root = document.importNode(template.content, true);
  const places = holes.map((hole) => [hole, hole.path.reduce((n, i) => n.childNodes[i], root)]);
  for (const [hole, node] of places) {
    if (hole.name === undefined) node.replaceWith(...nodesOf(values[hole.index]));
    else set(node, hole.name, values[hole.index]);
  }
  const inner = wrapper ? root.firstElementChild : root;
  if (inner.childNodes.length === 1) return inner.firstChild;
  const fragment = document.createDocumentFragment();
  fragment.append(...inner.childNodes);
  return fragment;
}

/** Strings of a template → a template element and where its holes are. */
function prepare(strings, wrapper) {
  const text = strings.reduce((before, next, i) => withHole(before, i - 1) + next);
  const template = document.createElement("template");
  const whole = wrapper ? `<${wrapper}>${text.trim()}</${wrapper}>` : text.trim();
  template.innerHTML = policy ? policy.createHTML(whole) : whole;
  const holes = [];
  collect(template.content, [], holes);
  return { template, holes };
}

/** In a tag, the hole's attribute keeps its name in the value of another one: `style=` itself would
 * be refused by the page's policy before it is ever set. */
function withHole(before, index) {
  const isInTag = before.lastIndexOf("<") > before.lastIndexOf(">");
  if (!isInTag) return `${before}<!--${MARK}${index}-->`;
  return before.replace(/([^\s"'<>=]+)=$/, `${MARK}${index}="$1"`);
}

function collect(node, path, holes) {
  [...node.childNodes].forEach((child, place) => {
    const here = [...path, place];
    if (child.nodeType === Node.COMMENT_NODE && child.data.startsWith(MARK)) {
      holes.push({ path: here, index: Number(child.data.slice(MARK.length)) });
    }
    for (const { name, value } of [...(child.attributes ?? [])]) {
      if (!name.startsWith(MARK)) continue;
      holes.push({ path: here, name: value, index: Number(name.slice(MARK.length)) });
      child.removeAttribute(name);
    }
    collect(child, here, holes);
  });
}

function nodesOf(value) {
  if (value === null || value === undefined || value === false) return [];
  if (Array.isArray(value)) return value.flatMap(nodesOf);
  return [value instanceof Node ? value : document.createTextNode(String(value))];
}

function set(node, name, value) {
  if (name[0] === "@") return node.addEventListener(name.slice(1), value);
  if (name[0] === "?") return node.toggleAttribute(name.slice(1), Boolean(value));
  if (name[0] === ".") return void (node[name.slice(1)] = value);
  if (value === null || value === undefined || value === false) return undefined;
  if (name === "style") return setStyle(node, value);
  const isLink = name === "href" || name === "src";
  if (name.startsWith("on") || (isLink && !SAFE_LINK.test(value))) return undefined;
  return node.setAttribute(name, value);
}

function setStyle(node, properties) {
  for (const [name, value] of Object.entries(properties)) node.style.setProperty(name, value);
}

/** Puts nodes in the place of what is in `host`; the focus stays on the same `data-key`. */
export function fill(host, ...nodes) {
  const focused = host.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.closest("[data-key]")?.dataset.key;
  const top = host.scrollTop;
  host.replaceChildren(...nodesOf(nodes));
  host.scrollTop = top;
  if (key === undefined) return;
  const again = [...host.querySelectorAll("[data-key]")].find((n) => n.dataset.key === key);
  again?.focus({ preventScroll: true });
}
