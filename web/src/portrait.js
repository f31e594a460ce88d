// A photo that plays expressions and poses, as tfg/head/portrait.py; the pixels are drawn by draw.js.

import { columns } from "./assets.js";
import { fitLandmarks } from "./fit.js";
import { frame, sideOf } from "./framing.js";
import { clamp, rotation, turn } from "./geometry.js";
import { extend } from "./linear.js";
import * as placing from "./mesh.js";
import { buildOpenings, closeGaps } from "./openings.js";
import { depth, unproject } from "./surface.js";
import { cotangentLaplacian, loadTemplate, triangulate } from "./template.js";

/** Sides of the output in px: what suits the photo, between these. */
export const LEAST_PX = 256,
  MOST_PX = 512;
const KEEP_MOST = 0.35;

/**
 * Make a portrait.
 * @param {object} assets  @param {{data: Uint8ClampedArray, width: number, height: number}} photo
 * @param {{points: Float64Array, blendshapes: Float32Array}} face its landmarks (478 * 3) px, coefficients (52,).
 * @param {number|null} size side of the output in px, even; null: what suits the photo.
 */
export function makePortrait(assets, photo, face, size = null) {
  const { arrays, constants } = assets,
    { camera_m: camera } = constants.model,
    E = constants.expression.length;
  const wanted = size ?? clamp(2 * Math.round(sideOf(photo, face.points, constants.framing) / 2), LEAST_PX, MOST_PX);
  const { texture, window, points, beyond } = frame(photo, face.points, wanted, constants.framing);
  const fit = fitLandmarks(assets, points, face.blendshapes),
    template = loadTemplate(assets);
  const restExpression = Float64Array.from(fit.expression);
  for (const k of columns(constants.expression, "mouthSmile"))
    restExpression[k] = Math.max(restExpression[k], face.blendshapes[k] || 0);
  const flat = new Float64Array(2 * 478);
  for (let i = 0; i < 478; i++) {
    flat[2 * i] = points[3 * i];
    flat[2 * i + 1] = points[3 * i + 1];
  }
  let rest = placing.snapClosedLips(texture, template.at(flat, 2), template, fit.scale, constants.mesh.closed_m);
  rest = placing.openEdges(rest, template, fit.scale, constants.mesh);
  const mesh = triangulate(template, placing.frameOnLayout(template, rest, texture), constants.template.grid_m);
  const lap = cotangentLaplacian(mesh.layout, mesh.tri),
    N = mesh.border.length,
    n = template.size;
  const restXy = placing.restPositions(template, rest, mesh, lap, texture);
  const landmarksAt = (expression) => {
    const v = Float64Array.from(arrays.mean.data);
    fit.identity.forEach((amount, k) => {
      for (let i = 0; i < v.length; i++) v[i] += amount * arrays.identity.data[k * v.length + i];
    });
    expression.forEach((amount, k) => {
      if (amount) for (let i = 0; i < v.length; i++) v[i] += amount * arrays.expression.data[k * v.length + i];
    });
    return turn(fit.rotation, v);
  };
  const z = depth(
    assets,
    fit,
    template,
    mesh,
    lap,
    restXy,
    landmarksAt(fit.expression).filter((_, i) => i % 3 === 2),
  );
  const moves = Array.from({ length: E }, (_, e) =>
    template.at(turn(fit.rotation, arrays.expression.data.subarray(3 * 478 * e, 3 * 478 * (e + 1))), 3),
  );
  const known = Uint8Array.from(mesh.border).fill(1, 0, n),
    gain = Float64Array.from(constants.gain);
  const spread = Array.from({ length: 3 * E }, (_, k) => {
    const column = new Float64Array(N);
    for (let i = 0; i < n; i++) column[i] = moves[Math.floor(k / 3)][3 * i + (k % 3)];
    return column;
  });
  extend(lap, known, spread);
  const cheeks = placing.pointsOf(landmarksAt(fit.expression), constants.openings.cheeks, fit, camera);
  const openings = buildOpenings({
    assets,
    fit,
    template,
    mesh,
    lap,
    restXy,
    texture,
    moves,
    gain,
    restExpression,
    cheeks,
    headAt: (e) => template.at(landmarksAt(e), 3),
  });
  for (const k of constants.lids) gain[k] = 0;
  const actions = Array.from({ length: E }, (_, e) => {
    const out = new Float32Array(3 * N);
    for (let i = 0; i < 3 * N; i++) out[i] = spread[3 * e + (i % 3)][Math.floor(i / 3)] * gain[e];
    return out;
  });
  const head = placing.headness(mesh, lap);
  const inward = placing.inward(template, fit, mesh, lap, restXy, texture, beyond, constants.mesh.edge_room_m);
  return new Portrait(constants, {
    fit,
    restExpression,
    texture,
    window,
    triangles: mesh.tri,
    border: mesh.border,
    restXy,
    restQ: unproject(restXy, z, fit, camera),
    actions,
    head,
    inward,
    openings,
  });
}

export class Portrait {
  constructor(constants, made) {
    this.constants = constants;
    Object.assign(this, made);
    const { model } = constants;
    this.camera = model.camera_m;
    this.pivot = turn(this.fit.rotation, model.neck);
  }

  /** Side of the output in px. */
  get size() {
    return this.window[2];
  }

  /** Coefficients to draw (52,) for an expression in which 0 is this person at rest; beyond 0..1 is clipped first. */
  personal(expression) {
    const keep = new Float32Array(expression.length);
    for (const k of this.constants.upper_face) keep[k] = Math.min(this.restExpression[k], KEEP_MOST);
    return keep.map((v, k) => v + (1 - v) * clamp(expression[k] || 0, 0, 1));
  }

  /** Camera points turned by a pose (6,) about the neck. */
  turned(q, pose) {
    const r = rotation(pose[0], pose[1], pose[2]),
      width = this.constants.model.head_width_m,
      [u, v, w] = this.pivot,
      out = new Float64Array(q.length);
    const move = [0, 1, 2].map((c) => this.pivot[c] + pose[3 + c] * width);
    for (let i = 0; i < q.length; i += 3) {
      const x = q[i] - u,
        y = q[i + 1] - v,
        z = q[i + 2] - w;
      for (let c = 0; c < 3; c++) out[i + c] = r[3 * c] * x + r[3 * c + 1] * y + r[3 * c + 2] * z + move[c];
    }
    return out;
  }

  /** Places (N * 2) px of the texture and depths (N,) of the mesh's vertices.  expression (52,), pose (6,). */
  vertices(expression, pose) {
    const { restQ, restExpression, fit } = this,
      q = Float64Array.from(restQ),
      N = q.length / 3;
    for (let e = 0; e < expression.length; e++) {
      const d = expression[e] - restExpression[e],
        a = this.actions[e];
      if (d) for (let i = 0; i < q.length; i++) q[i] += d * a[i];
    }
    closeGaps(this.openings, q, expression, {
      fit,
      restExpression,
      numbers: this.constants.openings,
      camera: this.camera,
    });
    const xy = new Float32Array(2 * N),
      depth = new Float32Array(N);
    this.project(q, xy, depth);
    if (pose.some(Boolean)) {
      const moved = new Float32Array(2 * N),
        near = new Float32Array(N);
      this.project(this.turned(q, pose), moved, near);
      for (let i = 0; i < 2 * N; i++) {
        const d = moved[i] - xy[i],
          inwards = this.inward && d * this.inward.signs[i] > 0;
        xy[i] += (inwards ? this.inward.stay : this.head)[i >> 1] * d;
      }
      for (let i = 0; i < N; i++) depth[i] += this.head[i] * (near[i] - depth[i]);
    }
    return { xy, depth };
  }

  /** Project camera points into xy and depth. */
  project(q, xy, depth) {
    const { scale, shift } = this.fit;
    for (let i = 0; i < depth.length; i++) {
      const f = scale / (1 - q[3 * i + 2] / this.camera);
      xy[2 * i] = q[3 * i] * f + shift[0];
      xy[2 * i + 1] = -q[3 * i + 1] * f + shift[1];
      depth[i] = -q[3 * i + 2];
    }
  }

  /** Pixel of a point on the teeth and the steps of a metre across and down the face, as tfg.head.paint.mouth_frames:
   * {origin (2,), inverse (4,) metres per px, step (4,) px per metre}.  offset: (3,) camera metres from the upper teeth. */
  teethFrame(offset, pose) {
    const { teeth, axes } = this.openings,
      base = teeth.map((v, c) => v + offset[c]),
      points = new Float64Array(9);
    for (let c = 0; c < 3; c++) {
      points[c] = base[c];
      points[3 + c] = base[c] + 0.01 * axes[0][c];
      points[6 + c] = base[c] + 0.01 * axes[1][c];
    }
    const xy = new Float32Array(6);
    this.project(pose ? this.turned(points, pose) : points, xy, new Float32Array(3));
    const step = [xy[2] - xy[0], xy[3] - xy[1], xy[4] - xy[0], xy[5] - xy[1]].map((v) => v * 100),
      det = step[0] * step[3] - step[1] * step[2];
    return { origin: [xy[0], xy[1]], step, inverse: [step[3] / det, -step[1] / det, -step[2] / det, step[0] / det] };
  }
}
