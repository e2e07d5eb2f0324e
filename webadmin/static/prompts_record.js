// Recording by phone: what happens on the phone is shown as it happens, and what was said can be decided about here too.
import { post, watch } from "/static/live.js";

const place = document.querySelector("#take");
const words = JSON.parse(place.dataset.words);
const form = place.querySelector("#take-form");
const told = place.querySelector("#take-told");
const sound = place.querySelector("#take-sound");
const choices = place.querySelector("#take-choices");
const BAD = new Set(["NOT_REACHED", "SILENT", "FAILED"]);
let take = JSON.parse(place.dataset.state);
let watching = null;

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const here = () => take && take.name === place.dataset.name && take.language === place.dataset.language;

const sentence = () => {
  const text = words[take.why] ?? words[take.state] ?? take.state;
  const said = fill(text, { phone: take.phone, seconds: (take.spoken_ms / 1000).toFixed(1), sentence: take.sentence });
  return [said, ...take.warnings].join(" ");
};

const draw = () => {
  const busy = Boolean(take) && !take.over;
  form.hidden = busy;
  place.querySelector(".stages").hidden = !(busy && here());
  for (const stage of place.querySelectorAll(".stages li")) stage.classList.toggle("now", busy && stage.dataset.at.split(" ").includes(take.state));
  told.className = "";
  told.textContent = "";
  const toHear = busy && (take.state === "REVIEWING" || take.state === "WAITING");
  if (here()) {
    told.textContent = sentence();
    if (BAD.has(take.state)) told.className = "flash error";
    else if (take.state === "KEPT") told.className = take.warnings.length ? "flash warning" : "flash message";
    else if (take.state === "RECORDING") told.className = "on-air";
  } else if (busy) told.textContent = fill(words.other, { name: `${take.name} (${take.language})` });
  const source = toHear ? `${place.dataset.sound}?take=${encodeURIComponent(take.take)}&try=${take.tries}` : "";
  if (source !== (sound.getAttribute("src") ?? "")) {
    if (source) sound.src = source;
    else sound.removeAttribute("src");
  }
  sound.hidden = !toHear;
  choices.hidden = !busy || take.state === "KEEPING";
  choices.querySelector('[data-key="1"]').hidden = !toHear;
  choices.querySelector('[data-key="2"]').hidden = !toHear || take.state === "WAITING";
};

const follow = (next) => {
  const kept = take && !take.over && next?.take === take.take && next.state === "KEPT" && here();
  take = next;
  draw();
  if (kept) setTimeout(() => location.replace(location.pathname), 1500); // the sound, its length and the former versions are others now
  if (take && !take.over) listen();
};

const listen = () => {
  watching ??= watch(place.dataset.live, { snapshot: (state) => follow(state.take), [place.dataset.topic]: (state) => follow(state.take) }, { silentAfter: 12000 });
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  button.disabled = true;
  try {
    follow((await post(form.action, new FormData(form))).take);
  } catch (error) {
    told.textContent = error.message;
    told.className = "flash error";
  } finally {
    button.disabled = false;
  }
});

for (const button of choices.querySelectorAll("button")) {
  button.addEventListener("click", async () => {
    try {
      await post(place.dataset.press, { take: take.take, key: button.dataset.key });
    } catch (error) {
      told.textContent = error.message;
      told.className = "flash error";
    }
  });
}

draw();
if (take && !take.over) listen();
