// Turning and projecting points, as tfg/head/model.py: x to the right, y up, z towards the camera, metres.

/** Product of 3 x 3 matrices of 9 numbers, row by row. */
export function times(a, b) {
  const out = new Array(9).fill(0);
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) out[3 * i + j] += a[3 * i + k] * b[3 * k + j];
  return out;
}

/** Points (n * 3) turned: r p for each point p. */
export function turn(r, points) {
  const out = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i],
      y = points[i + 1],
      z = points[i + 2];
    out[i] = r[0] * x + r[1] * y + r[2] * z;
    out[i + 1] = r[3] * x + r[4] * y + r[5] * z;
    out[i + 2] = r[6] * x + r[7] * y + r[8] * z;
  }
  return out;
}

/** Rotation matrix of yaw, pitch, roll in degrees, with the signs of tfg.vocabulary.POSE. */
export function rotation(yaw, pitch, roll) {
  const [a, b, c] = [yaw, -pitch, -roll].map((v) => (v * Math.PI) / 180);
  const y = [Math.cos(a), 0, Math.sin(a), 0, 1, 0, -Math.sin(a), 0, Math.cos(a)];
  const x = [1, 0, 0, 0, Math.cos(b), -Math.sin(b), 0, Math.sin(b), Math.cos(b)];
  const z = [Math.cos(c), -Math.sin(c), 0, Math.sin(c), Math.cos(c), 0, 0, 0, 1];
  return times(y, times(x, z));
}

/** Pixels (n * 2) of camera points q (n * 3).  scale: px per metre at the eyes.  shift: (2,) pixel of the origin. */
export function toPixels(q, scale, shift, camera) {
  const n = q.length / 3,
    out = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const f = scale / (1 - q[3 * i + 2] / camera);
    out[2 * i] = q[3 * i] * f + shift[0];
    out[2 * i + 1] = -q[3 * i + 1] * f + shift[1];
  }
  return out;
}

export const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/** 3 x^2 - 2 x^3 between 0 and 1. */
export const smoothstep = (x) => {
  const t = clamp(x, 0, 1);
  return t * t * (3 - 2 * t);
};

/** Twice the signed area of triangle t; negative for front faces where y points down. */
export function area(xy, tri, t) {
  const a = 2 * tri[3 * t],
    b = 2 * tri[3 * t + 1],
    c = 2 * tri[3 * t + 2];
  return (xy[b] - xy[a]) * (xy[c + 1] - xy[a + 1]) - (xy[b + 1] - xy[a + 1]) * (xy[c] - xy[a]);
}
