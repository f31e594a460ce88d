// The face of a photo, by MediaPipe's Face Landmarker in the browser: what tfg/faces/landmarks.py measures.

import { FaceLandmarker } from "@mediapipe/tasks-vision";
import { boxOf } from "./framing.js";

const LEAST_PX = 64,
  LONG_SIDE_PX = 1600,
  MARGIN = 1 / 3,
  MOST_BYTES = 20e6,
  MOST_SIDE = 7679;

/**
 * A photo as the browser shows it, upright, over white where it is transparent.  blob: the file.
 * @returns {Promise<{bitmap: ImageBitmap, pixels: ImageData}>}  Throws an Error whose message is for the visitor.
 */
export async function readPhoto(blob) {
  if (blob.size > MOST_BYTES) {
    const [has, most] = [blob.size, MOST_BYTES].map((n) => Math.round(n / 1e6));
    throw new Error(`the photo has ${has} MB, but ${most} MB are the most; make it smaller.`);
  }
  const bitmap = await createImageBitmap(blob).catch(() => {
    throw new Error("the picture cannot be read by this browser; choose a JPEG, PNG or WebP file.");
  });
  const { width, height } = bitmap;
  if (Math.max(width, height) > MOST_SIDE)
    throw new Error(`the picture is ${width} x ${height} pixels; ${MOST_SIDE} on the long side are the most.`);
  const g = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  g.fillStyle = "white";
  g.fillRect(0, 0, width, height);
  g.drawImage(bitmap, 0, 0);
  return { bitmap, pixels: g.getImageData(0, 0, width, height) };
}

/** Open the landmarker.  runtime: address of MediaPipe's wasm folder.  model: address of face_landmarker.task. */
export function openLandmarker(runtime, model) {
  return FaceLandmarker.createFromOptions(
    { wasmLoaderPath: `${runtime}vision_wasm_internal.js`, wasmBinaryPath: `${runtime}vision_wasm_internal.wasm` },
    {
      baseOptions: { modelAssetPath: model, delegate: "CPU" },
      runningMode: "IMAGE",
      numFaces: 5,
      outputFaceBlendshapes: true,
    },
  );
}

/**
 * The largest face of a photo.
 * @param {CanvasImageSource & {width: number, height: number}} photo
 * @returns {{points: Float64Array, blendshapes: Float32Array}} (478 * 3) px of the photo, (52,).
 * Throws an Error whose message is for the visitor if there is none, or it is too small.
 */
export function measure(landmarker, constants, photo) {
  const { width, height } = photo;
  const found = look(landmarker, photo, 0) ?? look(landmarker, photo, Math.round(Math.max(width, height) * MARGIN));
  if (!found)
    throw new Error(
      `no face was found in the picture (${width} x ${height} px): use one that shows a face from the front, unobstructed and not too dark.`,
    );
  const tall = found.box[3] - found.box[1];
  if (tall < LEAST_PX)
    throw new Error(
      `the face is only ${Math.round(tall)} px high, at least ${LEAST_PX} are needed: use a larger picture or a closer crop.`,
    );
  const blendshapes = new Float32Array(constants.expression.length);
  for (const { categoryName, score } of found.categories) {
    const k = constants.expression.indexOf(categoryName);
    if (k >= 0) blendshapes[k] = score;
  }
  return { points: found.points, blendshapes };
}

/** The largest face with so many grey pixels around the photo; the detector, made for selfies, misses faces that fill it. */
function look(landmarker, photo, margin) {
  const w = photo.width + 2 * margin,
    h = photo.height + 2 * margin,
    factor = Math.min(1, LONG_SIDE_PX / Math.max(w, h));
  const canvas = new OffscreenCanvas(Math.round(w * factor), Math.round(h * factor)),
    g = canvas.getContext("2d");
  g.fillStyle = "rgb(128 128 128)";
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.imageSmoothingQuality = "high";
  g.drawImage(photo, margin * factor, margin * factor, photo.width * factor, photo.height * factor);
  const { faceLandmarks, faceBlendshapes } = landmarker.detect(g.getImageData(0, 0, canvas.width, canvas.height));
  const faces = faceLandmarks.map((marks, k) => {
    const points = Float64Array.from(marks.flatMap(({ x, y, z }) => [x * w - margin, y * h - margin, z * w]));
    return { points, box: boxOf(points), categories: faceBlendshapes[k]?.categories ?? [] };
  });
  return faces.sort((a, b) => b.box[3] - b.box[1] - (a.box[3] - a.box[1]))[0];
}
