// The agent's console. Everything is drawn from the state that the server tells; a click changes nothing here until the server says so.
// Strangers' text (names, numbers, notes) only ever becomes text: nothing is made of strings that a browser would read as HTML.
import { post, watch } from "/static/live.js";
import { drawNotices } from "/static/notices.js";

const desk = document.querySelector("#desk");
const $ = (id) => document.getElementById(id);
const texts = JSON.parse(desk.dataset.texts);
const agent = desk.dataset.agent;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

const el = (name, given = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key === "on") for (const [event, handle] of Object.entries(value)) made.addEventListener(event, handle);
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
};

let state = null;
let card = null;
let ahead = 0; // seconds by which the server's clock is before ours
const now = () => Date.now() / 1000 + ahead;

// -- times ---------------------------------------------------------------------------------------------------------------

const clockFormat = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: desk.dataset.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayFormat = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: desk.dataset.zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clock = (at) => el("time", { dateTime: new Date(at * 1000).toISOString() }, clockFormat.format(at * 1000));
const day = (at) => el("time", { dateTime: new Date(at * 1000).toISOString() }, dayFormat.format(at * 1000));
const lasting = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
};

const tick = () => {
  if (!state?.logged_in) $("since").textContent = "";
  else if (state.wrap_up?.until) $("since").textContent = lasting(state.wrap_up.until - now());
  else $("since").textContent = lasting(now() - state.since);
  const wait = document.querySelector("#wait");
  if (wait && card) wait.textContent = lasting(card.wait_seconds ?? now() - card.queued_at);
};
setInterval(tick, 500);

// -- doing ---------------------------------------------------------------------------------------------------------------

const say = (sentence, error = false) => {
  $("told").textContent = sentence;
  $("told").classList.toggle("error", error);
};

const ask = async (address, data, button) => {
  if (button) button.disabled = true;
  try {
    const answer = await post(address, data);
    say(answer.told ?? "");
    return answer;
  } catch (error) {
    say(error.message, true);
    return null;
  } finally {
    if (button) button.disabled = false;
  }
};

const act = (verb, data = {}, button = null) => ask(desk.dataset.do.replace("VERB", verb), data, button);

for (const button of document.querySelectorAll("[data-verb]")) button.addEventListener("click", () => act(button.dataset.verb, {}, button));

$("log-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const phone = $("phone-number").value.trim();
  if (await act("log_in", { phone }, event.submitter)) localStorage.setItem(`phone.${agent}`, phone);
});

const openBreaks = (open) => {
  $("breaks").hidden = !open;
  $("break-button").setAttribute("aria-expanded", String(open));
  if (open) $("reasons").querySelector("button:not(:disabled)")?.focus();
};
$("break-button").addEventListener("click", () => openBreaks($("breaks").hidden));

$("passing").addEventListener("submit", async (event) => {
  event.preventDefault();
  const may = possible(state);
  const verb = may.dial ? "call" : event.submitter?.value === "consult" || !may.transfer ? "consult" : "transfer";
  const queue = verb === "call" && !$("for-queue-field").hidden ? $("for-queue").value : "";
  if (await act(verb, { number: $("number").value.trim(), notes: $("notes").value, queue }, event.submitter)) $("number").value = "";
});

// A number anywhere on the page is a button: it is called, or, during a call, put where the caller may be passed on to.
const useNumber = (number, queue) => {
  const may = possible(state);
  if (may.dial) act("call", { number, queue: state.queues.some((each) => each.name === queue) ? queue : "" });
  else if (may.pass) {
    $("number").value = number;
    $("number").focus();
  } else say(texts.can_not_dial, true);
};
const numberButton = (number, queue = "", shown = number) =>
  /^\+?[0-9][0-9 ()-]*$/.test(number)
    ? el("button", { type: "button", className: "number", title: fill(texts.dial, { number }), on: { click: () => useNumber(number, queue) } }, shown)
    : el("b", {}, shown || texts.unknown_number);

$("directory").addEventListener("toggle", async () => {
  if (!$("directory").open) return;
  const answer = await fetch(desk.dataset.directory, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { queues, agents } = await answer.json();
  const pick = (number) => () => {
    $("number").value = number;
    $("number").focus();
  };
  $("people").replaceChildren(
    ...queues.map((each) => el("button", { type: "button", on: { click: pick(each.number) } }, each.title, " ", el("small", {}, fill(texts.waiting, { count: each.waiting })))),
    ...agents.map((each) => el("button", { type: "button", on: { click: pick(each.number) } }, each.title, " ", el("small", {}, each.free ? texts.free : texts.busy))),
  );
});

// -- the bar -------------------------------------------------------------------------------------------------------------

const describe = (desk) => {
  if (!desk.logged_in) return [texts.state.LOGGED_OUT, ""];
  if (desk.own && desk.own.state !== "TALKING") return [fill(texts.own[desk.own.state] ?? "", { who: desk.own.title }), "good"];
  if (desk.work !== "IDLE") return [texts.state[desk.work] ?? desk.work, ["WRAP_UP", "EXTERNAL"].includes(desk.work) ? "warn" : "good"];
  if (desk.intent === "READY") return [texts.state.READY, "good"];
  if (desk.reason === "no_answer") return [texts.state.no_answer, "bad"];
  if (!desk.reason) return [texts.state.NOT_READY, "warn"];
  const reason = desk.reasons.find((each) => each.reason === desk.reason);
  return [`${texts.state.break}: ${reason?.title ?? desk.reason}`, "warn"];
};

const possible = (desk) => {
  if (!desk.logged_in) return {};
  const idle = desk.work === "IDLE" || desk.work === "EXTERNAL";
  const talking = desk.stage === "talking";
  const together = desk.consulting?.state;
  const alone = talking && ["TALKING", "HOLD"].includes(desk.work);
  return {
    answer: desk.rings && !desk.deaf,
    mute: talking && !desk.muted && desk.work !== "HOLD",
    unmute: talking && desk.muted,
    dial: !desk.own && ["IDLE", "WRAP_UP"].includes(desk.work) && desk.reachable,
    ready: desk.intent !== "READY" || desk.break_asked || desk.pending || desk.work === "WRAP_UP",
    log_out: idle && !desk.own && desk.pending !== "LOGGED_OUT",
    pick_up: desk.work === "IDLE" && desk.intent === "READY" && desk.queues.some((each) => each.waiting),
    hold: desk.work === "TALKING",
    unhold: desk.work === "HOLD" && !desk.held_by_phone,
    complete: together === "TALKING" || together === "CONFERENCE",
    three_way: together === "TALKING",
    take_back: Boolean(together),
    pause_recording: talking && desk.recording && !desk.paused,
    resume_recording: talking && desk.recording && desk.paused,
    more_wrap_up: Boolean(desk.wrap_up?.until),
    hang_up: alone || desk.work === "CONFERENCE" || Boolean(desk.own && !talking),
    pass: alone && !together,
    transfer: alone && !together && !desk.dialled, // whom the agent has called is passed on by asking first
  };
};

const drawDesk = () => {
  const [title, kind] = describe(state);
  $("badge").textContent = title;
  $("badge").className = `badge ${kind}`;
  let next = "";
  const reasonTitle = (name) => state.reasons.find((each) => each.reason === name)?.title ?? name;
  if (state.break_asked) next = fill(texts.asks_for, { what: reasonTitle(state.break_asked) });
  else if (state.pending) next = texts.after[state.pending] ?? "";
  else if (state.own && state.stage === "talking") next = state.own.title;
  if (state.rings && state.deaf) next = texts.deaf;
  $("muted").hidden = !state.muted;
  if (state.consulting) next = fill(texts.consulting[state.consulting.state] ?? "", { who: state.consulting.title });
  $("next").textContent = next;
  $("me").textContent = state.name ? `${state.name} (${state.agent})` : state.agent;
  $("phone").textContent = state.logged_in ? fill(texts.at_phone, { phone: state.phone }) : "";
  const may = possible(state);
  for (const button of document.querySelectorAll("[data-verb]")) button.hidden = !may[button.dataset.verb];
  document.querySelector("[data-verb=ready]").classList.toggle("main", ["IDLE", "WRAP_UP"].includes(state.work)); // in a call it is no hurry
  const form = $("log-in");
  if (!state.logged_in && form.hidden && !$("phone-number").value) $("phone-number").value = localStorage.getItem(`phone.${agent}`) ?? state.extension;
  form.hidden = state.logged_in;
  const breaks = state.logged_in && state.reasons.length > 0 && !state.on_break;
  $("break-button").hidden = !breaks;
  if (!breaks) openBreaks(false);
  drawBreaks();
  drawNumber(may);
  $("no-switch").hidden = state.switch;
  $("no-switch").textContent = state.switch ? "" : texts.no_switch;
  const silent = state.logged_in && !state.reachable;
  $("no-phone").hidden = !silent;
  $("no-phone").textContent = silent ? texts.unreachable : "";
  $("queues").replaceChildren(
    ...state.queues.map((each) => el("li", {}, el("span", { className: "line" }, each.title, el("span", { className: `badge ${each.waiting ? "warn" : ""}` }, fill(texts.waiting, { count: each.waiting }))))),
  );
  tick();
};

let drawnQueues = "";
const drawNumber = (may) => {
  $("passing").hidden = !may.pass && !may.dial;
  const use = may.dial ? "dial" : "pass";
  $("number-label").textContent = texts.number[use];
  $("number-note").textContent = $("number-note").dataset[may.pass && !may.transfer ? "ask" : use];
  $("call-button").hidden = !may.dial;
  $("transfer-button").hidden = !may.transfer;
  $("consult-button").hidden = !may.pass;
  $("consult-button").classList.toggle("main", Boolean(may.pass && !may.transfer));
  $("for-queue-field").hidden = !may.dial || state.queues.length < 2;
  const queues = JSON.stringify(state.queues.map((each) => [each.name, each.title]));
  if (queues === drawnQueues) return;
  drawnQueues = queues;
  $("for-queue").replaceChildren(...state.queues.map((each) => el("option", { value: each.name }, each.title)));
};

let drawnBreaks = "";
const drawBreaks = () => {
  const { most, left } = state.seats;
  const told = JSON.stringify([state.reasons, most, left]);
  if (told === drawnBreaks) return; // who has the keyboard's focus in here keeps it
  drawnBreaks = told;
  $("seats").textContent = most === null ? "" : left ? fill(texts.seats, { left, most }) : texts.no_seat;
  $("reasons").replaceChildren(
    ...state.reasons.map((each) =>
      el(
        "button",
        {
          type: "button",
          disabled: left === 0,
          on: {
            click: async (event) => {
              if (await act("break", { reason: each.reason }, event.currentTarget)) openBreaks(false);
            },
          },
        },
        each.title,
        each.approval ? el("small", {}, texts.approval) : "",
      ),
    ),
  );
};

// -- the call ------------------------------------------------------------------------------------------------------------

let shownItem = "";
let announced = "";
const titleOfPage = document.title;

const nameOf = (call) => {
  const chosen = call.customers.find((each) => each.id === call.customer);
  return chosen?.name || call.name || call.number || texts.unknown_number;
};

const ending = (each) => (each.direction ? texts.outgoing : texts.terminal)[each.terminal] ?? each.terminal;

const past = (each) =>
  el(
    "li",
    {},
    el("span", { className: "line" }, day(each.at), each.queue, each.agent ? el("span", {}, each.agent) : "", each.direction ? el("span", { className: "quiet" }, `\u2197 ${texts.called_before}`) : "", el("span", { className: "badge" }, each.disposition || ending(each))),
    each.notes ? el("p", { className: "quiet" }, each.notes) : "",
  );

const drawCall = () => {
  const shown = state?.known && card && ["ringing", "calling", "talking", "after", "brought"].includes(state.stage) && (card.item === state.item || (state.stage === "after" && !state.item));
  $("call").hidden = !shown;
  $("idle").hidden = Boolean(shown);
  if (!shown) {
    document.title = titleOfPage;
    shownItem = state?.stage ? shownItem : "";
    return;
  }
  const who = nameOf(card);
  const fresh = shownItem !== card.item;
  shownItem = card.item;
  document.title = state.stage === "ringing" ? `\u260e ${who}` : titleOfPage;
  const pop = `${card.item} ${state.stage === "ringing" || state.stage === "brought"}`;
  if (pop !== announced && (state.stage === "ringing" || state.stage === "brought")) $("pop").textContent = fill(texts.pop, { who });
  announced = pop;
  $("brought").hidden = state.stage !== "brought";
  $("brought").textContent = state.stage === "brought" ? `${texts.asked} ${card.agent}` : "";
  $("who").textContent = who;
  $("facts").replaceChildren(
    card.direction ? el("span", { className: "badge good" }, card.direction === "internal" ? texts.internal : texts.called) : "",
    card.number && who !== card.number ? numberButton(card.number, card.queue_name) : "",
    card.name && who !== card.name ? el("span", {}, card.name) : "",
    card.queue ? el("span", { className: "badge" }, card.queue) : "",
    card.callback && !card.direction ? el("span", { className: "badge warn" }, texts.callback) : "",
    card.direction ? "" : el("span", {}, `${card.wait_seconds === null ? texts.waits : texts.waited} `, el("b", { id: "wait" })),
    card.dialled ? el("span", { className: "quiet" }, card.dialled) : "",
  );
  drawCustomers(fresh);
  $("before-box").hidden = !card.before.length;
  $("before").replaceChildren(...card.before.map(past));
  $("trail-box").hidden = Boolean(card.direction);
  $("trail").replaceChildren(...(card.trail.length ? card.trail.map((each) => el("li", { title: `${each.flow} / ${each.step}` }, [each.key, each.label].filter(Boolean).join(" "))) : [el("li", {}, texts.no_trail)]));
  $("last").replaceChildren(...(card.last.length ? card.last.map(past) : [el("li", { className: "quiet" }, texts.no_calls)]));
  drawClosing(fresh);
  tick();
};

const drawCustomers = (fresh) => {
  const several = card.customers.length > 1 && !card.customer;
  const rows = card.customers
    .filter((each) => !card.customer || each.id === card.customer)
    .map((each) =>
      el(
        "div",
        { className: `customer ${each.id === card.customer ? "chosen" : ""}` },
        el("b", {}, each.name),
        each.level ? el("span", { className: "badge good" }, each.level) : "",
        ...each.numbers.map((number) => numberButton(number, card.queue_name)),
        several ? el("button", { type: "button", on: { click: (event) => ask(desk.dataset.choose, { id: each.id }, event.currentTarget) } }, texts.choose) : "",
        each.notes ? el("p", {}, each.notes) : "",
      ),
    );
  const head = !card.customers.length ? el("p", { className: "quiet" }, texts.nobody) : several ? el("p", {}, texts.several) : "";
  $("customers").replaceChildren(head, ...rows);
  const box = $("customer-form-box");
  const form = $("customer-form");
  const chosen = card.customers.find((each) => each.id === card.customer);
  $("customer-form-title").textContent = chosen ? form.dataset.edit : form.dataset.new;
  if (!fresh && (box.open || form.elements.id.value === (chosen?.id ?? ""))) return; // what is being filled in stays
  form.elements.id.value = chosen?.id ?? "";
  form.elements.name.value = chosen?.name ?? card.name;
  form.elements.level.value = chosen?.level ?? "";
  form.elements.numbers.value = (chosen?.numbers ?? [card.number].filter(Boolean)).join(", ");
  form.elements.notes.value = chosen?.notes ?? "";
  $("customer-problem").hidden = true;
  box.open = false;
};

$("customer-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = Object.fromEntries(new FormData(event.currentTarget));
  try {
    say((await post(desk.dataset.customer, data)).told);
    $("customer-problem").hidden = true;
    $("customer-form-box").open = false;
    $("customer-form").elements.id.value = "";
  } catch (error) {
    $("customer-problem").textContent = error.message;
    $("customer-problem").hidden = false;
  }
});

// Notes are kept while they are written, so that neither a reload nor a colleague who gets the caller misses them.
let keeping = 0;
const tellMissing = () => {
  const notes = card?.notes_required && !$("notes").value.trim();
  const missing = [card?.required ? texts.required : "", notes ? texts.notes_required : ""].filter(Boolean);
  $("required").hidden = !missing.length;
  $("required").textContent = missing.join(" ");
};
const notesChanged = () => {
  tellMissing();
  clearTimeout(keeping);
  $("notes-kept").textContent = "";
  keeping = setTimeout(keepNotes, 800);
};
const keepNotes = async () => {
  const item = shownItem;
  try {
    await post(desk.dataset.notes, { item, notes: $("notes").value });
    if (item === shownItem) $("notes-kept").textContent = texts.kept;
  } catch (error) {
    $("notes-kept").textContent = error.message;
  }
};
$("notes").addEventListener("input", notesChanged);

let drawnCodes = "";
const drawClosing = (fresh) => {
  const closing = card.mine && (state.stage === "talking" || state.stage === "after");
  $("closing").hidden = !closing;
  if (fresh || (document.activeElement !== $("notes") && !$("notes").value)) {
    clearTimeout(keeping);
    $("notes").value = closing ? card.notes : "";
    $("notes-kept").textContent = "";
  }
  const codes = JSON.stringify([card.item, card.dispositions]);
  if (codes !== drawnCodes) {
    drawnCodes = codes;
    $("codes").replaceChildren(
      ...card.dispositions.map((each) =>
        el("label", { className: "inline" }, el("input", { type: "radio", name: "code", value: each.code, checked: each.code === card.disposition }), `${each.code} ${each.title === each.code ? "" : each.title}`),
      ),
    );
  }
  $("dispositions").hidden = !card.dispositions.length;
  $("dispose").hidden = !card.dispositions.length;
  tellMissing();
};

$("closing").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(keeping);
  const code = new FormData(event.currentTarget).get("code") ?? "";
  act("disposition", { item: shownItem, code, notes: $("notes").value }, $("dispose"));
});

// -- the day -------------------------------------------------------------------------------------------------------------

const count = (id, number) => {
  $(id).textContent = number;
  $(id).hidden = !number;
};
const list = (id, rows) => $(id).replaceChildren(...(rows.length ? rows : [el("li", { className: "quiet" }, texts.nothing)]));

const drawDay = (data) => {
  $("figures").replaceChildren(...data.figures.flatMap((each) => [el("dt", {}, el("abbr", { title: `${each.title} = ${each.formula}` }, each.title)), el("dd", {}, each.value)]));
  count("missed-count", data.missed.length);
  list(
    "missed",
    data.missed.map((each) =>
      el(
        "li",
        {},
        el(
          "span",
          { className: "line" },
          clock(each.at),
          numberButton(each.number, each.queue_name),
          each.queue,
          el("span", { className: "quiet" }, `${texts.missed[each.why] ?? each.why}; ${each.agent || (texts.terminal[each.terminal] ?? each.terminal)}`),
          each.number && !["answered", ""].includes(each.terminal) ? el("button", { type: "button", on: { click: (event) => ask(desk.dataset.callBack, { queue: each.queue_name, number: each.number }, event.currentTarget).then(loadDay) } }, texts.call_back) : "",
        ),
      ),
    ),
  );
  count("callbacks-count", data.callbacks_count);
  list(
    "callbacks",
    data.callbacks.map((each) =>
      el(
        "li",
        {},
        el(
          "span",
          { className: "line" },
          clock(each.since),
          each.name ? el("b", {}, each.name) : "",
          numberButton(each.number, each.queue_name),
          each.queue,
          each.not_before > now() ? el("span", { className: "quiet" }, fill(texts.not_before, { time: dayFormat.format(each.not_before * 1000) })) : "",
          each.attempts ? el("span", { className: "quiet" }, fill(texts.tries, { count: each.attempts })) : "",
        ),
      ),
    ),
  );
  count("messages-count", data.messages.length);
  if (!$("messages").querySelector("audio")) list("messages", data.messages.map(messageRow)); // who listens is not interrupted
  list(
    "calls",
    data.calls.map((each) =>
      el("li", {}, el("span", { className: "line" }, clock(each.at), each.direction ? el("span", { className: "quiet", title: texts.called_before }, "\u2197") : "", numberButton(each.number, each.queue_name), each.queue, each.disposition ? el("span", { className: "badge" }, each.disposition) : each.automatic ? el("span", { className: "badge warn" }, texts.automatic) : "")),
    ),
  );
};

const messageRow = (each) => {
  const row = el(
    "li",
    {},
    el(
      "span",
      { className: "line" },
      day(each.at),
      each.name && each.name !== each.number ? el("b", {}, each.name) : "",
      numberButton(each.number),
      lasting(each.seconds),
      each.urgent ? el("span", { className: "badge bad" }, texts.urgent) : "",
      el("button", { type: "button", on: { click: (event) => listen(row, each, event.currentTarget) } }, texts.listen),
    ),
  );
  return row;
};

const listen = (row, each, button) => {
  const player = el("audio", { controls: true, src: desk.dataset.message.replace("MESSAGE", encodeURIComponent(each.id)) });
  const done = el("button", { type: "button", on: { click: () => ask(desk.dataset.heard.replace("MESSAGE", encodeURIComponent(each.id)), {}, done).then(() => (row.remove(), loadDay())) } }, texts.heard);
  button.replaceWith(done);
  row.append(player);
  player.play().catch(() => {});
};

let loading = false;
let again = false;
const loadDay = async () => {
  again = loading;
  if (loading) return;
  loading = true;
  try {
    const answer = await fetch(desk.dataset.day, { headers: { Accept: "application/json" } });
    if (answer.ok) drawDay(await answer.json());
  } catch {
    // the line is lost, and the bar says so
  } finally {
    loading = false;
    if (again) loadDay();
  }
};
setInterval(loadDay, 45000 + Math.random() * 15000);

// -- keys ----------------------------------------------------------------------------------------------------------------

const click = (verb) => {
  const button = document.querySelector(`[data-verb="${verb}"]:not([hidden])`);
  button?.click();
  return Boolean(button);
};
const keys = {
  F2: () => click("ready"),
  F4: () => !$("break-button").hidden && (openBreaks($("breaks").hidden), true),
  F6: () => !$("closing").hidden && ((document.querySelector("#codes input:checked") ?? document.querySelector("#codes input"))?.focus(), true),
  F7: () => click("answer"),
  F10: () => click("mute") || click("unmute"),
  F8: () => click("hold") || click("unhold"),
  F9: () => !$("passing").hidden && ($("number").focus(), true),
  Escape: () => !$("breaks").hidden && (openBreaks(false), $("break-button").focus(), true),
};
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.metaKey || event.shiftKey || document.querySelector(".bar").inert) return;
  if (event.ctrlKey) {
    if (event.key === "Enter" && $("closing").contains(document.activeElement)) $("closing").requestSubmit();
    return;
  }
  if (keys[event.key]?.()) event.preventDefault();
});

// -- live ----------------------------------------------------------------------------------------------------------------

const takeState = (told) => {
  const before = state;
  state = told.desk;
  ahead = told.now - Date.now() / 1000;
  if (!state.known) return location.reload();
  drawDesk();
  drawCall();
  const lost = state.not_reached;
  if (before && lost && lost.item !== before.not_reached?.item) say(fill(texts.not_reached[lost.why] ?? texts.not_reached.failed, { who: lost.title }), true);
  if (before && before.stage !== state.stage && ["", "after"].includes(state.stage)) loadDay();
};

watch(
  desk.dataset.live,
  {
    snapshot: (told) => {
      card = told.card;
      takeState(told);
      drawNotices(told.notices);
      loadDay();
    },
    [`desk.${agent}`]: takeState,
    [`notices.${agent}`]: drawNotices,
    [`card.${agent}`]: (told) => {
      card = told;
      if (state) drawCall();
    },
  },
  { silentAfter: 4500 },
);
