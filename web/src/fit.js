// The head fitted to 478 landmarks, as tfg/head/fit.py: pose by Gauss-Newton steps, shape by ridge regression with bounds.

import { clamp, times, toPixels, turn } from "./geometry.js";
import { solveDense, topEigenvector4 } from "./linear.js";

const ROUNDS = 12,
  POSE_STEPS = 3,
  BOUND_STEPS = 8,
  IDENTITY_MOST = 1.5,
  SETTLED = 1e-5;

/**
 * Fit the head.
 * @param {object} assets  @param {Float64Array} points (478 * 3) px, z smaller when nearer.
 * @param {Float32Array} prior (52,) the landmarker's coefficients.
 * @returns {{rotation: number[], scale: number, shift: number[], identity: Float64Array, expression: Float64Array}}
 *   as tfg.head.fit.HeadFit.
 */
export function fitLandmarks({ arrays, constants }, points, prior) {
  const { camera_m: camera } = constants.model,
    { fit } = constants;
  const n = points.length / 3,
    mean = Float64Array.from(arrays.mean.data);
  const kinds = [arrays.identity, arrays.expression];
  const [K, E] = kinds.map((a) => a.shape[0]),
    size = K + E;
  const basis = (k) =>
    k < K
      ? arrays.identity.data.subarray(3 * n * k, 3 * n * (k + 1))
      : arrays.expression.data.subarray(3 * n * (k - K), 3 * n * (k - K + 1));
  const [left, right] = fit.outer_eyes;
  const span = Math.hypot(points[3 * left] - points[3 * right], points[3 * left + 1] - points[3 * right + 1]);
  const weight = new Float64Array(n).fill(1);
  for (const i of fit.face_oval) weight[i] = 0.3;
  const wx = weight.map((w) => Math.sqrt(w) / (fit.pixel_std * span)),
    wz = weight.map((w) => Math.sqrt(w) / (fit.depth_std * span));
  const start = new Float64Array(size),
    std = new Float64Array(size).fill(fit.expression_std);
  for (let k = 0; k < E; k++) start[K + k] = clamp(Number.isFinite(prior[k]) ? prior[k] : 0, 0, 1);
  std.set(arrays.identity_std.data);
  const shaped = (coefficients) => {
    const out = Float64Array.from(mean);
    for (let k = 0; k < size; k++) {
      if (!coefficients[k]) continue;
      const b = basis(k);
      for (let i = 0; i < out.length; i++) out[i] += coefficients[k] * b[i];
    }
    return out;
  };
  const problem = { n, points, wx, wz, camera, basis, size, K, std, start, atPrior: shaped(start) };
  let state = firstPose(mean, points),
    coefficients = start;
  for (let round = 0; round < ROUNDS; round++) {
    state = fitPose(shaped(coefficients), problem, state);
    const before = coefficients;
    coefficients = fitShape(problem, state);
    if (round > 2 && coefficients.every((v, k) => Math.abs(v - before[k]) < SETTLED)) break;
  }
  return { ...state, identity: coefficients.slice(0, K), expression: coefficients.slice(K) };
}

/** First pose in closed form, without perspective (Horn 1987). */
function firstPose(mean, points) {
  const n = points.length / 3,
    centre = [0, 0, 0],
    target = [0, 0, 0];
  for (let i = 0; i < 3 * n; i++) {
    centre[i % 3] += mean[i] / n;
    target[i % 3] += (points[i] * (i % 3 ? -1 : 1)) / n;
  }
  const s = new Array(9).fill(0);
  let square = 0;
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < 3; a++) {
      const from = mean[3 * i + a] - centre[a];
      square += from * from;
      for (let b = 0; b < 3; b++) s[3 * a + b] += from * (points[3 * i + b] * (b ? -1 : 1) - target[b]);
    }
  }
  const [w, x, y, z] = topEigenvector4([
    s[0] + s[4] + s[8],
    s[5] - s[7],
    s[6] - s[2],
    s[1] - s[3],
    s[5] - s[7],
    s[0] - s[4] - s[8],
    s[1] + s[3],
    s[6] + s[2],
    s[6] - s[2],
    s[1] + s[3],
    s[4] - s[0] - s[8],
    s[5] + s[7],
    s[1] - s[3],
    s[6] + s[2],
    s[5] + s[7],
    s[8] - s[0] - s[4],
  ]);
  const rotation = [
    w * w + x * x - y * y - z * z,
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    w * w - x * x + y * y - z * z,
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    w * w - x * x - y * y + z * z,
  ];
  let along = 0;
  for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) along += rotation[3 * b + a] * s[3 * a + b];
  const scale = along / square,
    turned = turn(rotation, centre);
  return { rotation, scale, shift: [target[0] - scale * turned[0], -target[1] + scale * turned[1]] };
}

/** Improve the pose of points shape (n * 3) by Gauss-Newton steps on rotation vector, logarithm of scale, shift. */
function fitPose(shape, { n, points, wx, wz, camera }, state) {
  let { rotation, scale, shift } = state;
  for (let step = 0; step < POSE_STEPS; step++) {
    const q = turn(rotation, shape),
      xy = toPixels(q, scale, shift, camera);
    const normal = new Float64Array(36),
      right = new Float64Array(6);
    const gather = (row, error) => {
      for (let a = 0; a < 6; a++) {
        right[a] += row[a] * error;
        for (let b = 0; b < 6; b++) normal[6 * a + b] += row[a] * row[b];
      }
    };
    const deep = new Float64Array(6); // means of what is compared up to a constant
    for (let i = 0; i < n; i++) {
      deep[0] += (-scale * q[3 * i + 1]) / n;
      deep[1] += (scale * q[3 * i]) / n;
      deep[4] += points[3 * i + 2] / n;
      deep[5] += (-q[3 * i + 2] * scale) / n;
    }
    for (let i = 0; i < n; i++) {
      const [x, y, z] = q.subarray(3 * i, 3 * i + 3),
        f = 1 / (1 - z / camera);
      const jx = [f * scale, 0, ((x * f * f) / camera) * scale],
        jy = [0, -f * scale, ((-y * f * f) / camera) * scale];
      const px = xy[2 * i] - shift[0],
        py = xy[2 * i + 1] - shift[1];
      // d q / d rotation vector: columns (0, -z, y), (z, 0, -x), (-y, x, 0)
      const rows = [
        [jx, px, 1, 0, points[3 * i] - xy[2 * i]],
        [jy, py, 0, 1, points[3 * i + 1] - xy[2 * i + 1]],
      ];
      for (const [j, p, u, v, error] of rows) {
        const row = [-j[1] * z + j[2] * y, j[0] * z - j[2] * x, -j[0] * y + j[1] * x, p, u, v];
        gather(
          row.map((value) => value * wx[i]),
          error * wx[i],
        );
      }
      const low = [-scale * y - deep[0], scale * x - deep[1], 0, 0, 0, 0];
      gather(
        low.map((value) => value * wz[i]),
        (points[3 * i + 2] - deep[4] - (-z * scale - deep[5])) * wz[i],
      );
    }
    const d = solveDense(normal, right);
    rotation = times(rodrigues(d.subarray(0, 3)), rotation);
    scale *= Math.exp(clamp(d[3], -0.5, 0.5));
    shift = [shift[0] + d[4], shift[1] + d[5]];
  }
  return { rotation, scale, shift };
}

/** Rotation matrix of a rotation vector in radians. */
function rodrigues(k) {
  const angle = Math.hypot(...k);
  if (angle < 1e-12) return [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const [x, y, z] = k.map((v) => v / angle),
    m = [0, -z, y, z, 0, -x, -y, x, 0],
    mm = times(m, m);
  return m.map((v, i) => (i % 4 ? 0 : 1) + Math.sin(angle) * v + (1 - Math.cos(angle)) * mm[i]);
}

/** Coefficients (size,) at a given pose. */
function fitShape({ n, points, wx, wz, camera, basis, size, K, std, start, atPrior }, { rotation: r, scale, shift }) {
  const q = turn(r, atPrior),
    xy = toPixels(q, scale, shift, camera),
    rows = 3 * n;
  const error = new Float64Array(rows),
    columns = new Float64Array(size * rows),
    normal = new Float64Array(size * size),
    right = new Float64Array(size);
  let zMean = 0,
    tMean = 0;
  for (let i = 0; i < n; i++) {
    zMean += (-q[3 * i + 2] * scale) / n;
    tMean += points[3 * i + 2] / n;
  }
  for (let i = 0; i < n; i++) {
    error[3 * i] = (points[3 * i] - xy[2 * i]) * wx[i];
    error[3 * i + 1] = (points[3 * i + 1] - xy[2 * i + 1]) * wx[i];
    error[3 * i + 2] = (points[3 * i + 2] - tMean - (-q[3 * i + 2] * scale - zMean)) * wz[i];
  }
  for (let k = 0; k < size; k++) {
    const b = turn(r, basis(k)),
      column = columns.subarray(k * rows, (k + 1) * rows);
    let mean = 0;
    for (let i = 0; i < n; i++) mean += (-b[3 * i + 2] * scale) / n;
    for (let i = 0; i < n; i++) {
      const f = 1 / (1 - q[3 * i + 2] / camera),
        g = (f * f) / camera;
      column[3 * i] = (f * b[3 * i] + q[3 * i] * g * b[3 * i + 2]) * scale * wx[i];
      column[3 * i + 1] = (-f * b[3 * i + 1] - q[3 * i + 1] * g * b[3 * i + 2]) * scale * wx[i];
      column[3 * i + 2] = (-b[3 * i + 2] * scale - mean) * wz[i];
    }
  }
  gram(columns, size, rows, normal);
  for (let a = 0; a < size; a++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += columns[a * rows + i] * error[i];
    right[a] = sum;
    normal[a * size + a] += 1 / std[a] ** 2;
  }
  const low = start.map((p, k) => (k < K ? -IDENTITY_MOST : -p)),
    high = start.map((p, k) => (k < K ? IDENTITY_MOST : 1 - p));
  const fixed = new Uint8Array(size),
    x = new Float64Array(size);
  for (let step = 0; step < BOUND_STEPS; step++) {
    const free = [...fixed.keys()].filter((k) => !fixed[k]),
      held = [...fixed.keys()].filter((k) => fixed[k]),
      m = free.length;
    const part = new Float64Array(m * m),
      side = new Float64Array(m);
    free.forEach((a, i) => {
      free.forEach((b, j) => {
        part[i * m + j] = normal[a * size + b];
      });
      side[i] = right[a] - held.reduce((sum, b) => sum + normal[a * size + b] * x[b], 0);
    });
    solveDense(part, side).forEach((value, i) => {
      x[free[i]] = value;
    });
    const out = free.filter((k) => x[k] < low[k] || x[k] > high[k]);
    if (!out.length) break;
    for (const k of out) fixed[k] = 1;
    for (let k = 0; k < size; k++) x[k] = clamp(x[k], low[k], high[k]);
  }
  return x.map((value, k) => start[k] + clamp(value, low[k], high[k]));
}

/** Products of all pairs of `size` vectors of so many rows, into out (size * size). Two by two, which is twice as fast. */
function gram(columns, size, rows, out) {
  for (let a = 0; a < size; a += 2) {
    const a0 = a * rows,
      a1 = Math.min(a + 1, size - 1) * rows;
    for (let b = 0; b <= a; b += 2) {
      const b0 = b * rows,
        b1 = Math.min(b + 1, size - 1) * rows;
      let s00 = 0,
        s01 = 0,
        s10 = 0,
        s11 = 0;
      for (let i = 0; i < rows; i++) {
        const x = columns[a0 + i],
          y = columns[a1 + i],
          u = columns[b0 + i],
          v = columns[b1 + i];
        s00 += x * u;
        s01 += x * v;
        s10 += y * u;
        s11 += y * v;
      }
      const i = a0 / rows,
        j = a1 / rows,
        k = b0 / rows,
        l = b1 / rows;
      out[i * size + k] = out[k * size + i] = s00;
      out[i * size + l] = out[l * size + i] = s01;
      out[j * size + k] = out[k * size + j] = s10;
      out[j * size + l] = out[l * size + j] = s11;
    }
  }
}
