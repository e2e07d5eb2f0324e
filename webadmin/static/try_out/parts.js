// What the caller's page and the phone's page share: the log, the keypad, the ear.

import { Ear } from "./ear.js";

export const $ = (selector) => document.querySelector(selector);

export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

const plain = (word) => String(word ?? "").replaceAll("_", " ");

// The parts of one line: strings, and [string] for what is emphasised. Everything is set as text.
const words = {
  begun: (entry, say) => [say.begun, " ", [entry.flow]],
  hears: (entry, say) => (entry.texts.length ? [say.hears, " ", `“${entry.texts.join(" ")}”`] : null),
  told: (entry, say) => [say.told],
  key: (entry, say) => [say.key, " ", [entry.key]],
  says: (entry, say) => [say.says, ` (${entry.seconds} ${say.seconds})`],
  step: (entry, say) => [say.step, " ", [entry.step], ` ${plain(entry.outcome)}`, entry.label ? ` (${entry.label})` : ""],
  rings: (entry, say) => [say.rings, " ", [`${entry.name} ${entry.number}`.trim()]],
  calls: (entry, say) => [say.calls, " ", [entry.number]],
  dials: (entry, say) => [say.dials, " ", [entry.number]],
  gone: (entry, say) => [say.gone],
  note: (entry, say) => [say[entry.about] ?? entry.about, " ", [entry.value]],
  ended: (entry, say) => [say.ended, ": ", [plain(entry.outcome)], entry.cause ? ` ${entry.cause}` : ""],
};

export const makeLog = (list) => {
  let before = -1;
  let toldLast = false;
  return {
    clear: () => {
      before = -1;
      toldLast = false;
      list.replaceChildren();
    },
    // False for one that stands there already.
    add: (entry) => {
      if (entry.n <= before) return false;
      before = entry.n;
      const again = entry.what === "told" && toldLast; // speech comes in pieces
      toldLast = entry.what === "told";
      const told = again ? null : words[entry.what]?.(entry, list.dataset);
      if (!told) return true;
      const line = document.createElement("li");
      line.className = entry.what;
      const time = document.createElement("time");
      time.textContent = clock(entry.at);
      const text = document.createElement("span");
      for (const part of told) {
        if (Array.isArray(part)) {
          const strong = document.createElement("b");
          strong.textContent = part[0];
          text.append(strong);
        } else text.append(part);
      }
      line.append(time, text);
      list.append(line);
      list.parentElement.scrollTop = list.parentElement.scrollHeight;
      return true;
    },
  };
};

// press(key) is called for a click, a touch, and a key of the keyboard that is not meant for a field.
export const keypad = (press) => {
  const buttons = new Map([...document.querySelectorAll("[data-key]")].map((button) => [button.dataset.key, button]));
  const go = (key) => {
    const button = buttons.get(key);
    if (!button || button.disabled) return false;
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 150);
    press(key);
    return true;
  };
  for (const [key, button] of buttons) button.addEventListener("click", () => go(key));
  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest?.("input, select, textarea");
    if (inField || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (go(event.key)) event.preventDefault();
  });
  return { enable: (yes) => buttons.forEach((button) => (button.disabled = !yes)) };
};

// The page is left: what must still be said is said, as no answer is waited for.
export const farewell = (address) => {
  const token = $('meta[name="csrf-token"]').content;
  fetch(address, { method: "POST", keepalive: true, headers: { "X-CSRFToken": token, "Content-Type": "application/json" }, body: "{}" });
};

export const makeEar = (base, made) =>
  new Ear($("#ear"), { token: (token) => `${base()}/sound/${token}`, made: (name) => made.replace("NAME", name) }, $("#muted"));

// What an entry means for the ear.
export const hear = (ear, entry, late = 0) => {
  if (entry.what === "hears") ear.play(entry.parts, late);
  else if (entry.what === "told") ear.told(entry.parts);
  else if (entry.what === "silence") ear.silence();
  else if (entry.what === "ended") ear.lastWords();
};

// After a snapshot: the entries that are still to be heard, with how late they are.
export const stillHeard = ({ entries, now, over }) => {
  if (over) return [];
  let from = entries.length;
  while (from > 0 && !["silence", "step", "ended"].includes(entries[from - 1].what)) from--;
  const last = entries.slice(from).findLast((entry) => entry.what === "hears");
  return last ? [[last, now - last.at]] : [];
};
