// Announcements on the agent's desk: what is unread stands there until it is read, important ones first; what was read stays at hand.
import { post } from "/static/live.js";

const place = document.querySelector("#notices");
const $ = (id) => document.getElementById(id);
const when = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: place.dataset.zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
let drawn = "";

const made = (notice) => {
  const box = $("notice").content.firstElementChild.cloneNode(true);
  const one = (name) => box.querySelector(`.${name}`);
  box.classList.toggle("important", notice.important);
  one("important-mark").hidden = !notice.important;
  one("title").textContent = notice.title;
  one("for").textContent = notice.title;
  one("words").textContent = notice.text;
  one("words").hidden = !notice.text;
  one("by").textContent = notice.by;
  one("since").textContent = when.format(notice.since * 1000);
  one("since").dateTime = new Date(notice.since * 1000).toISOString();
  one("until").textContent = notice.until ? one("until").dataset.text.replace("{time}", when.format(notice.until * 1000)) : "";
  const button = one("done");
  button.hidden = Boolean(notice.read);
  button.classList.toggle("main", notice.important);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await post(place.dataset.read.replace("/0/", `/${notice.id}/`));
      one("problem").hidden = true;
    } catch (error) {
      one("problem").textContent = error.message;
      one("problem").hidden = false;
      button.disabled = false;
    }
  });
  return box;
};

export const drawNotices = (notices) => {
  const text = JSON.stringify(notices);
  if (text === drawn) return;
  drawn = text;
  const unread = notices.filter((each) => !each.read);
  const read = notices.filter((each) => each.read);
  place.hidden = !notices.length;
  place.classList.toggle("quiet-notices", !unread.length);
  $("notices-count").textContent = unread.length;
  $("notices-count").hidden = !unread.length;
  $("notices-unread").replaceChildren(...unread.map(made));
  $("notices-read").replaceChildren(...read.map(made));
  $("notices-read-count").textContent = read.length;
  $("notices-read-box").hidden = !read.length;
};
