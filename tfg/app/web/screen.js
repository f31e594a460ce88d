// The preview: stills, a stream of frames in step with its sound, or a microphone's frames as they come.
function makeScreen() {
  const canvas = h("canvas", { width: 256, height: 256, role: "img", "aria-label": "Preview of the face" });
  const note = h("p", { class: "note", role: "status" }, "");
  const sound = h("audio", {});
  let frames = null, drawn = -1, place = null, begun = false, ended = null;

  async function draw(data) {
    const picture = await createImageBitmap(new Blob([data], { type: "image/jpeg" }));
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width;
      canvas.height = picture.height;
    }
    canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    canvas.dataset.drawn = 1 + Number(canvas.dataset.drawn || 0);
  }
  function step() {                                          // the frame of the sound's time now
    if (!frames) return;
    const n = Math.min(Math.floor(sound.currentTime * 25), frames.length - 1);
    if (n > drawn && frames[n]) { drawn = n; draw(frames[n]); }
    if (sound.ended) { frames = null; ended?.(); return; }
    requestAnimationFrame(step);
  }
  function start() {
    if (begun) return;
    begun = true;
    sound.play().then(step, (error) => {
      if (error.name === "AbortError") return;               // stopped before it began
      note.textContent = "The browser does not let this page play sound yet; press Play again.";
      ended?.();
      frames = null;
    });
  }
  return {
    node: h("div", { class: "screen" }, canvas, note, sound), canvas, draw,
    say: (text) => { note.textContent = text; },
    begin(wave) {                                            // a sound, whose frames follow by `add`
      if (place) URL.revokeObjectURL(place);
      place = URL.createObjectURL(new Blob([wave], { type: "audio/wav" }));
      sound.src = place;
      frames = [];
      drawn = -1;
      begun = false;
      ended = null;
    },
    add(data, n) {
      if (!frames) return draw(data);
      frames[n] = data;
      if (n >= 8) start();
    },
    finish(then) {                                           // all frames are there; then(): when the sound has ended
      if (!frames) return then();
      ended = then;
      start();
    },
    stop() { sound.pause(); frames = ended = null; },
  };
}

// Films side by side: the first one has the sound, the others follow it.
function showFilms(box, films, data, name) {
  const videos = films.map((film, k) => {
    const place = URL.createObjectURL(new Blob([data[k]], { type: "video/mp4" }));
    return h("video", { src: place, controls: true, playsInline: true, loop: false, muted: k > 0, "aria-label": `Film by ${film.title}` });
  });
  const [first, ...rest] = videos;
  for (const event of ["play", "pause", "seeked"])
    first.addEventListener(event, () => rest.forEach((video) => {
      video.currentTime = first.currentTime;
      if (event === "play") video.play();
      if (event === "pause") video.pause();
    }));
  box.querySelectorAll("video").forEach((video) => URL.revokeObjectURL(video.src));
  box.replaceChildren(...films.map((film, k) => h("figure", {}, videos[k], h("figcaption", {},
    h("strong", {}, film.title), ` · made in ${film.seconds.toFixed(1)} s · AI-generated `,
    h("a", { href: videos[k].src, download: `${name}-${film.title}.mp4`, class: "button" }, "Download")))));
}
