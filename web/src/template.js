// The flat mesh that carries a portrait's pixels, as tfg/head/template.py: landmarks, lips and lids, and a grid around.

import Delaunator from "delaunator";
import { area } from "./geometry.js";
import { Sparse } from "./linear.js";

/** The template of the shipped head: sparse rows of landmark weights, layout (L * 2) metres, edges of the openings. */
export function loadTemplate({ arrays, constants }) {
  const layout = Float64Array.from(arrays.template_layout.data),
    size = layout.length / 2;
  const upper = {},
    lower = {};
  for (const name of constants.template.openings) {
    upper[name] = arrays[`upper_${name}`].data;
    lower[name] = arrays[`lower_${name}`].data;
  }
  const { template_rows: rows, template_columns: columns, template_weights: weights } = arrays;
  /** Weighted sums of landmarks (478 * k numbers): (L * k). */
  const at = (values, k) => {
    const out = new Float64Array(size * k);
    for (let e = 0; e < rows.data.length; e++) {
      for (let c = 0; c < k; c++) out[rows.data[e] * k + c] += weights.data[e] * values[columns.data[e] * k + c];
    }
    return out;
  };
  /** Vertices that are exactly one of these landmarks. */
  const vertices = (landmarks) =>
    landmarks.flatMap((i) =>
      [...rows.data.keys()].filter((e) => columns.data[e] === i && weights.data[e] === 1).map((e) => rows.data[e]),
    );
  /** Sum of the weights of some landmarks at each vertex, (L,). */
  const share = (landmarks) => {
    const wanted = new Set(landmarks),
      out = new Float64Array(size);
    for (let e = 0; e < rows.data.length; e++) if (wanted.has(columns.data[e])) out[rows.data[e]] += weights.data[e];
    return out;
  };
  return { names: constants.template.openings, layout, size, upper, lower, at, vertices, share };
}

/**
 * Fill the picture's frame around the landmarks with a grid, and triangulate all vertices.
 * @param {object} template  @param {number[][]} frame four corners (2,) on the template's plane, in order around.
 * @param {number} step of the grid, metres.
 * @returns {{layout: Float64Array, tri: Int32Array, border: Uint8Array}} as `tfg.head.template.triangulate`.
 */
export function triangulate(template, frame, step) {
  const [p, q, , s] = frame,
    a = [q[0] - p[0], q[1] - p[1]],
    b = [s[0] - p[0], s[1] - p[1]];
  const nu = Math.max(Math.ceil(Math.hypot(...a) / step), 8),
    nv = Math.max(Math.ceil(Math.hypot(...b) / step), 8);
  const polygons = template.names.map((name) => outline(template, name));
  const xy = [...template.layout],
    rims = new Array(template.size).fill(0);
  for (let j = 0; j <= nv; j++) {
    for (let i = 0; i <= nu; i++) {
      const x = p[0] + (i / nu) * a[0] + (j / nv) * b[0],
        y = p[1] + (i / nu) * a[1] + (j / nv) * b[1];
      const rim = i === 0 || j === 0 || i === nu || j === nv;
      if (!rim && (nearest(template.layout, x, y) <= 0.55 * step || polygons.some((polygon) => inside(x, y, polygon))))
        continue;
      xy.push(x, y);
      rims.push(rim ? 1 : 0);
    }
  }
  const layout = Float64Array.from(xy),
    found = new Delaunator(layout).triangles,
    tri = [];
  const edges = template.names.map((name) => new Set([...template.upper[name], ...template.lower[name]]));
  for (let t = 0; t < found.length; t += 3) {
    const [i, j, k] = found.subarray(t, t + 3);
    const x = (layout[2 * i] + layout[2 * j] + layout[2 * k]) / 3,
      y = (layout[2 * i + 1] + layout[2 * j + 1] + layout[2 * k + 1]) / 3;
    if (polygons.some((polygon, o) => edges[o].has(i) && edges[o].has(j) && edges[o].has(k) && inside(x, y, polygon)))
      continue;
    const size = area(layout, found, t / 3);
    if (Math.abs(size) > 1e-10) tri.push(i, ...(size < 0 ? [k, j] : [j, k]));
  }
  return { layout, tri: Int32Array.from(tri), border: Uint8Array.from(rims) };
}

function nearest(points, x, y) {
  let best = Infinity;
  for (let i = 0; i < points.length; i += 2) best = Math.min(best, (points[i] - x) ** 2 + (points[i + 1] - y) ** 2);
  return Math.sqrt(best);
}

/** Outline of an opening, [[x, y], ...]: along its upper edge and back along the lower one. */
function outline({ layout, upper, lower }, name) {
  return [...upper[name], ...[...lower[name]].slice(1, -1).reverse()].map((i) => [layout[2 * i], layout[2 * i + 1]]);
}

function inside(x, y, polygon) {
  let crossings = 0;
  polygon.forEach(([ax, ay], k) => {
    const [bx, by] = polygon[(k + 1) % polygon.length];
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) crossings++;
  });
  return crossings % 2 === 1;
}

/** Cotangent Laplacian of a flat mesh (Pinkall & Polthier 1993), off-diagonals clipped to be negative. */
export function cotangentLaplacian(layout, tri) {
  const n = layout.length / 2,
    weights = new Map();
  for (let t = 0; t < tri.length; t += 3) {
    for (let k = 0; k < 3; k++) {
      const i = tri[t + k],
        j = tri[t + ((k + 1) % 3)],
        o = tri[t + ((k + 2) % 3)];
      const px = layout[2 * i] - layout[2 * o],
        py = layout[2 * i + 1] - layout[2 * o + 1];
      const qx = layout[2 * j] - layout[2 * o],
        qy = layout[2 * j + 1] - layout[2 * o + 1];
      const key = Math.min(i, j) * n + Math.max(i, j);
      weights.set(key, (weights.get(key) || 0) + (px * qx + py * qy) / (Math.abs(px * qy - py * qx) + 1e-12) / 2);
    }
  }
  const edges = new Map([...weights].map(([key, w]) => [key, -Math.max(w, 1e-4)]));
  const out = new Sparse(n, edges);
  for (let i = 0; i < n; i++) {
    for (let e = out.start[i]; e < out.start[i + 1]; e++) out.diag[i] -= out.value[e];
  }
  return out;
}
