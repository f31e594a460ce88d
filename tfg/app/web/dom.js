// Elements from plain descriptions. Texts are set as text, never parsed: nothing that was sent becomes HTML.
let ids = 0;

function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name.startsWith("aria-")) node.setAttribute(name, value);
    else if (name in node) node[name] = value;
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

// A control with its label and, below, what it does: {box, row}.
function labelled(text, box, help = "") {
  box.id ||= `tfg-${++ids}`;
  const row = h("div", { class: "row" }, h("label", { htmlFor: box.id }, text), box);
  if (help) {
    const note = h("p", { class: "help", id: `${box.id}-help` }, help);
    box.setAttribute("aria-describedby", note.id);
    row.append(note);
  }
  return row;
}

// A slider with its value beside it. Double click, or the key Delete, brings the default back.
function slider(text, { low, high, step, value = 0, unit = "", help = "", changed }) {
  const shown = h("output", {}, "");
  const box = h("input", { type: "range", min: low, max: high, step, value });
  const tell = () => { shown.textContent = `${+Number(box.value).toFixed(2)}${unit ? " " + unit : ""}`; };
  const reset = () => { box.value = value; tell(); changed(null); };
  box.addEventListener("input", () => { tell(); changed(Number(box.value) === Number(value) ? null : Number(box.value)); });
  box.addEventListener("dblclick", reset);
  box.addEventListener("keydown", (event) => { if (event.key === "Delete") reset(); });
  tell();
  const row = labelled(text, box, help);
  row.classList.add("slides");
  row.querySelector("label").append(" ", shown);
  return { row, box, set: (now) => { box.value = now; tell(); } };
}

function fold(title, ...children) {
  return h("details", {}, h("summary", {}, title), ...children);
}
