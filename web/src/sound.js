// Sound in and out of the page: files and microphone to 16 kHz samples, and back to the speaker.

import { Resampler } from "./live_sound.js";

export const MOST_S = 60,
  LEAST_S = 0.2;
const SR = 16000,
  SILENT = 1e-3,
  MOST_BYTES = 40e6;

/** Samples (N,) at 16 kHz, mono, of a file or recording (a Blob).  Throws an Error with a sentence for the visitor. */
export async function samplesOf(blob) {
  if (blob.size > MOST_BYTES)
    throw new Error(
      `the sound has ${Math.round(blob.size / 1e6)} MB, but ${MOST_BYTES / 1e6} MB are the most; choose a shorter one.`,
    );
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, SR, SR).decodeAudioData(await blob.arrayBuffer()); // resamples to its own rate
  } catch {
    throw new Error("the sound cannot be read by this browser; choose a WAV, MP3, M4A, OGG or WebM file.");
  }
  return checked(mono(decoded));
}

function mono(buffer) {
  const out = new Float32Array(buffer.length);
  for (let c = 0; c < buffer.numberOfChannels; c++)
    buffer.getChannelData(c).forEach((v, i) => {
      out[i] += v / buffer.numberOfChannels;
    });
  return out.map((v) => Math.min(1, Math.max(-1, v)));
}

function checked(samples) {
  if (samples.length > MOST_S * SR)
    throw new Error(
      `the sound lasts ${Math.round(samples.length / SR)} seconds, but ${MOST_S} are the most; choose a shorter one.`,
    );
  if (samples.length < LEAST_S * SR)
    throw new Error(`the sound lasts ${(samples.length / SR).toFixed(2)} seconds, at least ${LEAST_S} are needed.`);
  if (samples.every((v) => Math.abs(v) < SILENT)) throw new Error("the sound is silent; choose one with speech in it.");
  return samples;
}

/** Record the microphone until `stop` is called, which gives the samples; `cancel` gives nothing. The microphone is closed. */
export async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const recorder = new MediaRecorder(stream),
    pieces = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  const ended = new Promise((done) => {
    recorder.onstop = done;
  });
  recorder.start(200);
  const end = async () => {
    if (recorder.state !== "inactive") recorder.stop();
    await ended;
    stream.getTracks().forEach((track) => track.stop());
  };
  const limit = setTimeout(end, 1000 * (MOST_S - 1));
  return {
    ended,
    cancel: () => {
      clearTimeout(limit);
      return end();
    },
    stop: async () => {
      clearTimeout(limit);
      await end();
      return samplesOf(new Blob(pieces, { type: recorder.mimeType }));
    },
  };
}

/**
 * Hear the microphone as it comes.  heard: called with pieces of samples at 16 kHz.  ear: address of ear.js.
 * @returns {Promise<function>} ends it and closes the microphone.
 */
export async function hearLive(ear, heard) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } }),
    audio = new AudioContext();
  const close = () => {
    stream.getTracks().forEach((track) => track.stop());
    if (audio.state !== "closed") audio.close();
  };
  try {
    await audio.audioWorklet.addModule(ear);
    const node = new AudioWorkletNode(audio, "ear", { numberOfOutputs: 0 }),
      resampler = new Resampler(audio.sampleRate);
    node.port.onmessage = ({ data }) => heard(resampler.push(data));
    audio.createMediaStreamSource(stream).connect(node);
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

let context = null;

/** The page's audio clock; made at the first click, as browsers demand. */
export function clock() {
  context ??= new AudioContext();
  context.resume();
  return context;
}

/**
 * Play samples.  each: called before each picture is shown with the seconds that are heard now.  Resolves at the end.
 * @returns {{stop: function, ended: Promise<void>, heard: function}} heard: the seconds that are heard now.
 */
export function play(samples, each) {
  const audio = clock(),
    buffer = audio.createBuffer(1, samples.length, SR),
    node = audio.createBufferSource();
  buffer.copyToChannel(samples, 0);
  node.buffer = buffer;
  node.connect(audio.destination);
  const start = audio.currentTime + 0.06;
  node.start(start);
  let going = true;
  const ended = new Promise((done) => {
    node.onended = done;
  }).then(() => {
    going = false;
  });
  const heard = () => audio.currentTime - start - (audio.outputLatency || 0);
  const tick = () => {
    if (!going) return;
    const now = heard();
    if (now >= 0) each(now);
    requestAnimationFrame(tick);
  };
  tick();
  return { stop: () => node.stop(), ended, heard };
}
