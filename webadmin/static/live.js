// Live pages. `watch(address, handlers)` hears the events of a stream; `post(address, data)` does something with the right token.
// While the line is lost, a bar says so and everything inside [data-needs-line] is disabled.

const token = () => document.querySelector('meta[name="csrf-token"]').content;

export const tell = (sentence, kind = "message") => {
  const place = document.querySelector(".flashes");
  const line = document.createElement("p");
  line.className = `flash ${kind}`;
  line.textContent = sentence;
  place.replaceChildren(line);
};

// The answer's JSON; throws an Error with the server's sentence, its `status` and what was `told`. FormData is sent as it is, anything else as JSON.
export const post = async (address, data = {}) => {
  const form = data instanceof FormData;
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "X-CSRFToken": token(), Accept: "application/json", ...(form ? {} : { "Content-Type": "application/json" }) },
      body: form ? data : JSON.stringify(data),
    });
  } catch {
    throw new Error(document.body.dataset.lost);
  }
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw Object.assign(new Error(told.error ?? `${answer.status} ${answer.statusText}`), { status: answer.status, told });
  return told;
};

const setLine = (up) => {
  document.documentElement.classList.toggle("line-lost", !up);
  for (const part of document.querySelectorAll("[data-needs-line]")) part.inert = !up;
  const bar = document.querySelector("#line");
  if (bar && bar.hidden !== up) bar.hidden = up;
};

// handlers: event name -> function(data). `snapshot` gets the whole state: at the beginning, and when events were missed.
// silentAfter: milliseconds without a word after which the line counts as lost; more than the stream's beat.
export const watch = (address, handlers, { silentAfter = 40000 } = {}) => {
  let source;
  let timer;
  const heard = () => {
    setLine(true);
    clearTimeout(timer);
    timer = setTimeout(() => {
      setLine(false);
      source.close();
      open();
    }, silentAfter);
  };
  const again = async () => {
    const asked = new AbortController();
    try {
      const answer = await fetch(address, { headers: { Accept: "text/event-stream" }, signal: asked.signal });
      asked.abort();
      if (answer.status === 401) location.reload();
    } catch {
      // still no line
    }
    open();
  };
  const open = () => {
    source = new EventSource(address);
    source.addEventListener("open", heard);
    source.addEventListener("beat", heard);
    source.addEventListener("signed_out", () => location.reload());
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        heard();
        handle(JSON.parse(event.data));
      });
    }
    if (!handlers.snapshot) {
      // Nothing to begin with: the page itself is the state, and is loaded again when events were missed.
      let first = true;
      source.addEventListener("snapshot", () => {
        heard();
        if (!first) location.reload();
        first = false;
      });
    }
    source.addEventListener("error", () => {
      setLine(false);
      // The browser gives up after an answer that is no stream (logged out, too many): we don't.
      if (source.readyState === EventSource.CLOSED) setTimeout(again, 2000);
    });
  };
  open();
  addEventListener("pagehide", () => source.close());
  return { close: () => (clearTimeout(timer), source.close()) };
};
