// Build the page into a folder: node build.mjs --model DIR --data DIR --app DIR --out DIR (see `make web`).
//
// --model: what `tfg export onnx` wrote, and face_landmarker.task.  --data: the repository's data/.  --app: tfg/app/web,
// whose controls and style the page shares.  All parts of npm's packages are copied: the page asks nothing of others.

import { build } from "esbuild";
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: Object.fromEntries(["model", "data", "app", "out"].map((name) => [name, { type: "string" }])),
});
const own = fileURLToPath(new URL(".", import.meta.url)),
  modules = join(own, "node_modules"),
  made = `${values.out}.part`;

/** dom.js and pad.js of the app, which are plain scripts, as one module. */
const controls = {
  name: "app-controls",
  setup(bundler) {
    bundler.onResolve({ filter: /^app-controls$/ }, () => ({ path: "app-controls", namespace: "app" }));
    bundler.onLoad({ filter: /.*/, namespace: "app" }, () => ({
      contents:
        ["dom.js", "pad.js"].map((name) => readFileSync(join(values.app, name), "utf8")).join("\n") +
        "\nexport { fold, h, labelled, makePad, slider };",
      loader: "js",
    }));
  },
};

rmSync(made, { recursive: true, force: true });
mkdirSync(made, { recursive: true });
await build({
  entryPoints: { page: join(own, "src", "main.js") },
  outdir: made,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "linked",
  plugins: [controls],
  logLevel: "warning",
});
for (const name of ["index.html", "site.css", "ear.js"]) cpSync(join(own, name), join(made, name));
cpSync(join(values.app, "page.css"), join(made, "page.css"));
cpSync(values.model, join(made, "model"), { recursive: true });
for (const kind of ["js", "wasm"]) {
  const name = `vision_wasm_internal.${kind}`;
  cpSync(join(modules, "@mediapipe", "tasks-vision", "wasm", name), join(made, "mediapipe", name));
}
for (const name of ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.mjs"])
  cpSync(join(modules, "onnxruntime-web", "dist", name), join(made, "onnxruntime", name));

const sentences = JSON.parse(readFileSync(join(values.model, "page.json"), "utf8")).sentences;
const files = (folder, ending) =>
  readdirSync(join(values.data, folder))
    .filter((name) => name.endsWith(ending))
    .sort();
const choices = {
  faces: files("faces", ".jpg").map((name) => `faces/${name}`),
  words: files("audio", ".wav").map((name) => ({
    file: `audio/${name}`,
    text: sentences[basename(name, ".wav")] ?? basename(name, ".wav"),
  })),
};
for (const file of [...choices.faces, ...choices.words.map((word) => word.file)])
  cpSync(join(values.data, file), join(made, file));
writeFileSync(join(made, "choices.json"), JSON.stringify(choices));

rmSync(values.out, { recursive: true, force: true });
renameSync(made, values.out);
