// What a reader sees, measured in the page: contrast of every text, names of all that can be pressed.
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  /** A colour as CSS writes it → [red, green, blue, opacity], 0 to 255 and 0 to 1. */
  function rgba(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  function over([r, g, b, alpha], under) {
    return [r, g, b].map((value, i) => value * alpha + under[i] * (1 - alpha));
  }

  function light(colour) {
    const [r, g, b] = colour.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(first, second) {
    const [dark, bright] = [light(first), light(second)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  }

  /** All colours that may lie behind a text: plain ones, those of a gradient, of a bar behind it. */
  function grounds(node) {
    if (!node) return [[255, 255, 255]];
    const style = getComputedStyle(node);
    const colour = rgba(style.backgroundColor);
    const painted = style.backgroundImage.match(/(rgba?|oklab|color)\([^()]*\)/g) ?? [];
    if (node.matches(".facet")) painted.push(getComputedStyle(node, "::before").backgroundColor);
    const under = colour[3] === 1 ? [colour.slice(0, 3)] : grounds(node.parentElement).map((each) => over(colour, each));
    return [...under, ...painted.flatMap((each) => under.map((ground) => over(rgba(each), ground)))];
  }

  function opacity(node) {
    return node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1;
  }

  window.faintTexts = () => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode.parentElement;
      const isSeen = texts.currentNode.data.trim() && node.checkVisibility({ visibilityProperty: true });
      if (!isSeen || node.closest("[disabled], .sr, script, option")) continue;
      const style = getComputedStyle(node);
      const ink = rgba(node.closest("svg") && style.fill !== "none" ? style.fill : style.color);
      const ratios = grounds(node).map((ground) => contrast(over([...ink.slice(0, 3), ink[3] * opacity(node)], ground), ground));
      const ratio = Math.min(...ratios);
      if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${node.tagName}.${node.getAttribute("class")} ${texts.currentNode.data.trim().slice(0, 30)}`);
    }
    return [...new Set(found)];
  };

  window.nameless = () => {
    const pressed = [...document.querySelectorAll("a, button, input, select, textarea, summary, [role=slider]")];
    const name = (node) => node.getAttribute("aria-label") ?? (node.labels?.[0]?.textContent || node.textContent).trim();
    return pressed.filter((node) => node.checkVisibility() && !name(node)).map((node) => node.outerHTML.slice(0, 120));
  };
})();
