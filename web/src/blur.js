// Gaussian blurs of pictures and of curves.

/** Weights of a Gaussian of a standard deviation in px, `reach` px to both sides. */
function gaussian(sigma, reach) {
  const out = Float64Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-((k - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = out.reduce((a, b) => a + b, 0);
  return out.map((v) => v / sum);
}

/** A Gaussian blur of (h * w * channels) numbers, mirrored at the edges (OpenCV's BORDER_REFLECT_101). */
export function blurred(values, w, h, channels, sigma) {
  const reach = Math.max(1, Math.ceil(3 * sigma)),
    weights = gaussian(sigma, reach);
  const mirror = (k, n) => {
    let m = Math.abs(k) % (2 * n - 2 || 1);
    if (m >= n) m = 2 * n - 2 - m;
    return n > 1 ? m : 0;
  };
  const across = new Float32Array(values.length),
    out = new Float32Array(values.length);
  const pass = (from, to, n, lines, step, line) => {
    const taps = new Int32Array(2 * reach + 1);
    for (let k = 0; k < n; k++) {
      for (let d = -reach; d <= reach; d++) taps[d + reach] = mirror(k + d, n) * step;
      for (let l = 0; l < lines; l++) {
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let d = 0; d < taps.length; d++) sum += weights[d] * from[l * line + taps[d] + c];
          to[l * line + k * step + c] = sum;
        }
      }
    }
  };
  pass(values, across, w, h, channels, w * channels);
  pass(across, out, h, w, w * channels, channels);
  return out;
}

/** A curve through a Gaussian of `sigma` samples, mirrored at its ends (scipy's gaussian_filter1d). */
export function filtered(curve, sigma) {
  const n = curve.length,
    reach = Math.floor(4 * sigma + 0.5),
    weights = gaussian(sigma, reach);
  const at = (k) => {
    const m = ((k % (2 * n)) + 2 * n) % (2 * n);
    return curve[m < n ? m : 2 * n - 1 - m];
  };
  return Array.from({ length: n }, (_, k) => weights.reduce((sum, w, d) => sum + w * at(k + d - reach), 0));
}
