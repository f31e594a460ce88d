// The page: what it does when a visitor asks. See README.md, "A page that needs no installation".

import { h } from "app-controls";
import { listen, perform, still } from "./act.js";
import { fetched, loadAssets } from "./assets.js";
import { Drawing } from "./draw.js";
import { BADGE, makeFilm } from "./film.js";
import { measure, openLandmarker, readPhoto } from "./landmarks.js";
import { LiveMotion } from "./live.js";
import { Networks } from "./networks.js";
import { makePortrait } from "./portrait.js";
import { hearLive, play, record, samplesOf } from "./sound.js";
import { View } from "./view.js";

const here = new URL("./", document.baseURI).href;

const state = {
  portrait: null,
  photo: null, // its pixels and landmarks
  ownFace: false,
  words: null, // samples at 16 kHz
  ownVoice: false,
  speech: null, // what does not depend on the emotion
  motion: null,
  playing: null,
  recording: null,
  live: null,
  busy: 0,
  frame: 0,
};
const page = (window.page = { state, ready: null }); // what tests and the curious look at

const view = new View({
  play: () => attempt(togglePlay),
  live: () => attempt(toggleLive),
  film: () => attempt(film),
  cancel: () => state.stop?.(),
  record: () => attempt(toggleRecord),
  photo: (file) => attempt(() => uploadPhoto(file)),
  sound: (file) => attempt(() => useSound(() => samplesOf(file), "your file", true)),
  words: (file, text) => attempt(() => useSound(exampleOf(file), text, false)),
  changed,
});
const { canvas, status } = view;
const wishes = () => view.wishes();
const show = () => view.show(state, Boolean(page.networks));

/** Do something that a visitor asked for; an Error's message becomes the page's one red sentence. */
async function attempt(work) {
  view.alert.textContent = "";
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError") return;
    view.alert.textContent = capital(error.message || String(error));
    console.warn(error);
  } finally {
    show();
  }
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

async function busily(text, work) {
  state.busy++;
  status.textContent = text;
  show();
  await new Promise((next) => setTimeout(next, 20)); // the sentence is on the screen before the work begins
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
    const { bitmap, pixels } = await readPhoto(blob),
      found = measure(page.landmarker, page.assets.constants, bitmap),
      start = performance.now();
    state.portrait = makePortrait(page.assets, pixels, found);
    state.photo = { pixels, found };
    page.fitMs = performance.now() - start;
    page.drawing.load(state.portrait);
    if (own !== state.ownFace || own) view.consent.box.checked = false; // other people, another consent
    state.ownFace = own;
    state.motion = null;
    status.textContent = "The face is there.";
  });
  await preview();
}

async function uploadPhoto(file) {
  await useFace(file, true);
  for (const each of view.pictures.children) each.setAttribute("aria-pressed", "false");
}

// ---- words --------------------------------------------------------------------------------------------------
const exampleOf = (file) => async () => samplesOf(await (await fetched(here + file)).blob());

async function useSound(samples, name, own) {
  stopPlaying();
  await busily("Listening ...", async () => {
    state.words = await samples();
    if (own !== state.ownVoice || own) view.consent.box.checked = false;
    state.ownVoice = own;
    state.speech = state.motion = null;
    if (own) view.words.value = "";
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
  const wish = wishes(),
    key = JSON.stringify(wish);
  if (state.motion?.key === key) return state.motion;
  if (state.speech?.style !== wish.style) state.speech = await listen(page.networks, state.portrait, state.words, wish);
  return (state.motion = { key, ...(await perform(page.networks, state.portrait, state.speech, wish)) });
}

function drawFrame(t) {
  const { T, expression, pose } = state.motion,
    k = (state.frame = Math.min(Math.max(t, 0), T - 1));
  page.drawing.draw(state.portrait.personal(expression.subarray(52 * k, 52 * k + 52)), pose.subarray(6 * k, 6 * k + 6));
  page.drawn = (page.drawn ?? 0) + 1;
}

/** The face with the pad's emotion while nothing plays. */
async function preview() {
  if (!state.portrait || state.playing || state.live) return;
  const found = await still(page.networks, wishes());
  if (state.playing || state.live) return;
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
    else if (state.live && head) state.live.motion.restyle();
    else await preview();
  });
}

// ---- playing and films --------------------------------------------------------------------------------------
function agreed(own = state.ownFace || state.ownVoice) {
  if (own && !view.consent.box.checked)
    throw new Error("a face or voice of your own needs the sentence of consent below to be ticked.");
}

function stopPlaying() {
  state.playing?.stop();
  state.live?.stop();
}

/** The face says what the microphone hears, a third of a second later, until it is stopped. */
async function toggleLive() {
  if (state.live) return state.live.stop();
  agreed(state.ownFace);
  let stop;
  const ended = new Promise((done) => {
      stop = done;
    }),
    live = (state.live = {
      stop,
      motion: new LiveMotion(page.networks, state.portrait.personal(new Float32Array(52)), wishes),
      frames: 0,
    });
  show();
  let close;
  try {
    close = await hearLive(`${here}ear.js`, (samples) => live.motion.hear(samples));
  } catch (error) {
    state.live = null;
    throw new Error(`the microphone cannot be used (${error.name}); allow it in the browser.`);
  }
  status.textContent = "Speak: the face says it a third of a second later.";
  let going = true;
  ended.then(() => {
    going = false;
  });
  try {
    while (going) {
      let found = null;
      for (let late = live.motion.ready; late > 0 && going; late--) found = await live.motion.step(); // late frames are not drawn
      if (found && going) {
        page.drawing.draw(state.portrait.personal(found.expression), found.pose);
        live.frames++;
      }
      await new Promise((next) => setTimeout(next, 8));
    }
  } finally {
    close();
    state.live = null;
    status.textContent = "";
  }
  await preview();
}

async function togglePlay() {
  if (state.playing) return stopPlaying();
  agreed();
  await busily("Computing the motion ...", motion);
  let last = -1;
  const playing = (state.playing = play(state.words, (seconds) => {
    const t = Math.floor(seconds * 25);
    if (t !== last) drawFrame((last = t));
  }));
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
  view.progress.hidden = view.cancel.hidden = view.cancel.disabled = false;
  try {
    await busily("Making the film ...", async () => {
      const { T } = await motion(),
        start = performance.now();
      const { blob, ending } = await makeFilm(
        canvas,
        drawFrame,
        T,
        state.words,
        (share) => {
          view.progress.value = share;
        },
        stopper.signal,
      );
      page.filmFps = (1000 * T) / (performance.now() - start);
      view.films.replaceChildren(
        h(
          "figure",
          {},
          h("video", { src: URL.createObjectURL(blob), controls: true, playsInline: true, "aria-label": "The film" }),
          h(
            "figcaption",
            {},
            BADGE,
            h(
              "a",
              { class: "button", href: URL.createObjectURL(blob), download: `talking-face.${ending}` },
              "Download",
            ),
          ),
        ),
      );
      page.film = blob;
      status.textContent = `The film is below: ${(T / 25).toFixed(1)} seconds.`;
    });
  } catch (error) {
    if (error.name === "AbortError") status.textContent = "Cancelled; nothing was kept.";
    throw error;
  } finally {
    view.progress.hidden = view.cancel.hidden = true;
    view.progress.value = 0;
    await preview();
  }
}

// ---- start --------------------------------------------------------------------------------------------------
async function start() {
  const choices = await (await fetched(`${here}choices.json`)).json();
  page.assets = await loadAssets(`${here}model/`);
  view.build(page.assets.constants);
  page.drawing = new Drawing(canvas, page.assets.constants);
  for (const [k, file] of choices.faces.entries()) {
    const choose = async () => {
      for (const each of view.pictures.children) each.setAttribute("aria-pressed", String(each === one));
      await useFace(await (await fetched(here + file)).blob(), false);
      view.photo.value = "";
    };
    const one = h(
      "button",
      { type: "button", "aria-pressed": "false", onclick: () => attempt(choose) },
      h("img", { src: file, alt: `Face of nobody, number ${k + 1}` }),
    );
    view.pictures.append(one);
  }
  view.words.append(
    h("option", { value: "" }, "—"),
    ...choices.words.map(({ file, text }) => h("option", { value: file }, text)),
  );
  page.landmarker = await openLandmarker(`${here}mediapipe/`, `${here}model/face_landmarker.task`);
  page.networks = await Networks.load(page.assets, `${here}model/`, `${here}onnxruntime/`);
  page.makePortrait = makePortrait;
  page.act = { listen, perform, LiveMotion };
  view.pictures.firstChild.setAttribute("aria-pressed", "true");
  await useFace(await (await fetched(here + choices.faces[0])).blob(), false);
  view.words.value = choices.words[0].file;
  await useSound(exampleOf(view.words.value), choices.words[0].text, false);
  page.ready = true;
}

attempt(start);
