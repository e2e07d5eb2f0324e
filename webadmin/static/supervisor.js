// The supervisor's page: rows that follow the engine, and dialogs whose buttons are the verbs of supervisors.
import { post, tell, watch } from "/static/live.js";
import { ring, soundButton } from "/static/sound.js";
import { hear, keep, lasting, now, write } from "/static/timing.js";

const page = document.querySelector("#supervisor");
const words = document.querySelector("#words").dataset;
const agentDialog = document.querySelector("#agent-dialog");
const callerDialog = document.querySelector("#caller-dialog");
const sure = document.querySelector("#sure");
let state;
let openAlarms;

const made = (id) => document.querySelector(id).content.firstElementChild.cloneNode(true);
const camel = (name) => name.replace(/[- ](.)/g, (_, letter) => letter.toUpperCase());
const doing = (agent) => `${words[camel(agent.doing)] ?? agent.doing}${agent.reason ? `: ${agent.reason}` : ""}`;
const put = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const caller = (row) => row.number || words.none;
const queueTitles = new Map([...document.querySelectorAll("#move-queue option")].map((each) => [each.value, each.textContent]));
const queueTitle = (name) => queueTitles.get(name) ?? name;

// -- doing something

const confirmed = (button) =>
  new Promise((answer) => {
    sure.querySelector("#sure-question").textContent = button.dataset.sure;
    sure.querySelector(".yes").textContent = button.textContent;
    sure.returnValue = "";
    sure.onclose = () => answer(sure.returnValue === "yes");
    sure.showModal();
    sure.querySelector(".no").focus();
  });
sure.querySelector(".yes").addEventListener("click", () => sure.close("yes"));
sure.querySelector(".no").addEventListener("click", () => sure.close(""));

const act = async (button, details, dialog) => {
  if (button.dataset.sure && !(await confirmed(button))) return;
  button.disabled = true;
  const result = dialog?.querySelector(".result");
  try {
    const told = await post(page.dataset.do, { verb: button.dataset.verb, ...details });
    tell(told.sentence);
    dialog?.close();
  } catch (error) {
    tell(error.message, "error");
    if (result) {
      result.className = "result flash error";
      result.textContent = error.message;
    }
  } finally {
    button.disabled = false;
  }
};

const choices = (id) => document.querySelector(id).value;
const DETAILS = {
  take_over: () => ({ by: choices("#take-by") }),
  force_break: () => ({ reason: choices("#break-reason") }),
  move: () => ({ queue: choices("#move-queue") }),
  raise: () => ({ seconds: choices("#raise-seconds") }),
  pick_up: () => ({ agent: choices("#pick-agent") }),
};

const fillChoices = () => {
  for (const select of document.querySelectorAll(".agents-choice")) {
    const chosen = select.value || page.dataset.me;
    // Who has the caller can't take them over.
    const others = select.id === "take-by" ? state.agents.filter((agent) => agent.agent !== agentDialog.dataset.id) : state.agents;
    const options = others.map((agent) => {
      const option = new Option(`${agent.name} (${doing(agent)})${agent.agent === page.dataset.me ? ` - ${words.me}` : ""}`, agent.agent);
      option.selected = agent.agent === chosen;
      return option;
    });
    select.replaceChildren(...options);
  }
};

const open = (dialog, kind, id) => {
  dialog.dataset.kind = kind;
  dialog.dataset.id = id;
  const result = dialog.querySelector(".result");
  result.className = "result";
  result.textContent = "";
  fillChoices();
  drawDialogs();
  dialog.showModal();
};

for (const dialog of [agentDialog, callerDialog]) {
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  for (const button of dialog.querySelectorAll("[data-verb]")) {
    button.addEventListener("click", () => {
      act(button, { [dialog.dataset.kind]: dialog.dataset.id, ...DETAILS[button.dataset.verb]?.() }, dialog);
    });
  }
}

// -- drawing

const drawDialogs = () => {
  if (agentDialog.dataset.id) {
    const agent = state.agents.find((each) => each.agent === agentDialog.dataset.id);
    if (!agent) return agentDialog.close();
    write(agentDialog.querySelector("h2"), `${agent.name} (${agent.agent})`);
    const talk = agent.talks ? `, ${caller(agent)}` : "";
    write(agentDialog.querySelector(".now"), `${doing(agent)}, ${lasting(now() - agent.since)}${talk}`);
    agentDialog.querySelector(".talk-actions").hidden = !agent.talks;
  }
  if (callerDialog.dataset.id) {
    const row = state.waiting.find((each) => each.item === callerDialog.dataset.id);
    if (!row) return callerDialog.close();
    const title = callerDialog.querySelector("h2");
    write(title, put(title.dataset.text, { number: caller(row) }));
    write(callerDialog.querySelector(".now"), `${queueTitle(row.queue)}, ${lasting(now() - row.queued_at)}`);
  }
};
for (const dialog of [agentDialog, callerDialog]) dialog.addEventListener("close", () => delete dialog.dataset.id);

const makeAgent = (agent) => {
  const row = made("#agent-row");
  const listen = row.querySelector(".listen");
  listen.addEventListener("click", () => act(listen, { agent: agent.agent }));
  row.querySelector(".more").addEventListener("click", () => open(agentDialog, "agent", agent.agent));
  return row;
};

const fillAgent = (row, agent) => {
  write(row.querySelector(".name"), agent.name);
  write(row.querySelector(".id"), agent.agent === agent.name ? "" : agent.agent);
  const badge = row.querySelector(".state");
  badge.className = `badge state ${{ ready: "good", away: "warn", "wrap-up": "warn" }[agent.doing] ?? ""}`;
  write(badge, doing(agent));
  row.querySelector(".too-long").hidden = !agent.too_long;
  write(row.querySelector(".queue"), queueTitle(agent.queue));
  write(row.querySelector(".number"), agent.talks ? caller(agent) : "");
  write(row.querySelector(".phone"), agent.phone);
  row.querySelector(".unreachable").hidden = agent.reachable;
  row.querySelector(".listen").hidden = !agent.talks;
  write(row.querySelector(".for"), agent.name);
};

const makeWaiting = (item) => {
  const row = made("#waiting-row");
  row.querySelector(".more").addEventListener("click", () => open(callerDialog, "item", item.item));
  return row;
};

const fillWaiting = (row, item) => {
  write(row.querySelector(".place"), String(item.position));
  write(row.querySelector(".queue"), queueTitle(item.queue));
  write(row.querySelector(".number-of"), caller(item));
  const text = put(words[item.state] ?? item.state, { agents: item.ringing.join(", ") });
  write(row.querySelector(".state"), item.boost_seconds ? `${text}; ${put(words.raised, { seconds: item.boost_seconds })}` : text);
  write(row.querySelector(".for"), caller(item));
};

const makeBreak = (agent) => {
  const row = made("#break-row");
  for (const button of row.querySelectorAll("[data-verb]")) button.addEventListener("click", () => act(button, { agent: agent.agent }));
  return row;
};

const fillBreak = (row, agent) => {
  const what = row.querySelector(".what");
  write(what, put(what.dataset.text, { name: agent.name, reason: agent.asks_title }));
  const team = state.teams.find((each) => each.team === agent.team);
  const seats = row.querySelector(".seats");
  seats.hidden = !team?.most_away;
  if (team?.most_away) {
    write(seats, put(words.seats, { away: team.away, most: team.most_away }));
    seats.classList.toggle("bad", team.away >= team.most_away);
  }
};

const drawTimes = () => {
  if (!state || document.documentElement.classList.contains("line-lost")) return;
  const agents = document.querySelector("#agents tbody").children;
  for (const [index, agent] of state.agents.entries()) write(agents[index].querySelector(".time"), lasting(now() - agent.since));
  const waiting = document.querySelector("#waiting tbody").children;
  for (const [index, item] of state.waiting.entries()) write(waiting[index].querySelector(".time"), lasting(now() - item.queued_at));
  drawDialogs();
};

const take = (told) => {
  hear(told.at);
  const before = new Set(state?.agents.filter((agent) => agent.asks).map((agent) => agent.agent));
  state = told;
  // One who talks with an agent is in the agent's row.
  state.waiting = told.waiting.filter((item) => item.state !== "talking");
  keep(document.querySelector("#agents tbody"), state.agents, "agent", makeAgent, fillAgent);
  keep(document.querySelector("#waiting tbody"), state.waiting, "item", makeWaiting, fillWaiting);
  const asking = state.agents.filter((agent) => agent.asks);
  keep(document.querySelector("#breaks ul"), asking, "agent", makeBreak, fillBreak);
  document.querySelector("#breaks").hidden = !asking.length;
  for (const [name, list] of [["#agents", state.agents], ["#waiting", state.waiting]]) {
    document.querySelector(name).hidden = !list.length;
    write(document.querySelector(`${name}-count`), String(list.length));
  }
  document.querySelector("#nobody-there").hidden = state.agents.length > 0;
  document.querySelector("#nobody-waits").hidden = state.waiting.length > 0;
  const teams = document.querySelector("#teams");
  keep(teams, state.teams, "team", () => document.createElement("span"), (place, team) => {
    write(place, put(team.most_away ? teams.dataset.text : teams.dataset.open, { team: team.title, away: team.away, most: team.most_away }));
  });
  if (asking.some((agent) => !before.has(agent.agent)) && before.size < asking.length) ring();
  drawTimes();
};

const takeAlarms = (open) => {
  const link = document.querySelector("#alarms-link");
  write(link, put(link.dataset.text, { count: open }));
  link.classList.toggle("danger", open > 0);
  if (openAlarms !== undefined && open > openAlarms) ring();
  openAlarms = open;
};

soundButton(document.querySelector("#sound"));
watch(
  page.dataset.live,
  {
    snapshot: (told) => (take(told), takeAlarms(told.open_alarms)),
    supervisor: take,
    supervisor_tick: (told) => hear(told.at),
    alarms: (told) => takeAlarms(told.open),
  },
  { silentAfter: 5000 },
);
setInterval(drawTimes, 1000);
