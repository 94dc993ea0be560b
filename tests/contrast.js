// Visible text of the page whose contrast with its background is too low: WCAG
// 2.2 (1.4.3) asks for 4.5, and for 3 in large text. Colours are painted on a
// canvas, so that every notation of CSS is understood.
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = (top, below, alpha) => below.map((value, i) => alpha * top[i] + (1 - alpha) * value);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    const layers = [];
    for (let node = element; node; node = node.parentElement) {
      const layer = rgba(getComputedStyle(node).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below, layer[3]), [255, 255, 255]);
  };
  const opacity = (element) => {
    let product = 1;
    for (let node = element; node; node = node.parentElement) {
      product *= Number(getComputedStyle(node).opacity);
    }
    return product;
  };
  const shown = (text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    const visible = { opacityProperty: true, visibilityProperty: true };
    return box.width > 1 && box.height > 1 && text.parentElement.checkVisibility(visible);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const element = text.parentElement;
    if (!text.data.trim() || element.closest("script, style, noscript, :disabled")) continue;
    if (!shown(text)) continue;
    const style = getComputedStyle(element);
    const below = background(element);
    const ink = rgba(style.color);
    const colour = over(ink, below, ink[3] * opacity(element));
    const [low, high] = [luminance(colour), luminance(below)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const where = `${element.tagName.toLowerCase()}.${[...element.classList].join(".")}`;
      poor.push(`${where} "${text.data.trim().slice(0, 40)}": ${ratio.toFixed(2)}`);
    }
  }
  return [...new Set(poor)];
}
