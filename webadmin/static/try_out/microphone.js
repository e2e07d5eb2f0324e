// In the audio thread: what the microphone hears, as 16-bit samples at a telephone's 8000 Hz. Before it two filters take away what is too high.

const RATE = 8000;
const BATCH = 800; // samples of one message: a tenth of a second

class Telephone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.batch = new Int16Array(BATCH);
    this.count = 0;
    this.sum = 0;
    this.weight = 0;
    this.step = sampleRate / RATE; // of ours, in one of theirs
  }

  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.sum += sample;
      this.weight += 1;
      if (this.weight < this.step) continue;
      this.put(this.sum / this.weight);
      this.sum = 0;
      this.weight -= this.step; // the part of a sample that is over counts for the next
      if (this.weight < 1e-6) this.weight = 0;
    }
    return true;
  }

  put(value) {
    this.batch[this.count++] = Math.max(-1, Math.min(1, value)) * 32767;
    if (this.count === BATCH) {
      this.port.postMessage(this.batch.slice());
      this.count = 0;
    }
  }
}

registerProcessor("telephone", Telephone);
