// The lists of calls are fetched again when something has happened on a call; a link that has the focus keeps it.

import { watch } from "/static/live.js";

const place = document.querySelector("#calls");
let fetching = false;
let again = false;

const draw = async () => {
  again = fetching;
  if (fetching) return;
  fetching = true;
  try {
    const answer = await fetch(place.dataset.lists, { headers: { Accept: "text/html" } });
    if (answer.redirected) location.reload();
    else if (answer.ok) {
      const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      place.innerHTML = await answer.text();
      if (focused) place.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    }
  } catch {
    // no line: the bar says so, and the stream's snapshot draws when it is back
  } finally {
    fetching = false;
    if (again) draw();
  }
};

watch(place.dataset.stream, { snapshot: draw, calls: draw, beat: draw });
