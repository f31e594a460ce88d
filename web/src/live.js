// A face that speaks while the sound arrives, as tfg/systems/expression/live.py: frame k when frame k + 7 was heard.

import { columns } from "./assets.js";
import { mannerOf, writeGaze } from "./act.js";
import { clamp, smoothstep } from "./geometry.js";
import { LiveSound, Voiced } from "./live_sound.js";
import { savgol } from "./networks.js";
import { gamma, normal, uniform } from "./random.js";

const HALF = 2,
  E = 52,
  D = 6,
  TURN = 0.12,
  FOLLOW = 0.4,
  LEAD = 3;

export class LiveMotion {
  /** wishes: a function that gives those of now (act.js).  neutral: (52,) the person at rest. */
  constructor(networks, neutral, wishes) {
    const { constants } = networks.assets;
    Object.assign(this, { networks, constants, neutral, wishes, frame: 0, heard: 0, waiting: [], levels: [] });
    this.sound = new LiveSound(networks.assets);
    this.voiced = new Voiced(constants.voiced);
    this.feelings = new Feelings(networks, wishes());
    this.head = new LiveHead(networks, wishes());
    this.lids = new Lids(constants, wishes().seed);
    this.eyes = new Eyes(constants.audio.fps, wishes().seed);
    this.scale = wishes().motion;
    this.eyeColumns = columns(constants.expression, "eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeBlink");
  }

  /** More sound at 16 kHz. */
  hear(samples) {
    for (const v of samples) this.waiting.push(v);
  }

  /** Another way of moving the head from the next frame on. */
  restyle() {
    this.head.style = this.wishes().style;
  }

  /** Number of frames that `step` can give now. */
  get ready() {
    const { samples_per_frame: n } = this.constants.audio;
    return Math.max(0, this.heard + Math.floor(this.waiting.length / n) - this.constants.voiced.ahead - this.frame);
  }

  /** The next frame: offsets (52,) from the person's rest, and pose (6,). */
  async step() {
    const { frame, constants, sound } = this,
      { ahead } = constants.voiced,
      wish = this.wishes(),
      manner = mannerOf(constants, wish);
    this.listen(frame + ahead + 1);
    const mean = sound.mean(),
      speaks = this.voiced.of(Math.min(frame, this.heard - 1));
    const lids = this.lids.of(frame, manner, this.levels.slice(-ahead - 1), wish.blink),
      spoken = await this.speak(frame, mean, lids);
    for (let i = 0; i < spoken.length; i++) if (!this.eyeColumns.includes(i % E)) spoken[i] *= speaks;
    this.feelings.step(wish);
    const felt = await this.feelings.add(spoken);
    for (const k of columns(constants.expression, "eyeBlink")) felt[k] = Math.max(felt[k], lids[HALF]);
    this.scale += TURN * (wish.motion - this.scale);
    const lean = this.feelings.lean(),
      moved = await this.head.pose(frame, sound, mean),
      pose = moved.map((v, d) => (v + lean[d]) * this.scale);
    writeGaze(constants, felt, this.eyes.of(manner, this.feelings.gaze(), wish.glance), pose);
    this.frame++;
    return { expression: felt, pose };
  }

  listen(frames) {
    const { samples_per_frame: n } = this.constants.audio;
    for (; this.heard < frames; this.heard++) {
      const piece = Float32Array.from(this.waiting.splice(0, n));
      if (piece.length < n) return;
      this.sound.push(piece);
      const db = 10 * Math.log10(Math.max(piece.reduce((sum, v) => sum + v * v, 0) / n, 1e-10));
      this.levels = [...this.levels.slice(-27), db];
      this.voiced.hear(this.sound.samples.slice(-this.constants.voiced.n), db);
    }
  }

  /** ExpNet's offsets (5 * 52) in the frames around this one. */
  async speak(frame, mean, lids) {
    const { reach } = this.constants,
      first = Math.max(frame - HALF - reach, 0),
      count = frame + HALF + reach + 1 - first,
      shut = new Float32Array(count);
    const around = [-2, -1, 0, 1, 2].map((d) => Math.max(frame + d, 0) - first);
    around.forEach((at, k) => {
      shut[at] = lids[k];
    });
    const offsets = await this.networks.say(this.sound.windows(first, count, mean), count, this.neutral, shut),
      out = new Float32Array(5 * E);
    around.forEach((at, k) => out.set(offsets.subarray(at * E, (at + 1) * E), k * E));
    return out;
  }
}

/** The emotions that show: how much of each, and for how many frames it has been wanted. */
class Feelings {
  constructor(networks, { emotion, intensity }) {
    this.networks = networks;
    this.constants = networks.assets.constants;
    this.shown = new Map([[emotion, { amount: intensity, since: 0 }]]);
  }

  step({ emotion, intensity }) {
    const { onset_s: onsets, decay_s: decays, audio } = this.constants;
    if (!this.shown.has(emotion)) this.shown.set(emotion, { amount: 0, since: 0 });
    for (const [code, each] of this.shown) {
      const goal = code === emotion ? intensity : 0,
        most = 1 / ((goal > each.amount ? onsets : decays)[code] * audio.fps);
      each.amount += clamp(goal - each.amount, -most, most);
      each.since++;
      if (!each.amount && code !== emotion) this.shown.delete(code);
    }
  }

  /** The middle one of five frames (5 * 52) with what is felt: (52,). */
  async add(spoken) {
    const { fades_s: fades, audio, alpha } = this.constants,
      out = spoken.slice(HALF * E, (HALF + 1) * E);
    for (const [code, { amount, since }] of this.shown) {
      if (code === "NEU" || !amount) continue;
      const when = [
        ...fades.map((s) => Math.exp(-Math.max(0, since - 1) / audio.fps / s)),
        ...fades.map((s) => Math.exp(-1.5 / s)),
        0.5,
        0.25,
        0.125,
        1 / 4,
      ];
      const change = await this.networks.feel(
        spoken,
        [...when, ...when, ...when, ...when, ...when],
        code,
        Math.min(1, amount),
      );
      for (let k = 0; k < E; k++) out[k] += alpha * change[HALF * E + k];
    }
    return out;
  }

  sum(n, part) {
    const out = new Array(n).fill(0);
    for (const [code, { amount, since }] of this.shown)
      part(code, Math.min(1, amount), since).forEach((v, k) => {
        out[k] += v;
      });
    return out;
  }

  /** (6,) of the head. */
  lean() {
    const { manners, onset_s: onsets, start, audio } = this.constants;
    return this.sum(D, (code, amount, since) => {
      const risen = start + (1 - start) * smoothstep(Math.max(0, since - 1) / audio.fps / onsets[code]);
      return manners[code].pose.map((v) => v * amount * risen);
    });
  }

  /** (2,) of the eyes. */
  gaze() {
    return this.sum(2, (code, amount) => this.constants.manners[code].gaze.map((v) => v * amount));
  }
}

/** PoseVAE on a sound that arrives: two chunks that may still change, decoded again for each frame. */
class LiveHead {
  constructor(networks, { style, seed }) {
    const { context, chunk, overlap, start, smooth } = networks.assets.constants.posevae;
    Object.assign(this, {
      networks,
      style,
      seed,
      context,
      chunk,
      overlap,
      rise: start,
      smooth,
      stride: chunk - overlap,
      number: 0,
      settled: null,
    });
    this.before = new Float32Array((context + overlap) * D);
    this.filters = [new Float32Array(D), new Float32Array(D)];
    this.start = new Float32Array(D);
  }

  /** Pose (6,) of a frame; frames are asked for in their order. */
  async pose(frame, sound, mean) {
    const newest = await this.estimate(frame + LEAD, sound, mean),
      [slow, slower] = this.filters;
    for (let d = 0; d < D; d++) {
      if (!frame) slow[d] = slower[d] = this.start[d] = newest[d];
      slow[d] += FOLLOW * (newest[d] - slow[d]);
      slower[d] += FOLLOW * (slow[d] - slower[d]);
    }
    const risen = smoothstep(frame / this.rise);
    return slower.map((v, d) => v - this.start[d] * (1 - risen));
  }

  async estimate(frame, sound, mean) {
    const { context, stride, smooth, style } = this,
      half = (smooth - 1) / 2,
      last = Math.max(frame + half, smooth - 1);
    while (last >= (this.number + 2) * stride) {
      this.before = this.tail(await this.older(sound, mean));
      this.number++;
      this.settled = null;
    }
    const older = await this.older(sound, mean),
      newer = await this.after(this.tail(older), this.number + 1, sound, mean);
    const at = Math.max(frame - half, 0) - this.number * stride + context,
      scale = this.networks.assets.arrays.pose_scale.data.subarray(style * D, (style + 1) * D);
    const part = Float32Array.from({ length: smooth * D }, (_, i) => {
      const t = at + Math.floor(i / D),
        from = t < context + stride ? older[t * D + (i % D)] : newer[(t - stride) * D + (i % D)];
      return from * scale[i % D];
    });
    const found = savgol(part, smooth, D, smooth),
      row = Math.min(frame, half);
    return found.slice(row * D, (row + 1) * D);
  }

  async older(sound, mean) {
    if (this.settled) return this.settled;
    const older = await this.after(this.before, this.number, sound, mean);
    if (sound.frames >= this.number * this.stride + this.chunk + 3) this.settled = older;
    return older;
  }

  /** What a chunk leaves to the next: its context and the shared frames. */
  tail(chunk) {
    return chunk.slice(this.stride * D, (this.stride + this.context + this.overlap) * D);
  }

  /** Poses ((6 + 32) * 6) up to the end of a chunk, in units of the style. */
  async after(before, number, sound, mean) {
    const { context, chunk, overlap, stride } = this,
      past = before.slice(0, context * D),
      shared = before.subarray(context * D);
    const found = await this.networks.turn(
        sound.windows(number * stride, chunk, mean),
        past,
        number,
        this.style,
        this.seed,
      ),
      out = new Float32Array((context + chunk) * D);
    out.set(past);
    for (let i = 0; i < chunk * D; i++) {
      const t = Math.floor(i / D),
        soft = number && t < overlap ? smoothstep((t + 1) / (overlap + 1)) : 1;
      out[context * D + i] = soft < 1 ? (1 - soft) * shared[i] + soft * found[i] : found[i];
    }
    return out;
  }
}

/** Blinks of a stream, where the sound is quietest among the frames that are known. */
class Lids {
  constructor({ blink, audio }, seed) {
    Object.assign(this, { shape: blink, fps: audio.fps, random: uniform(seed, 4), at: -1, began: -100 });
  }

  /** Closing of the lids in the five frames around this one, (5,).  levels: loudness from this frame on. */
  of(frame, manner, levels, wanted) {
    const mean = 60 / manner.blinks;
    if (this.at < 0) this.at = 0.5 + this.random() * (Math.max(0.6, 0.6 * mean) - 0.5);
    const begin = frame + HALF,
      due = Math.floor(this.at * this.fps),
      known = levels.slice(HALF);
    if (begin >= due - 7 && (begin >= due + 7 || !known.length || known[0] <= Math.min(...known))) {
      this.at += 0.9 + gamma(this.random, 3, Math.max(mean - 0.9, 0.2) / 3);
      if (wanted) this.began = begin;
    }
    return [-2, -1, 0, 1, 2].map((d) => this.shape[frame + d - this.began] ?? 0);
  }
}

/** Glances of a stream. */
class Eyes {
  constructor(fps, seed) {
    Object.assign(this, { fps, random: uniform(seed, 5), left: 0, to: [0, 0], recent: [] });
  }

  of(manner, offset, wander) {
    if (!wander) return offset;
    if (!this.left) {
      this.left = Math.max(6, Math.floor(gamma(this.random, 3, 1.2 / 3 / manner.darting) * this.fps));
      const away = this.random() > 0.6 && this.recent.length;
      this.to = (away ? [0.11, 0.05] : [0.012, 0.012]).map((size) => size * normal(this.random));
    }
    this.left--;
    this.recent = this.recent.length ? [...this.recent.slice(1), this.to] : [this.to, this.to, this.to];
    const [before, last, now] = this.recent;
    return now.map((v, a) => 0.2 * before[a] + 0.3 * last[a] + 0.5 * v + offset[a]);
  }
}
