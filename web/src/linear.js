// Small linear algebra: dense positive definite systems, and sparse ones of flat meshes.

/**
 * Solve A x = b for a symmetric positive definite A, by Cholesky.
 * @param {Float64Array} a (n * n), row by row; it is overwritten.  @param {Float64Array} b (n,).
 * @returns {Float64Array} x (n,).
 */
export function solveDense(a, b) {
  const n = b.length,
    x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / a[j * n + j];
    }
    let sum = x[i];
    for (let k = 0; k < i; k++) sum -= a[i * n + k] * x[k];
    x[i] = sum / a[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i];
    for (let k = i + 1; k < n; k++) sum -= a[k * n + i] * x[k];
    x[i] = sum / a[i * n + i];
  }
  return x;
}

/** Largest eigenvalue's vector of a symmetric 4 x 4 matrix (16 numbers), by Jacobi's rotations. */
export function topEigenvector4(m) {
  const a = Float64Array.from(m),
    v = new Float64Array(16);
  for (let k = 0; k < 4; k++) v[5 * k] = 1;
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < 3; p++) {
      for (let q = p + 1; q < 4; q++) {
        if (Math.abs(a[4 * p + q]) < 1e-300) continue;
        const theta = (a[5 * q] - a[5 * p]) / (2 * a[4 * p + q]);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1),
          s = t * c;
        for (let k = 0; k < 4; k++) [a[4 * k + p], a[4 * k + q]] = turned(a[4 * k + p], a[4 * k + q], c, s);
        for (let k = 0; k < 4; k++) [a[4 * p + k], a[4 * q + k]] = turned(a[4 * p + k], a[4 * q + k], c, s);
        for (let k = 0; k < 4; k++) [v[4 * k + p], v[4 * k + q]] = turned(v[4 * k + p], v[4 * k + q], c, s);
      }
    }
  }
  const top = [0, 1, 2, 3].reduce((best, k) => (a[5 * k] > a[5 * best] ? k : best), 0);
  return [0, 1, 2, 3].map((k) => v[4 * k + top]);
}

const turned = (x, y, c, s) => [c * x - s * y, s * x + c * y];

/**
 * A symmetric sparse matrix as lists of neighbours: row i has `diag[i]`, and value[k] in column[k] for
 * start[i] <= k < start[i + 1].
 */
export class Sparse {
  constructor(n, edges) {
    const count = new Int32Array(n + 1);
    for (const key of edges.keys()) {
      count[Math.floor(key / n) + 1]++;
      count[(key % n) + 1]++;
    }
    for (let i = 0; i < n; i++) count[i + 1] += count[i];
    this.n = n;
    this.start = count;
    this.column = new Int32Array(count[n]);
    this.value = new Float64Array(count[n]);
    this.diag = new Float64Array(n);
    const fill = Int32Array.from(count);
    for (const [key, value] of edges) {
      const i = Math.floor(key / n),
        j = key % n;
      this.column[fill[i]] = j;
      this.value[fill[i]++] = value;
      this.column[fill[j]] = i;
      this.value[fill[j]++] = value;
    }
  }
}

/**
 * Factor the rows and columns `free` of a sparse matrix with `more` (n,) added to its diagonal (envelope Cholesky,
 * after Cuthill & McKee 1969 numbered the rows).
 */
export class Factored {
  constructor(matrix, free, more) {
    const n = matrix.n;
    this.order = numbered(matrix, free);
    const m = this.order.length;
    this.place = new Int32Array(n).fill(-1);
    this.order.forEach((i, k) => {
      this.place[i] = k;
    });
    this.first = new Int32Array(m);
    this.at = new Int32Array(m + 1); // where row k begins, minus first[k]
    let total = 0;
    for (let k = 0; k < m; k++) {
      let low = k;
      const i = this.order[k];
      for (let e = matrix.start[i]; e < matrix.start[i + 1]; e++) {
        const j = this.place[matrix.column[e]];
        if (j >= 0 && j < low) low = j;
      }
      this.first[k] = low;
      this.at[k] = total - low;
      total += k - low + 1;
    }
    const low = (this.low = new Float64Array(total));
    for (let k = 0; k < m; k++) {
      const i = this.order[k],
        at = this.at[k];
      low[at + k] = matrix.diag[i] + more[i];
      for (let e = matrix.start[i]; e < matrix.start[i + 1]; e++) {
        const j = this.place[matrix.column[e]];
        if (j >= 0 && j < k) low[at + j] += matrix.value[e];
      }
      for (let j = this.first[k]; j <= k; j++) {
        const other = this.at[j];
        let sum = low[at + j];
        for (let l = Math.max(this.first[k], this.first[j]); l < j; l++) sum -= low[at + l] * low[other + l];
        low[at + j] = j < k ? sum / low[other + j] : Math.sqrt(Math.max(sum, 1e-300));
      }
    }
  }

  /** Solve in place for a right side (n,); entries that are not free keep their value. */
  solve(x) {
    const { order, first, at, low } = this,
      m = order.length,
      y = new Float64Array(m);
    for (let k = 0; k < m; k++) {
      let sum = x[order[k]];
      for (let j = first[k]; j < k; j++) sum -= low[at[k] + j] * y[j];
      y[k] = sum / low[at[k] + k];
    }
    for (let k = m - 1; k >= 0; k--) {
      y[k] /= low[at[k] + k];
      for (let j = first[k]; j < k; j++) y[j] -= low[at[k] + j] * y[k];
    }
    for (let k = 0; k < m; k++) x[order[k]] = y[k];
    return x;
  }
}

/** Numbers of the free rows, neighbours close to each other (reverse Cuthill-McKee). */
function numbered(matrix, free) {
  const seen = Uint8Array.from(free, (f) => (f ? 0 : 1)),
    out = [];
  const degree = (i) => matrix.start[i + 1] - matrix.start[i];
  const spread = (from, mark) => {
    const found = [from];
    mark[from] = 1;
    for (let k = 0; k < found.length; k++) {
      const next = [];
      for (let e = matrix.start[found[k]]; e < matrix.start[found[k] + 1]; e++) {
        const j = matrix.column[e];
        if (!mark[j]) {
          mark[j] = 1;
          next.push(j);
        }
      }
      found.push(...next.sort((a, b) => degree(a) - degree(b)));
    }
    return found;
  };
  for (let i = 0; i < matrix.n; i++) {
    if (seen[i]) continue;
    const far = spread(i, Uint8Array.from(seen)).at(-1); // an end of the mesh gives the narrowest band
    out.push(...spread(far, seen));
  }
  return Int32Array.from(out.reverse());
}

/**
 * Extend values harmonically from the known vertices to all: columns of (n,), each changed in place.
 * @param {Sparse} laplacian  @param {Uint8Array} known (n,)  @param {Float64Array[]} values 0 where unknown.
 * @param {Float64Array|null} screen (n,) >= 0, pulls unknown vertices to zero.
 */
export function extend(laplacian, known, values, screen = null) {
  const n = laplacian.n,
    free = Uint8Array.from(known, (k) => (k ? 0 : 1));
  const factored = new Factored(
    laplacian,
    free,
    Float64Array.from({ length: n }, (_, i) => (screen ? screen[i] : 0) + 1e-9),
  );
  for (const column of values) {
    for (let i = 0; i < n; i++) {
      if (known[i]) continue;
      let sum = 0;
      for (let e = laplacian.start[i]; e < laplacian.start[i + 1]; e++) {
        if (known[laplacian.column[e]]) sum -= laplacian.value[e] * column[laplacian.column[e]];
      }
      column[i] = sum;
    }
    factored.solve(column);
  }
  return values;
}
