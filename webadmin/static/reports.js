// The curves of a report. They say nothing that the table below does not; lines differ by dashes as well as by colour.

const DASHES = [[2, 3], [], [8, 4], [8, 3, 2, 3]];
const drawn = [];

// A variable of the style sheet as a colour that a canvas takes: light-dark() is resolved by the browser itself.
function resolved(variable) {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function line(number) {
  return resolved(["--quiet", "--accent", "--good", "--bad"][number % 4]);
}

function legend(place, told, index) {
  place.replaceChildren();
  if (index != null) {
    const at = document.createElement("strong");
    at.textContent = told.labels[index];
    place.append(at);
  }
  told.lines.forEach((each, number) => {
    const entry = document.createElement("span");
    entry.className = `series-${number % 4}`;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 32 8");
    const sample = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [name, value] of Object.entries({ x1: 0, y1: 4, x2: 32, y2: 4, "stroke-width": 2.5, "stroke-dasharray": DASHES[number % 4].join(" ") })) {
      sample.setAttribute(name, value);
    }
    sample.style.stroke = "var(--series)";
    svg.append(sample);
    entry.append(svg, index == null ? each.title : `${each.title} ${each.values[index] ?? "-"}`);
    place.append(entry);
  });
}

function draw(place) {
  const told = JSON.parse(place.dataset.curves);
  const words = place.nextElementSibling;
  const text = resolved("--quiet");
  const grid = { stroke: resolved("--line"), width: 1 };
  // Of a day only the hour, of a month only the day: the whole is in the table.
  const short = (label) => (label.length > 10 ? label.slice(11, 16) : label.length > 7 ? label.slice(5) : label);
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: { range: (_, least, most) => [0, Math.max(1, most * 1.05)] } },
      axes: [
        { stroke: text, grid, ticks: grid, incrs: [1, 2, 3, 4, 6, 12, 24, 48, 120, 240], values: (_, marks) => marks.map((mark) => short(told.labels[mark] ?? "")) },
        { stroke: text, grid, ticks: grid, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000], size: 60 },
      ],
      series: [{}, ...told.lines.map((each, number) => ({ label: each.title, stroke: line(number), width: 2, dash: DASHES[number % 4], points: { show: told.labels.length < 40 } }))],
      hooks: { setCursor: [(it) => legend(words, told, it.cursor.idx)] },
    },
    [told.labels.map((_, number) => number), ...told.lines.map((each) => each.values)],
    place,
  );
  legend(words, told, null);
  drawn.push({ place, chart });
}

const places = [...document.querySelectorAll("[data-curves]")];
places.forEach(draw);

addEventListener("resize", () => drawn.forEach(({ place, chart }) => chart.setSize({ width: place.clientWidth, height: place.clientHeight })));

// Another theme has other colours, which a canvas does not follow by itself.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  drawn.splice(0).forEach(({ chart }) => chart.destroy());
  places.forEach(draw);
});
