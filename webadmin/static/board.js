// The wallboard: what the engine told last, counted on by the second, marked by its limits, and grey as soon as it is old.
import { watch } from "/static/live.js";
import { ring, soundButton } from "/static/sound.js";
import { clockTime, hear, keep, lasting, now, silence, write } from "/static/timing.js";

const STALE_SECONDS = 5;
const MORE_IS_BETTER = new Set(["ready", "service_level_ignored"]);
const ORDER = ["away", "wrap-up", "holding", "talking", "ringing", "ready", "on the phone"];

const page = document.querySelector("#board");
const total = page.querySelector(".total");
const queues = page.querySelector(".queues");
const people = page.querySelector(".people");
const explanation = document.querySelector("#explanation");
const doing = document.querySelector("#doing").dataset;
const stale = document.querySelector("#stale");
let state;
let alarms = new Set();

const made = (id) => document.querySelector(id).content.firstElementChild.cloneNode(true);
const words = (name) => doing[name.replace(/[- ](.)/g, (_, letter) => letter.toUpperCase())] ?? name;

const levelOf = (name, value, limit) => {
  if (!limit || value === null || value === undefined) return "";
  const beyond = (bound) => bound !== null && (MORE_IS_BETTER.has(name) ? value <= bound : value >= bound);
  return beyond(limit.alarm) ? "alarm" : beyond(limit.warn) ? "warn" : "";
};

// value and text of one figure of one row, at this second
const figureOf = (row, name) => {
  if (name === "longest_wait_seconds") {
    const since = row.now.longest_since;
    return since === null ? [null, "-"] : [now() - since, lasting(now() - since)];
  }
  if (name in row.counted) return [row.counted[name].value, row.counted[name].shown];
  return [row.now[name], String(row.now[name])];
};

const drawRow = (place, row, key, ringing) => {
  for (const item of place.querySelectorAll("[data-figure]")) {
    const name = item.dataset.figure;
    const [value, text] = figureOf(row, name);
    const limit = row.limits[name];
    const level = levelOf(name, value, limit);
    write(item.querySelector(".value"), text);
    item.className = level && `at-${level}`; // .alarm is the frame's
    item.dataset.length = text.length > 6 ? "longest" : text.length > 4 ? "long" : "";
    item.querySelector(".warn-mark").hidden = level !== "warn";
    item.querySelector(".alarm-mark").hidden = level !== "alarm";
    item.querySelector("button").dataset.sum = row.counted[name]?.sum ?? "";
    item.querySelector("button").dataset.shown = text;
    if (level === "alarm" && limit.sound) ringing.add(`${key}/${name}`);
  }
};

const drawAgent = (row, agent) => {
  row.className = `agent ${agent.doing.replaceAll(" ", "-")}${agent.too_long ? " over" : ""}`;
  write(row.querySelector(".name"), agent.name);
  write(row.querySelector(".state"), agent.reason ? `${words(agent.doing)}: ${agent.reason}` : words(agent.doing));
  row.querySelector(".too-long").hidden = !agent.too_long;
};

const draw = () => {
  if (!state) return;
  const old = silence() > STALE_SECONDS;
  document.documentElement.classList.toggle("stale", old);
  if (old) {
    write(stale, stale.dataset.text.replace("{time}", clockTime(state.heard, page.dataset.zone)));
    stale.hidden = false;
    return; // what is old does not go on counting as if it were true
  }
  stale.hidden = true;
  const ringing = new Set();
  drawRow(total, state.total, "", ringing);
  for (const [index, row] of state.queues.entries()) drawRow(queues.children[index], row, row.queue, ringing);
  for (const [index, agent] of state.sorted.entries()) {
    write(people.querySelector(".agents").children[index].querySelector(".time"), lasting(now() - agent.since));
  }
  write(total.querySelector(".clock"), clockTime(now(), page.dataset.zone));
  if ([...ringing].some((name) => !alarms.has(name))) ring();
  alarms = ringing;
  if (!explanation.hidden) explain(explanation.of);
};

const take = (told) => {
  hear(told.at);
  state = { ...told, heard: told.at };
  state.sorted = [...state.agents].sort(
    (one, other) => other.too_long - one.too_long || ORDER.indexOf(one.doing) - ORDER.indexOf(other.doing) || one.since - other.since,
  );
  page.querySelector(".loading")?.remove();
  document.querySelector("#switch-down").hidden = state.up;
  total.hidden = people.hidden = false;
  page.dataset.size = state.queues.length <= 3 ? "few" : state.queues.length <= 6 ? "some" : "many";
  keep(queues, state.queues, "queue", () => made("#queue-template"), (place, row) => {
    write(place.querySelector(".title"), row.title);
    const level = place.querySelector(".level");
    write(level, level.dataset.text.replace("{seconds}", row.service_level_seconds));
  });
  keep(people.querySelector(".agents"), state.sorted, "agent", () => made("#agent-template"), drawAgent);
  const out = document.querySelector("#logged-out");
  write(out, state.logged_out ? out.dataset.text.replace("{count}", state.logged_out) : "");
  people.querySelector(".nobody").hidden = state.agents.length > 0;
  draw();
};

const tick = (told) => {
  hear(told.at);
  if (state) state.heard = told.at;
  draw();
};

// -- how a figure is made: by pointing at it, by the keyboard, by a tap

function explain(button) {
  if (!button.isConnected) return hide();
  write(explanation.querySelector(".made"), button.dataset.formula);
  write(explanation.querySelector(".sum"), button.dataset.sum ? `= ${button.dataset.sum} = ${button.dataset.shown}` : "");
  if (explanation.of !== button) {
    explanation.of?.removeAttribute("aria-describedby");
    explanation.of = button;
    button.setAttribute("aria-describedby", "explanation");
  }
  explanation.hidden = false;
  const place = button.getBoundingClientRect();
  const own = explanation.getBoundingClientRect();
  const left = Math.max(8, Math.min(place.left, document.documentElement.clientWidth - own.width - 8));
  const below = place.bottom + own.height + 8 < innerHeight;
  explanation.style.left = `${left + scrollX}px`;
  explanation.style.top = `${(below ? place.bottom + 4 : place.top - own.height - 4) + scrollY}px`;
}

function hide() {
  explanation.hidden = true;
  explanation.of?.removeAttribute("aria-describedby");
  explanation.of = undefined;
}

const figureAt = (event) => event.target.closest?.("button.figure");
page.addEventListener("pointerover", (event) => {
  const button = figureAt(event);
  if (button && event.pointerType === "mouse") explain(button);
  else if (!button && document.activeElement !== explanation.of) hide();
});
page.addEventListener("focusin", (event) => figureAt(event) && explain(figureAt(event)));
page.addEventListener("focusout", hide);
page.addEventListener("click", (event) => (figureAt(event) ? explain(figureAt(event)) : hide()));
document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

soundButton(document.querySelector("#sound"));
watch(page.dataset.live, { snapshot: take, board: take, board_tick: tick }, { silentAfter: STALE_SECONDS * 1000 });
setInterval(draw, 1000);
