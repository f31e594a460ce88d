// What is seen through a portrait's openings: the photo's own mouth, its light, and the eyeballs without their lids.

import { boxAround, coverage, pointsAt } from "./edges.js";
import { clamp, turn } from "./geometry.js";

export const EYES = ["eye_right", "eye_left"];

/** The least of each pixel's neighbours, `dx` to the sides and 1 up and down. */
function eroded(values, w, h, dx) {
  return values.map((_, i) => {
    const x = i % w,
      y = (i - x) / w;
    let least = Infinity;
    for (let b = Math.max(0, y - 1); b <= Math.min(h - 1, y + 1); b++)
      for (let a = Math.max(0, x - dx); a <= Math.min(w - 1, x + dx); a++) least = Math.min(least, values[b * w + a]);
    return least;
  });
}

/** Masks of the photo's own inside of the mouth: red eroded, green whole; and metres down to the upper biting edge. */
export function photoMouth(texture, restXy, mouth, fit, teeth, down, biteM, camera) {
  const { width, height, data } = texture,
    mask = new Uint8Array(2 * width * height);
  const up = pointsAt(restXy, mouth.up),
    low = pointsAt(restXy, mouth.low),
    box = boxAround([...up, ...low], 2, texture),
    [x0, y0, w, h] = box;
  if (w < 2 || h < 2 || Math.max(...mouth.gap) < 0.03 * 0.09 * fit.scale) return { mask, bite: biteM };
  const inside = coverage(up, low, box),
    core = eroded(inside, w, h, 1),
    bright = [];
  const grey = (x, y) => {
    const k = 4 * (y * width + x);
    return (data[k] + data[k + 1] + data[k + 2]) / 3;
  };
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let soft = 0,
        sum = 0;
      for (let b = -3; b <= 3; b++) {
        for (let a = -3; a <= 3; a++) {
          const weight = Math.exp(-(a * a + b * b) / (2 * 0.8 ** 2));
          sum += weight;
          soft += weight * core[clamp(y + b, 0, h - 1) * w + clamp(x + a, 0, w - 1)];
        }
      }
      const k = 2 * ((y + y0) * width + x + x0);
      mask[k] = Math.round((255 * soft) / sum);
      mask[k + 1] = Math.round(255 * inside[y * w + x]);
      if (inside[y * w + x] > 0.9) bright.push(grey(x + x0, y + y0));
    }
  }
  let skin = 0,
    count = 0;
  for (let y = 0; y < height; y += 4)
    for (let x = 0; x < width; x += 4) {
      skin += grey(x, y);
      count++;
    }
  const sorted = bright.sort((a, b) => a - b),
    half = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  if (!sorted.length || median <= (0.75 * skin) / count) return { mask, bite: biteM };
  const f = fit.scale / (1 - teeth[2] / camera),
    origin = [teeth[0] * f + fit.shift[0], -teeth[1] * f + fit.shift[1]],
    edge = low[low.length >> 1];
  return { mask, bite: clamp(((edge[0] - origin[0]) * down[0] + (edge[1] - origin[1]) * down[1]) / f, 0.001, 0.012) };
}

/** Brightness (3,) of a white surface near the mouth, from the cheeks' colour. */
export function lightOnCheeks({ assets: { constants }, cheeks, texture: { data, width, height } }) {
  const skin = constants.skin,
    at = cheeks.map(([x, y]) => 4 * (clamp(Math.round(y), 0, height - 1) * width + clamp(Math.round(x), 0, width - 1)));
  const cheek = [0, 1, 2].map((c) => {
    const v = at.map((k) => data[k + c]).sort((a, b) => a - b),
      m = v.length >> 1;
    return (v.length % 2 ? v[m] : (v[m - 1] + v[m]) / 2) / 255;
  });
  const mean = (v) => (v[0] + v[1] + v[2]) / 3,
    grey = mean(cheek) / mean(skin);
  return cheek.map(
    (v, c) =>
      clamp(0.55 + 0.45 * grey, 0.35, 1) *
      Math.sqrt(clamp(v / Math.max(mean(cheek), 1e-3) / (skin[c] / mean(skin)), 0.8, 1.2)),
  );
}

/** The texture with each open eye's colours continued outwards, for lids that open wider; and the eyes' boxes. */
export function eyeballs(texture, restXy, parts) {
  const data = Uint8ClampedArray.from(texture.data),
    { width } = texture,
    boxes = {};
  for (const name of EYES) {
    const up = pointsAt(restXy, parts[name].up),
      low = pointsAt(restXy, parts[name].low);
    const box = (boxes[name] = boxAround(
        [...up, ...low],
        Math.floor(Math.max(4, 0.7 * Math.max(...parts[name].gap))),
        texture,
      )),
      [x0, y0, w, h] = box;
    if (w < 3 || h < 3) continue;
    const inside = coverage(up, low, box),
      core = eroded(inside, w, h, 0),
      filled = new Float32Array(3 * w * h),
      done = core.map((v) => (v > 0.95 ? 1 : 0));
    if (!done.some(Boolean)) continue;
    const index = (i) => 4 * ((Math.floor(i / w) + y0) * width + (i % w) + x0);
    done.forEach((d, i) => {
      if (d) for (let c = 0; c < 3; c++) filled[3 * i + c] = texture.data[index(i) + c];
    });
    for (let ring = [0]; ring.length;) {
      // pixels take the mean of their neighbours, ring by ring
      ring = [...done.keys()].filter((i) => !done[i] && around(i, w, h).some((j) => done[j]));
      const means = ring.map((i) => {
        const known = around(i, w, h).filter((j) => done[j]);
        return [0, 1, 2].map((c) => known.reduce((s, j) => s + filled[3 * j + c], 0) / known.length);
      });
      ring.forEach((i, k) => {
        done[i] = 1;
        filled.set(means[k], 3 * i);
      });
    }
    for (let i = 0; i < w * h; i++)
      for (let c = 0; c < 3; c++)
        data[index(i) + c] = texture.data[index(i) + c] * inside[i] + filled[3 * i + c] * (1 - inside[i]);
  }
  return { data, boxes };
}

function around(i, w, h) {
  const x = i % w,
    y = (i - x) / w,
    out = [];
  for (let b = Math.max(0, y - 1); b <= Math.min(h - 1, y + 1); b++)
    for (let a = Math.max(0, x - 1); a <= Math.min(w - 1, x + 1); a++) if (a !== x || b !== y) out.push(b * w + a);
  return out;
}

/** Centre and radius of an iris in px, and the px by which each coefficient moves it. */
export function irisOf({ assets: { arrays, constants }, fit, restXy }, part, landmark) {
  const mean = (chain) => [0, 1].map((c) => [...chain].reduce((sum, i) => sum + restXy[2 * i + c], 0) / chain.length);
  const [a, b] = [mean(part.up), mean(part.low)],
    n = arrays.mean.shape[0];
  const gaze = constants.expression.map((name, e) => {
    if (!name.startsWith("eyeLook")) return [0, 0];
    const move = turn(
      fit.rotation,
      arrays.expression.data.subarray(3 * (e * n + landmark), 3 * (e * n + landmark) + 3),
    );
    return [move[0] * fit.scale, -move[1] * fit.scale];
  });
  return { centre: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], radius: 0.0065 * fit.scale, gaze };
}
