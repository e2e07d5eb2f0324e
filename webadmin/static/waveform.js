// The picture of a sound: <figure class="waveform" data-sound="ADDRESS"><canvas></canvas><audio controls></audio></figure>.
// It is drawn when the figure comes into sight; a click on it goes there. Everything else is the browser's own player.

const COLUMNS = 400;
const FULL = 0.98; // tops that are cut off

const peaksOf = (samples) => {
  const size = Math.max(1, Math.ceil(samples.length / COLUMNS));
  const peaks = [];
  for (let begin = 0; begin < samples.length; begin += size) {
    let most = 0;
    for (let place = begin; place < Math.min(begin + size, samples.length); place += 1) most = Math.max(most, Math.abs(samples[place]));
    peaks.push(most);
  }
  return peaks;
};

const draw = (canvas, peaks, played) => {
  const style = getComputedStyle(canvas);
  const colour = (name) => {
    canvas.style.setProperty("color", `var(${name})`);
    return getComputedStyle(canvas).color;
  };
  const [done, ahead, cut] = [colour("--accent"), colour("--edge"), colour("--bad")];
  const scale = devicePixelRatio || 1;
  canvas.width = parseFloat(style.width) * scale;
  canvas.height = parseFloat(style.height) * scale;
  const context = canvas.getContext("2d");
  const step = canvas.width / peaks.length;
  peaks.forEach((peak, index) => {
    const height = Math.max(scale, peak * canvas.height);
    context.fillStyle = peak >= FULL ? cut : index / peaks.length < played ? done : ahead;
    context.fillRect(index * step, (canvas.height - height) / 2, Math.max(1, step * 0.75), height);
  });
};

export const showWaveform = async (figure) => {
  const [canvas, player] = [figure.querySelector("canvas"), figure.querySelector("audio")];
  const answer = await fetch(figure.dataset.sound);
  if (!answer.ok) return;
  const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await answer.arrayBuffer());
  const peaks = peaksOf(sound.getChannelData(0));
  const again = () => draw(canvas, peaks, player.duration ? player.currentTime / player.duration : 0);
  again();
  figure.dataset.drawn = "";
  player.addEventListener("timeupdate", again);
  new ResizeObserver(again).observe(canvas);
  canvas.addEventListener("click", (event) => {
    player.currentTime = (event.offsetX / canvas.clientWidth) * sound.duration;
    player.play();
  });
};

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    showWaveform(target).catch(() => {}); // the player tells what is wrong with a sound
  }
});
for (const figure of document.querySelectorAll(".waveform")) seen.observe(figure);
