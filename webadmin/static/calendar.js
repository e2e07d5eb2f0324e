// Times of a day: another one, one less, and those of the day before. Everything else is plain forms.
const list = (key) => document.querySelector(`[data-spans="${key}"]`);
const make = (key) => document.getElementById(`span-${key}`).content.firstElementChild.cloneNode(true);

// Times of a day that is something else don't count, and must not keep the form back when they are empty.
const kinds = document.querySelector(".kinds");
const weigh = () => {
  const hours = kinds.querySelector("[name=kind]:checked")?.value === "hours";
  for (const field of kinds.querySelectorAll(".span input, .span select")) field.disabled = !hours;
};
if (kinds) {
  kinds.addEventListener("change", weigh);
  weigh();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches(".more")) {
    const made = make(button.dataset.more);
    list(button.dataset.more).append(made);
    made.querySelector("input").focus();
  } else if (button.matches(".drop")) {
    const spans = button.closest(".spans");
    button.closest("li").remove();
    document.querySelector(`[data-more="${spans.dataset.spans}"]`).focus();
  } else if (button.matches(".copy")) {
    const day = Number(button.dataset.copy);
    const copies = [...list(day - 1).children].map((each) => {
      const made = make(day);
      for (const [index, field] of [...each.querySelectorAll("input, select")].entries()) made.querySelectorAll("input, select")[index].value = field.value;
      return made;
    });
    list(day).replaceChildren(...copies);
    const rest = (number) => document.querySelector(`[name="rest.${number}"]`);
    rest(day).value = rest(day - 1).value;
  }
});
