// How far each vertex of a portrait's mesh is from the camera, as tfg/head/mesh.py's `depth`.

import { area, clamp, rotation, toPixels, turn } from "./geometry.js";
import { Factored } from "./linear.js";

/** Camera points (N * 3) of pixels xy (N * 2) and heights z (N,). */
export function unproject(xy, z, { scale, shift }, camera) {
  const out = new Float64Array(3 * z.length);
  for (let i = 0; i < z.length; i++) {
    const f = (1 - z[i] / camera) / scale;
    out[3 * i] = (xy[2 * i] - shift[0]) * f;
    out[3 * i + 1] = -(xy[2 * i + 1] - shift[1]) * f;
    out[3 * i + 2] = z[i];
  }
  return out;
}

/** Height of each vertex towards the camera, (N,) metres: a smooth surface near the head's, without folds when turned. */
export function depth({ arrays, constants }, fit, template, { layout, tri, border }, lap, restXy, landmarkZ) {
  const N = border.length,
    n = template.size,
    { camera_m: camera, neck } = constants.model;
  const value = new Float64Array(N).fill(-0.095),
    weight = new Float64Array(N);
  const oval = template.share(constants.fit.face_oval),
    z = template.at(landmarkZ, 1);
  let chin = Infinity;
  for (let i = 0; i < n; i++) {
    value[i] = z[i];
    weight[i] = oval[i] > 0.5 ? 0.3 : 4;
    chin = Math.min(chin, layout[2 * i + 1]);
  }
  const surface = skinDepth(arrays, fit, restXy, camera);
  for (let i = n; i < N; i++) {
    const height = surface(restXy[2 * i], restXy[2 * i + 1]),
      seen = height !== null && layout[2 * i + 1] > chin - 0.01;
    if (seen) {
      value[i] = Math.max(height, -0.11);
      weight[i] = 0.25;
    }
    if (border[i]) {
      weight[i] = 0.5;
      if (!seen) value[i] = -0.1;
    }
  }
  const turns = constants.mesh.turns.map((pose) => rotation(...pose)),
    pivot = turn(fit.rotation, neck);
  const free = new Uint8Array(N).fill(1);
  let out;
  for (let round = 0; round < 8; round++) {
    out = new Factored(
      lap,
      free,
      weight.map((w) => w + 1e-6),
    ).solve(weight.map((w, i) => w * value[i]));
    const q = unproject(restXy, out, fit, camera).map((v, i) => v - pivot[i % 3]);
    const loose = new Uint8Array(N);
    let folded = false;
    for (const r of turns) {
      const at = toPixels(
        turn(r, q).map((v, i) => v + pivot[i % 3]),
        fit.scale,
        fit.shift,
        camera,
      );
      for (let t = 0; t < tri.length / 3; t++) {
        if (area(at, tri, t) > 0.08 * area(restXy, tri, t)) {
          folded = true;
          for (let k = 0; k < 3; k++) loose[tri[3 * t + k]] = 1;
        }
      }
    }
    if (!folded) break;
    for (let ring = 0; ring < 2; ring++) {
      const was = Uint8Array.from(loose);
      for (let t = 0; t < tri.length; t += 3)
        if (was[tri[t]] || was[tri[t + 1]] || was[tri[t + 2]]) for (let k = 0; k < 3; k++) loose[tri[t + k]] = 1;
    }
    for (let i = 0; i < N; i++) if (loose[i]) weight[i] *= 0.3;
  }
  return out;
}

/** The height of the nearest skin of the fitted head at a pixel, or null where there is none. */
function skinDepth(arrays, fit, restXy, camera) {
  const v = Float64Array.from(arrays.skin_mean.data),
    basis = arrays.skin_identity.data,
    tri = arrays.skin_triangles.data;
  fit.identity.forEach((amount, k) => {
    const step = amount * arrays.skin_step.data[k];
    for (let i = 0; i < v.length; i++) v[i] += step * basis[k * v.length + i];
  });
  const q = turn(fit.rotation, v),
    xy = toPixels(q, fit.scale, fit.shift, camera);
  const w = 2 + Math.ceil(restXy.reduce((m, x, i) => (i % 2 ? m : Math.max(m, x)), 0)),
    h = 2 + Math.ceil(restXy.reduce((m, y, i) => (i % 2 ? Math.max(m, y) : m), 0));
  const near = new Float32Array(w * h).fill(-Infinity);
  for (let t = 0; t < tri.length; t += 3) {
    const [a, b, c] = [tri[t], tri[t + 1], tri[t + 2]];
    const x0 = xy[2 * a],
      y0 = xy[2 * a + 1],
      x1 = xy[2 * b],
      y1 = xy[2 * b + 1],
      x2 = xy[2 * c],
      y2 = xy[2 * c + 1];
    const size = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
    if (Math.abs(size) < 1e-9) continue;
    for (
      let y = Math.max(Math.ceil(Math.min(y0, y1, y2)), 0);
      y <= Math.min(Math.floor(Math.max(y0, y1, y2)), h - 1);
      y++
    ) {
      for (
        let x = Math.max(Math.ceil(Math.min(x0, x1, x2)), 0);
        x <= Math.min(Math.floor(Math.max(x0, x1, x2)), w - 1);
        x++
      ) {
        const u = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / size,
          s = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / size;
        if (u < -1e-6 || s < -1e-6 || 1 - u - s < -1e-6) continue;
        near[y * w + x] = Math.max(near[y * w + x], u * q[3 * a + 2] + s * q[3 * b + 2] + (1 - u - s) * q[3 * c + 2]);
      }
    }
  }
  return (x, y) => {
    const height = near[clamp(Math.round(y), 0, h - 1) * w + clamp(Math.round(x), 0, w - 1)];
    return height === -Infinity ? null : height;
  };
}
