// Draws the waveform of each recording that comes into view. Without it the players work as they are.

import WaveSurfer from "./wavesurfer.js";

const HEIGHT_PX = 56;
const nonce = document.querySelector("script[nonce]")?.nonce;
const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = [];

function colours() {
  const style = getComputedStyle(document.documentElement);
  return { waveColor: style.getPropertyValue("--wave").trim(), progressColor: style.getPropertyValue("--accent").trim() };
}

function draw(audio) {
  const container = document.createElement("div");
  container.className = "waveform";
  container.setAttribute("aria-hidden", "true"); // the player below says and does the same
  audio.before(container);
  audio.preload = "auto"; // it was none, so that a list without waveforms fetches nothing
  const wave = WaveSurfer.create({
    container,
    media: audio,
    url: audio.src,
    height: HEIGHT_PX,
    barWidth: 2,
    barGap: 1,
    barRadius: 1,
    normalize: true,
    cspNonce: nonce,
    ...colours(),
  });
  wave.once("ready", () => { container.dataset.drawn = "true"; });
  wave.on("error", () => container.remove());
  drawn.push(wave);
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((each) => each.isIntersecting)) {
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "200px" });

document.querySelectorAll(".player audio").forEach((audio) => seen.observe(audio));
dark.addEventListener("change", () => drawn.forEach((wave) => wave.setOptions(colours())));
