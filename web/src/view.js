// The page's controls: what they look like, and which of them can be used now.

import { fold, h, labelled, makePad, slider } from "app-controls";
import { BADGE } from "./film.js";

const CONSENT =
  "I have the consent of the people whose face or voice this is, and I will not pass the film off as a real recording.";
const STYLES = 46;

/** A box to tick with its sentence beside it. */
function tick(text, props) {
  const box = h("input", { type: "checkbox", ...props }),
    row = labelled(text, box);
  row.classList.add("check");
  return { box, row };
}

/**
 * The controls.
 * @param {object} does functions that a visitor's clicks call: play, live, film, cancel, record, photo (file),
 *   sound (file), words (address, text), changed (whether the way of moving the head is another one).
 */
export class View {
  constructor(does) {
    const button = (text, act, first = false) =>
      h("button", { type: "button", class: first ? "first" : "", disabled: true, onclick: act }, text);
    const upload = (accept, act) => {
      const box = h("input", { type: "file", accept, onchange: () => box.files[0] && act(box.files[0]) });
      return box;
    };
    this.does = does;
    this.canvas = h("canvas", { width: 512, height: 512, role: "img", "aria-label": "The face" });
    this.screen = h("div", { class: "screen" }, this.canvas, h("div", { class: "badge" }, BADGE));
    this.status = h("p", { class: "status", role: "status" }, "Loading the networks ...");
    this.alert = h("p", { class: "alert", role: "alert" });
    this.progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Progress of the film" });
    this.play = button("Play", does.play, true);
    this.live = button("Speak live", does.live);
    this.film = button("Make the film", does.film);
    this.cancel = button("Cancel", does.cancel);
    this.record = button("Record", does.record);
    this.cancel.hidden = true;
    this.films = h("div", { class: "films" });
    this.consent = tick(CONSENT);
    this.consent.row.hidden = true;
    this.pictures = h("div", { class: "faces", role: "group", "aria-label": "A face of nobody" });
    this.photo = upload("image/*", does.photo);
    this.sound = upload("audio/*,video/*", does.sound);
    this.words = h("select", {
      onchange: () => this.words.value && does.words(this.words.value, this.words.selectedOptions[0].textContent),
    });
    this.style = slider("Way of moving the head", {
      ...{ low: 0, high: STYLES - 1, step: 1, value: 0, help: "Each number is one of 46 ways." },
      changed: () => does.changed(true),
    });
    this.motion = slider("Motion of the head", {
      ...{ low: 0, high: 2, step: 0.1, value: 1, help: "0 keeps it still." },
      changed: () => does.changed(false),
    });
    this.blink = tick("The eyes blink", { checked: true, onchange: () => does.changed(false) });
    document.querySelector("main").append(this.status, this.alert);
  }

  /** Put the controls on the page.  constants: of page.json. */
  build({ felt, emotion_names: names }) {
    const emotions = ["NEU", ...felt].map((code) => ({ code, words: names[code] }));
    this.pad = makePad(emotions, () => this.does.changed(false));
    this.pad.node.querySelector(".check").remove(); // no network here hears the voice's feeling
    const section = (title, ...parts) => h("section", {}, h("h2", {}, title), ...parts);
    const help = (text) => h("p", { class: "help" }, text);
    const row = (...parts) => h("div", { class: "buttons" }, ...parts);
    const preview = h(
      "div",
      {},
      row(this.play, this.live, this.film, this.cancel),
      this.progress,
      this.status,
      this.alert,
    );
    const settings = [
      section(
        "Face",
        this.pictures,
        labelled("Your photo", this.photo, "A face from the front, at most 20 MB. It stays in this browser."),
      ),
      section(
        "Words",
        labelled("A sentence", this.words),
        labelled("A file with sound", this.sound, "At most 60 seconds. It stays in this browser."),
        row(this.record),
        help("Record: click, speak, click again. Speak live: the face follows your microphone at once."),
      ),
      section("Feeling", this.pad.node, fold("Head and eyes", this.style.row, this.motion.row, this.blink.row)),
      section(
        "Fair use",
        help("Films are marked as AI-generated. The faces above belong to nobody."),
        this.consent.row,
      ),
    ];
    const columns = h(
      "div",
      { class: "columns" },
      h("div", { class: "preview" }, this.screen, preview),
      h("div", {}, ...settings),
    );
    document.querySelector("main").append(columns, this.films);
  }

  /** What is wished now, as act.js takes it. */
  wishes() {
    const [style, motion] = [this.style, this.motion].map(({ box }) => Number(box.value));
    return { ...this.pad.value(), style, motion, blink: this.blink.box.checked, glance: true, seed: 0 };
  }

  /** Enable what can be done now.  state, loaded: of main.js. */
  show(state, loaded) {
    const free = loaded && !state.busy && !state.recording && !state.live && !state.playing;
    const ready = Boolean(state.portrait && state.words) && free;
    this.play.textContent = state.playing ? "Stop" : "Play";
    this.play.disabled = !ready && !state.playing;
    this.film.disabled = !ready;
    this.record.textContent = state.recording ? "Stop recording" : "Record";
    this.record.disabled = !free && !state.recording;
    this.live.textContent = state.live ? "Stop speaking" : "Speak live";
    this.live.disabled = !state.live && !(state.portrait && free);
    this.consent.row.hidden = !(state.ownFace || state.ownVoice);
    this.screen.toggleAttribute("aria-busy", state.busy > 0);
  }
}
