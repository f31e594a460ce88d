// Mouth and eyes as openings of a portrait's mesh, as tfg/head/openings.py: their gaps, and what corrects them.

import { clamp, toPixels, turn } from "./geometry.js";
import { eyeballs, EYES, irisOf, lightOnCheeks, photoMouth } from "./interiors.js";
import { extend } from "./linear.js";

/**
 * Measure the openings on the photo and prepare their corrections.
 * @param {object} made what `portrait.js` has by then: assets, fit, template, mesh, lap, restXy, texture, moves, gain,
 *   restExpression, headAt (function: expression -> camera points of the template's vertices).
 */
export function buildOpenings(made) {
  const {
    assets: { arrays, constants },
    fit,
    template,
    mesh,
    lap,
    restXy,
    texture,
    moves,
    gain,
    restExpression,
    headAt,
  } = made;
  const { openings: numbers } = constants,
    { camera_m: camera } = constants.model,
    E = gain.length;
  const r = fit.rotation,
    length = Math.hypot(r[1], r[4]),
    down = [-r[1] / length, r[4] / length];
  const gapsOf = (up, low, expression) => {
    const xy = toPixels(headAt(expression), fit.scale, fit.shift, camera);
    return [...up].map(
      (u, k) => (xy[2 * low[k]] - xy[2 * u]) * down[0] + (xy[2 * low[k] + 1] - xy[2 * u + 1]) * down[1],
    );
  };
  const parts = {};
  for (const name of template.names) {
    const up = template.upper[name],
      low = template.lower[name],
      closed = new Float64Array(E);
    if (numbers.blink[name]) closed[constants.expression.indexOf(numbers.blink[name])] = 1;
    const open = gapsOf(
        up,
        low,
        restExpression.map((v, k) => v * gain[k]),
      ),
      shut = gapsOf(up, low, closed);
    const gap = [...up].map((u, k) =>
      Math.max(
        0,
        (restXy[2 * low[k]] - restXy[2 * u]) * down[0] + (restXy[2 * low[k] + 1] - restXy[2 * u + 1]) * down[1],
      ),
    );
    const grow = moves.map((move, e) =>
      [...up].map(
        (u, k) =>
          ((move[3 * low[k]] - move[3 * u]) * down[0] - (move[3 * low[k] + 1] - move[3 * u + 1]) * down[1]) *
          fit.scale *
          gain[e],
      ),
    );
    const spreads = EYES.includes(name)
      ? [
          lidSpread(mesh.layout, up, low, numbers.lid_m, {
            points: template.vertices(numbers.brows).map((i) => [mesh.layout[2 * i], mesh.layout[2 * i + 1]]),
            reach: numbers.brow_m,
          }),
          lidSpread(mesh.layout, low, up, numbers.lower_lid_m, null),
        ]
      : lipSpreads(mesh, lap, up, low, numbers.spread_m);
    parts[name] = {
      up,
      low,
      gap,
      model: open.map((v, k) => v - shut[k]),
      actions: grow,
      share: numbers.upper_share[name],
      spreadUpper: spreads[0],
      spreadLower: spreads[1],
    };
  }
  const lips = headAt(new Float64Array(E)),
    middle = template.upper.mouth.length >> 1;
  const [a, b] = [template.upper.mouth[middle], template.lower.mouth[middle]];
  const back = turn(r, [0, 0, -0.004]),
    q = [0, 1, 2].map((c) => (lips[3 * a + c] + lips[3 * b + c]) / 2 + back[c]);
  const fitted = toPixels(headAt(fit.expression), fit.scale, fit.shift, camera),
    corners = [parts.mouth.up[0], parts.mouth.up.at(-1)];
  const miss = [0, 1].map((c) => corners.reduce((sum, i) => sum + (restXy[2 * i + c] - fitted[2 * i + c]) / 2, 0));
  const f = fit.scale / (1 - q[2] / camera),
    teeth = [q[0] + miss[0] / f, q[1] - miss[1] / f, q[2]];
  const jaw = Array.from({ length: E }, (_, e) => turn(r, arrays.jaw.data.subarray(3 * e, 3 * e + 3)));
  const { mask, bite } = photoMouth(texture, restXy, parts.mouth, fit, teeth, down, numbers.bite_m, camera);
  return {
    parts,
    down,
    teeth,
    jaw,
    bite,
    axes: [
      [r[0], r[3], r[6]],
      [-r[1], -r[4], -r[7]],
    ],
    mask,
    light: lightOnCheeks(made),
    eyes: eyeballs(texture, restXy, parts),
    iris: Object.fromEntries(EYES.map((name) => [name, irisOf(made, parts[name], numbers.iris[name])])),
  };
}

/** Correct camera points q (N * 3), in place, so that closed lips meet and a blink shuts the eye. */
export function closeGaps(openings, q, expression, { fit, restExpression, numbers, camera }) {
  const { down } = openings,
    N = q.length / 3,
    move = new Float64Array(N);
  let away = 0;
  for (const k of numbers.mouth_actions) away += Math.abs(expression[k] - restExpression[k]);
  for (const [name, o] of Object.entries(openings.parts)) {
    const P = o.up.length,
      now = new Float64Array(P),
      model = new Float64Array(P),
      step = new Float64Array(P);
    for (let k = 1; k < P - 1; k++) {
      const u = 3 * o.up[k],
        l = 3 * o.low[k],
        fu = fit.scale / (1 - q[u + 2] / camera),
        fl = fit.scale / (1 - q[l + 2] / camera);
      now[k] = (q[l] * fl - q[u] * fu) * down[0] + (-q[l + 1] * fl + q[u + 1] * fu) * down[1];
    }
    for (let k = 0; k < P; k++) model[k] = o.model[k] + (name === "mouth" ? now[k] - o.gap[k] : 0);
    if (name === "mouth") {
      const keep = Math.max(0, 1 - away / numbers.forget);
      for (let k = 0; k < P; k++)
        step[k] = Math.max(0, Math.max(model[k], 0) + (o.gap[k] - Math.max(o.model[k], 0)) * keep) - now[k];
    } else {
      for (let e = 0; e < expression.length; e++) {
        const d = expression[e] - restExpression[e];
        if (d) for (let k = 0; k < P; k++) model[k] += d * o.actions[e][k];
      }
      let part = 0,
        rest = 0;
      for (let k = 0; k < P; k++) {
        part += Math.max(model[k], 0) / P;
        rest += Math.max(o.model[k], 0) / P;
      }
      const pad = Math.max(0, numbers.lid_pad_m * fit.scale - rest),
        factor = clamp((part + pad) / (rest + pad), 0, 1.6);
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
  const vertex = [],
    column = [],
    value = [];
  columns.forEach((c, k) =>
    c.forEach((v, i) => {
      if (Math.abs(v) > 1e-6) {
        vertex.push(i);
        column.push(k);
        value.push(v);
      }
    }),
  );
  return { vertex: Int32Array.from(vertex), column: Int32Array.from(column), value: Float32Array.from(value) };
}

/** Shares by which the skin follows the lips' edges, fading over `reach` metres. */
function lipSpreads({ layout, tri, border }, lap, up, low, reach) {
  const N = border.length,
    screen = new Float64Array(N),
    known = Uint8Array.from(border);
  for (let t = 0; t < tri.length; t += 3) {
    const [a, b, c] = [2 * tri[t], 2 * tri[t + 1], 2 * tri[t + 2]];
    const size =
      Math.abs(
        (layout[b] - layout[a]) * (layout[c + 1] - layout[a + 1]) -
          (layout[b + 1] - layout[a + 1]) * (layout[c] - layout[a]),
      ) / 6;
    for (let k = 0; k < 3; k++) screen[tri[t + k]] += size / reach ** 2;
  }
  for (const i of [...up, ...low]) known[i] = 1;
  const sides = [up, low].map((chain) =>
    [...chain].map((i, k) => {
      const column = new Float64Array(N);
      if (k > 0 && k < chain.length - 1) column[i] = 1;
      return column;
    }),
  );
  extend(lap, known, sides.flat(), screen);
  return sides.map(sparse);
}

/** Share by which each vertex of the skin follows each vertex of a lid's edge. */
function lidSpread(layout, chain, other, [full, none], brow) {
  const N = layout.length / 2,
    P = chain.length,
    columns = Array.from({ length: P }, () => new Float64Array(N));
  const at = (i) => [layout[2 * i], layout[2 * i + 1]],
    edge = [...chain].map(at),
    opposite = [...other].map(at);
  const along = [edge[P - 1][0] - edge[0][0], edge[P - 1][1] - edge[0][1]],
    square = along[0] ** 2 + along[1] ** 2;
  const far = (points, x, y) => points.map(([px, py]) => Math.hypot(px - x, py - y));
  for (let i = 0; i < N; i++) {
    const [x, y] = at(i),
      away = far(edge, x, y),
      near = Math.min(...away);
    if (near > none || near > Math.min(...far(opposite, x, y)) + 1e-9) continue;
    let t = clamp((none - near) / (none - full), 0, 1);
    if (brow) {
      const gaps = far(brow.points, x, y),
        least = Math.min(...gaps),
        free = Math.max(least - brow.reach, 0);
      t = y > brow.points[gaps.indexOf(least)][1] ? 0 : Math.min(t, clamp((1.7 * free) / (free + near + 1e-9), 0, 1));
    }
    const kernel = away.map(
      (d, k) =>
        (Math.exp(-(((d - near) / 0.0012) ** 2)) * Math.exp(-0.5 * (d / 0.006) ** 2) + 1e-30) *
        (k % (P - 1) ? 1 : 1e-3),
    );
    const u = ((x - edge[0][0]) * along[0] + (y - edge[0][1]) * along[1]) / square;
    const fade = (t * t * (3 - 2 * t) * clamp(Math.min(u, 1 - u) / 0.12 + 1, 0, 1)) / kernel.reduce((a, b) => a + b, 0);
    kernel.forEach((v, k) => {
      columns[k][i] = v * fade;
    });
  }
  for (let k = 0; k < P; k++)
    columns.forEach((column, l) => {
      column[chain[k]] = k === l ? 1 : 0;
    });
  for (let k = 1; k < P - 1; k++) for (const column of columns) column[other[k]] = 0;
  return sparse(columns);
}
