// How a sound is played: offsets and poses of a face, as tfg/systems/expression/act.py without its files and films.
// Blinks and glances follow the same rules as in Python, from random numbers of the page's own.

import { columns } from "./assets.js";
import { clamp, smoothstep } from "./geometry.js";
import { frameCount, loudness, percentile } from "./mel.js";
import { filtered } from "./blur.js";
import { gamma, normal, uniform } from "./random.js";

const GAZE_MOST = 0.8,
  AWAY = 0.6,
  GLANCE = [0.11, 0.05],
  STEADY = 0.012;

/**
 * @typedef {{emotion: string, intensity: number, style: number, motion: number, blink: boolean, glance: boolean,
 *   seed: number}} Wishes  motion: factor on the head's motion.  glance: whether the eyes wander.
 */

/** What does not change with the emotion's model: speech and head of a sound, so that the pad answers at once. */
export async function listen(networks, portrait, samples, wishes) {
  const T = frameCount(networks.assets, samples.length),
    heard = networks.hear(samples);
  return {
    T,
    samples,
    heard,
    level: speechLevel(networks.assets, samples),
    pose: await networks.move(heard, T, wishes.style, wishes.seed),
    style: wishes.style,
    seed: wishes.seed,
  };
}

/**
 * The motion of a face that says a sound.
 * @param {object} speech of `listen`.  @param {Wishes} wishes
 * @returns {Promise<{T: number, expression: Float32Array, pose: Float32Array}>} offsets (T * 52) and poses (T * 6).
 */
export async function perform(networks, portrait, speech, wishes) {
  const { assets } = networks,
    { constants } = assets,
    { T } = speech,
    E = 52,
    manner = mannerOf(constants, wishes);
  const lids = wishes.blink ? blinks(constants, T, manner, speech.level, wishes.seed) : new Float32Array(T);
  const spoken = await networks.speak(speech.heard, T, portrait.personal(new Float32Array(E)), lids);
  const felt = await withEmotion(networks, spoken, times(constants, T), wishes),
    blinked = columns(constants.expression, "eyeBlink");
  const lean = envelope(constants, T, wishes.emotion),
    pose = new Float32Array(6 * T);
  for (let t = 0; t < T; t++) {
    for (const k of blinked) felt[E * t + k] = Math.max(felt[E * t + k], spoken[E * t + k]);
    for (let d = 0; d < 6; d++) pose[6 * t + d] = (speech.pose[6 * t + d] + lean[t] * manner.pose[d]) * wishes.motion;
  }
  const look = wishes.glance
    ? gaze(T, manner, wishes.seed, constants.audio.fps)
    : Array.from({ length: T }, () => manner.gaze);
  for (let t = 0; t < T; t++)
    writeGaze(constants, felt.subarray(E * t, E * (t + 1)), look[t], pose.subarray(6 * t, 6 * t + 2));
  return { T, expression: felt, pose };
}

/** A still face with an emotion: offsets (52,) and pose (6,), what the pad shows while nothing plays. */
export async function still(networks, wishes) {
  const { constants } = networks.assets,
    manner = mannerOf(constants, wishes),
    middle = times(constants, 75).slice(370, 380);
  const felt = await withEmotion(networks, new Float32Array(52), middle, wishes),
    pose = Float32Array.from(manner.pose, (v) => v * wishes.motion);
  writeGaze(constants, felt, manner.gaze, pose);
  return { expression: felt, pose };
}

/** Offsets (T * 52) with the wished emotion added. */
export async function withEmotion(networks, offsets, when, { emotion, intensity }) {
  const out = Float32Array.from(offsets);
  if (emotion === "NEU" || !intensity) return out;
  const change = await networks.feel(offsets, when, emotion, intensity),
    { alpha } = networks.assets.constants;
  return out.map((v, i) => v + alpha * change[i]);
}

/** Features of each frame's time in its clip, (T * 10), as `tfg.systems.expression.emotion.features.times`. */
export function times({ fades_s: fades, audio }, T) {
  const out = new Float32Array(10 * T),
    length = T / audio.fps;
  for (let t = 0; t < T; t++) {
    const since = t / audio.fps,
      until = (T - 1 - t) / audio.fps,
      share = since / length;
    out.set(
      [
        ...fades.map((s) => Math.exp(-since / s)),
        ...fades.map((s) => Math.exp(-until / s)),
        share,
        share ** 2,
        share ** 3,
        1 / (1 + length),
      ],
      10 * t,
    );
  }
  return out;
}

/** Movements that go with the emotion, between none and full by the intensity. */
export function mannerOf({ manners }, { emotion, intensity }) {
  const full = manners[emotion],
    none = manners.NEU,
    blend = (k) => none[k] + intensity * (full[k] - none[k]);
  return {
    pose: full.pose.map((v) => v * intensity),
    gaze: full.gaze.map((v) => v * intensity),
    blinks: blend("blinks_per_min"),
    darting: blend("darting"),
  };
}

/** Share of the full display in each frame, (T,). */
export function envelope({ onset_s: onsets, decay_s: decays, start, end, audio }, T, emotion) {
  const length = T / audio.fps,
    onset = Math.min(onsets[emotion], length / 3),
    decay = Math.min(decays[emotion], length / 3);
  return Float32Array.from(
    { length: T },
    (_, t) =>
      (start + (1 - start) * smoothstep(t / audio.fps / onset)) *
      (end + (1 - end) * smoothstep((length - t / audio.fps) / decay)),
  );
}

/** Loudness relative to the clip's loud frames, smoothed over 60 ms, dB, (T,). */
function speechLevel(assets, samples) {
  const db = loudness(assets, samples),
    top = percentile(db, 97);
  return filtered(
    db.map((v) => Math.max(v - top, -60)),
    1,
  );
}

/** Closing of the lids, (T,) in [0, 1]; a blink moves by up to 0.3 s to the quietest frame near it. */
export function blinks({ blink: shape, audio }, T, manner, level, seed) {
  const random = uniform(seed, 4),
    out = new Float32Array(T),
    mean = 60 / manner.blinks,
    reach = Math.floor(0.3 * audio.fps),
    length = T / audio.fps;
  let at = 0.5 + random() * (Math.max(0.6, Math.min(0.6 * mean, 0.7 * length)) - 0.5);
  while (at * audio.fps < T) {
    let frame = Math.floor(at * audio.fps);
    const low = Math.max(0, frame - reach),
      high = Math.min(T, frame + reach + 1);
    frame = low;
    for (let t = low; t < high; t++) if (level[t] < level[frame]) frame = t;
    shape.forEach((v, k) => {
      if (frame + k < T) out[frame + k] = Math.max(out[frame + k], v);
    });
    at += 0.9 + gamma(random, 3, Math.max(mean - 0.9, 0.2) / 3);
  }
  return out;
}

/** Directions of the eyes, T pairs: fixations of about a second, most of them on the camera. */
export function gaze(T, manner, seed, fps) {
  const random = uniform(seed, 5),
    out = [];
  while (out.length < T) {
    const frames = Math.max(6, Math.floor(gamma(random, 3, 1.2 / 3 / manner.darting) * fps)),
      away = random() > AWAY && out.length > 0;
    const to = (away ? GLANCE : [STEADY, STEADY]).map((size) => size * normal(random));
    for (let k = 0; k < frames; k++) out.push(to);
  }
  return out
    .slice(0, T)
    .map((now, t) =>
      now.map((v, a) => 0.2 * out[Math.max(t - 2, 0)][a] + 0.3 * out[Math.max(t - 1, 0)][a] + 0.5 * v + manner.gaze[a]),
    );
}

/** Write a gaze (2,) into offsets (52,), in place; the eyes turn back most of the head's turn. */
export function writeGaze(constants, offsets, [side, up], pose) {
  const at = (name) => constants.expression.indexOf(name),
    counter = constants.counter / constants.eye_range_deg;
  const mean = (name) => (offsets[at(`${name}Left`)] + offsets[at(`${name}Right`)]) / 2;
  const h = clamp(side - pose[0] * counter, -GAZE_MOST, GAZE_MOST),
    v = clamp(up - pose[1] * counter + mean("eyeLookUp") - mean("eyeLookDown"), -GAZE_MOST, GAZE_MOST);
  for (const [name, value] of [
    ["eyeLookOutLeft", h],
    ["eyeLookInRight", h],
    ["eyeLookInLeft", -h],
    ["eyeLookOutRight", -h],
    ["eyeLookUpLeft", v],
    ["eyeLookUpRight", v],
    ["eyeLookDownLeft", -v],
    ["eyeLookDownRight", -v],
  ])
    offsets[at(name)] = Math.max(value, 0);
}
