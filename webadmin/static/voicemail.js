// Who listens to a message has heard it: noted once, when it has played to its end. One message at a time.
import { post, tell } from "/static/live.js";

const players = document.querySelectorAll("audio[src]");
for (const player of players) {
  player.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.pause();
  });
  player.addEventListener("ended", async () => {
    if (!player.dataset.heard) return;
    try {
      await post(player.dataset.heard);
      player.dataset.heard = "";
      const badge = player.closest("tr").querySelector("[data-new]");
      badge.textContent = badge.dataset.heardWord;
      badge.className = "badge";
    } catch (error) {
      tell(error.message, "error");
    }
  });
}
