// A portrait drawn on a canvas by WebGL 2.

import { boxAround, edgeAt } from "./edges.js";
import { clamp } from "./geometry.js";
import { FRAME_VERTEX, MESH_FRAGMENT, MESH_VERTEX, frameFragment } from "./shaders.js";

const NAMES = ["mouth", "eye_right", "eye_left"],
  REST = new Float64Array(6);
const LINE_FROM = { mouth: 0.1, eye_right: 0.15, eye_left: 0.15 }; // where the sine that shapes a line begins

export class Drawing {
  /** canvas: its size becomes that of the portrait.  constants: of page.json.  Throws where there is no WebGL 2. */
  constructor(canvas, constants) {
    this.canvas = canvas;
    this.constants = constants;
    const gl = (this.gl = canvas.getContext("webgl2", {
      alpha: false,
      antialias: false,
      depth: false,
      preserveDrawingBuffer: true,
    }));
    if (!gl) throw new Error("this browser has no WebGL 2, which draws the face; try another browser.");
    this.mesh = program(gl, MESH_VERTEX, MESH_FRAGMENT);
    this.frame = program(gl, FRAME_VERTEX, frameFragment(constants.mouth));
    this.buffers = Object.fromEntries(["place", "source", "order", "corners"].map((name) => [name, gl.createBuffer()]));
    this.textures = Object.fromEntries(
      ["photo", "skin", "eyes", "edges", "inside"].map((name) => [name, gl.createTexture()]),
    );
    this.target = gl.createFramebuffer();
    this.arrays = { mesh: gl.createVertexArray(), frame: gl.createVertexArray() };
    gl.bindVertexArray(this.arrays.frame);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    attribute(gl, this.frame, "place");
  }

  /** Use this portrait from now on. */
  load(portrait) {
    const { gl, canvas } = this,
      { texture, window, openings } = portrait;
    this.portrait = portrait;
    canvas.width = window[2];
    canvas.height = window[3];
    const { width, height } = texture;
    picture(gl, this.textures.photo, gl.RGBA8, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes(texture.data));
    picture(gl, this.textures.eyes, gl.RGBA8, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes(openings.eyes.data));
    picture(gl, this.textures.inside, gl.RG8, width, height, gl.RG, gl.UNSIGNED_BYTE, openings.mask);
    picture(gl, this.textures.skin, gl.RGBA8, window[2], window[3], gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.textures.skin, 0);
    gl.bindVertexArray(this.arrays.mesh);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.source);
    gl.bufferData(gl.ARRAY_BUFFER, this.widened(Float32Array.from(portrait.restXy)), gl.STATIC_DRAW);
    attribute(gl, this.mesh, "source");
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.place);
    attribute(gl, this.mesh, "place");
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.order);
    const F = portrait.triangles.length / 3;
    this.ranks = Array.from({ length: F }, (_, t) => t);
    this.far = new Float32Array(F);
    this.order = new Uint16Array(3 * F);
    this.edges = new Float32Array(4 * 3 * window[2] * 6);
    this.ownMouth = openings.mask.some(Boolean);
  }

  /** Draw a frame.  expression: (52,) absolute, as `Portrait.personal` gives it.  pose: (6,). */
  draw(expression, pose = REST) {
    const { gl, portrait } = this,
      { window } = portrait,
      { xy, depth } = portrait.vertices(expression, pose);
    this.sort(depth);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.viewport(0, 0, window[2], window[3]);
    gl.disable(gl.BLEND);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(this.mesh.program);
    gl.bindVertexArray(this.arrays.mesh);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.place);
    gl.bufferData(gl.ARRAY_BUFFER, this.widened(Float32Array.from(xy)), gl.DYNAMIC_DRAW);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, this.order, gl.DYNAMIC_DRAW);
    gl.uniform2f(this.mesh.at("corner"), window[0], window[1]);
    gl.uniform2f(this.mesh.at("size"), window[2], window[3]);
    this.use(this.mesh, ["photo"]);
    gl.drawElements(gl.TRIANGLES, this.order.length, gl.UNSIGNED_SHORT, 0);

    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, window[2], window[3]);
    gl.useProgram(this.frame.program);
    gl.bindVertexArray(this.arrays.frame);
    this.openings(xy, expression, pose);
    this.use(this.frame, ["skin", "photo", "eyes", "inside", "edges"]);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** Places (N * 2) with those at the texture's edges half a pixel further out, or the last row would stay open: a
   * triangle covers the pixels whose middles are inside, and the edges run through middles. In place. */
  widened(xy) {
    const {
      border,
      restXy,
      texture: { width, height },
    } = this.portrait;
    for (let i = 0; i < border.length; i++) {
      if (!border[i]) continue;
      for (const [a, most] of [
        [0, width - 1],
        [1, height - 1],
      ])
        xy[2 * i + a] += restXy[2 * i + a] <= 0 ? -0.5 : restXy[2 * i + a] >= most ? 0.5 : 0;
    }
    return xy;
  }

  /** The triangles from far to near: later ones are drawn over earlier ones. */
  sort(depth) {
    const { far, ranks, order } = this,
      tri = this.portrait.triangles;
    for (let t = 0; t < far.length; t++)
      far[t] = Math.max(depth[tri[3 * t]], depth[tri[3 * t + 1]], depth[tri[3 * t + 2]]);
    ranks.sort((a, b) => far[b] - far[a] || a - b); // nearly sorted from the frame before
    for (let k = 0; k < ranks.length; k++) for (let c = 0; c < 3; c++) order[3 * k + c] = tri[3 * ranks[k] + c];
  }

  /** Uniforms and edges of what is seen through the openings. */
  openings(xy, expression, pose) {
    const { gl, portrait, frame } = this,
      { window, openings, fit, restExpression, restXy } = portrait,
      { paint } = this.constants;
    const output = { width: window[2], height: window[3] },
      boxes = [],
      lines = [];
    const still = Math.exp(
      -((restExpression.reduce((m, v, k) => Math.max(m, Math.abs(expression[k] - v)), 0) / 0.03) ** 2),
    );
    this.edges.fill(0);
    NAMES.forEach((name, k) => {
      const part = openings.parts[name],
        n = part.up.length;
      const [up, low] = [part.up, part.low].map((chain) =>
        [...chain].map((i) => [xy[2 * i] - window[0], xy[2 * i + 1] - window[1]]),
      );
      const box = boxAround([...up, ...low], 2, output),
        gaps = up.map((p, i) => Math.hypot(low[i][0] - p[0], low[i][1] - p[1]));
      boxes.push(...box);
      this.fill(k, up, low, box);
      const half = (name === "mouth" ? paint.lip_m : paint.lash_m) * fit.scale,
        from = LINE_FROM[name];
      const wide = up.map((_, i) => half * Math.sin(from + ((Math.PI - 2 * from) * i) / (n - 1)));
      const along = (p, amount) => [p[0] + amount * openings.down[0], p[1] + amount * openings.down[1]];
      if (name === "mouth") {
        lines.push(paint.lip_dark * (1 - still));
        const middle = up.map((p, i) => [(p[0] + low[i][0]) / 2, (p[1] + low[i][1]) / 2]),
          thick = wide.map((w, i) => w * (1 - clamp(gaps[i] / (3 * half), 0, 1)));
        this.fill(
          3,
          middle.map((p, i) => along(p, -thick[i])),
          middle.map((p, i) => along(p, thick[i])),
          box,
        );
      } else {
        const full = Math.max(...part.gap, 0.004 * fit.scale),
          shut = 1 - clamp(Math.max(...gaps) / (0.55 * full), 0, 1);
        lines.push(paint.lash_dark * shut);
        this.fill(
          3 + k,
          up.map((p, i) => along(p, -wide[i])),
          low.map((p, i) => along(p, 0.4 * wide[i])),
          box,
        );
        this.eye(k - 1, name, part, restXy, xy, expression);
      }
    });
    picture(gl, this.textures.edges, gl.RGBA32F, 3 * window[2], 6, gl.RGBA, gl.FLOAT, this.edges);
    gl.uniform4iv(frame.at("box"), boxes);
    gl.uniform3f(frame.at("line"), ...lines);
    gl.uniform1i(frame.at("height"), window[3]);
    const jaw = [0, 1, 2].map((c) => openings.jaw.reduce((sum, move, e) => sum + expression[e] * move[c], 0));
    const upper = portrait.teethFrame([0, 0, 0], pose),
      lower = portrait.teethFrame(jaw, pose),
      rest = portrait.teethFrame([0, 0, 0], null);
    const inOutput = ({ origin }) => [origin[0] - window[0], origin[1] - window[1]];
    gl.uniform2f(frame.at("upperOrigin"), ...inOutput(upper));
    gl.uniform2f(frame.at("lowerOrigin"), ...inOutput(lower));
    gl.uniform2f(frame.at("restOrigin"), ...rest.origin);
    gl.uniform4f(frame.at("upperInverse"), ...upper.inverse);
    gl.uniform4f(frame.at("lowerInverse"), ...lower.inverse);
    gl.uniform4f(frame.at("restStep"), ...rest.step);
    gl.uniform1f(frame.at("metre"), Math.hypot(upper.step[2], upper.step[3]));
    gl.uniform1f(frame.at("bite"), openings.bite);
    gl.uniform1f(frame.at("tongue"), expression[this.constants.expression.indexOf("tongueOut")]);
    gl.uniform1f(frame.at("still"), still);
    gl.uniform3f(frame.at("light"), ...openings.light);
    gl.uniform1i(frame.at("ownMouth"), this.ownMouth ? 1 : 0);
  }

  /** Write an opening's edges into a row of the texture `edges`. */
  fill(row, up, low, [x0, , w]) {
    const top = edgeAt(up),
      bottom = edgeAt(low),
      out = this.edges,
      first = 4 * (row * 3 * this.canvas.width + 3 * x0);
    for (let s = 0; s < 3 * w; s++) {
      const x = x0 + (s + 0.5) / 3 - 0.5;
      out[first + 4 * s] = top(x, 1e9);
      out[first + 4 * s + 1] = bottom(x, -1e9);
      out[first + 4 * s + 2] = top(x, null);
      out[first + 4 * s + 3] = bottom(x, null);
    }
  }

  /** Uniforms of an eyeball, which moves with the eye's corners and turns with the gaze. */
  eye(k, name, part, restXy, xy, expression) {
    const { gl, frame, portrait } = this,
      { window, openings, restExpression } = portrait;
    const [i, j] = [2 * part.up[0], 2 * part.up[part.up.length - 1]];
    const a = [restXy[i], restXy[i + 1], restXy[j], restXy[j + 1]],
      b = [xy[i] - window[0], xy[i + 1] - window[1], xy[j] - window[0], xy[j + 1] - window[1]];
    const [ar, ai, br, bi] = [a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1]],
      square = br * br + bi * bi;
    const turn = square > 1e-12 ? [(ar * br + ai * bi) / square, (ai * br - ar * bi) / square] : [1, 0];
    const { centre, radius, gaze } = openings.iris[name],
      [x, y, w, h] = openings.eyes.boxes[name];
    const shift = [0, 1].map((c) =>
      gaze.reduce((sum, move, e) => sum + (expression[e] - restExpression[e]) * move[c], 0),
    );
    const vec2 = (uniform, v) => gl.uniform2f(frame.at(`${uniform}[${k}]`), v[0], v[1]);
    vec2("turn", turn);
    vec2("from", [(a[0] + a[2]) / 2, (a[1] + a[3]) / 2]);
    vec2("to", [(b[0] + b[2]) / 2, (b[1] + b[3]) / 2]);
    vec2("shift", shift);
    vec2("iris", centre);
    gl.uniform1f(frame.at(`radius[${k}]`), radius);
    gl.uniform4f(frame.at(`eyeBox[${k}]`), x, y, x + w, y + h);
  }

  use(program, names) {
    const { gl } = this;
    names.forEach((name, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, this.textures[name]);
      gl.uniform1i(program.at(name), unit);
    });
  }
}

const bytes = (data) => new Uint8Array(data.buffer, data.byteOffset, data.length);

function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, text] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS))
      throw new Error(`this browser's WebGL refuses a shader: ${gl.getShaderInfoLog(shader)}`);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS))
    throw new Error(`this browser's WebGL cannot link a shader: ${gl.getProgramInfoLog(made)}`);
  const known = new Map();
  return {
    program: made,
    at: (name) => {
      if (!known.has(name)) known.set(name, gl.getUniformLocation(made, name));
      return known.get(name);
    },
  };
}

function attribute(gl, { program: made }, name) {
  const at = gl.getAttribLocation(made, name);
  gl.enableVertexAttribArray(at);
  gl.vertexAttribPointer(at, 2, gl.FLOAT, false, 0, 0);
}

function picture(gl, texture, kind, width, height, format, type, data) {
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const name of ["TEXTURE_MIN_FILTER", "TEXTURE_MAG_FILTER"])
    gl.texParameteri(gl.TEXTURE_2D, gl[name], gl.NEAREST);
  for (const name of ["TEXTURE_WRAP_S", "TEXTURE_WRAP_T"]) gl.texParameteri(gl.TEXTURE_2D, gl[name], gl.CLAMP_TO_EDGE);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.texImage2D(gl.TEXTURE_2D, 0, kind, width, height, 0, format, type, data);
}
