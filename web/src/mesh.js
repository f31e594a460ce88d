// The template on one photo, as tfg/head/mesh.py: places of its vertices, their depths, their shares of the head's motion.

import { blurred, filtered } from "./blur.js";
import { area, clamp, toPixels } from "./geometry.js";
import { extend } from "./linear.js";

const HEAD_RADII = [0.105, 0.145],
  SHOULDERS_Y = -0.21,
  CHIN_Y = -0.125; // metres

/** Similarity that maps template points (n * 2), y up, to pixels, y down: [a, b, tx, ty], x' = a x + b y + tx. */
export function similarity(from, to, n) {
  const mean = [0, 0, 0, 0];
  for (let i = 0; i < 2 * n; i++) {
    mean[i % 2] += (from[i] * (i % 2 ? -1 : 1)) / n;
    mean[2 + (i % 2)] += to[i] / n;
  }
  let re = 0,
    im = 0,
    square = 0;
  for (let i = 0; i < n; i++) {
    const px = from[2 * i] - mean[0],
      py = -from[2 * i + 1] - mean[1],
      qx = to[2 * i] - mean[2],
      qy = to[2 * i + 1] - mean[3];
    re += px * qx + py * qy;
    im += px * qy - py * qx;
    square += px * px + py * py;
  }
  re /= square;
  im /= square;
  return { re, im, tx: mean[2] - (re * mean[0] - im * mean[1]), ty: mean[3] - (im * mean[0] + re * mean[1]) };
}

export const toPicture = ({ re, im, tx, ty }, x, y) => [re * x + im * y + tx, im * x - re * y + ty];

/** Corners of a picture on the template's plane.  rest: (L * 2) px of its vertices. */
export function frameOnLayout(template, rest, { width, height }) {
  const m = similarity(template.layout, rest, template.size),
    square = m.re ** 2 + m.im ** 2;
  return [
    [0, 0],
    [width - 1, 0],
    [width - 1, height - 1],
    [0, height - 1],
  ].map(([px, py]) => {
    const x = px - m.tx,
      y = py - m.ty;
    return [(m.re * x + m.im * y) / square, (m.im * x - m.re * y) / square];
  });
}

/** Places of all vertices on the photo, (N * 2) px; a landmark that would turn a triangle over fits its neighbours. */
export function restPositions(template, rest, { layout, tri, border }, lap, { width, height }) {
  const N = border.length,
    n = template.size,
    m = similarity(template.layout, rest, n),
    base = new Float64Array(2 * N);
  for (let i = 0; i < N; i++) {
    const [x, y] = toPicture(m, layout[2 * i], layout[2 * i + 1]);
    base[2 * i] = border[i] ? clamp(Math.round(x), 0, width - 1) : x;
    base[2 * i + 1] = border[i] ? clamp(Math.round(y), 0, height - 1) : y;
  }
  const edge = new Uint8Array(N),
    known = Uint8Array.from(border),
    offsets = [new Float64Array(N), new Float64Array(N)];
  for (const name of template.names) for (const i of [...template.upper[name], ...template.lower[name]]) edge[i] = 1;
  known.fill(1, 0, n);
  for (let i = 0; i < n; i++) for (let a = 0; a < 2; a++) offsets[a][i] = rest[2 * i + a] - base[2 * i + a];
  let xy = base;
  for (let round = 0; round < 6; round++) {
    const moved = extend(
      lap,
      known,
      offsets.map((column) => column.map((v, i) => (known[i] ? v : 0))),
    );
    xy = base.map((v, i) => v + moved[i % 2][i >> 1]);
    const loose = new Uint8Array(N);
    let turned = false;
    for (let t = 0; t < tri.length / 3; t++) {
      if (area(xy, tri, t) > -1e-3) {
        turned = true;
        for (let k = 0; k < 3; k++) loose[tri[3 * t + k]] = 1;
      }
    }
    if (!turned) break;
    for (let i = 0; i < N; i++) if (loose[i] && !edge[i] && !border[i]) known[i] = 0;
  }
  return xy;
}

/** Share of the head's motion at each vertex, (N,): 1 on head and hair, 0 at the border and on the shoulders. */
export function headness({ layout, border }, lap) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  border.forEach((b, i) => {
    for (let a = 0; b && a < 2; a++) {
      box[a] = Math.min(box[a], layout[2 * i + a]);
      box[2 + a] = Math.max(box[2 + a], layout[2 * i + a]);
    }
  });
  const room = (x, y) => Math.min(x - box[0], y - box[1], box[2] - x, box[3] - y);
  return shareOfHead(layout, lap, (i, x, y) => border[i], room);
}

/** The same for motions that would bring in the space beyond the photo, and the signs of these; null if there is none. */
export function inward(template, fit, { layout, border }, lap, restXy, { width, height }, beyond, edgeRoom) {
  if (!beyond.some(Boolean)) return null;
  const [left, top, right, bottom] = beyond,
    high = [width - 1 - right, height - 1 - bottom];
  const room = (x, y, i) =>
    Math.min(restXy[2 * i] - left, restXy[2 * i + 1] - top, high[0] - restXy[2 * i], high[1] - restXy[2 * i + 1]) /
    fit.scale;
  const stay = shareOfHead(layout, lap, (i, x, y) => border[i] || room(x, y, i) < edgeRoom, room);
  const middle = [0, 0],
    n = template.size,
    signs = new Int8Array(layout.length);
  for (let i = 0; i < 2 * n; i++) middle[i % 2] += restXy[i] / n;
  for (let i = 0; i < layout.length; i++) {
    signs[i] = restXy[i] < middle[i % 2] ? Number(beyond[i % 2] > 0) : -Number(beyond[2 + (i % 2)] > 0);
  }
  return { stay, signs };
}

function shareOfHead(layout, lap, still, room) {
  const N = layout.length / 2,
    known = new Uint8Array(N),
    values = new Float64Array(N);
  for (let i = 0; i < N; i++) {
    const x = layout[2 * i],
      y = layout[2 * i + 1],
      fixed = still(i, x, y) || y < SHOULDERS_Y;
    const head = Math.hypot(x / HEAD_RADII[0], (y - 0.005) / HEAD_RADII[1]) < 1 && room(x, y, i) > 0.02 && y > CHIN_Y;
    known[i] = fixed || head ? 1 : 0;
    values[i] = head && !fixed ? 1 : 0;
  }
  return extend(lap, known, [values])[0].map((v) => clamp(v, 0, 1));
}

/** Move the edges of parted lips and open eyes a little into the skin, so that it carries no teeth or eye white. */
export function openEdges(rest, template, scale, { edge_m: edgeM, closed_m: closedM }) {
  const out = Float64Array.from(rest);
  for (const name of template.names) {
    const up = [...template.upper[name]].slice(1, -1),
      low = [...template.lower[name]].slice(1, -1);
    const gaps = up.map((u, k) => [rest[2 * low[k]] - rest[2 * u], rest[2 * low[k] + 1] - rest[2 * u + 1]]);
    if (name === "mouth" && Math.max(...gaps.map((g) => Math.hypot(...g))) < closedM * scale) continue;
    gaps.forEach(([gx, gy], k) => {
      const size = Math.hypot(gx, gy),
        step = Math.min(size / 2, edgeM[name] * scale) / Math.max(size, 1e-6);
      out[2 * up[k]] -= gx * step;
      out[2 * up[k] + 1] -= gy * step;
      out[2 * low[k]] += gx * step;
      out[2 * low[k] + 1] += gy * step;
    });
  }
  return out;
}

/** If the photo's lips are closed, move the cut onto the dark line between them, which landmarks miss by a pixel. */
export function snapClosedLips({ data, width, height }, rest, template, scale, closedM) {
  const up = [...template.upper.mouth],
    low = [...template.lower.mouth],
    n = up.length,
    span = 0.09 * scale;
  if (
    up.some(
      (u, k) => Math.hypot(rest[2 * low[k]] - rest[2 * u], rest[2 * low[k] + 1] - rest[2 * u + 1]) > closedM * scale,
    )
  )
    return rest;
  const middle = up.map((u, k) => [(rest[2 * u] + rest[2 * low[k]]) / 2, (rest[2 * u + 1] + rest[2 * low[k] + 1]) / 2]);
  const along = [middle[n - 1][0] - middle[0][0], middle[n - 1][1] - middle[0][1]],
    length = Math.hypot(...along) + 1e-9;
  const down = [-along[1] / length, along[0] / length],
    reach = Math.ceil(0.035 * span) + 6;
  const xs = middle.map((p) => p[0]),
    ys = middle.map((p) => p[1]);
  const x0 = clamp(Math.floor(Math.min(...xs)) - reach, 0, width - 1),
    x1 = clamp(Math.ceil(Math.max(...xs)) + reach, x0, width - 1);
  const y0 = clamp(Math.floor(Math.min(...ys)) - reach, 0, height - 1),
    y1 = clamp(Math.ceil(Math.max(...ys)) + reach, y0, height - 1);
  const w = x1 - x0 + 1,
    h = y1 - y0 + 1,
    part = new Float32Array(w * h * 3);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      for (let c = 0; c < 3; c++) part[3 * (y * w + x) + c] = data[4 * ((y + y0) * width + x + x0) + c];
  const soft = blurred(part, w, h, 3, 0.7);
  const grey = (x, y) => {
    const px = clamp(x - x0, 0, w - 1.001),
      py = clamp(y - y0, 0, h - 1.001),
      i = Math.floor(px),
      j = Math.floor(py);
    const at = (a, b) => {
      const k = 3 * (Math.min(b, h - 1) * w + Math.min(a, w - 1));
      return (Math.round(soft[k]) + Math.round(soft[k + 1]) + Math.round(soft[k + 2])) / 3;
    };
    const fx = px - i,
      fy = py - j;
    return (
      (at(i, j) * (1 - fx) + at(i + 1, j) * fx) * (1 - fy) + (at(i, j + 1) * (1 - fx) + at(i + 1, j + 1) * fx) * fy
    );
  };
  const steps = Array.from({ length: 29 }, (_, k) => (-0.035 + (0.07 * k) / 28) * span);
  const profile = steps.map((s) =>
    middle.map(([x, y]) => grey(x + s * down[0], y + s * down[1]) + 6 * (s / (0.035 * span)) ** 2),
  );
  const rows = profile.map((row) => filtered(row, 1.5));
  const darkest = middle.map((_, i) => steps[rows.reduce((best, row, k) => (row[i] < rows[best][i] ? k : best), 0)]);
  const move = filtered(darkest, 2.5),
    out = Float64Array.from(rest);
  middle.forEach(([x, y], i) => {
    const amount = move[i] * clamp(Math.min(i, n - 1 - i) / 4, 0, 1);
    for (const v of [up[i], low[i]]) {
      out[2 * v] = x + amount * down[0];
      out[2 * v + 1] = y + amount * down[1];
    }
  });
  return out;
}

/** Pixels [[x, y], ...] of some landmarks of camera points (478 * 3). */
export function pointsOf(q, landmarks, { scale, shift }, camera) {
  return landmarks.map((i) => [...toPixels(q.subarray(3 * i, 3 * i + 3), scale, shift, camera)]);
}
