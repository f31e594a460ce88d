// What `tfg export onnx` wrote beside the networks: the constants of page.json, and the arrays of page.bin.

const KINDS = { float32: Float32Array, int32: Int32Array, int8: Int8Array };

/**
 * Read page.json and page.bin.
 * @param {string} base address of their folder, with a slash at its end.
 * @returns {Promise<{constants: object, arrays: Object<string, {data: TypedArray, shape: number[]}>}>}
 */
export async function loadAssets(base) {
  const [constants, blob] = await Promise.all([
    fetched(base + "page.json").then((answer) => answer.json()),
    fetched(base + "page.bin").then((answer) => answer.arrayBuffer()),
  ]);
  const arrays = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(constants.arrays)) {
    arrays[name] = {
      data: new KINDS[dtype](
        blob,
        offset,
        shape.reduce((a, b) => a * b, 1),
      ),
      shape,
    };
  }
  return { constants, arrays };
}

/** The answer of a file of this site; an Error that names the file where it is missing. */
export async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok)
    throw new Error(`the file ${address} of this page is missing (${answer.status}); build it again with make web.`);
  return answer;
}

/** Numbers of the coefficients whose names begin so; without Left or Right both sides. */
export function columns(expression, ...names) {
  return names.flatMap((name) =>
    expression.flatMap((each, k) => ([name, `${name}Left`, `${name}Right`].includes(each) ? [k] : [])),
  );
}
