"use strict";
/* One participant's visit. Nothing is sent: answers are kept in localStorage until they are saved as a file. */
(() => {
  const study = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const SIDES = ["left", "right"], ENOUGH = 0.9, GAP = 3;
  const HEAD = ["participant", "trial", "clip", "question", "left", "right", "answer", "seconds", "check", "page"];

  // ---- what is kept: a browser may forbid it, then the answers live as long as the page -----------------------
  const kept = {
    name: (what) => `tfg-study/${study.page}/${what}`,
    get(what) { try { return JSON.parse(localStorage.getItem(this.name(what))); } catch { return null; } },
    set(what, value) { try { localStorage.setItem(this.name(what), JSON.stringify(value)); } catch { /* page only */ } },
    drop(what) { try { localStorage.removeItem(this.name(what)); } catch { /* nothing was kept */ } },
  };

  // ---- chance, from the study's seed and the participant ------------------------------------------------------
  const hash = (text) => { let h = 2166136261; for (const c of text) h = Math.imul(h ^ c.codePointAt(0), 16777619); return h >>> 0; };
  const generator = (seed) => () => {                               // mulberry32
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const shuffled = (list, random) => {
    const out = [...list];
    for (let k = out.length - 1; k > 0; k--) { const j = Math.floor(random() * (k + 1)); [out[k], out[j]] = [out[j], out[k]]; }
    return out;
  };

  /** The participant's trials: {clip, left, right, check}; the same for the same participant on the same page. */
  function trialsOf(participant) {
    const random = generator(hash(`${study.seed}/${participant}`));
    const number = /^\d{1,9}$/.test(participant) ? Number(participant) : hash(participant);
    const mirrored = random() < 0.5;
    const sheet = study.sheets[number % study.sheets.length]
      .map(([clip, a, b]) => ({ clip, left: mirrored ? b : a, right: mirrored ? a : b, check: "" }));
    let best = null, fewest = Infinity;                             // the same clip twice in a row is avoided
    for (let k = 0; k < 40 && fewest; k++) {
      const order = shuffled(sheet, random);
      const twice = order.filter((t, n) => n && t.clip === order[n - 1].clip).length;
      if (twice < fewest) [best, fewest] = [order, twice];
    }
    const out = [...best];
    const side = random() < 0.5;
    shuffled(study.pool, random).slice(0, study.checks).forEach(([clip, whole, broken], n) => {
      const [left, right] = (n % 2 === 0) === side ? [whole, broken] : [broken, whole];
      const from = Math.floor(out.length * n / study.checks), to = Math.floor(out.length * (n + 1) / study.checks);
      out.splice(from + Math.floor(random() * (to - from + 1)), 0, { clip, left, right, check: "broken" });
    });
    const again = shuffled(best.slice(0, Math.max(study.repeats, Math.ceil(best.length / 2))), random).slice(0, study.repeats);
    for (const t of again) {
      const first = Math.min(out.length, out.indexOf(t) + 1 + GAP);
      out.splice(first + Math.floor(random() * (out.length - first + 1)), 0, { ...t, left: t.right, right: t.left, check: "repeat" });
    }
    return out;
  }

  // ---- who takes part -------------------------------------------------------------------------------------------
  const asked = new URLSearchParams(location.search).get("participant") ?? "";
  const drawn = () => "p" + [...crypto.getRandomValues(new Uint8Array(6))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const participant = /^[A-Za-z0-9_-]{1,40}$/.test(asked) ? asked : kept.get("participant") ?? drawn();
  if (participant !== asked) kept.set("participant", participant);
  const trials = trialsOf(participant), place = `answers/${participant}`;
  let rows = kept.get(place) ?? [], at = new Set(rows.map((r) => r.trial)).size, began = 0, saved = false;
  const watched = { left: false, right: false };

  // ---- a pair -----------------------------------------------------------------------------------------------------
  function show() {
    $("welcome").hidden = true;
    const done = at >= trials.length;
    $("trial").hidden = done; $("end").hidden = !done; $("stop").hidden = done || !rows.length;
    if (done) { for (const s of SIDES) $(s).removeAttribute("src"); $("end").querySelector("button").focus(); return; }
    const t = trials[at];
    $("place").textContent = `Pair ${at + 1} of ${trials.length}`;
    $("progress").max = trials.length; $("progress").value = at;
    $("skip").hidden = true; $("help").textContent = "";
    for (const s of SIDES) { watched[s] = false; $(s).src = `films/${t[s]}`; $(`state-${s}`).textContent = "not played yet"; }
    $("questions").replaceChildren(...study.questions.map((q) => fieldset(q, t.clip)));
    began = performance.now();
    tell();
    $("left").focus();
  }

  function fieldset({ key, text }, clip) {
    const set = document.createElement("fieldset"), legend = document.createElement("legend"), row = document.createElement("div");
    legend.textContent = text.replace("{emotion}", study.emotions[clip] ?? "the emotion");
    row.className = "choices";
    const choices = [["left", "Film A"], ...(study.noDifference ? [["none", "No difference"]] : []), ["right", "Film B"]];
    for (const [value, name] of choices) {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type: "radio", name: key, value, required: true });
      label.append(input, name);
      row.append(label);
    }
    set.append(legend, row);
    return set;
  }

  const ready = () => watched.left && watched.right;
  function tell() {
    for (const set of $("questions").children) set.disabled = !ready();
    $("next").disabled = !ready();
    if (!ready() && !$("help").textContent) $("help").textContent = "Play both films to their end, then answer.";
    if (ready()) $("help").textContent = "";
  }

  for (const s of SIDES) {
    const film = $(s);
    film.addEventListener("play", () => SIDES.filter((o) => o !== s).forEach((o) => $(o).pause()));
    film.addEventListener("ended", () => {
      let seen = 0;                                                 // jumping to the end is not watching
      for (let k = 0; k < film.played.length; k++) seen += film.played.end(k) - film.played.start(k);
      const silent = film.muted || film.volume === 0;
      if (silent || seen < ENOUGH * film.duration) {
        $(`state-${s}`).textContent = silent ? "play it with sound" : "play all of it";
        return;
      }
      const before = ready();
      watched[s] = true;
      $(`state-${s}`).textContent = "played";
      tell();
      if (!before && ready()) $("questions").querySelector("input").focus();
    });
    film.addEventListener("error", () => {
      if (!film.getAttribute("src")) return;
      $("help").textContent = "A film cannot be played. Load the page again; if that does not help, skip the pair.";
      $("skip").hidden = false;
    });
  }

  function keep(answerOf) {
    const t = trials[at], seconds = ((performance.now() - began) / 1000).toFixed(2);
    for (const { key } of study.questions) {
      rows.push({ participant, trial: at + 1, clip: t.clip, question: key, left: t.left, right: t.right,
                  answer: answerOf(key), seconds, check: t.check, page: study.page });
    }
    kept.set(place, rows);
    at++;
    show();
  }

  $("answers").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData($("answers"));
    if (ready() && study.questions.every(({ key }) => given.get(key))) keep((key) => given.get(key));
  });
  $("skip").addEventListener("click", () => keep(() => "not_played"));
  document.addEventListener("keydown", (event) => {
    if ($("trial").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const s = { 1: "left", 2: "right" }[event.key];
    if (s) { event.preventDefault(); $(s).currentTime = 0; $(s).play(); }
    if (event.key === "Enter" && event.target.type === "radio") { event.preventDefault(); $("answers").requestSubmit(); }
  });

  // ---- saving ------------------------------------------------------------------------------------------------------
  function save() {
    const text = [HEAD, ...rows.map((r) => HEAD.map((name) => r[name]))].map((line) => line.join(",")).join("\r\n") + "\r\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = `answers_${participant}_${study.page}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    if (at < trials.length) {
      $("help").textContent = `Saved as ${link.download}. You may go on now or later, in this browser.`;
      return;
    }
    saved = true;
    kept.drop(place);
    kept.drop("participant");
    $("saved").textContent = `Saved as ${link.download}. This browser keeps no copy; if the file is not there, save again before you leave.`;
  }
  $("save").addEventListener("click", save);
  $("stop").addEventListener("click", save);
  addEventListener("beforeunload", (event) => { if (at >= trials.length && !saved) event.preventDefault(); });

  // ---- welcome -----------------------------------------------------------------------------------------------------
  $("consent-text").textContent = study.consent;
  $("contact").textContent = study.contact;
  $("participant").textContent = participant;
  $("count").textContent = trials.length;
  $("minutes").textContent = Math.max(1, Math.round(trials.length * (study.seconds + 6) / 60));
  $("agree").addEventListener("submit", (event) => { event.preventDefault(); show(); });
  window.study = { trialsOf, trials, participant };
})();
