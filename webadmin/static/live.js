// Live pages. `watch(address, handlers)` hears the events of a stream; `post(address, data)` does something with the right token.
// While the line is lost, a bar says so and everything inside [data-needs-line] is disabled.

const token = () => document.querySelector('meta[name="csrf-token"]');

// After a log-in in another tab the page's own token is worth nothing, but the new session has one.
const renewToken = async () => {
  const page = await fetch("/log-in", { headers: { Accept: "text/html" } });
  const found = new DOMParser().parseFromString(await page.text(), "text/html").querySelector('meta[name="csrf-token"]');
  if (found) token().content = found.content;
};

// Nothing is loaded again: what has been typed stays, and goes on when somebody has logged in beside it.
const setSignedIn = (yes) => {
  const bar = document.querySelector("#signed-out");
  if (bar && bar.hidden !== yes) bar.hidden = yes;
};

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
  const send = () => {
    if (form) data.delete("csrf_token"); // the header's counts
    const headers = { "X-CSRFToken": token().content, Accept: "application/json", ...(form ? {} : { "Content-Type": "application/json" }) };
    return fetch(address, { method: "POST", headers, body: form ? data : JSON.stringify(data) });
  };
  let answer;
  let told;
  try {
    answer = await send();
    told = await answer.json().catch(() => ({}));
    if (told.reason === "token") {
      await renewToken();
      answer = await send();
      told = await answer.json().catch(() => ({}));
    }
  } catch {
    throw new Error(document.body.dataset.lost);
  }
  setSignedIn(answer.status !== 401);
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
  let closed = false;
  const heard = () => {
    setLine(true);
    setSignedIn(true);
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
      if (answer.status === 401) {
        setSignedIn(false);
        setTimeout(again, 5000);
        return;
      }
    } catch {
      // still no line
    }
    open();
  };
  const open = () => {
    if (closed) return;
    source = new EventSource(address);
    source.addEventListener("open", heard);
    source.addEventListener("beat", heard);
    source.addEventListener("signed_out", () => {
      source.close();
      setLine(false);
      again();
    });
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
  const close = () => {
    closed = true;
    clearTimeout(timer);
    source.close();
  };
  open();
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && location.reload()); // back from the browser's own store of pages
  addEventListener("offline", () => setLine(false));
  addEventListener("online", () => {
    source.close();
    open();
  });
  return { close };
};
