// Sound to mel windows, as tfg/media/audio.py and tfg/speech/features.py: the same numbers from the same samples.

import { clamp } from "./geometry.js";

const WIDTH = 16,
  SILENT = -4,
  SILENT_BELOW = -3.5;

/** Magnitudes of the discrete Fourier transform of n = 2^k * m real numbers: halves, down to odd lengths done directly. */
export class Fourier {
  constructor(n) {
    this.n = n;
    this.cos = Float64Array.from({ length: n }, (_, k) => Math.cos((2 * Math.PI * k) / n));
    this.sin = Float64Array.from({ length: n }, (_, k) => -Math.sin((2 * Math.PI * k) / n));
    this.pool = new Map();
  }

  /** x: (n,) -> out (n / 2 + 1,). */
  magnitudes(x, out) {
    const re = this.buffer("re", this.n),
      im = this.buffer("im", this.n);
    this.transform(x, 0, 1, this.n, re, im, 0);
    for (let k = 0; k < out.length; k++) out[k] = Math.hypot(re[k], im[k]);
    return out;
  }

  buffer(name, n) {
    if (!this.pool.has(name)) this.pool.set(name, new Float64Array(n));
    return this.pool.get(name);
  }

  transform(x, first, step, n, re, im, at) {
    if (n % 2) {
      for (let k = 0; k < n; k++) {
        let a = 0,
          b = 0;
        for (let t = 0; t < n; t++) {
          const turn = ((k * t) % n) * (this.n / n),
            v = x[first + t * step];
          a += v * this.cos[turn];
          b += v * this.sin[turn];
        }
        re[at + k] = a;
        im[at + k] = b;
      }
      return;
    }
    const half = n / 2;
    this.transform(x, first, 2 * step, half, re, im, at);
    this.transform(x, first + step, 2 * step, half, re, im, at + half);
    for (let k = 0; k < half; k++) {
      const c = this.cos[k * (this.n / n)],
        s = this.sin[k * (this.n / n)],
        p = at + k,
        q = p + half;
      const a = re[q] * c - im[q] * s,
        b = re[q] * s + im[q] * c;
      re[q] = re[p] - a;
      im[q] = im[p] - b;
      re[p] += a;
      im[p] += b;
    }
  }
}

/** Columns of the log-mel spectrogram, one at a time. */
export class Mel {
  constructor({ arrays, constants }) {
    const { n_fft: n, n_mels: bands } = constants.audio,
      bins = n / 2 + 1;
    Object.assign(this, { audio: constants.audio, filters: arrays.mel_filters.data, bins, bands });
    this.window = Float32Array.from({ length: n }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / n));
    this.fourier = new Fourier(n);
    this.frame = new Float32Array(n);
    this.magnitude = new Float64Array(bins);
    const rows = Array.from({ length: bands }, (_, m) => this.filters.subarray(m * bins, (m + 1) * bins));
    this.spans = rows.map((row) => [row.findIndex((v) => v > 0), row.findLastIndex((v) => v > 0)]); // 0 outside of these bins
  }

  /** Write column j of a sound y at 16 kHz into data[at .. at + 80]; it is centred on sample 200 j. */
  column(y, j, data, at) {
    const { hop_length: hop, n_fft: n, preemphasis, mel_floor: floor } = this.audio;
    for (let k = 0; k < n; k++) {
      const s = j * hop - n / 2 + k;
      this.frame[k] = s >= 0 && s < y.length ? (y[s] - preemphasis * (s > 0 ? y[s - 1] : 0)) * this.window[k] : 0;
    }
    this.fourier.magnitudes(this.frame, this.magnitude);
    this.spans.forEach(([first, last], m) => {
      let sum = 0;
      for (let k = first; k <= last; k++) sum += this.filters[m * this.bins + k] * this.magnitude[k];
      data[at + m] = clamp((20 * Math.log10(Math.max(sum, 1e-6)) + 80) * 0.08 - 4, floor, 4);
    });
  }
}

/**
 * Log-mel spectrogram.  y: (N,) at 16 kHz.
 * @returns {{data: Float32Array, columns: number}} (columns * 80), column by column.
 */
export function melSpectrogram(assets, y) {
  const { hop_length: hop, n_mels: bands } = assets.constants.audio,
    columns = 1 + Math.floor(y.length / hop);
  const data = new Float32Array(columns * bands),
    mel = new Mel(assets);
  for (let j = 0; j < columns; j++) mel.column(y, j, data, j * bands);
  return { data, columns };
}

/** Mean of each band over the frames within 30 dB of the loudest, (80,), as `tfg.speech.features.speech_mean`. */
export function speechMean(assets, mel) {
  return loudMean(assets, mel)?.mean ?? new Float32Array(assets.constants.audio.n_mels).fill(-0.5);
}

/** The mean of a spectrogram's loud columns, their number, and the 97th percentile of loudness; null if there are none. */
export function loudMean({ constants }, { data, columns }) {
  const bands = constants.audio.n_mels,
    level = new Float32Array(columns);
  for (let j = 0; j < columns; j++) {
    let sum = 0;
    for (let m = 0; m < bands; m++) sum += data[j * bands + m];
    level[j] = sum / bands;
  }
  const top = columns ? percentile(level, 97) : SILENT,
    mean = new Float64Array(bands);
  if (top < SILENT_BELOW) return null;
  let count = 0;
  for (let j = 0; j < columns; j++) {
    if (level[j] <= top - 30 / constants.column_db) continue;
    count++;
    for (let m = 0; m < bands; m++) mean[m] += data[j * bands + m];
  }
  return { mean: Float32Array.from(mean, (v) => v / count), count, top };
}

/** The number below which so many per cent of the values lie, with numpy's interpolation. */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort(),
    at = ((sorted.length - 1) * share) / 100,
    low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/**
 * Mel windows of frames first .. first + count - 1 minus the mean: (count * 80 * 16).
 * @param {boolean} hold beyond the last column that column goes on, for a sound that is not over; else there is the floor.
 */
export function melWindows({ constants }, { data, columns }, mean, first, count, hold = false) {
  const { n_mels: bands, mel_floor: floor } = constants.audio,
    out = new Float32Array(count * bands * WIDTH);
  for (let t = 0; t < count; t++) {
    const start = Math.floor((32 * (first + t) + 16 - 5 * (WIDTH - 1) + 5) / 10);
    for (let k = 0; k < WIDTH; k++) {
      const j = hold && columns ? Math.min(start + k, columns - 1) : start + k,
        heard = j >= 0 && j < columns;
      for (let m = 0; m < bands; m++)
        out[(t * bands + m) * WIDTH + k] = (heard ? data[j * bands + m] : floor) - mean[m];
    }
  }
  return out;
}

/** Number of frames of video that cover so many samples. */
export const frameCount = ({ constants }, samples) =>
  Math.max(1, Math.ceil(samples / constants.audio.samples_per_frame));

/** Loudness of each frame in dB relative to the loud ones, smoothed, (T,), as `tfg.acting.performance.speech_level`. */
export function loudness({ constants }, y) {
  const n = constants.audio.samples_per_frame;
  return Array.from({ length: frameCount({ constants }, y.length) }, (_, t) => {
    const part = y.subarray(t * n, Math.min((t + 1) * n, y.length));
    return 10 * Math.log10(Math.max(part.reduce((sum, v) => sum + v * v, 0) / part.length, 1e-10));
  });
}
