// The part of a photo that becomes the texture: a square around the head with a margin, as tfg/head/framing.py's crop.

import { blurred } from "./blur.js";
import { clamp } from "./geometry.js";

/**
 * A picture: `data` (height * width * 4) bytes, as ImageData.
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Picture
 */

/**
 * Cut the head out of a photo, and continue the picture beyond edges that cut the head off.
 * @param {Picture} photo  @param {Float64Array} points (478 * 3) px.  @param {number} size side of the output in px.
 * @param {{crop: number, margin: number, near: number[]}} framing constants.
 * @returns {{texture: Picture, window: number[], points: Float64Array, beyond: number[]}} as `tfg.head.framing.frame`.
 */
export function frame(photo, points, size, framing) {
  const { width, height } = photo,
    { tall, centre } = faceOf(points, framing.crop);
  const side = Math.min(framing.crop * tall, height, width);
  const cx = clamp(centre[0], side / 2, width - side / 2),
    cy = clamp(centre[1], side / 2, height - side / 2);
  const ratio = size / side,
    margin = framing.margin * size;
  const room = [cx - side / 2, cy - side / 2, width - cx - side / 2, height - cy - side / 2].map((d) =>
    Math.max(0, d * ratio),
  );
  const pad = room.map((d) => Math.floor(Math.min(margin, d)));
  const origin = [cx - side / 2 - pad[0] / ratio, cy - side / 2 - pad[1] / ratio];
  const out = [size + pad[0] + pad[2], size + pad[1] + pad[3]];
  const texture = cut(photo, origin, ratio, out, Math.max(0, 0.5 / ratio - 0.5) * 0.8);
  return continued(
    texture,
    [pad[0], pad[1], size, size],
    scaled(points, ratio, origin),
    room.map((d) => d < margin),
    framing,
  );
}

/** Side in px of the square that `frame` cuts out of a photo: the most that an output can show. */
export function sideOf(photo, points, framing) {
  return Math.min(framing.crop * faceOf(points, framing.crop).tall, photo.width, photo.height);
}

/** Box (x0, y0, x1, y1) of the landmarks. */
export function boxOf(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 3) {
    for (let a = 0; a < 2; a++) {
      box[a] = Math.min(box[a], points[i + a]);
      box[2 + a] = Math.max(box[2 + a], points[i + a]);
    }
  }
  return box;
}

function faceOf(points, crop) {
  const [x0, y0, x1, y1] = boxOf(points),
    tall = Math.max(x1 - x0, y1 - y0);
  return { tall, centre: [(x0 + x1) / 2, (y0 + y1) / 2 - 0.06 * crop * tall] };
}

/** Points in px of a picture that starts at `origin`, scaled; pixel centres have integer coordinates. */
function scaled(points, ratio, origin) {
  return points.map((v, i) => (i % 3 === 2 ? v * ratio : (v + 0.5 - origin[i % 3]) * ratio - 0.5));
}

/** Weights of OpenCV's bicubic interpolation at a fraction t in [0, 1). */
export function cubic(t) {
  const a = -0.75,
    w = [t + 1, t, 1 - t];
  const out = [
    ((a * w[0] - 5 * a) * w[0] + 8 * a) * w[0] - 4 * a,
    ((a + 2) * t - (a + 3)) * t * t + 1,
    ((a + 2) * w[2] - (a + 3)) * w[2] * w[2] + 1,
    0,
  ];
  out[3] = 1 - out[0] - out[1] - out[2];
  return out;
}

/** Blur by a Gaussian where the picture shrinks, and sample bicubically: the texture. */
function cut(photo, origin, ratio, [w, h], blur) {
  const reach = Math.ceil(4 * blur) + 4;
  const x0 = Math.max(0, Math.floor(origin[0]) - reach),
    y0 = Math.max(0, Math.floor(origin[1]) - reach);
  const x1 = Math.min(photo.width, Math.ceil(origin[0] + w / ratio) + reach),
    y1 = Math.min(photo.height, Math.ceil(origin[1] + h / ratio) + reach);
  const pw = x1 - x0,
    ph = y1 - y0;
  let part = new Float32Array(pw * ph * 3);
  for (let y = 0; y < ph; y++) {
    for (let x = 0; x < pw; x++) {
      const from = 4 * ((y + y0) * photo.width + x + x0),
        to = 3 * (y * pw + x);
      for (let c = 0; c < 3; c++) part[to + c] = photo.data[from + c];
    }
  }
  if (blur > 0.15) part = blurred(part, pw, ph, 3, blur).map(Math.round);
  const across = sampled(part, pw, ph, w, (x) => (x + 0.5) / ratio + origin[0] - 0.5 - x0, 3, pw * 3);
  const rows = sampled(across, ph, w, h, (y) => (y + 0.5) / ratio + origin[1] - 0.5 - y0, w * 3, 3);
  const data = new Uint8ClampedArray(4 * w * h).fill(255);
  for (let i = 0; i < w * h; i++) for (let c = 0; c < 3; c++) data[4 * i + c] = rows[3 * i + c];
  return { data, width: w, height: h };
}

/** Lines of `n` colours sampled bicubically at `many` places of `at`, edges repeated.  step, line: from one colour and
 * from one line to the next; where lines are columns (line 3), so are those of the answer. */
function sampled(from, n, lines, many, at, step, line) {
  const out = new Float32Array(many * lines * 3),
    across = step === 3,
    [outStep, outLine] = across ? [3, many * 3] : [lines * 3, 3];
  for (let k = 0; k < many; k++) {
    const place = at(k),
      base = Math.floor(place),
      weights = cubic(place - base);
    const taps = [0, 1, 2, 3].map((t) => clamp(base + t - 1, 0, n - 1) * step);
    for (let l = 0; l < lines; l++) {
      for (let c = 0; c < 3; c++) {
        const first = l * line + c;
        out[l * outLine + k * outStep + c] =
          weights[0] * from[first + taps[0]] +
          weights[1] * from[first + taps[1]] +
          weights[2] * from[first + taps[2]] +
          weights[3] * from[first + taps[3]];
      }
    }
  }
  return out;
}

/** Continue a texture beyond the edges of the photo (`ends`) that cut the head off, by strips mirrored back and forth. */
function continued(texture, window, points, ends, { crop, margin, near }) {
  const { width, height } = texture,
    [x0, y0, x1, y1] = boxOf(points),
    tall = Math.max(x1 - x0, y1 - y0);
  const gaps = [x0, y0, width - 1 - x1, height - 1 - y1];
  const inner = [window[0], window[1], width - window[0] - window[2], height - window[1] - window[3]];
  const more = gaps.map((gap, k) =>
    ends[k] && gap < near[k] * tall ? Math.floor(Math.max(0, margin * crop * tall - inner[k])) : 0,
  );
  if (!more.some(Boolean)) return { texture, window, points, beyond: more };
  const strips = gaps.map((gap) => Math.floor(clamp(0.6 * gap, 0.04 * tall, 0.3 * tall)) + 1);
  const columns = mirrored(width, more[0], strips[0], more[2], strips[2]),
    rows = mirrored(height, more[1], strips[1], more[3], strips[3]);
  const from = new Uint32Array(texture.data.buffer),
    data = new Uint32Array(columns.length * rows.length);
  rows.forEach((row, y) =>
    columns.forEach((column, x) => {
      data[y * columns.length + x] = from[row * width + column];
    }),
  );
  return {
    texture: { data: new Uint8ClampedArray(data.buffer), width: columns.length, height: rows.length },
    window: [window[0] + more[0], window[1] + more[1], window[2], window[3]],
    points: points.map((v, i) => (i % 3 === 2 ? v : v + more[i % 3])),
    beyond: more,
  };
}

function mirrored(n, before, stripBefore, after, stripAfter) {
  const beyond = (many, strip) =>
    Array.from({ length: many }, (_, k) => Math.min(k % (2 * strip), 2 * strip - 1 - (k % (2 * strip))));
  return [
    ...beyond(before, stripBefore).reverse(),
    ...Array(n).keys(),
    ...beyond(after, stripAfter).map((k) => n - 1 - k),
  ];
}
