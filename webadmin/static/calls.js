// The lists of calls are told by the stream whenever something has happened on a call; a link that has the focus keeps it.

import { watch } from "/static/live.js";

const place = document.querySelector("#calls");

const draw = (lists) => {
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  place.innerHTML = lists;
  if (focused) place.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
};

watch(place.dataset.stream, { snapshot: draw, [place.dataset.topic]: draw });
