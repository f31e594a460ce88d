// Random numbers from a seed: the same seed, the same performance, in every browser.

/** A function that gives uniform numbers in [0, 1).  parts: whole numbers (sfc32, seeded by a hash of them). */
export function uniform(...parts) {
  let h = 0x9e3779b9;
  const next = (v) => {
    h = Math.imul(h ^ v, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    return h | 0;
  };
  for (const part of parts) next(part + 1);
  let [a, b, c, d] = [next(1), next(2), next(3), 1];
  const step = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let k = 0; k < 12; k++) step();
  return step;
}

/** One number of N(0, 1) (Box & Muller 1958). */
export const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** One number of the gamma distribution with a whole shape and a scale. */
export const gamma = (random, shape, scale) => {
  let sum = 0;
  for (let k = 0; k < shape; k++) sum -= Math.log(1 - random());
  return sum * scale;
};

/** n numbers of N(0, 1). */
export function noise(n, ...parts) {
  const random = uniform(46, ...parts);
  return Float32Array.from({ length: n }, () => normal(random));
}
