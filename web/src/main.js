// The page: its controls, and what they do. See README.md, "A page that needs no installation".

import { fold, h, labelled, makePad, slider } from "app-controls";
import { listen, perform, still } from "./act.js";
import { fetched, loadAssets } from "./assets.js";
import { Drawing } from "./draw.js";
import { BADGE, makeFilm } from "./film.js";
import { measure, openLandmarker } from "./landmarks.js";
import { Networks } from "./networks.js";
import { makePortrait } from "./portrait.js";
import { play, record, samplesOf } from "./sound.js";

const CONSENT = "I have the consent of the people whose face or voice this is, and I will not pass the film off as a real recording.";
const MOST_BYTES = 20e6, MOST_SIDE = 7679;
const here = new URL("./", document.baseURI).href;

const state = { face: null, ownFace: false, portrait: null, words: null, ownVoice: false, speech: null, motion: null, playing: null, busy: 0, frame: 0 };
const page = window.page = { state, ready: null };          // what tests and the curious look at

// ---- what is shown ------------------------------------------------------------------------------------------
const canvas = h("canvas", { width: 512, height: 512, role: "img", "aria-label": "The face" });
const count = h("div", { class: "count", hidden: true });
const screen = h("div", { class: "screen", "aria-busy": "true" }, canvas, h("div", { class: "badge" }, BADGE), count);
const status = h("p", { class: "status", role: "status" }, "Loading the networks ...");
const alert = h("p", { class: "alert", role: "alert" });
const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Progress of the film" });
const button = (text, does, first = false) => h("button", { type: "button", class: first ? "first" : "", disabled: true, onclick: () => attempt(does) }, text);
const buttons = { play: button("Play", togglePlay, true), film: button("Make the film", film), cancel: button("Cancel", () => state.stop?.()), record: button("Record", toggleRecord) };
buttons.cancel.hidden = true;
const films = h("div", { class: "films" });
const consent = h("input", { type: "checkbox" });
const consentRow = labelled(CONSENT, consent);
consentRow.classList.add("check");
consentRow.hidden = true;
const pictures = h("div", { class: "faces", role: "group", "aria-label": "A face of nobody" });
const photo = h("input", { type: "file", accept: "image/*", onchange: () => photo.files[0] && attempt(() => uploadPhoto(photo.files[0])) });
const sound = h("input", { type: "file", accept: "audio/*,video/*", onchange: () => sound.files[0] && attempt(() => useSound(() => samplesOf(sound.files[0]), "your file", true)) });
const words = h("select", { onchange: () => words.value && attempt(() => useSound(exampleOf(words.value), words.selectedOptions[0].textContent, false)) });
const manner = { style: slider("Way of moving the head", { low: 0, high: 45, step: 1, value: 0, help: "Each number is one of 46 ways.", changed: () => changed(true) }),
  motion: slider("Motion of the head", { low: 0, high: 2, step: 0.1, value: 1, help: "0 keeps it still.", changed: () => changed(false) }) };
const blink = h("input", { type: "checkbox", checked: true, onchange: () => changed(false) }), blinkRow = labelled("The eyes blink", blink);
blinkRow.classList.add("check");
let pad = null;

function build(constants) {
  pad = makePad(["NEU", ...constants.felt].map((code) => ({ code, words: constants.emotion_names[code] })), () => changed(false));
  pad.node.querySelector(".check").remove();                  // no network here hears the voice's feeling
  document.querySelector("main").append(h("div", { class: "columns" },
    h("div", { class: "preview" }, screen, h("div", {}, h("div", { class: "buttons" }, buttons.play, buttons.film, buttons.cancel), progress, status, alert)),
    h("div", {},
      h("section", {}, h("h2", {}, "Face"), pictures, labelled("Your photo", photo, "A face from the front, at most 20 MB. It stays in this browser.")),
      h("section", {}, h("h2", {}, "Words"), labelled("A sentence", words), labelled("A file with sound", sound, "At most 60 seconds. It stays in this browser."),
        h("div", { class: "buttons" }, buttons.record), h("p", { class: "help" }, "Record: click, speak, click again.")),
      h("section", {}, h("h2", {}, "Feeling"), pad.node, fold("Head and eyes", manner.style.row, manner.motion.row, blinkRow)),
      h("section", { hidden: false }, h("h2", {}, "Fair use"), h("p", { class: "help" }, "Films are marked as AI-generated. The faces above belong to nobody."), consentRow)),
  ), films);
}

const wishes = () => ({ ...pad.value(), style: Number(manner.style.box.value), motion: Number(manner.motion.box.value), blink: blink.checked, glance: true, seed: 0 });

/** Do something that a visitor asked for; an Error's message becomes the page's one red sentence. */
async function attempt(work) {
  alert.textContent = "";
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError") return;
    alert.textContent = capital(error.message || String(error));
    console.warn(error);
  } finally {
    show();
  }
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Enable what can be done now. */
function show() {
  const ready = Boolean(state.portrait && state.words) && !state.busy && !state.recording;
  buttons.play.textContent = state.playing ? "Stop" : "Play";
  buttons.play.disabled = !ready && !state.playing;
  buttons.film.disabled = !ready || Boolean(state.playing);
  buttons.record.textContent = state.recording ? "Stop recording" : "Record";
  buttons.record.disabled = !page.networks || state.busy > 0 || Boolean(state.playing);
  consentRow.hidden = !(state.ownFace || state.ownVoice);
  screen.toggleAttribute("aria-busy", state.busy > 0);
}

async function busily(text, work) {
  state.busy++;
  status.textContent = text;
  show();
  await new Promise((next) => setTimeout(next, 20));            // the sentence is on the screen before the work begins
  try {
    return await work();
  } finally {
    state.busy--;
    show();
  }
}

// ---- faces --------------------------------------------------------------------------------------------------
async function useFace(blob, own) {
  stopPlaying();
  await busily("Looking at the face ...", async () => {
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      throw new Error("the picture cannot be read by this browser; choose a JPEG, PNG or WebP file.");
    }
    if (Math.max(bitmap.width, bitmap.height) > MOST_SIDE) throw new Error(`the picture is ${bitmap.width} x ${bitmap.height} pixels; ${MOST_SIDE} on the long side are the most.`);
    const found = measure(page.landmarker, page.assets.constants, bitmap), drawn = new OffscreenCanvas(bitmap.width, bitmap.height), g = drawn.getContext("2d", { willReadFrequently: true });
    g.fillStyle = "white";
    g.fillRect(0, 0, bitmap.width, bitmap.height);
    g.drawImage(bitmap, 0, 0);
    const start = performance.now(), pixels = g.getImageData(0, 0, bitmap.width, bitmap.height);
    state.portrait = makePortrait(page.assets, pixels, found);
    state.photo = { pixels, found };
    page.fitMs = performance.now() - start;
    page.drawing.load(state.portrait);
    if (own !== state.ownFace || own) consent.checked = false;  // other people, another consent
    state.ownFace = own;
    state.motion = null;
    status.textContent = "The face is there.";
  });
  await preview();
}

async function uploadPhoto(file) {
  if (file.size > MOST_BYTES) throw new Error(`the photo has ${Math.round(file.size / 1e6)} MB, but ${MOST_BYTES / 1e6} MB are the most; make it smaller.`);
  await useFace(file, true);
  for (const each of pictures.children) each.setAttribute("aria-pressed", "false");
}

// ---- words --------------------------------------------------------------------------------------------------
const exampleOf = (file) => async () => samplesOf(await (await fetched(here + file)).blob());

async function useSound(samples, name, own) {
  stopPlaying();
  await busily("Listening ...", async () => {
    state.words = await samples();
    if (own !== state.ownVoice || own) consent.checked = false;
    state.ownVoice = own;
    state.speech = state.motion = null;
    if (own) words.value = "";
    status.textContent = `${(state.words.length / 16000).toFixed(1)} seconds of sound: ${name}.`;
  });
}

async function toggleRecord() {
  if (state.recording) {
    const recording = state.recording;
    state.recording = null;
    return useSound(() => recording.stop(), "your recording", true);
  }
  let recording;
  try {
    recording = await record();
  } catch (error) {
    throw new Error(`the microphone cannot be used (${error.name}); allow it in the browser, or choose a file.`);
  }
  state.recording = recording;
  status.textContent = "Recording: speak now, then click Stop recording.";
}

// ---- motion -------------------------------------------------------------------------------------------------
/** The motion for the wishes of now; computed once for each. */
async function motion() {
  const wish = wishes(), key = JSON.stringify(wish);
  if (state.motion?.key === key) return state.motion;
  if (state.speech?.style !== wish.style) state.speech = await listen(page.networks, state.portrait, state.words, wish);
  return state.motion = { key, ...await perform(page.networks, state.portrait, state.speech, wish) };
}

function drawFrame(t) {
  const { T, expression, pose } = state.motion, k = Math.min(Math.max(t, 0), T - 1);
  page.drawing.draw(state.portrait.personal(expression.subarray(52 * k, 52 * k + 52)), pose.subarray(6 * k, 6 * k + 6));
  state.frame = k;
  page.drawn = (page.drawn ?? 0) + 1;
}

/** The face with the pad's emotion while nothing plays. */
async function preview() {
  if (!state.portrait || state.playing) return;
  const found = await still(page.networks, wishes());
  if (state.playing) return;
  page.drawing.draw(state.portrait.personal(found.expression), found.pose);
  page.drawn = (page.drawn ?? 0) + 1;
}

let latest = 0;
/** A control was moved.  head: whether the head's motion must be computed anew. The latest value wins. */
async function changed(head) {
  const mine = ++latest;
  await new Promise((next) => requestAnimationFrame(next));
  if (mine !== latest || !state.portrait) return;
  await attempt(async () => {
    if (state.playing) await motion();
    else await preview();
  });
}

// ---- playing and films --------------------------------------------------------------------------------------
function agreed() {
  if ((state.ownFace || state.ownVoice) && !consent.checked) throw new Error("a face or voice of your own needs the sentence of consent below to be ticked.");
}

function stopPlaying() { state.playing?.stop(); }

async function togglePlay() {
  if (state.playing) return stopPlaying();
  agreed();
  await busily("Computing the motion ...", motion);
  let last = -1;
  const playing = state.playing = play(state.words, (seconds) => {
    const t = Math.floor(seconds * 25);
    if (t !== last) drawFrame(last = t);
  });
  status.textContent = "Playing.";
  show();
  await playing.ended;
  state.playing = null;
  status.textContent = "";
  await preview();
}

async function film() {
  agreed();
  const stopper = new AbortController();
  state.stop = () => stopper.abort();
  progress.hidden = buttons.cancel.hidden = buttons.cancel.disabled = false;
  buttons.cancel.disabled = false;
  try {
    await busily("Making the film ...", async () => {
      const { T } = await motion(), start = performance.now();
      const { blob, ending } = await makeFilm(canvas, drawFrame, T, state.words, (share) => { progress.value = share; }, stopper.signal);
      page.filmFps = 1000 * T / (performance.now() - start);
      films.replaceChildren(h("figure", {}, h("video", { src: URL.createObjectURL(blob), controls: true, playsInline: true, "aria-label": "The film" }),
        h("figcaption", {}, BADGE, h("a", { class: "button", href: URL.createObjectURL(blob), download: `talking-face.${ending}` }, "Download"))));
      page.film = blob;
      status.textContent = `The film is below: ${(T / 25).toFixed(1)} seconds.`;
    });
  } catch (error) {
    if (error.name === "AbortError") status.textContent = "Cancelled; nothing was kept.";
    throw error;
  } finally {
    progress.hidden = buttons.cancel.hidden = true;
    progress.value = 0;
    await preview();
  }
}

// ---- start --------------------------------------------------------------------------------------------------
async function start() {
  const choices = await (await fetched(`${here}choices.json`)).json();
  page.assets = await loadAssets(`${here}model/`);
  build(page.assets.constants);
  page.drawing = new Drawing(canvas, page.assets.constants);
  for (const [k, file] of choices.faces.entries()) {
    const choose = async () => {
      for (const each of pictures.children) each.setAttribute("aria-pressed", String(each === one));
      await useFace(await (await fetched(here + file)).blob(), false);
      photo.value = "";
    };
    const one = h("button", { type: "button", "aria-pressed": "false", onclick: () => attempt(choose) }, h("img", { src: file, alt: `Face of nobody, number ${k + 1}` }));
    pictures.append(one);
  }
  words.append(h("option", { value: "" }, "—"), ...choices.words.map(({ file, text }) => h("option", { value: file }, text)));
  page.landmarker = await openLandmarker(`${here}mediapipe/`, `${here}model/face_landmarker.task`);
  page.networks = await Networks.load(page.assets, `${here}model/`, `${here}onnxruntime/`);
  page.makePortrait = makePortrait;
  page.act = { listen, perform };
  pictures.firstChild.setAttribute("aria-pressed", "true");
  await useFace(await (await fetched(here + choices.faces[0])).blob(), false);
  words.value = choices.words[0].file;
  await useSound(exampleOf(words.value), choices.words[0].text, false);
  page.ready = true;
}

attempt(start);
