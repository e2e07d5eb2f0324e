// Instants of the engine's clock, whatever this computer's own clock says.

let told = 0; // the engine's time in seconds, as told last
let heardAt = 0; // when that was, by the browser's own steady clock

export const hear = (at) => {
  told = at;
  heardAt = performance.now();
};

// Seconds since the engine said something.
export const silence = () => (performance.now() - heardAt) / 1000;

export const now = () => told + silence();

// The time of day where the site is.
export const clockTime = (at, timeZone) => new Date(at * 1000).toLocaleTimeString("en-GB", { timeZone });

// As `figures.shown` writes seconds: 0:07, 1:05, 1:01:05.
export const lasting = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
};

// Changes a text only where it is another one: nothing that stands still is read out or drawn again.
export const write = (place, text) => {
  if (place && place.textContent !== text) place.textContent = text;
};

// Keyed rows: one element for each item, made once, in the order of the items.
export const keep = (place, items, key, make, fill) => {
  const known = new Map([...place.children].map((row) => [row.dataset.key, row]));
  items.forEach((item, index) => {
    const name = String(item[key]);
    let row = known.get(name);
    if (row) known.delete(name);
    else {
      row = make(item);
      row.dataset.key = name;
    }
    if (place.children[index] !== row) place.insertBefore(row, place.children[index] ?? null);
    fill(row, item);
  });
  for (const row of known.values()) row.remove();
};
