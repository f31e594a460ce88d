// The two programs that draw a portrait: the moved mesh with the photo's pixels, then what is seen through its openings.

/** Numbers as GLSL writes them. */
const number = (v) => (Number.isInteger(v) ? `${v}.0` : String(v));
const vector = (v) => `vec3(${v.map(number).join(", ")})`;
const list = (v) => `float[${v.length}](${v.map(number).join(", ")})`;

export const MESH_VERTEX = `#version 300 es
in vec2 place;                          // px of the texture, now
in vec2 source;                         // px of the texture, at rest
uniform vec2 corner, size;              // of the output, px of the texture
out vec2 from;
void main() {
  from = source;
  gl_Position = vec4((place - corner + 0.5) / size * 2.0 - 1.0, 0.0, 1.0);
}`;

/** Bicubic as OpenCV's, edges repeated. */
export const MESH_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D photo;
in vec2 from;
out vec4 colour;
vec4 cubic(float t) {
  const float a = -0.75;
  vec3 w = vec3(t + 1.0, t, 1.0 - t);
  vec3 c = vec3(((a * w.x - 5.0 * a) * w.x + 8.0 * a) * w.x - 4.0 * a,
    ((a + 2.0) * w.y - (a + 3.0)) * w.y * w.y + 1.0, ((a + 2.0) * w.z - (a + 3.0)) * w.z * w.z + 1.0);
  return vec4(c, 1.0 - c.x - c.y - c.z);
}
void main() {
  ivec2 most = textureSize(photo, 0) - 1;
  vec2 base = floor(from);
  vec4 wx = cubic(from.x - base.x), wy = cubic(from.y - base.y);
  vec3 sum = vec3(0.0);
  for (int j = 0; j < 4; j++) {
    vec3 row = vec3(0.0);
    for (int i = 0; i < 4; i++) row += wx[i] * texelFetch(photo, clamp(ivec2(base) + ivec2(i - 1, j - 1), ivec2(0), most), 0).rgb;
    sum += wy[j] * row;
  }
  colour = vec4(clamp(sum, 0.0, 1.0), 1.0);
}`;

export const FRAME_VERTEX = `#version 300 es
in vec2 place;
void main() { gl_Position = vec4(place * 2.0 - 1.0, 0.0, 1.0); }`;

/**
 * What lies behind the openings, as tfg/head/paint.py and mouth_interior.py.  edges: RGBA32F, three columns a pixel;
 * rows 0 to 2: upper and lower edge of mouth, right eye, left eye (infinite beyond their ends; then held), 3 to 5: the
 * dark lines of lips and lashes.  mouth: the numbers of `page.json`.
 */
export const frameFragment = (mouth) => `#version 300 es
precision highp float;
uniform sampler2D skin, photo, eyes, edges;
uniform sampler2D inside;               // red: the photo's own mouth, eroded; green: whole
uniform int height;
uniform ivec4 box[3];                   // x, y, w, h of mouth, right eye, left eye
uniform vec3 line;                      // darkness of the lines
uniform vec2 upperOrigin, lowerOrigin, restOrigin;
uniform vec4 upperInverse, lowerInverse, restStep;
uniform float metre, bite, tongue, still;
uniform vec3 light;
uniform bool ownMouth;
uniform vec2 turn[2], from[2], to[2], shift[2], iris[2];
uniform float radius[2];
uniform vec4 eyeBox[2];
out vec4 colour;
const float UPPER[6] = ${list(mouth.upper_edges)}, LOWER[6] = ${list(mouth.lower_edges)};
const float UPPER_SHORT[5] = float[5](0.0, 0.9e-3, 0.1e-3, 1.2e-3, 1.6e-3), LOWER_SHORT[5] = float[5](0.0, 0.1e-3, 0.2e-3, 0.6e-3, 1.0e-3);
const vec3 CAVITY = ${vector(mouth.cavity)}, TONGUE = ${vector(mouth.tongue)}, GUM = ${vector(mouth.gum)}, LOWER_ROW = ${vector(mouth.lower_row)}, TOOTH = ${vector(mouth.tooth)};
const float DOWN = ${number(mouth.lower_down)}, SLIT = ${number(mouth.slit_m)};

float soft(float x) { return 1.0 / (1.0 + exp(-clamp(x, -30.0, 30.0))); }
float sq(float x) { return x * x; }

vec3 teeth(vec2 p, bool upward) {       // cover, shade, gum
  float x = abs(p.x);
  int k = 0;
  for (int i = 1; i < 5; i++) if (x >= (upward ? UPPER[i] : LOWER[i])) k = i;
  float a = upward ? UPPER[k] : LOWER[k], b = upward ? UPPER[k + 1] : LOWER[k + 1], last = upward ? UPPER[5] : LOWER[5];
  float t = 2.0 * (x - a) / (b - a) - 1.0, depth = upward ? -p.y : p.y;
  float edge = (upward ? UPPER_SHORT[k] : LOWER_SHORT[k]) + 0.0010 * sq(sq(t)) + 18.0 * x * x * 0.12;
  float cover = soft((depth - edge) / 0.00035) * (x < last ? 1.0 : 0.0);
  float shade = (1.0 - 0.20 * abs(t) * t * t) * (1.0 - 0.55 * sq(x / last));
  shade *= 1.0 - 0.28 * exp(-sq((1.0 - abs(t)) * (b - a) / 2.0 / 0.00025));
  shade *= 0.86 + 0.14 * clamp(depth / 0.004, 0.0, 1.0);
  float size = upward ? ${number(mouth.upper_length)} : ${number(mouth.lower_length)};
  return vec3(cover, shade, soft((depth - size + 0.0015 * (1.0 - t * t)) / 0.0004));
}

vec3 paint(vec2 up, vec2 low, float below) {
  vec3 c = CAVITY;
  float top = 0.0025 - 0.012 * tongue + 9.0 * low.x * low.x;
  float on = soft((low.y - top) / 0.0008) * (abs(low.x) < 0.024 ? 1.0 : 0.0);
  float lit = 0.30 + 0.50 * clamp((low.y - top) / 0.012, 0.0, 1.0) + 0.3 * tongue;
  lit *= 1.0 - 0.25 * exp(-sq(low.x / 0.0012));
  c = c * (1.0 - on) + TONGUE * lit * on;
  vec3 row = teeth(low - vec2(0.0, DOWN), false);
  c = mix(c, mix(TOOTH, GUM, row.z) * row.y * LOWER_ROW, row.x);
  row = teeth(up - vec2(0.0, bite), true);
  c = mix(c, mix(TOOTH, GUM, row.z) * row.y, row.x);
  float shadow = 0.52 + 0.48 * clamp(below / 0.005, 0.0, 1.0), side = 1.0 - 0.30 * sq(clamp(abs(up.x) / 0.027, 0.0, 1.0));
  return clamp(c * light * shadow * side, 0.0, 1.0);
}

vec4 look(sampler2D picture, vec2 at, vec4 within) {
  at = clamp(at, within.xy, within.zw - 1.001);
  ivec2 base = ivec2(floor(at)), most = ivec2(within.zw) - 1, next = min(base + 1, most);
  vec2 f = at - floor(at);
  return mix(mix(texelFetch(picture, base, 0), texelFetch(picture, ivec2(next.x, base.y), 0), f.x),
             mix(texelFetch(picture, ivec2(base.x, next.y), 0), texelFetch(picture, next, 0), f.x), f.y);
}

float covered(int row, ivec2 p) {
  float sum = 0.0;
  for (int s = 0; s < 3; s++) {
    vec4 e = texelFetch(edges, ivec2(3 * p.x + s, row), 0);
    sum += clamp(min(e.y, float(p.y) + 0.5) - max(e.x, float(p.y) - 0.5), 0.0, 1.0) / 3.0;
  }
  return sum;
}

vec3 mouthColour(ivec2 p) {
  vec2 d = vec2(p) - upperOrigin, e = vec2(p) - lowerOrigin;
  vec2 up = vec2(d.x * upperInverse.x + d.y * upperInverse.z, d.x * upperInverse.y + d.y * upperInverse.w);
  vec2 low = vec2(e.x * lowerInverse.x + e.y * lowerInverse.z, e.x * lowerInverse.y + e.y * lowerInverse.w);
  vec4 gap = texelFetch(edges, ivec2(3 * p.x + 1, 0), 0);
  float part = clamp((gap.w - gap.z) / metre / SLIT, 0.0, 1.0), slit = max(part * part * (3.0 - 2.0 * part), 0.12);
  vec3 c = paint(up, low, (float(p.y) - gap.z) / metre);
  if (ownMouth) {
    vec2 back = restOrigin + vec2(up.x * restStep.x + up.y * restStep.z, up.x * restStep.y + up.y * restStep.w);
    vec4 whole = vec4(0.0, 0.0, vec2(textureSize(photo, 0)));
    vec2 own = look(inside, back, whole).rg;
    c = mix(c, look(photo, back, whole).rgb, mix(own.x, own.y, still));
  }
  return c * (still + (1.0 - still) * slit);
}

vec3 eyeColour(int k, ivec2 p) {
  vec2 d = vec2(p) - to[k];
  vec2 back = from[k] + vec2(d.x * turn[k].x - d.y * turn[k].y, d.x * turn[k].y + d.y * turn[k].x);
  if (max(abs(shift[k].x), abs(shift[k].y)) > 0.01) {
    float away = length(back - iris[k] - 0.5 * shift[k]) / (1.9 * radius[k]);
    back -= shift[k] * exp(-sq(sq(away)));
  }
  return look(eyes, back, eyeBox[k]).rgb;
}

void main() {
  ivec2 p = ivec2(gl_FragCoord.xy);
  p.y = height - 1 - p.y;                                        // rows count from the top
  vec4 base = texelFetch(skin, p, 0);
  vec3 c = base.rgb;
  for (int k = 0; k < 3; k++) {
    ivec4 b = box[k];
    if (p.x < b.x || p.y < b.y || p.x >= b.x + b.z || p.y >= b.y + b.w || b.z < 2 || b.w < 2) continue;
    float alpha = covered(k, p);
    if (alpha > 0.0 || base.a < 0.5) {
      vec3 grown = c;
      if (base.a < 0.5) {
        vec4 sum = vec4(0.0);
        for (int j = -1; j <= 1; j++) for (int i = -1; i <= 1; i++) {
          ivec2 q = p + ivec2(i, j);
          if (q.x < b.x || q.y < b.y || q.x >= b.x + b.z || q.y >= b.y + b.w) continue;
          vec4 s = texelFetch(skin, q, 0);
          if (s.a > 0.5) sum += vec4(s.rgb, 1.0);
        }
        if (sum.a < 0.5) alpha = 1.0;
        grown = sum.rgb / max(sum.a, 1e-6);
      }
      c = mix(grown, k == 0 ? mouthColour(p) : eyeColour(k - 1, p), alpha);
    }
    if (line[k] > 0.0) c *= 1.0 - line[k] * covered(3 + k, p);
  }
  colour = vec4(c, 1.0);
}`;
