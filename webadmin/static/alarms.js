// The list of alarms draws itself anew when one was raised or acknowledged, and rings for a new one.
import { watch } from "/static/live.js";
import { ring, soundButton } from "/static/sound.js";

const list = document.querySelector("#alarms");
let before;

const renew = async () => {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const renewed = page.querySelector("#alarms");
  if (renewed && !list.contains(document.activeElement)) list.replaceChildren(...renewed.childNodes);
};

const take = (told) => {
  const open = told.open;
  const changed = before !== undefined;
  if (changed && open > before) ring();
  before = open;
  if (changed) renew();
};

soundButton(document.querySelector("#sound"));
watch(list.dataset.live, { snapshot: take, alarms: take }, { silentAfter: 10000 });
