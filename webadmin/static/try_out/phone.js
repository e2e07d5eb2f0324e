// A phone of the house in hand: it rings, is answered, hears and speaks.

import { post, tell, watch } from "../live.js";
import { mouth } from "./mouth.js";
import { $, farewell, hear, keypad, makeEar, makeLog, stillHeard } from "./parts.js";

const { base, made } = $("#desk").dataset;
const display = $("#display");
const log = makeLog($("#log"));
let extension = "";
let ringing = false;
let stream;
const here = () => `${base}/${extension}`;
const ear = makeEar(here, made);
const complain = (error) => tell(error.message ?? error, "error");
const act = (verb, data = {}) => post(`${here()}/${verb}`, data).catch(complain);
const keys = keypad((key) => act("press", { keys: key }));
const speech = mouth({ button: $("#speak"), file: $("#file"), send: (form) => post(`${here()}/speak`, form), complain });

const ring = (on) => {
  if (on === ringing) return;
  ringing = on;
  if (on) ear.play([{ made: "ring", loops: true }]);
  else ear.silence();
};

const showState = ({ up, calls = [], agent }) => {
  const say = display.dataset;
  const rings = calls.find((call) => call.rung && !call.answered);
  const off = calls.find((call) => call.answered || !call.rung);
  const other = (call) => `${call.name === call.number ? "" : call.name} ${call.number}`.trim();
  ring(Boolean(rings) && !off);
  display.textContent = !up ? say.over : off ? `${off.talking ? say.talking : say.up} ${other(off)}` : rings ? `${say.rings} ${other(rings)}` : say.idle;
  display.classList.toggle("ringing", Boolean(rings) && !off);
  display.classList.toggle("up", Boolean(off));
  $("#answer").disabled = $("#reject").disabled = !rings;
  $("#hang-up").disabled = !off;
  $("#ready").disabled = !agent || (agent.intent === "READY" && agent.work === "IDLE");
  keys.enable(Boolean(off));
  speech.enable(Boolean(off?.answered));
  const state = $("#agent-state");
  state.textContent = agent ? [agent.agent_id, agent.intent, agent.work, agent.queue, agent.reason].filter(Boolean).join(" · ").replaceAll("_", " ") : state.dataset.nobody;
};

const over = () => {
  stream?.close();
  stream = undefined;
  $("#held").hidden = true;
  $("#take").hidden = false;
  $("#which").textContent = "";
  ear.silence();
  tell(display.dataset.over);
};

const entered = (entry) => {
  if (!log.add(entry)) return false;
  if (entry.what === "ended") over();
  return true;
};

$("#take").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = $("#problem");
  problem.hidden = true;
  ear.open();
  extension = $("#extension").value;
  try {
    const { topic } = await post(`${here()}/take`, { agent: $("#agent").value });
    log.clear();
    $("#take").hidden = true;
    $("#held").hidden = false;
    $("#which").textContent = extension;
    $("#answer").focus();
    stream = watch(`${here()}/events`, {
      snapshot: (state) => {
        state.entries.forEach(entered);
        if (state.over) return;
        showState(state.state);
        if (!ringing) for (const [entry, late] of stillHeard(state)) hear(ear, entry, late);
      },
      [topic]: ({ entry, state }) => {
        if (entry && entered(entry) && entry.what !== "ended") {
          if (entry.what === "hears") ring(false);
          hear(ear, entry);
        }
        if (state) showState(state);
      },
    }, { silentAfter: 15000 });
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

for (const verb of ["answer", "reject", "hang-up", "ready", "give-back"]) $(`#${verb}`).addEventListener("click", () => act(verb));
$("#dial").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = $("#number").value.trim();
  if (number) act("dial", { number });
});
addEventListener("pagehide", () => stream && farewell(`${here()}/give-back`));
document.addEventListener("pointerdown", () => extension && ear.open());
