// The receiver at the ear. `play(parts)` plays the very files that the switch plays, one after the other; `silence()` cuts them off.
// People who speak are heard beside that, without gaps between the pieces that they are sent in.

const LATE_SECONDS = 0.15; // before the first piece of speech, so that the next one is there in time
const LATE_BY_MOST = 1.5; // seconds that the page may be behind the call before it skips

export class Ear {
  // addresses: {token: (token) => address, made: (name) => address}
  constructor(audio, addresses, muted) {
    this.audio = audio;
    this.addresses = addresses;
    this.muted = muted;
    this.waiting = [];
    this.turn = 0; // what belongs to an earlier one is not played any more
    this.sounds = new Map();
    this.speechEnds = 0;
    audio.addEventListener("ended", () => this.#ended());
    audio.addEventListener("error", () => this.busy && this.#next());
    this.busy = false;
  }

  // To be called in a click: browsers stay silent before.
  open() {
    this.context ??= new AudioContext();
    this.context.resume();
    this.muted.hidden = true;
    if (this.audio.paused && this.audio.src) this.audio.play().catch(() => {});
  }

  play(parts, skip = 0) {
    for (const part of parts) this.waiting.push({ ...part, ready: this.#fetch(part) });
    this.skip = skip > LATE_BY_MOST ? skip : 0;
    if (!this.busy) this.#next();
  }

  silence() {
    this.turn++;
    this.waiting = [];
    this.busy = false;
    clearTimeout(this.timer);
    this.audio.pause();
    this.audio.loop = false;
  }

  // The call is over: what has an end may be heard to it, as the last words have been said already.
  lastWords() {
    this.waiting = this.waiting.filter((part) => !part.loops);
    if (this.audio.loop) this.silence();
  }

  async told(parts) {
    for (const part of parts) {
      const bytes = this.#address(part);
      if (!bytes) continue;
      this.speech = (this.speech ?? Promise.resolve()).then(async () => {
        this.context ??= new AudioContext();
        const sound = await this.context.decodeAudioData(await (await fetch(bytes)).arrayBuffer());
        const source = this.context.createBufferSource();
        source.buffer = sound;
        source.connect(this.context.destination);
        const now = this.context.currentTime;
        const begin = this.speechEnds > now ? this.speechEnds : now + LATE_SECONDS;
        source.start(begin);
        this.speechEnds = begin + sound.duration;
        this.audio.dataset.told = (Number(this.audio.dataset.told ?? 0) + sound.duration).toFixed(2);
      }).catch(() => {}); // a piece that can't be fetched any more is silence
    }
  }

  forget() {
    this.silence();
    for (const sound of this.sounds.values()) sound.then((address) => address && URL.revokeObjectURL(address));
    this.sounds.clear();
  }

  #address(part) {
    return part.token ? this.addresses.token(part.token) : part.made ? this.addresses.made(part.made) : "";
  }

  #fetch(part) {
    const address = this.#address(part);
    if (!address) return Promise.resolve("");
    if (!this.sounds.has(address)) {
      const sound = fetch(address).then(async (answer) => (answer.ok ? URL.createObjectURL(await answer.blob()) : ""));
      this.sounds.set(address, sound.catch(() => ""));
    }
    return this.sounds.get(address);
  }

  #ended() {
    const span = this.audio.played.length ? this.audio.played.end(this.audio.played.length - 1) : 0;
    const heard = `${this.part?.name ?? this.part?.made ?? ""}:${span.toFixed(2)}`;
    this.audio.dataset.heard = `${this.audio.dataset.heard ?? ""} ${heard}`.trim().slice(-2000);
    this.#next();
  }

  async #next() {
    const turn = this.turn;
    const part = this.waiting.shift();
    this.part = part;
    this.busy = Boolean(part);
    if (!part) return;
    if (part.silence !== undefined) {
      this.timer = setTimeout(() => turn === this.turn && this.#next(), part.silence);
      return;
    }
    const address = await part.ready;
    if (turn !== this.turn) return;
    if (!address) {
      this.#next();
      return;
    }
    this.audio.src = address;
    this.audio.loop = Boolean(part.loops);
    if (this.skip) this.audio.currentTime = this.skip;
    this.skip = 0;
    this.audio.play().catch((error) => {
      if (error.name === "NotAllowedError") this.muted.hidden = false;
    });
  }
}
