// The film of a performance: frames and sound encoded by WebCodecs, put together by mediabunny, with the badge on them.

import {
  AudioBufferSource,
  BufferTarget,
  CanvasSource,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
  WebMOutputFormat,
  canEncodeAudio,
  canEncodeVideo,
} from "mediabunny";

const SR = 48000,
  FPS = 25;
export const BADGE = "AI-generated";

/** How this browser can write a film: MP4 where it can, else WebM; null where it has no encoders. */
export async function filmKind(size) {
  const video = { width: size, height: size, bitrate: QUALITY_HIGH },
    audio = { numberOfChannels: 1, sampleRate: SR, bitrate: QUALITY_HIGH };
  const kinds = [
    { ending: "mp4", type: "video/mp4", video: "avc", audio: "aac", format: () => new Mp4OutputFormat() },
    { ending: "webm", type: "video/webm", video: "vp9", audio: "opus", format: () => new WebMOutputFormat() },
    { ending: "webm", type: "video/webm", video: "vp8", audio: "opus", format: () => new WebMOutputFormat() },
  ];
  if (!("VideoEncoder" in globalThis)) return null;
  for (const kind of kinds) {
    if (
      (await canEncodeVideo(kind.video, video).catch(() => false)) &&
      (await canEncodeAudio(kind.audio, audio).catch(() => false))
    )
      return kind;
  }
  return null;
}

/**
 * Encode a film.
 * @param {HTMLCanvasElement} canvas  @param {function} draw draws frame t on it.  @param {number} T frames.
 * @param {Float32Array} samples at 16 kHz.  @param {function} told share of the work, 0..1.  @param {AbortSignal} signal
 * @returns {Promise<{blob: Blob, ending: string}>}
 */
export async function makeFilm(canvas, draw, T, samples, told, signal) {
  const kind = await filmKind(canvas.width);
  if (!kind)
    throw new Error("this browser has no video encoder (WebCodecs); try a current Chrome, Edge, Firefox or Safari.");
  const page = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }),
    g = page.getContext("2d");
  const output = new Output({ format: kind.format(), target: new BufferTarget() });
  const pictures = new CanvasSource(page, { codec: kind.video, bitrate: QUALITY_HIGH }),
    sound = new AudioBufferSource({ codec: kind.audio, bitrate: QUALITY_HIGH });
  output.addVideoTrack(pictures, { frameRate: FPS });
  output.addAudioTrack(sound);
  output.setMetadataTags({ title: "A talking face", comment: `${BADGE} by tfg; no recording of a real person` });
  try {
    await output.start();
    const voice = sound.add(await resampled(samples, T / FPS)).then(() => sound.close());
    for (let t = 0; t < T; t++) {
      signal.throwIfAborted();
      draw(t);
      g.drawImage(canvas, 0, 0);
      drawBadge(g);
      await pictures.add(t / FPS, 1 / FPS);
      told(t / T);
      if (t % 5 === 0) await new Promise((next) => setTimeout(next));
    }
    pictures.close();
    await voice;
    await output.finalize();
  } catch (error) {
    await output.cancel().catch(() => {});
    throw error;
  }
  return { blob: new Blob([output.target.buffer], { type: kind.type }), ending: kind.ending };
}

/** The sound at a rate that every encoder takes, as long as the pictures. */
function resampled(samples, seconds) {
  const context = new OfflineAudioContext(1, Math.round(seconds * SR), SR),
    buffer = context.createBuffer(1, samples.length, 16000),
    node = context.createBufferSource();
  buffer.copyToChannel(samples, 0);
  node.buffer = buffer;
  node.connect(context.destination);
  node.start();
  return context.startRendering();
}

/** "AI-generated" in the lower left corner. */
export function drawBadge(g) {
  const { width, height } = g.canvas,
    size = Math.min(28, Math.max(11, 0.05 * height)),
    pad = size / 4,
    gap = height / 64;
  g.font = `${size}px system-ui, sans-serif`;
  g.textBaseline = "bottom";
  const wide = g.measureText(BADGE).width;
  g.fillStyle = "rgb(0 0 0 / .55)";
  g.fillRect(gap, height - gap - size - 2 * pad, wide + 2 * pad, size + 2 * pad);
  g.fillStyle = "rgb(255 255 255 / .92)";
  g.fillText(BADGE, gap + pad, height - gap - pad);
}
