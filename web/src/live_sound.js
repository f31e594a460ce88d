// A sound that arrives in pieces, as tfg/media/live_sound.py and tfg/speech/voiced.py: its mel spectrogram so far, and
// whether somebody speaks.

import { clamp } from "./geometry.js";
import { Mel, loudMean, melWindows } from "./mel.js";

const SR = 16000,
  KEEP_S = 20,
  BLOCK_COLUMNS = 16,
  BLOCK_FRAMES = 5,
  SURE = 60,
  TAPS = 16;

/** Samples, loudness and mel columns of a sound so far; the oldest are forgotten, so that a stream may last for hours. */
export class LiveSound {
  constructor(assets) {
    this.assets = assets;
    this.audio = assets.constants.audio;
    this.mel = new Mel(assets);
    this.samples = new Float32Array(0);
    this.data = new Float32Array(0);
    this.columns = this.n = this.first = 0; // first: number of the first frame that is kept
  }

  /** Frames whose samples were all heard. */
  get frames() {
    return Math.floor(this.n / this.audio.samples_per_frame);
  }

  push(y) {
    const { hop_length: hop, n_fft: fft, n_mels: bands } = this.audio;
    this.samples = joined(this.samples, y);
    this.n += y.length;
    const whole = Math.floor((this.samples.length - fft / 2) / hop) + 1;
    if (whole > this.columns) {
      this.data = joined(this.data, new Float32Array((whole - this.columns) * bands));
      for (let j = this.columns; j < whole; j++) this.mel.column(this.samples, j, this.data, j * bands);
      this.columns = whole;
    }
    if (this.samples.length > (KEEP_S + 2) * SR) {
      const blocks = Math.floor((this.samples.length - KEEP_S * SR) / (BLOCK_COLUMNS * hop));
      this.samples = this.samples.slice(blocks * BLOCK_COLUMNS * hop);
      this.data = this.data.slice(blocks * BLOCK_COLUMNS * bands);
      this.columns -= blocks * BLOCK_COLUMNS;
      this.first += blocks * BLOCK_FRAMES;
    }
  }

  /** Mel windows of `count` frames from frame `from` on minus a mean; what was not heard yet repeats the last column. */
  windows(from, count, mean) {
    return melWindows(this.assets, this, mean, from - this.first, count, true);
  }

  /** Mean of the speech so far, (80,): the less was heard, the more that of the sentences that ship counts. */
  mean() {
    const { known_mean: known } = this.assets.arrays,
      heard = loudMean(this.assets, this);
    if (!heard) return known.data;
    const share = heard.count / (heard.count + SURE),
      louder = heard.top - this.assets.constants.known_top;
    return heard.mean.map((v, m) => share * v + (1 - share) * (known.data[m] + louder));
  }
}

function joined(a, b) {
  const out = new Float32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** Sound of any rate to 16 kHz, piece by piece without gaps (sinc under a Hann window). */
export class Resampler {
  constructor(rate) {
    this.step = rate / SR;
    this.reach = Math.ceil(TAPS * Math.max(1, this.step));
    this.kept = new Float32Array(this.reach);
    this.at = this.reach; // place of the next sample in `kept`
  }

  push(y) {
    if (this.step === 1) return y;
    this.kept = joined(this.kept, y);
    const out = [],
      cut = 1 / Math.max(1, this.step);
    for (; this.at + this.reach < this.kept.length; this.at += this.step) {
      const middle = Math.floor(this.at);
      let sum = 0;
      for (let k = middle - this.reach + 1; k <= middle + this.reach; k++) {
        const d = (k - this.at) * cut,
          x = Math.PI * d;
        sum +=
          this.kept[k] *
          (Math.abs(x) < 1e-9 ? 1 : Math.sin(x) / x) *
          (0.5 + 0.5 * Math.cos(Math.PI * clamp((k - this.at) / this.reach, -1, 1))) *
          cut;
      }
      out.push(sum);
    }
    const done = Math.floor(this.at) - this.reach;
    this.kept = this.kept.slice(done);
    this.at -= done;
    return Float32Array.from(out);
  }
}

/** Share of speech in each frame of a sound that arrives frame by frame, from pitch, loudness and syllables. */
export class Voiced {
  constructor(numbers) {
    Object.assign(this, { numbers, marks: [], levels: [], loudest: -100 });
    const { n } = numbers,
      window = (this.window = Float64Array.from(
        { length: n },
        (_, t) => 0.5 - 0.5 * Math.cos((2 * Math.PI * t) / (n - 1)),
      ));
    this.shape = Float64Array.from({ length: numbers.lags[1] + 2 }, (_, lag) =>
      window.subarray(lag).reduce((sum, w, t) => sum + w * window[t], 0),
    );
    this.cos = Float64Array.from({ length: 2 * n }, (_, k) => Math.cos((Math.PI * k) / n));
  }

  /** The next frame.  samples: up to n that end with it.  db: its loudness. */
  hear(samples, db) {
    const {
      forget_db: forget,
      quiet_db: quiet,
      under_db: under,
      pitched,
      swing_db: swing,
      swing_frames: frames,
    } = this.numbers;
    this.levels = [...this.levels.slice(-(frames - 1)), Math.max(db, -80)];
    this.loudest = Math.max(this.loudest - forget, db);
    let mark = 0;
    if (db > Math.max(quiet, this.loudest - under)) {
      const mean = this.levels.reduce((a, b) => a + b, 0) / this.levels.length;
      const spread =
        this.levels.length > 5
          ? Math.sqrt(this.levels.reduce((sum, v) => sum + (v - mean) ** 2, 0) / this.levels.length)
          : Infinity;
      mark = rise(this.pitch(samples), pitched) * rise(spread, swing);
    }
    this.marks.push(mark);
  }

  /** Share in a frame; frames to come count as the last one that was heard does. */
  of(frame) {
    const { ahead, around, ease } = this.numbers,
      at = (k) => this.marks[Math.min(k, this.marks.length - 1)] ?? 0,
      pairs = [];
    for (let d = -ahead; d <= ahead; d++) pairs.push(Math.min(at(frame + d), at(frame + d - 1)));
    let sum = 0;
    for (let k = 0; k <= 2 * ease; k++) sum += Math.max(...pairs.slice(k, k + 2 * around + 1));
    return sum / (2 * ease + 1);
  }

  /** How well a piece of sound repeats itself with a period of a voice: 1 exactly, noise about 0.3 (Boersma 1993). */
  pitch(samples) {
    const { n, lags } = this.numbers,
      x = new Float64Array(n),
      size = 2 * n;
    x.set(samples.slice(-n), n - Math.min(n, samples.length));
    const mean = x.reduce((a, b) => a + b, 0) / n;
    for (let t = 0; t < n; t++) x[t] = (x[t] - mean) * this.window[t];
    const first = Math.floor((60 * size) / SR) + 1,
      last = Math.ceil((1200 * size) / SR) - 1,
      power = [];
    for (let k = first; k <= last; k++) {
      let re = 0,
        im = 0;
      for (let t = 0; t < n; t++) {
        re += x[t] * this.cos[(k * t) % size];
        im += x[t] * this.cos[(k * t + (3 * n) / 2) % size];
      }
      power.push(re * re + im * im);
    }
    const r = (lag) =>
      (power.reduce((sum, p, k) => sum + p * this.cos[((k + first) * lag) % size], 0) / this.shape[lag]) *
      this.shape[0];
    const part = [];
    for (let lag = lags[0] - 1; lag <= lags[1]; lag++) part.push(r(lag));
    let best = 0;
    for (let k = 1; k < part.length - 1; k++)
      if (part[k] >= part[k - 1] && part[k] >= part[k + 1]) best = Math.max(best, part[k]);
    return best / Math.max(r(0), 1e-12);
  }
}

const rise = (x, [low, high]) => clamp((x - low) / (high - low), 0, 1);
