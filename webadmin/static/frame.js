// What every page has: the menu of oneself closes by Escape and by a click elsewhere; times the server wrote go on counting.

const me = document.querySelector("details.me");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && me?.open) {
    me.open = false;
    me.querySelector("summary").focus();
  }
});

document.addEventListener("click", (event) => {
  if (me?.open && !me.contains(event.target)) me.open = false;
});

// The menu of pages scrolls sideways on a phone: the present page is brought into sight.
document.querySelector("#menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
