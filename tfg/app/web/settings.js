// The options of a system, from their description: one control for each kind, folded by what they are about.
const SIDES = [["Eyes", /^(look|eye)/], ["Brows", /^brow/], ["Jaw", /^jaw/], ["Lips and mouth", /^(mouth|tongue)/],
  ["Cheeks and nose", /^(cheek|nose)/]];
const sentence = (name) => name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/^./, (c) => c.toUpperCase()).replace(/ [A-Z](?=[a-z])/g, (c) => c.toLowerCase());

// {face, head, others, values}: controls of the face's parts, of angles, and all the others; `values` is filled as they move.
function makeSettings(system, changed) {
  const values = {}, face = [], head = [], others = [];
  const set = (name, value) => {
    if (value === null || value === "") delete values[name];
    else values[name] = value;
    changed();
  };
  for (const o of system.options) {
    if (o.parts.length) face.push(...makeParts(o, (value) => set(o.name, value)));
    else if (o.kind === "angles")
      head.push(slider(sentence(o.label), { low: o.low, high: o.high, step: o.step, value: 0, unit: "°", help: o.help,
        changed: (value) => set(o.name, value === null ? null : String(value)) }).row);
    else others.push(makeControl(o, (value) => set(o.name, value)));
  }
  return { face, head, others, values };
}

function makeParts(o, changed) {
  const amounts = {};
  const one = (part) => slider(sentence(part.name), { low: o.low, high: o.high, step: (o.high - o.low) / 40, value: 0,
    help: part.words, changed: (value) => {
      if (value === null) delete amounts[part.name];
      else amounts[part.name] = value;
      changed(Object.keys(amounts).length ? { ...amounts } : null);
    } }).row;
  const left = new Set(o.parts), groups = [];
  for (const [title, names] of SIDES) {
    const own = o.parts.filter((part) => names.test(part.name));
    own.forEach((part) => left.delete(part));
    if (own.length) groups.push(fold(title, ...own.map(one)));
  }
  return [...groups, ...[...left].map(one)];
}

function makeControl(o, changed) {
  const label = sentence(o.label);
  if (o.kind === "switch") {
    const box = h("input", { type: "checkbox", checked: Boolean(o.default), onchange: () => changed(box.checked) });
    const row = labelled(label, box, o.help);
    row.classList.add("check");
    return row;
  }
  if (o.kind === "choice") {
    const box = h("select", { onchange: () => changed(box.value) },
      ...o.choices.map((c) => h("option", { value: c, selected: c === o.default }, c)));
    return labelled(label, box, o.help);
  }
  const number = o.kind === "number" || o.kind === "whole";
  if (number && o.low !== null && o.high !== null && o.default !== null && o.high <= 10)
    return slider(label, { low: o.low, high: o.high, step: o.step, value: o.default, unit: o.unit, help: o.help, changed }).row;
  if (number) {
    const box = h("input", { type: "number", min: o.low ?? "", max: o.high ?? "", step: o.kind === "whole" ? o.step : "any",
      placeholder: o.default ?? "", inputMode: "decimal",
      onchange: () => changed(box.value === "" ? null : Number(box.value)) });
    return labelled(`${label}${o.unit ? ` (${o.unit})` : ""}`, box, `${o.help}${o.range ? ` (${o.range})` : ""}`);
  }
  const box = h("input", { type: "text", placeholder: o.kind === "box" ? "top bottom left right" : "",
    onchange: () => changed(box.value || null) });
  return labelled(label, box, o.help);
}
