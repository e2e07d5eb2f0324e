// Speaking into the call: by microphone, in pieces while one speaks, or from a file. The WAV is made here; no codec is asked for.

const RATE = 8000;
const FIRST_SAMPLES = 0.8 * RATE; // longer than the others: the next piece is there before this one is said
const PIECE_SAMPLES = 0.4 * RATE;
const HIGHEST_HERTZ = 3400;
const LIMIT_BYTES = 10_000_000;

export const wav = (samples) => {
  const head = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  head.setUint32(4, 36 + samples.length * 2, true);
  word(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, RATE, true);
  head.setUint32(28, RATE * 2, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  word(36, "data");
  head.setUint32(40, samples.length * 2, true);
  return new Blob([head, samples], { type: "audio/wav" });
};

const listen = async (onSamples) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("microphone.js", import.meta.url));
  const filter = () => new BiquadFilterNode(context, { type: "lowpass", frequency: HIGHEST_HERTZ });
  const telephone = new AudioWorkletNode(context, "telephone", { numberOfInputs: 1, numberOfOutputs: 1, channelCount: 1, channelCountMode: "explicit" });
  telephone.port.onmessage = ({ data }) => onSamples(data);
  const nowhere = new GainNode(context, { gain: 0 }); // without a way to the end nothing is computed
  [context.createMediaStreamSource(stream), filter(), filter(), telephone, nowhere, context.destination].reduce((from, to) => from.connect(to));
  return () => {
    for (const track of stream.getTracks()) track.stop();
    context.close();
  };
};

// send(FormData) -> promise; complain(sentence)
export const mouth = ({ button, file, send, complain }) => {
  let stop;
  let queue = Promise.resolve();
  let pieces = [];
  let goesOn = false;

  const give = (blob, name, more) => {
    const form = new FormData();
    form.append("sound", blob, name);
    if (more) form.append("goes_on", "1");
    queue = queue.then(() => send(form)).catch((error) => {
      hush();
      complain(error.message);
    });
  };
  const flush = () => {
    if (!pieces.length) return;
    const samples = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    pieces.reduce((at, piece) => (samples.set(piece, at), at + piece.length), 0);
    pieces = [];
    give(wav(samples), "speech.wav", goesOn);
    goesOn = true;
  };
  const hear = (samples) => {
    pieces.push(samples);
    const count = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (count >= (goesOn ? PIECE_SAMPLES : FIRST_SAMPLES)) flush();
  };
  const show = (on) => {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? button.dataset.on : button.dataset.off;
  };
  const hush = () => {
    stop?.();
    stop = undefined;
    show(false);
  };

  button.addEventListener("click", async () => {
    if (stop) {
      flush();
      hush();
      return;
    }
    if (!navigator.mediaDevices?.getUserMedia) {
      complain(button.dataset.insecure);
      return;
    }
    goesOn = false;
    pieces = [];
    try {
      stop = await listen(hear);
      show(true);
    } catch {
      complain(button.dataset.refused);
    }
  });
  file.addEventListener("change", () => {
    const [chosen] = file.files;
    if (chosen && chosen.size <= LIMIT_BYTES) give(chosen, chosen.name, false);
    else if (chosen) complain(file.dataset.large);
    file.value = "";
  });
  return {
    enable: (yes) => {
      button.disabled = file.disabled = !yes;
      if (!yes) hush();
    },
  };
};
