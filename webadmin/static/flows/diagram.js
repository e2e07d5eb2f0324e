// A flow as a picture: steps as boxes, branches as lines with what they mean. All labels are text of strangers and are set as text.
// draw(host, graph, {onPick, counts, title, anytime}) -> {light(line), lightStep(name), fit(yes)}

import { Graph, layout } from "../vendor/dagre/dagre.js";

const SVG = "http://www.w3.org/2000/svg";
const NODES_LIMIT = 800; // more than these are not laid out: it would take the browser's breath
const PADDING = 12;
const LINE = 16;

const pen = document.createElement("canvas").getContext("2d");
const width = (text, bold) => {
  pen.font = `${bold ? "600 " : ""}13px system-ui, "Noto Sans SC", sans-serif`;
  return pen.measureText(text).width;
};

const make = (name, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

const text = (words, x, y, name) => {
  const element = make("text", { x, y, class: name });
  element.textContent = words;
  return element;
};

// Smooth through the points that the layout gives.
const curve = (points) => {
  const [first, ...rest] = points;
  let path = `M${first.x},${first.y}`;
  for (let index = 0; index < rest.length; index++) {
    const here = rest[index];
    const next = rest[index + 1];
    path += next ? ` Q${here.x},${here.y} ${(here.x + next.x) / 2},${(here.y + next.y) / 2}` : ` L${here.x},${here.y}`;
  }
  return path;
};

const shape = (kind, w, h) => {
  if (kind === "deciding") return make("polygon", { points: `10,0 ${w - 10},0 ${w},${h / 2} ${w - 10},${h} 10,${h} 0,${h / 2}` });
  return make("rect", { width: w, height: h, rx: kind === "end" ? h / 2 : kind === "any" ? 0 : 6 });
};

export const draw = (host, graph, { onPick = () => {}, counts = new Map(), title = "", anytime = "" } = {}) => {
  const plan = new Graph({ multigraph: true, directed: true });
  plan.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 38, marginx: 8, marginy: 8 });
  plan.setDefaultEdgeLabel(() => ({}));
  const nodes = graph.nodes.slice(0, NODES_LIMIT);
  const known = new Set(nodes.map((node) => node.id));
  for (const node of nodes) {
    const name = node.kind === "any" ? anytime : node.name;
    const count = counts.get(node.name);
    const below = [node.verb, count ? `${count}` : ""].filter(Boolean).join(" · ");
    const w = Math.max(70, width(name, true), width(below)) + 2 * PADDING;
    plan.setNode(node.id, { ...node, name, below, width: w, height: below ? 2 * LINE + PADDING : LINE + PADDING });
  }
  graph.edges.forEach((edge, index) => {
    if (!known.has(edge.from) || !known.has(edge.to)) return;
    const label = edge.label ? { width: width(edge.label) + 6, height: LINE, labelpos: "c" } : {};
    plan.setEdge(edge.from, edge.to, { ...edge, ...label }, `${index}`);
  });
  layout(plan);

  const size = plan.graph();
  const arrow = make("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" });
  arrow.append(make("path", { d: "M0,0 L8,4 L0,8 z", class: "arrow" }));
  const picture = make("svg", { viewBox: `0 0 ${Math.ceil(size.width)} ${Math.ceil(size.height)}`, role: "group", "aria-label": title });
  picture.append(make("defs", {}, arrow));

  for (const each of plan.edges()) {
    const edge = plan.edge(each);
    const line = make("path", { d: curve(edge.points), class: edge.dashed ? "branch dashed" : "branch", "marker-end": "url(#arrow)" });
    picture.append(line);
    if (edge.label) picture.append(text(edge.label, edge.x, edge.y + 4, "label"));
  }
  const boxes = new Map();
  for (const id of plan.nodes()) {
    const node = plan.node(id);
    const box = make("g", { transform: `translate(${node.x - node.width / 2},${node.y - node.height / 2})`, class: `node ${node.kind}` });
    box.append(shape(node.kind, node.width, node.height));
    box.append(text(node.name, node.width / 2, node.below ? LINE + 2 : node.height / 2 + 4, "name"));
    if (node.below) box.append(text(node.below, node.width / 2, 2 * LINE + 3, "verb"));
    if (node.line) {
      box.setAttribute("tabindex", "0");
      box.setAttribute("role", "button");
      box.addEventListener("click", () => onPick(node));
      box.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          onPick(node);
        }
      });
    }
    picture.append(box);
    boxes.set(id, { box, node });
  }
  host.replaceChildren(picture);

  const byLine = [...boxes.values()].filter(({ node }) => node.line).sort((a, b) => a.node.line - b.node.line);
  let lit;
  const put = (found) => {
    if (lit === found) return;
    lit?.box.classList.remove("here");
    lit?.box.removeAttribute("aria-current");
    lit = found;
    if (!found) return;
    found.box.classList.add("here");
    found.box.setAttribute("aria-current", "step");
    const frame = host.getBoundingClientRect();
    const place = found.box.getBoundingClientRect();
    if (place.top < frame.top || place.bottom > frame.bottom) host.scrollTop += place.top - frame.top - frame.height / 3;
    if (place.left < frame.left || place.right > frame.right) host.scrollLeft += place.left - frame.left - frame.width / 3;
  };
  return {
    light: (line) => put(byLine.findLast(({ node }) => node.line <= line)),
    lightStep: (name) => put(byLine.find(({ node }) => node.name === name)),
    fit: (yes) => {
      picture.toggleAttribute("data-natural", !yes);
      if (yes) {
        picture.removeAttribute("width");
        picture.removeAttribute("height");
      } else {
        picture.setAttribute("width", Math.ceil(size.width));
        picture.setAttribute("height", Math.ceil(size.height));
      }
    },
  };
};
