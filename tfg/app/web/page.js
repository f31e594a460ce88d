// The page: four steps and the preview. What the visitor does is sent to Python, and its answers are shown.
const PART = 1 << 20;                                        // bytes of a file sent at a time
const forget = (event) => { event.target.value = ""; };      // or the same file could not be chosen twice

function render({ model, el }) {
  const start = model.get("start");
  if (start.refused) return el.append(h("main", { class: "tfg-app" }, h("p", { class: "alert", role: "alert" }, start.refused)));
  const send = (message, buffers = []) => model.send(message, undefined, buffers);
  const screen = makeScreen();
  const status = h("p", { class: "status", role: "status" }, "");
  const alert = h("p", { class: "alert", role: "alert" }, "");
  const tell = (text) => { status.textContent = text; alert.textContent = ""; };
  const fail = (text) => { alert.textContent = text; status.textContent = ""; };
  let mode = "still";                                        // or "play", "live"
  let stream = 0;                                            // the number of the stream that plays; answers of others are old

  // ---- what the controls say, and stills of it: one at a time, the latest wins
  const settings = Object.fromEntries(start.systems.map((system) => [system.name, makeSettings(system, changed)]));
  const named = Object.fromEntries(start.systems.map((system) => [system.name, system]));
  const pad = makePad(start.emotions, changed);
  const wish = () => ({ system: system_menu.value, other: other_menu.value, ...pad.value(), consent: consent.checked,
    values: Object.fromEntries(Object.entries(settings).map(([name, its]) => [name, its.values])) });
  let asked = null, again = false;
  function changed() {
    if (mode !== "still") return send({ do: "wish", wish: wish() });
    if (asked) { again = true; return; }
    asked = performance.now();
    again = false;
    screen.node.setAttribute("aria-busy", "true");
    send({ do: "still", wish: wish() });
  }
  function answered() {
    if (asked) el.dataset.stillMs = (performance.now() - asked).toFixed(0);
    asked = null;
    screen.node.removeAttribute("aria-busy");
    if (again) changed();
  }

  // ---- 1 the face
  const upload = async (what, data, more = {}) => {
    interrupt();
    if (what === "picture") consent.checked = false;         // other people, another consent
    for (let k = 0; k === 0 || k < data.byteLength; k += PART)
      send({ do: "upload", what, first: k === 0, last: k + PART >= data.byteLength, ...more }, [data.slice(k, k + PART)]);
  };
  const pick = (button) => faces.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", each === button));
  const faces = h("div", { class: "faces", role: "group", "aria-label": "Faces of nobody" }, ...start.faces.map((face, k) => {
    const button = h("button", { type: "button", "aria-pressed": face.name === "default", onclick: () => {
      interrupt();
      pick(button);
      tell("Looking at the face.");
      send({ do: "face", name: face.name });
    } }, h("img", { src: face.picture, alt: `Face ${k + 1}, of a person who does not exist` }));
    return button;
  }));
  const picture_file = h("input", { type: "file", accept: "image/*,video/*", onclick: forget, onchange: async () => {
    const [file] = picture_file.files;
    if (!file) return;
    if (file.size > 1e6 * start.limits.mb.film) return fail(`The file has ${(file.size / 1e6).toFixed(0)} MB; the limit is ${start.limits.mb.film} MB.`);
    tell("Sending the picture.");
    pick(null);
    upload("picture", await file.arrayBuffer());
  } });
  const camera = makeCamera((data) => { tell("Sending the photo."); pick(null); upload("picture", data); }, fail);

  // ---- 2 the words
  const panels = {};
  const way = (name, title, ...children) => {
    const radio = h("input", { type: "radio", name: `words-${++ids}`, id: `tfg-${++ids}`, onchange: () => choose(name) });
    panels[name] = { radio, panel: h("div", { class: "panel" }, ...children), label: h("label", { htmlFor: radio.id, class: "tab" }, title) };
  };
  const example_menu = h("select", { onchange: () => say_example() },
    ...start.examples.map((example) => h("option", { value: example.name }, example.words)));
  const words = h("textarea", { rows: 3, maxLength: start.limits.words, disabled: !start.voice, value: "Maybe tomorrow it will be cold." });
  const say_example = () => { interrupt(); send({ do: "example", name: example_menu.value }); };
  const say_words = () => { interrupt(); tell("Speaking the words."); send({ do: "words", text: words.value }); };
  words.addEventListener("change", say_words);
  const sound_file = h("input", { type: "file", accept: "audio/*,video/*", onclick: forget, onchange: async () => {
    const [file] = sound_file.files;
    if (!file) return;
    if (file.size > 1e6 * start.limits.mb.film) return fail(`The file has ${(file.size / 1e6).toFixed(0)} MB; the limit is ${start.limits.mb.film} MB.`);
    tell("Sending the sound.");
    upload("sound", await file.arrayBuffer());
  } });
  let closeEar = null, heard = [], rate = 0, clock = 0, opening = false;
  const record = h("button", { type: "button", onclick: async () => {
    if (closeEar) {
      closeEar();
      closeEar = null;
      record.textContent = "Record again";
      tell("Sending the recording.");
      return upload("recording", await new Blob(heard).arrayBuffer(), { sr: rate });
    }
    if (opening) return;
    opening = true;
    try {
      heard = [];
      clock = Infinity;                                      // until the browser gives leave
      const close = await openMicrophone((piece, sr) => {
        heard.push(piece);
        rate = sr;
        if (closeEar && performance.now() - clock > 1000 * start.limits.seconds - 500) record.click();
      });
      if (gone) return close();
      closeEar = close;
      clock = performance.now();
      record.textContent = "Stop recording";
      tell("Recording; speak now.");
    } catch (error) { fail(`The microphone cannot be used: ${error.message}`); } finally { opening = false; }
  } }, "Record");
  way("example", "Example", labelled("Sentence", example_menu));
  way("type", "Type", labelled("English words", words, start.voice ? `Up to ${start.limits.words} characters, spoken by a synthetic voice.` :
    "Typing needs the extra \"voice\", which is not installed here: pip install \"tfg[voice]\"."));
  way("upload", "Upload", labelled("A file with sound", sound_file, `Up to ${start.limits.seconds} seconds; a film will do.`));
  way("record", "Record", h("div", { class: "buttons" }, record), h("p", { class: "help" }, `Up to ${start.limits.seconds} seconds.`));
  const group = `words-${++ids}`;
  Object.values(panels).forEach(({ radio }) => { radio.name = group; });
  function choose(name) {
    for (const [each, { panel, radio }] of Object.entries(panels)) { panel.hidden = each !== name; radio.checked = each === name; }
    if (name === "example") say_example();
    if (name === "type" && start.voice) say_words();
  }

  // ---- 3 the feeling, 4 the system
  const options = (list) => list.map((system) => h("option", { value: system.name }, system.name));
  const system_menu = h("select", { onchange: () => { showSystem(); changed(); } }, ...options(start.systems));
  const other_menu = h("select", { onchange: changed }, h("option", { value: "" }, "none"), ...options(start.systems));
  const about = h("p", { class: "help" }), head = h("div", {}), face = h("div", {}), others = h("div", {});
  const head_fold = fold("Head", head), face_fold = fold("Parts of the face, and gaze", face);
  function showSystem() {
    const its = settings[system_menu.value], system = named[system_menu.value];
    about.textContent = `${system.name}: ${system.about}${system.streams ? "" : ". It hears the whole sound first, so there is no preview."}`;
    head.replaceChildren(...its.head);
    face.replaceChildren(...its.face);
    others.replaceChildren(...its.others);
    head_fold.hidden = !its.head.length;
    face_fold.hidden = !its.face.length;
    pad.offer(system.auto);
    for (const button of [play, live]) button.disabled = !system.streams;
    screen.say(system.streams ? "" : `No preview of ${system.name}: press Render.`);
  }

  // ---- the preview's buttons
  const halt = () => {
    if (mode === "still") return;
    send({ do: "stop" });
    stream += 1;
    screen.stop();
    closeLive?.();
    closeLive = null;
    mode = "still";
    play.textContent = "Play";
    live.textContent = "Speak live";
  };
  const interrupt = () => { if (mode !== "still") { halt(); changed(); } };     // what is chosen anew ends a stream
  let closeLive = null, gone = false;
  const play = h("button", { type: "button", onclick: () => {
    if (mode !== "still") { halt(); return changed(); }
    mode = "play";
    tell("");
    play.textContent = "Stop";
    send({ do: "play", id: stream, wish: wish() });
  } }, "Play");
  const live = h("button", { type: "button", onclick: async () => {
    if (mode !== "still") { halt(); return changed(); }
    const own = stream;
    try {
      mode = "live";
      tell("");
      live.textContent = "Stop";
      send({ do: "live", id: own, wish: wish() });
      const close = await openMicrophone((piece, sr) => { if (stream === own) send({ do: "hear", sr }, [piece]); });
      if (stream !== own) return close();                    // stopped while the browser asked for leave
      closeLive = close;
      screen.say("Speak: the face follows your voice, a third of a second behind.");
    } catch (error) {
      if (stream !== own) return;
      halt();
      fail(`The microphone cannot be used: ${error.message}`);
    }
  } }, "Speak live");

  // ---- the film
  const consent = h("input", { type: "checkbox" });
  const consent_row = labelled(start.consent, consent);
  consent_row.classList.add("check");
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the film" });
  const films = h("div", { class: "films" });
  const making = (yes) => { go.disabled = yes; cancel.hidden = bar.hidden = !yes; bar.value = 0; };
  const go = h("button", { type: "button", class: "first", onclick: () => {
    halt();
    making(true);
    tell("Asking for a turn.");
    send({ do: "render", wish: wish() });
  } }, "Render");
  const cancel = h("button", { type: "button", onclick: () => { tell("Cancelling."); send({ do: "cancel" }); } }, "Cancel");

  // ---- answers
  model.on("msg:custom", (message, buffers) => {
    const data = (buffers || []).map((view) => view.buffer ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : view);
    const { say, of } = message;
    if (message.id != null && message.id !== stream) return;    // of a stream that was stopped
    if (say === "still") {
      screen.say("");
      (mode === "still" ? screen.draw(data[0]) : Promise.resolve()).finally(answered);
    }
    if (say === "sound") screen.begin(data[0]);
    if (say === "frame" && mode !== "still") screen.add(data[0], message.n);
    if (say === "progress") { bar.value = message.share; tell(message.text); }
    if (say === "films") { making(false); tell("Done."); showFilms(films, message.films, data, "tfg"); films.scrollIntoView({ block: "nearest" }); }
    if (say === "cancelled") { making(false); tell("Cancelled; nothing was kept."); }
    if (say === "done" && "consent" in message) {
      consent_row.hidden = !message.consent;
      tell(of === "face" ? "" : message.kind === "film" ? "A film: systems that dub draw each of its frames, the others use its best one." :
        message.kind ? "The photo is there." : `${message.seconds.toFixed(1)} seconds of sound.`);
      if (of === "face" || message.kind) changed();
    }
    if (say === "done" && of === "play" && mode === "play") screen.finish(() => { if (mode === "play" && message.id === stream) { halt(); changed(); } });
    if (say === "done" && of === "live" && mode === "live") { halt(); changed(); }
    if (say === "error") {
      if (of === "still") answered();
      if (of === "render") making(false);
      if (of === "play" || of === "live") halt();
      if (of === "still") screen.say(message.text); else fail(message.text);
    }
  });

  el.append(h("main", { class: "tfg-app" },
    h("header", {}, h("h1", {}, "Make a face speak"),
      h("p", {}, "Choose a face, what it says and how it feels. What you send stays with this visit and is removed at its end.")),
    h("div", { class: "columns" },
      h("div", { class: "preview" }, screen.node, h("div", {}, h("div", { class: "buttons" }, play, live), status, alert)),
      h("div", { class: "steps" },
        h("section", {}, h("h2", {}, "1 · Face"), faces, labelled("Your photo, or a film to dub", picture_file),
          h("div", { class: "buttons" }, h("button", { type: "button", onclick: camera.open }, "Take a photo")), camera.dialog),
        h("section", {}, h("h2", {}, "2 · Words"),
          h("div", { class: "tabs", role: "group", "aria-label": "Where the words come from" },
            ...Object.values(panels).flatMap(({ radio, label }) => [radio, label])),
          ...Object.values(panels).map(({ panel }) => panel)),
        h("section", {}, h("h2", {}, "3 · Feeling"), pad.node, face_fold, head_fold),
        h("section", {}, h("h2", {}, "4 · Film"),
          fold("System and its options", labelled("System", system_menu), about, labelled("Beside it, on the same sound", other_menu), others),
          consent_row, h("div", { class: "buttons" }, go, cancel), bar, films)))));
  consent_row.hidden = true;
  making(false);
  panels.example.radio.checked = true;
  Object.entries(panels).forEach(([name, { panel }]) => { panel.hidden = name !== "example"; });
  showSystem();
  screen.say("Looking at the face.");
  changed();
  return () => { gone = true; halt(); closeEar?.(); camera.close(); };
}

export default { render };
