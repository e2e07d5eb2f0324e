// The layout of diagrams.
export { Graph } from "@dagrejs/graphlib";
export { layout } from "@dagrejs/dagre";
