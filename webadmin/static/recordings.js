// A recording with its waveform: one half of the picture for each side of the talk; a click or an arrow key goes to that place.
import { lasting } from "/static/timing.js";

const player = document.querySelector("#player");
const canvas = player.querySelector("#waveform");
const audio = player.querySelector("#audio");
const place = player.querySelector(".place");
let peaks = [];
let seconds = 0;

const length = () => (Number.isFinite(audio.duration) ? audio.duration : seconds);

const draw = () => {
  const scale = devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = canvas.clientHeight * scale;
  const style = getComputedStyle(document.documentElement);
  const pen = canvas.getContext("2d");
  const colour = (name) => style.getPropertyValue(name).trim();
  // The values of light-dark() are resolved by asking for the colour of an element.
  const resolve = (name) => {
    player.style.color = `var(${name})`;
    const found = getComputedStyle(player).color;
    player.style.color = "";
    return found || colour(name);
  };
  const heard = resolve("--accent");
  const ahead = resolve("--edge");
  const share = length() ? audio.currentTime / length() : 0;
  const rows = peaks.length || 1;
  const height = canvas.height / rows;
  peaks.forEach((channel, row) => {
    const wide = canvas.width / channel.length;
    channel.forEach((peak, column) => {
      pen.fillStyle = column / channel.length < share ? heard : ahead;
      const tall = Math.max(scale, (peak / 100) * height * 0.94);
      pen.fillRect(column * wide, row * height + (height - tall) / 2, Math.max(wide * 0.8, 0.5), tall);
    });
  });
  pen.fillStyle = heard;
  pen.fillRect(share * (canvas.width - 2 * scale), 0, 2 * scale, canvas.height);
  const text = `${lasting(audio.currentTime)} / ${lasting(length())}`;
  place.textContent = text;
  canvas.setAttribute("aria-valuemax", String(Math.round(length())));
  canvas.setAttribute("aria-valuenow", String(Math.round(audio.currentTime)));
  canvas.setAttribute("aria-valuetext", text);
};

const go = (to) => {
  const at = Math.max(0, Math.min(to, length()));
  if (audio.readyState === 0) {
    audio.addEventListener("loadedmetadata", () => (audio.currentTime = at), { once: true });
    audio.load();
  } else audio.currentTime = at;
};

canvas.addEventListener("click", (event) => go((event.offsetX / canvas.clientWidth) * length()));
canvas.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 5, ArrowLeft: -5, PageUp: 30, PageDown: -30 }[event.key];
  if (step) go(audio.currentTime + step);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(length());
  else if (event.key === " ") audio.paused ? audio.play() : audio.pause();
  else return;
  event.preventDefault();
});
for (const name of ["timeupdate", "seeked", "durationchange"]) audio.addEventListener(name, draw);
audio.addEventListener("error", () => {
  const problem = document.querySelector("#no-sound");
  if (problem.hidden && audio.error) {
    problem.textContent = audio.error.message;
    problem.hidden = false;
  }
});
player.querySelector("#speed").addEventListener("change", (event) => (audio.playbackRate = Number(event.target.value)));
new ResizeObserver(draw).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

try {
  const answer = await fetch(player.dataset.peaks, { headers: { Accept: "application/json" } });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  ({ peaks, seconds } = told);
} catch (error) {
  const problem = document.querySelector("#no-sound");
  problem.textContent = error.message;
  problem.hidden = false;
}
draw();
