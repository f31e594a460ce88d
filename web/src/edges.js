// The edges of an opening in a picture: what lies between them, and the box around them.

import { clamp } from "./geometry.js";

/** Share of each pixel of a box that lies between two edges [[x, y], ...]: rows of numbers in [0, 1]. */
export function coverage(upper, lower, [x0, y0, w, h]) {
  const out = new Float32Array(w * h),
    top = edgeAt(upper),
    bottom = edgeAt(lower);
  for (let x = 0; x < w; x++) {
    for (let s = 0; s < 3; s++) {
      const at = x0 + x + (s + 0.5) / 3 - 0.5,
        t = top(at, Infinity),
        b = bottom(at, -Infinity);
      for (let y = 0; y < h; y++)
        out[y * w + x] += clamp(Math.min(b, y0 + y + 0.5) - Math.max(t, y0 + y - 0.5), 0, 1) / 3;
    }
  }
  return out;
}

/** Height of an edge [[x, y], ...] at x, `beyond` outside of it; null gives its end there. */
export function edgeAt(edge) {
  const sorted = [...edge].sort((a, b) => a[0] - b[0]),
    n = sorted.length;
  return (x, beyond) => {
    if (x < sorted[0][0]) return beyond ?? sorted[0][1];
    if (x > sorted[n - 1][0]) return beyond ?? sorted[n - 1][1];
    let low = 0,
      high = n - 1;
    while (high - low > 1) {
      const mid = (low + high) >> 1;
      if (sorted[mid][0] <= x) low = mid;
      else high = mid;
    }
    const [ax, ay] = sorted[low],
      [bx, by] = sorted[high];
    return bx > ax ? ay + ((by - ay) * (x - ax)) / (bx - ax) : by;
  };
}

/** Box (x, y, w, h) around points [[x, y], ...], `pad` px larger, within a picture. */
export function boxAround(points, pad, { width, height }) {
  const xs = points.map((p) => p[0]),
    ys = points.map((p) => p[1]);
  const x0 = Math.max(Math.floor(Math.min(...xs)) - pad, 0),
    y0 = Math.max(Math.floor(Math.min(...ys)) - pad, 0);
  return [
    x0,
    y0,
    Math.max(Math.min(Math.ceil(Math.max(...xs)) + pad + 1, width) - x0, 0),
    Math.max(Math.min(Math.ceil(Math.max(...ys)) + pad + 1, height) - y0, 0),
  ];
}

/** Pixels [[x, y], ...] of a chain of vertices. */
export const pointsAt = (xy, chain) => [...chain].map((i) => [xy[2 * i], xy[2 * i + 1]]);
