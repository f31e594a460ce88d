// Mouth and eyes as openings of a portrait's mesh, as tfg/head/openings.py: their gaps, and the pictures behind them.

import { clamp, toPixels, turn } from "./geometry.js";
import { extend } from "./linear.js";

const EYES = ["eye_right", "eye_left"];

/**
 * Measure the openings on the photo and prepare their corrections.
 * @param {object} made what `portrait.js` has by then: assets, fit, template, mesh, lap, restXy, texture, moves, gain,
 *   restExpression, headAt (function: expression -> camera points of the template's vertices).
 */
export function buildOpenings(made) {
  const { assets: { arrays, constants }, fit, template, mesh, lap, restXy, texture, moves, gain, restExpression, headAt } = made;
  const { openings: numbers } = constants, { camera_m: camera } = constants.model, E = gain.length;
  const r = fit.rotation, length = Math.hypot(r[1], r[4]), down = [-r[1] / length, r[4] / length];
  const gapsOf = (up, low, expression) => {
    const xy = toPixels(headAt(expression), fit.scale, fit.shift, camera);
    return [...up].map((u, k) => (xy[2 * low[k]] - xy[2 * u]) * down[0] + (xy[2 * low[k] + 1] - xy[2 * u + 1]) * down[1]);
  };
  const parts = {};
  for (const name of template.names) {
    const up = template.upper[name], low = template.lower[name], closed = new Float64Array(E);
    if (numbers.blink[name]) closed[constants.expression.indexOf(numbers.blink[name])] = 1;
    const open = gapsOf(up, low, restExpression.map((v, k) => v * gain[k])), shut = gapsOf(up, low, closed);
    const gap = [...up].map((u, k) => Math.max(0, (restXy[2 * low[k]] - restXy[2 * u]) * down[0] + (restXy[2 * low[k] + 1] - restXy[2 * u + 1]) * down[1]));
    const grow = moves.map((move, e) => [...up].map((u, k) => ((move[3 * low[k]] - move[3 * u]) * down[0] - (move[3 * low[k] + 1] - move[3 * u + 1]) * down[1]) * fit.scale * gain[e]));
    const spreads = EYES.includes(name)
      ? [lidSpread(mesh.layout, up, low, numbers.lid_m, { points: template.vertices(numbers.brows).map((i) => [mesh.layout[2 * i], mesh.layout[2 * i + 1]]), reach: numbers.brow_m }),
        lidSpread(mesh.layout, low, up, numbers.lower_lid_m, null)]
      : lipSpreads(mesh, lap, up, low, numbers.spread_m);
    parts[name] = { up, low, gap, model: open.map((v, k) => v - shut[k]), actions: grow, share: numbers.upper_share[name],
      spreadUpper: spreads[0], spreadLower: spreads[1] };
  }
  const lips = headAt(new Float64Array(E)), middle = template.upper.mouth.length >> 1;
  const [a, b] = [template.upper.mouth[middle], template.lower.mouth[middle]];
  const back = turn(r, [0, 0, -0.004]), q = [0, 1, 2].map((c) => (lips[3 * a + c] + lips[3 * b + c]) / 2 + back[c]);
  const fitted = toPixels(headAt(fit.expression), fit.scale, fit.shift, camera), corners = [parts.mouth.up[0], parts.mouth.up.at(-1)];
  const miss = [0, 1].map((c) => corners.reduce((sum, i) => sum + (restXy[2 * i + c] - fitted[2 * i + c]) / 2, 0));
  const f = fit.scale / (1 - q[2] / camera), teeth = [q[0] + miss[0] / f, q[1] - miss[1] / f, q[2]];
  const jaw = Array.from({ length: E }, (_, e) => turn(r, arrays.jaw.data.subarray(3 * e, 3 * e + 3)));
  const { mask, bite } = photoMouth(texture, restXy, parts.mouth, fit, teeth, down, numbers.bite_m, camera);
  return { parts, down, teeth, jaw, bite, axes: [[r[0], r[3], r[6]], [-r[1], -r[4], -r[7]]], mask,
    light: lightOnCheeks(made), eyes: eyeballs(texture, restXy, parts), iris: Object.fromEntries(EYES.map((name) => [name, irisOf(made, parts[name], numbers.iris[name])])) };
}

/** Correct camera points q (N * 3), in place, so that closed lips meet and a blink shuts the eye. */
export function closeGaps(openings, q, expression, { fit, restExpression, numbers, camera }) {
  const { down } = openings, N = q.length / 3, move = new Float64Array(N);
  let away = 0;
  for (const k of numbers.mouth_actions) away += Math.abs(expression[k] - restExpression[k]);
  for (const [name, o] of Object.entries(openings.parts)) {
    const P = o.up.length, now = new Float64Array(P), model = new Float64Array(P), step = new Float64Array(P);
    for (let k = 1; k < P - 1; k++) {
      const u = 3 * o.up[k], l = 3 * o.low[k], fu = fit.scale / (1 - q[u + 2] / camera), fl = fit.scale / (1 - q[l + 2] / camera);
      now[k] = (q[l] * fl - q[u] * fu) * down[0] + (-q[l + 1] * fl + q[u + 1] * fu) * down[1];
    }
    for (let k = 0; k < P; k++) model[k] = o.model[k] + (name === "mouth" ? now[k] - o.gap[k] : 0);
    if (name === "mouth") {
      const keep = Math.max(0, 1 - away / numbers.forget);
      for (let k = 0; k < P; k++) step[k] = Math.max(0, Math.max(model[k], 0) + (o.gap[k] - Math.max(o.model[k], 0)) * keep) - now[k];
    } else {
      for (let e = 0; e < expression.length; e++) {
        const d = expression[e] - restExpression[e];
        if (d) for (let k = 0; k < P; k++) model[k] += d * o.actions[e][k];
      }
      let part = 0, rest = 0;
      for (let k = 0; k < P; k++) { part += Math.max(model[k], 0) / P; rest += Math.max(o.model[k], 0) / P; }
      const pad = Math.max(0, numbers.lid_pad_m * fit.scale - rest), factor = clamp((part + pad) / (rest + pad), 0, 1.6);
      for (let k = 0; k < P; k++) step[k] = Math.max(0, o.gap[k] * factor) - now[k];
    }
    follow(move, o.spreadLower, step, 1 - o.share);
    follow(move, o.spreadUpper, step, -o.share);
  }
  for (let i = 0; i < N; i++) {
    const d = move[i] / (fit.scale / (1 - q[3 * i + 2] / camera));
    q[3 * i] += d * down[0];
    q[3 * i + 1] -= d * down[1];
  }
}

function follow(move, { vertex, column, value }, step, factor) {
  for (let e = 0; e < value.length; e++) move[vertex[e]] += factor * value[e] * step[column[e]];
}

/** Entries of a share (N x P, given by columns) that are not nothing. */
function sparse(columns) {
  const vertex = [], column = [], value = [];
  columns.forEach((c, k) => c.forEach((v, i) => { if (Math.abs(v) > 1e-6) { vertex.push(i); column.push(k); value.push(v); } }));
  return { vertex: Int32Array.from(vertex), column: Int32Array.from(column), value: Float32Array.from(value) };
}

/** Shares by which the skin follows the lips' edges, fading over `reach` metres. */
function lipSpreads({ layout, tri, border }, lap, up, low, reach) {
  const N = border.length, screen = new Float64Array(N), known = Uint8Array.from(border);
  for (let t = 0; t < tri.length; t += 3) {
    const [a, b, c] = [2 * tri[t], 2 * tri[t + 1], 2 * tri[t + 2]];
    const size = Math.abs((layout[b] - layout[a]) * (layout[c + 1] - layout[a + 1]) - (layout[b + 1] - layout[a + 1]) * (layout[c] - layout[a])) / 6;
    for (let k = 0; k < 3; k++) screen[tri[t + k]] += size / reach ** 2;
  }
  for (const i of [...up, ...low]) known[i] = 1;
  const sides = [up, low].map((chain) => [...chain].map((i, k) => {
    const column = new Float64Array(N);
    if (k > 0 && k < chain.length - 1) column[i] = 1;
    return column;
  }));
  extend(lap, known, sides.flat(), screen);
  return sides.map(sparse);
}

/** Share by which each vertex of the skin follows each vertex of a lid's edge. */
function lidSpread(layout, chain, other, [full, none], brow) {
  const N = layout.length / 2, P = chain.length, columns = Array.from({ length: P }, () => new Float64Array(N));
  const at = (i) => [layout[2 * i], layout[2 * i + 1]], edge = [...chain].map(at), opposite = [...other].map(at);
  const along = [edge[P - 1][0] - edge[0][0], edge[P - 1][1] - edge[0][1]], square = along[0] ** 2 + along[1] ** 2;
  const far = (points, x, y) => points.map(([px, py]) => Math.hypot(px - x, py - y));
  for (let i = 0; i < N; i++) {
    const [x, y] = at(i), away = far(edge, x, y), near = Math.min(...away);
    if (near > none || near > Math.min(...far(opposite, x, y)) + 1e-9) continue;
    let t = clamp((none - near) / (none - full), 0, 1);
    if (brow) {
      const gaps = far(brow.points, x, y), least = Math.min(...gaps), free = Math.max(least - brow.reach, 0);
      t = y > brow.points[gaps.indexOf(least)][1] ? 0 : Math.min(t, clamp(1.7 * free / (free + near + 1e-9), 0, 1));
    }
    const kernel = away.map((d, k) => (Math.exp(-(((d - near) / 0.0012) ** 2)) * Math.exp(-0.5 * (d / 0.006) ** 2) + 1e-30) * (k % (P - 1) ? 1 : 1e-3));
    const u = ((x - edge[0][0]) * along[0] + (y - edge[0][1]) * along[1]) / square;
    const fade = t * t * (3 - 2 * t) * clamp(Math.min(u, 1 - u) / 0.12 + 1, 0, 1) / kernel.reduce((a, b) => a + b, 0);
    kernel.forEach((v, k) => { columns[k][i] = v * fade; });
  }
  for (let k = 0; k < P; k++) columns.forEach((column, l) => { column[chain[k]] = k === l ? 1 : 0; });
  for (let k = 1; k < P - 1; k++) for (const column of columns) column[other[k]] = 0;
  return sparse(columns);
}

/** Share of each pixel of a box that lies between two edges [[x, y], ...]: rows of numbers in [0, 1]. */
export function coverage(upper, lower, [x0, y0, w, h]) {
  const out = new Float32Array(w * h), top = edgeAt(upper), bottom = edgeAt(lower);
  for (let x = 0; x < w; x++) {
    for (let s = 0; s < 3; s++) {
      const at = x0 + x + (s + 0.5) / 3 - 0.5, t = top(at, Infinity), b = bottom(at, -Infinity);
      for (let y = 0; y < h; y++) out[y * w + x] += clamp(Math.min(b, y0 + y + 0.5) - Math.max(t, y0 + y - 0.5), 0, 1) / 3;
    }
  }
  return out;
}

/** Height of an edge [[x, y], ...] at x, `beyond` outside of it; null gives its end there. */
export function edgeAt(edge) {
  const sorted = [...edge].sort((a, b) => a[0] - b[0]), n = sorted.length;
  return (x, beyond) => {
    if (x < sorted[0][0]) return beyond ?? sorted[0][1];
    if (x > sorted[n - 1][0]) return beyond ?? sorted[n - 1][1];
    let low = 0, high = n - 1;
    while (high - low > 1) { const mid = (low + high) >> 1; if (sorted[mid][0] <= x) low = mid; else high = mid; }
    const [ax, ay] = sorted[low], [bx, by] = sorted[high];
    return bx > ax ? ay + (by - ay) * (x - ax) / (bx - ax) : by;
  };
}

/** Box (x, y, w, h) around points [[x, y], ...], `pad` px larger, within a picture. */
export function boxAround(points, pad, { width, height }) {
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const x0 = Math.max(Math.floor(Math.min(...xs)) - pad, 0), y0 = Math.max(Math.floor(Math.min(...ys)) - pad, 0);
  return [x0, y0, Math.max(Math.min(Math.ceil(Math.max(...xs)) + pad + 1, width) - x0, 0), Math.max(Math.min(Math.ceil(Math.max(...ys)) + pad + 1, height) - y0, 0)];
}

const pointsAt = (xy, chain) => [...chain].map((i) => [xy[2 * i], xy[2 * i + 1]]);

/** The least of each pixel's neighbours, `dx` to the sides and 1 up and down. */
function eroded(values, w, h, dx) {
  return values.map((_, i) => {
    const x = i % w, y = (i - x) / w;
    let least = Infinity;
    for (let b = Math.max(0, y - 1); b <= Math.min(h - 1, y + 1); b++) for (let a = Math.max(0, x - dx); a <= Math.min(w - 1, x + dx); a++) least = Math.min(least, values[b * w + a]);
    return least;
  });
}

/** Masks of the photo's own inside of the mouth: red eroded, green whole; and metres down to the upper biting edge. */
function photoMouth(texture, restXy, mouth, fit, teeth, down, biteM, camera) {
  const { width, height, data } = texture, mask = new Uint8Array(2 * width * height);
  const up = pointsAt(restXy, mouth.up), low = pointsAt(restXy, mouth.low), box = boxAround([...up, ...low], 2, texture), [x0, y0, w, h] = box;
  if (w < 2 || h < 2 || Math.max(...mouth.gap) < 0.03 * 0.09 * fit.scale) return { mask, bite: biteM };
  const inside = coverage(up, low, box), core = eroded(inside, w, h, 1), bright = [];
  const grey = (x, y) => { const k = 4 * (y * width + x); return (data[k] + data[k + 1] + data[k + 2]) / 3; };
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let soft = 0, sum = 0;
      for (let b = -3; b <= 3; b++) {
        for (let a = -3; a <= 3; a++) {
          const weight = Math.exp(-(a * a + b * b) / (2 * 0.8 ** 2));
          sum += weight;
          soft += weight * core[clamp(y + b, 0, h - 1) * w + clamp(x + a, 0, w - 1)];
        }
      }
      const k = 2 * ((y + y0) * width + x + x0);
      mask[k] = Math.round(255 * soft / sum);
      mask[k + 1] = Math.round(255 * inside[y * w + x]);
      if (inside[y * w + x] > 0.9) bright.push(grey(x + x0, y + y0));
    }
  }
  let skin = 0, count = 0;
  for (let y = 0; y < height; y += 4) for (let x = 0; x < width; x += 4) { skin += grey(x, y); count++; }
  const sorted = bright.sort((a, b) => a - b), half = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  if (!sorted.length || median <= 0.75 * skin / count) return { mask, bite: biteM };
  const f = fit.scale / (1 - teeth[2] / camera), origin = [teeth[0] * f + fit.shift[0], -teeth[1] * f + fit.shift[1]], edge = low[low.length >> 1];
  return { mask, bite: clamp(((edge[0] - origin[0]) * down[0] + (edge[1] - origin[1]) * down[1]) / f, 0.001, 0.012) };
}

/** Brightness (3,) of a white surface near the mouth, from the cheeks' colour. */
function lightOnCheeks({ assets: { constants }, cheeks, texture: { data, width, height } }) {
  const skin = constants.skin, at = cheeks.map(([x, y]) => 4 * (clamp(Math.round(y), 0, height - 1) * width + clamp(Math.round(x), 0, width - 1)));
  const cheek = [0, 1, 2].map((c) => { const v = at.map((k) => data[k + c]).sort((a, b) => a - b), m = v.length >> 1; return (v.length % 2 ? v[m] : (v[m - 1] + v[m]) / 2) / 255; });
  const mean = (v) => (v[0] + v[1] + v[2]) / 3, grey = mean(cheek) / mean(skin);
  return cheek.map((v, c) => clamp(0.55 + 0.45 * grey, 0.35, 1) * Math.sqrt(clamp(v / Math.max(mean(cheek), 1e-3) / (skin[c] / mean(skin)), 0.8, 1.2)));
}

/** The texture with each open eye's colours continued outwards, for lids that open wider; and the eyes' boxes. */
function eyeballs(texture, restXy, parts) {
  const data = Uint8ClampedArray.from(texture.data), { width } = texture, boxes = {};
  for (const name of EYES) {
    const up = pointsAt(restXy, parts[name].up), low = pointsAt(restXy, parts[name].low);
    const box = boxes[name] = boxAround([...up, ...low], Math.floor(Math.max(4, 0.7 * Math.max(...parts[name].gap))), texture), [x0, y0, w, h] = box;
    if (w < 3 || h < 3) continue;
    const inside = coverage(up, low, box), core = eroded(inside, w, h, 0), filled = new Float32Array(3 * w * h), done = core.map((v) => (v > 0.95 ? 1 : 0));
    if (!done.some(Boolean)) continue;
    const index = (i) => 4 * ((Math.floor(i / w) + y0) * width + (i % w) + x0);
    done.forEach((d, i) => { if (d) for (let c = 0; c < 3; c++) filled[3 * i + c] = texture.data[index(i) + c]; });
    for (let ring = [0]; ring.length;) {                       // pixels take the mean of their neighbours, ring by ring
      ring = [...done.keys()].filter((i) => !done[i] && around(i, w, h).some((j) => done[j]));
      const means = ring.map((i) => { const known = around(i, w, h).filter((j) => done[j]); return [0, 1, 2].map((c) => known.reduce((s, j) => s + filled[3 * j + c], 0) / known.length); });
      ring.forEach((i, k) => { done[i] = 1; filled.set(means[k], 3 * i); });
    }
    for (let i = 0; i < w * h; i++) for (let c = 0; c < 3; c++) data[index(i) + c] = texture.data[index(i) + c] * inside[i] + filled[3 * i + c] * (1 - inside[i]);
  }
  return { data, boxes };
}

function around(i, w, h) {
  const x = i % w, y = (i - x) / w, out = [];
  for (let b = Math.max(0, y - 1); b <= Math.min(h - 1, y + 1); b++) for (let a = Math.max(0, x - 1); a <= Math.min(w - 1, x + 1); a++) if (a !== x || b !== y) out.push(b * w + a);
  return out;
}

/** Centre and radius of an iris in px, and the px by which each coefficient moves it. */
function irisOf({ assets: { arrays, constants }, fit, restXy }, part, landmark) {
  const mean = (chain) => [0, 1].map((c) => [...chain].reduce((sum, i) => sum + restXy[2 * i + c], 0) / chain.length);
  const [a, b] = [mean(part.up), mean(part.low)], n = arrays.mean.shape[0];
  const gaze = constants.expression.map((name, e) => {
    if (!name.startsWith("eyeLook")) return [0, 0];
    const move = turn(fit.rotation, arrays.expression.data.subarray(3 * (e * n + landmark), 3 * (e * n + landmark) + 3));
    return [move[0] * fit.scale, -move[1] * fit.scale];
  });
  return { centre: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], radius: 0.0065 * fit.scale, gaze };
}
