// Keys and buttons move from slide to slide; the address remembers the slide. Wheel and finger scroll by themselves.
const deck = document.getElementById("content");
const slides = [...document.querySelectorAll(".slide")];
const now = () => Math.max(0, Math.min(slides.length - 1, Math.round(deck.scrollTop / deck.clientHeight)));
function go(number) {
  const slide = slides[Math.max(0, Math.min(slides.length - 1, number))];
  deck.scrollTo({ top: slides.indexOf(slide) * deck.clientHeight, behavior: "instant" });
  try { history.replaceState(null, "", `#${slide.id}`); } catch { /* pages opened from disk in some browsers */ }
}
const STEPS = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("video, audio, summary, button, a, input") && event.key === " ") return;
  if (event.target.closest?.("video, audio, input, pre, .formula") && event.key.startsWith("Arrow")) return;
  const number = event.key === "Home" ? 0 : event.key === "End" ? slides.length - 1
    : event.key in STEPS ? now() + (event.key === " " && event.shiftKey ? -1 : STEPS[event.key]) : null;
  if (number === null) return;
  event.preventDefault();
  go(number);
});
document.getElementById("back").addEventListener("click", () => go(now() - 1));
document.getElementById("on").addEventListener("click", () => go(now() + 1));
const asked = slides.findIndex((slide) => `#${slide.id}` === location.hash);
if (asked > 0) go(asked);
addEventListener("resize", () => deck.scrollTo({ top: now() * deck.clientHeight, behavior: "instant" }));
