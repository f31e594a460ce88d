// The pad: each emotion is a direction, its intensity the distance from the middle. The same by a menu and a slider.
const SVG = "http://www.w3.org/2000/svg";

function s(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function makePad(emotions, changed) {
  const felt = emotions.filter((e) => e.code !== "NEU");
  const words = Object.fromEntries(emotions.map((e) => [e.code, e.words]));
  const R = 84;
  let emotion = "NEU", intensity = 0, auto = false;
  const at = (k, r) => [r * Math.sin(2 * Math.PI * k / felt.length), -r * Math.cos(2 * Math.PI * k / felt.length)];

  const dot = s("circle", { r: 10, class: "dot" });
  const rings = [.25, .5, .75, 1].map((share) => s("circle", { r: R * share, class: "ring" }));
  const rays = felt.map((e, k) => {
    const [x, y] = at(k, R), [tx, ty] = at(k, R + 19);
    const anchor = Math.abs(tx) < 8 ? "middle" : tx > 0 ? "start" : "end";
    const label = s("text", { x: tx * (anchor === "middle" ? 1 : .93), y: ty + 4, "text-anchor": anchor }, e.words);
    return s("g", {}, s("line", { x1: 0, y1: 0, x2: x, y2: y, class: "ring" }), label);
  });
  const pad = s("svg", { viewBox: "-160 -112 320 224", class: "pad", tabindex: 0, role: "slider", "aria-valuemin": 0,
    "aria-valuemax": 100, "aria-label": "Emotion and its intensity: arrows left and right choose the emotion, up and " +
    "down how much of it, Home is neutral" }, ...rings, ...rays, dot);

  const menu = h("select", { onchange: () => set(menu.value, menu.value === "NEU" ? 0 : intensity || 1) },
    ...emotions.map((e) => h("option", { value: e.code }, e.words)));
  menu.value = "NEU";
  const much = slider("Intensity", { low: 0, high: 1, step: .05, value: 0, changed: () => set(emotion, Number(much.box.value)) });
  const auto_box = h("input", { type: "checkbox", onchange: () => { auto = auto_box.checked; show(); changed(); } });
  const auto_row = labelled("auto: as the voice sounds", auto_box, "Decided from the whole sound when a film is rendered; previews stay calm.");
  auto_row.classList.add("check");

  function set(code, share, quiet = false) {
    emotion = code;
    intensity = Math.max(0, Math.min(1, Math.round(share * 20) / 20));
    show();
    if (!quiet) changed();
  }
  function show() {
    const k = felt.findIndex((e) => e.code === emotion);
    const [x, y] = k < 0 ? [0, 0] : at(k, R * intensity);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
    menu.value = emotion;
    much.set(intensity);
    much.box.disabled = emotion === "NEU" || auto;
    menu.disabled = auto;
    pad.classList.toggle("off", auto);
    pad.setAttribute("aria-valuenow", Math.round(100 * intensity));
    pad.setAttribute("aria-valuetext", auto ? "as the voice sounds" :
      emotion === "NEU" ? "neutral" : `${words[emotion]}, ${Math.round(100 * intensity)} percent`);
  }
  function point(event) {
    const box = pad.getBoundingClientRect(), unit = 320 / box.width;
    const x = (event.clientX - box.left) * unit - 160, y = (event.clientY - box.top) * unit - 112;
    const far = Math.hypot(x, y) / R;
    if (far < .1) return set("NEU", 0);
    const turn = Math.atan2(x, -y) / (2 * Math.PI) * felt.length;
    set(felt[(Math.round(turn) + felt.length) % felt.length].code, far);
  }
  pad.addEventListener("pointerdown", (event) => {
    if (auto) return;
    pad.setPointerCapture(event.pointerId);
    point(event);
  });
  pad.addEventListener("pointermove", (event) => { if (event.buttons && !auto) point(event); });
  pad.addEventListener("keydown", (event) => {
    const k = felt.findIndex((e) => e.code === emotion), n = felt.length;
    const next = { ArrowLeft: [(k + n - (k < 0 ? 0 : 1)) % n, intensity || .5], ArrowRight: [(k + 1) % n, intensity || .5],
      ArrowUp: [Math.max(k, 0), intensity + .1], ArrowDown: [Math.max(k, 0), intensity - .1] }[event.key];
    if (auto || (!next && event.key !== "Home")) return;
    event.preventDefault();
    if (event.key === "Home" || next[1] < .05) set("NEU", 0);
    else set(felt[next[0]].code, next[1]);
  });
  show();
  const offer = (yes) => {                                   // whether the system can listen to the voice's feeling
    auto = auto && yes;
    auto_box.checked = auto;
    auto_box.disabled = !yes;
    show();
  };
  const node = h("div", {}, pad, h("div", { class: "pair" }, labelled("Emotion", menu), much.row), auto_row);
  return { node, set, offer, value: () => ({ emotion: auto ? "auto" : emotion, intensity: auto ? 1 : emotion === "NEU" ? 1 : intensity }) };
}
