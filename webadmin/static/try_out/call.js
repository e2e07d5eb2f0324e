// The caller's telephone: places a call, hears what the caller hears, presses, speaks, and shows where in the flow the call is.

import { draw } from "../flows/diagram.js";
import { post, tell, watch } from "../live.js";
import { mouth } from "./mouth.js";
import { $, farewell, hear, keypad, makeEar, makeLog, stillHeard } from "./parts.js";

const { base, made, calls } = $("#try").dataset;
const display = $("#display");
const log = makeLog($("#log"));
let call = "";
let stream;
let drawn; // {flow, picture}
const here = () => `${base}call/${call}`;
const ear = makeEar(here, made);
const complain = (error) => tell(error.message ?? error, "error");
const keys = keypad((key) => post(`${here()}/press`, { keys: key }).catch(complain));
const speech = mouth({ button: $("#speak"), file: $("#file"), send: (form) => post(`${here()}/speak`, form), complain });

const setUp = (up) => {
  keys.enable(up);
  speech.enable(up);
  $("#hang-up").disabled = !up;
  $("#call").disabled = up;
  display.classList.toggle("up", up);
};

const showVariables = (variables) => {
  const list = $("#variables");
  const rows = variables.length ? variables : [["-", list.dataset.none]];
  list.replaceChildren(...rows.flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
};

const showFlow = async (flow, step) => {
  const host = $("#diagram");
  $("#step").textContent = `${host.dataset.step} ${flow}: ${step}`;
  if (drawn?.flow === flow) {
    drawn.step = step;
    drawn.picture?.lightStep(step);
    return;
  }
  const mine = { flow, step };
  drawn = mine;
  const answer = await fetch(`${here()}/flow/${encodeURIComponent(flow)}`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { title, graph } = await answer.json();
  if (drawn !== mine) return;
  mine.picture = draw(host, graph, { title, anytime: host.dataset.anytime });
  mine.picture.fit(false);
  $("#flow-name").textContent = title;
  mine.picture.lightStep(mine.step); // which may be another by now
};

const showState = (state) => {
  if (!state.flow) return;
  const say = display.dataset;
  const told = state.talking ? `${say.talking} ${state.talking === "?" ? say.somebody : state.talking}` : state.waiting ? `${say.waiting} ${state.waiting}` : say.up;
  display.textContent = !state.up ? say.over : state.secret ? `${told}. ${say.secret}` : told;
  showVariables(state.variables);
  showFlow(state.flow, state.step);
};

const ended = () => {
  setUp(false);
  stream?.close();
  stream = undefined;
  display.textContent = display.dataset.over;
  const link = $("#record a");
  link.href = `${calls}${call}`;
  $("#record").hidden = false;
  $("#call").focus();
};

const entered = (entry, late) => {
  if (!log.add(entry)) return;
  if (late === undefined) hear(ear, entry);
  if (entry.what === "ended") ended();
};

const follow = (topic) => {
  stream = watch(`${here()}/events`, {
    snapshot: (state) => {
      for (const entry of state.entries) entered(entry, 0);
      showState(state.state);
      ear.silence();
      for (const [entry, late] of stillHeard(state)) hear(ear, entry, late);
    },
    [topic]: ({ entry, state }) => {
      if (entry) entered(entry);
      if (state) showState(state);
    },
  }, { silentAfter: 15000 });
};

$("#dial").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = $("#problem");
  problem.hidden = true;
  $("#number").removeAttribute("aria-invalid");
  ear.open();
  ear.forget();
  $("#call").disabled = true;
  display.textContent = display.dataset.calling;
  const value = (name) => $(`#${name}`).value.trim();
  try {
    const placed = await post($("#try").dataset.call, {
      number: value("number"), caller: value("caller"), name: value("name"), at: value("at"), language: value("language"), draft: value("flows") === "draft",
    });
    log.clear();
    $("#record").hidden = true;
    $("#ear").dataset.heard = "";
    drawn = undefined;
    call = placed.call;
    setUp(true);
    document.activeElement?.blur(); // the keyboard is the keypad now
    follow(placed.topic);
  } catch (error) {
    $("#call").disabled = false;
    display.textContent = display.dataset.idle;
    problem.textContent = error.message;
    problem.hidden = false;
    $("#number").setAttribute("aria-invalid", "true");
    $("#number").focus();
  }
});

$("#hang-up").addEventListener("click", () => {
  ear.silence();
  post(`${here()}/hang-up`).catch(complain);
});
addEventListener("pagehide", () => stream && farewell(`${here()}/hang-up`));
document.addEventListener("pointerdown", () => call && ear.open());
