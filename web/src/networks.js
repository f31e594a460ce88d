// The networks that `tfg export onnx` wrote, run by onnxruntime-web in one thread, and what is done around them.

import * as ort from "onnxruntime-web/wasm";
import { melSpectrogram, melWindows, speechMean } from "./mel.js";
import { noise } from "./random.js";

const NAMES = ["expnet", "posevae", "emotion"];

export class Networks {
  /** Load the three networks.  base: address of their folder.  runtime: address of onnxruntime's folder. */
  static async load(assets, base, runtime) {
    ort.env.wasm.numThreads = 1; // more threads would need special headers
    ort.env.wasm.wasmPaths = runtime;
    const sessions = {};
    for (const name of NAMES)
      sessions[name] = await ort.InferenceSession.create(`${base}${name}.onnx`, { executionProviders: ["wasm"] });
    return new Networks(assets, sessions);
  }

  constructor(assets, sessions) {
    Object.assign(this, { assets, sessions });
    this.waiting = Promise.resolve();
  }

  /** Run one network; one after the other, for a session takes one call at a time. */
  run(name, inputs) {
    const answer = this.waiting.then(() => this.sessions[name].run(inputs));
    this.waiting = answer.catch(() => {});
    return answer.then((found) => Object.values(found)[0].data);
  }

  /** Mel spectrogram of a sound (N,) at 16 kHz and its mean: what `speak` and `move` need. */
  hear(samples) {
    const mel = melSpectrogram(this.assets, samples);
    return { mel, mean: speechMean(this.assets, mel) };
  }

  /** Offsets of a speaking face, (T * 52), without emotion.  neutral: (52,).  lids: (T,), 1 is shut. */
  speak({ mel, mean }, T, neutral, lids) {
    return this.say(melWindows(this.assets, mel, mean, 0, T), T, neutral, lids);
  }

  /** The same from mel windows (T * 80 * 16). */
  say(windows, T, neutral, lids) {
    return this.run("expnet", {
      windows: new ort.Tensor("float32", windows, [1, T, 80, 16]),
      neutral: new ort.Tensor("float32", Float32Array.from(neutral), [1, 52]),
      lids: new ort.Tensor("float32", Float32Array.from(lids), [1, T]),
    });
  }

  /** Motion of the head, (T * 6), degrees and head widths, as `posevae.network.generate`.  seed 0 is Python's seed 0. */
  async move({ mel, mean }, T, style, seed = 0) {
    const { constants, arrays } = this.assets,
      { context, chunk, overlap, start: rise, smooth } = constants.posevae,
      D = 6;
    const out = new Float32Array((context + T + chunk) * D);
    for (let start = 0, number = 0; start < T; start += chunk - overlap, number++) {
      const found = await this.turn(
        melWindows(this.assets, mel, mean, start, chunk),
        out.slice(start * D, (start + context) * D),
        number,
        style,
        seed,
      );
      for (let t = 0; t < chunk; t++) {
        const x = (t + 1) / (overlap + 1),
          soft = number && t < overlap ? x * x * (3 - 2 * x) : 1;
        for (let d = 0; d < D; d++) {
          const at = (context + start + t) * D + d;
          out[at] = (1 - soft) * out[at] + soft * found[t * D + d];
        }
      }
    }
    const scale = arrays.pose_scale.data.subarray(style * D, (style + 1) * D);
    const pose = savgol(
        out.subarray(context * D, (context + T) * D).map((v, i) => v * scale[i % D]),
        T,
        D,
        smooth,
      ),
      first = pose.slice(0, D);
    for (let t = 0; t < Math.min(rise, T); t++) {
      const x = t / rise,
        risen = t ? x * x * (3 - 2 * x) : 0;
      for (let d = 0; d < D; d++) pose[t * D + d] -= first[d] * (1 - risen);
    }
    return pose;
  }

  /** A chunk of the head's motion, (32 * 6), in units of the style.  windows: its mel.  before: (6 * 6) the poses before it. */
  turn(windows, before, number, style, seed) {
    const { constants, arrays } = this.assets,
      { chunk, context } = constants.posevae,
      latent = arrays.pose_codes.shape[1];
    const code =
      seed === 0 && number < constants.codes
        ? arrays.pose_codes.data.slice(latent * number, latent * (number + 1))
        : noise(latent, seed, number);
    return this.run("posevae", {
      windows: new ort.Tensor("float32", windows, [1, chunk, 80, 16]),
      before: new ort.Tensor("float32", before, [1, context, 6]),
      noise: new ort.Tensor("float32", code, [1, latent]),
      style: new ort.Tensor("int64", BigInt64Array.of(BigInt(style)), [1]),
    });
  }

  /** The change that an emotion makes to offsets (T * 52), before alpha.  when: (T * 10). */
  async feel(source, when, emotion, intensity) {
    const T = source.length / 52;
    return this.run("emotion", {
      source: new ort.Tensor("float32", Float32Array.from(source), [T, 52]),
      when: new ort.Tensor("float32", Float32Array.from(when), [T, 10]),
      emotion: new ort.Tensor("int64", BigInt64Array.of(BigInt(this.assets.constants.felt.indexOf(emotion))), []),
      intensity: new ort.Tensor("float32", Float32Array.of(intensity), []),
    });
  }
}

/** Curves (T * D) without tremor, by a parabola through `window` frames each (Savitzky & Golay 1964). */
export function savgol(curves, T, D, window) {
  const n = Math.min(window, Math.floor((T - 1) / 2) * 2 + 1),
    half = (n - 1) / 2,
    out = Float32Array.from(curves);
  if (n < 5) return out;
  const s = [0, 2, 4].map((p) => {
    let sum = 0;
    for (let k = -half; k <= half; k++) sum += k ** p;
    return sum;
  });
  const det = s[0] * s[2] - s[1] * s[1];
  // value at x of the parabola that fits y(-half .. half) best
  const weight = (x, k) => (s[2] - s[1] * k * k) / det + (x * k) / s[1] + (x * x * (s[0] * k * k - s[1])) / det;
  for (let t = 0; t < T; t++) {
    const centre = Math.min(Math.max(t, half), T - 1 - half);
    for (let d = 0; d < D; d++) {
      let sum = 0;
      for (let k = -half; k <= half; k++) sum += weight(t - centre, k) * curves[(centre + k) * D + d];
      out[t * D + d] = sum;
    }
  }
  return out;
}
