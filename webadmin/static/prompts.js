// Files are dropped onto the form or chosen; one that is too large is told before it travels. A list's prompts are heard one at a time.

const place = document.querySelector(".drop");
if (place) {
  const input = place.querySelector("input[type=file]");
  const told = place.querySelector("[data-told]");
  const show = () => {
    const bytes = [...input.files].reduce((sum, file) => sum + file.size, 0);
    const tooLarge = bytes > Number(place.dataset.limit) * 1e6;
    input.setCustomValidity(tooLarge ? place.dataset.tooLarge : "");
    told.textContent = tooLarge ? place.dataset.tooLarge : [...input.files].map((file) => file.name).join(", ");
    if (tooLarge) input.reportValidity();
  };
  input.addEventListener("change", show);
  for (const name of ["dragenter", "dragover"]) {
    place.addEventListener(name, (event) => {
      event.preventDefault();
      place.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) place.addEventListener(name, () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    show();
  });
  place.closest("form").addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button) {
      button.textContent = place.dataset.working;
      button.setAttribute("aria-busy", "true");
    }
  });
}

const player = new Audio();
let playing;
const stop = () => {
  player.pause();
  playing?.setAttribute("aria-pressed", "false");
  playing = undefined;
};
player.addEventListener("ended", stop);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.listen");
  if (!button) return;
  const again = button === playing;
  stop();
  if (again) return;
  playing = button;
  button.setAttribute("aria-pressed", "true");
  player.src = button.dataset.sound;
  player.play().catch(stop);
});
