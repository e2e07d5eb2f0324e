// A sound for alarms. Browsers stay silent until somebody has clicked: `soundButton(button)` is where that happens, and is remembered.

let context;

const remembered = () => {
  try {
    return localStorage.getItem("ivrengine-sound") === "on";
  } catch {
    return false; // a browser that keeps nothing
  }
};

const remember = (on) => {
  try {
    localStorage.setItem("ivrengine-sound", on ? "on" : "off");
  } catch {
    // it is asked again next time
  }
};

let on = remembered();

export const ring = () => {
  if (!on || !context) return;
  for (const [begin, pitch] of [[0, 880], [0.25, 660], [0.5, 880]]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.2, context.currentTime + begin);
    volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + begin + 0.22);
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + begin);
    tone.stop(context.currentTime + begin + 0.23);
  }
};

export const soundButton = (button) => {
  const show = () => {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? button.dataset.on : button.dataset.off;
  };
  const open = () => {
    context ??= new AudioContext();
    context.resume();
  };
  button.addEventListener("click", () => {
    on = !on;
    remember(on);
    if (on) {
      open();
      ring();
    }
    show();
  });
  // Wished for on an earlier day: the first touch of the page is enough.
  addEventListener("pointerdown", () => on && open(), { once: true });
  addEventListener("keydown", () => on && open(), { once: true });
  show();
};
