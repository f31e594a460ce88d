// Light or dark by choice, remembered where the browser allows it; and the glossary's search. Pages work without.
const root = document.documentElement;
const button = document.getElementById("theme");
const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
function label() {
  button.textContent = isDark() ? "Light" : "Dark";
}
if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
if (button) {
  button.hidden = false;
  label();
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* pages opened from disk may not store */ }
    label();
  });
}
if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".contents details")?.removeAttribute("open");
const find = document.getElementById("find");
find?.addEventListener("input", () => {
  const wanted = find.value.trim().toLowerCase();
  for (const entry of document.querySelectorAll(".entry")) entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
});
