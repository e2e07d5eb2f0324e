// The editor of one file: findings of the engine's linter at their lines, a picture beside the text, saving that overwrites nobody.
// What is not saved is kept in this tab, so that an ended session, a lost line or a closed page costs nothing.

import { post, tell } from "../live.js";
import {
  autocompletion, bracketMatching, closeBrackets, closeBracketsKeymap, completionKeymap, defaultKeymap, drawSelection, EditorState,
  EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSelectionMatches, HighlightStyle, history, historyKeymap,
  indentUnit, keymap, lineNumbers, lintGutter, lintKeymap, MergeView, search, searchKeymap, setDiagnostics, syntaxHighlighting, tags, yaml,
} from "../vendor/codemirror/codemirror.js";
import { source } from "./completion.js";
import { draw } from "./diagram.js";

const PAUSE_MS = 120; // without a key, then the linter is asked: its answer must be there within 300 ms
const COUNTS_MS = 20000;
const KEPT = "ivrengine-flow:"; // in this tab's storage

const $ = (selector) => document.querySelector(selector);
const host = $("#flow-editor");
const data = host.dataset;
const texts = JSON.parse($("#texts").textContent);
const mayEdit = Boolean(data.mayEdit);

let base = "";
let saved = "";
let published;
let offers;
let picture;
let graph;
let flowName = "";
let counts = new Map();
let asked = 0;
let timer;
let merge;

// -- the look of the text --------------------------------------------------------------------------------------------

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "cm-key" },
  { tag: [tags.comment, tags.lineComment], class: "cm-note" },
  { tag: [tags.string, tags.special(tags.string)], class: "cm-string" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], class: "cm-sign" },
]);

const common = (label) => [
  EditorView.cspNonce.of(data.nonce),
  EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
  lineNumbers(),
  yaml(),
  syntaxHighlighting(colours),
  typeOver,
  EditorState.phrases.of(texts.phrases),
  indentUnit.of("  "),
  EditorState.tabSize.of(2),
];

// A browser that types over a selection itself would carry its look over as inline style, which the page's policy forbids.
const typeOver = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { main, ranges } = view.state.selection;
    if (event.inputType !== "insertText" || !event.data || main.empty || ranges.length > 1 || view.composing) return false;
    const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, main.from, main.to, event.data, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

// -- findings --------------------------------------------------------------------------------------------------------

const spanOf = (doc, finding) => {
  const line = doc.line(Math.min(Math.max(finding.line, 1), doc.lines));
  const from = Math.min(line.from + Math.max(finding.column - 1, 0), line.to);
  const word = doc.sliceString(from, line.to).match(/^("[^"]*"|'[^']*'|[^\s,{}[\]:]+)/);
  return { from, to: word ? from + word[0].length : Math.max(from, line.to) };
};

const told = (finding) => (finding.fix ? `${finding.sentence}\n${finding.fix}` : finding.sentence);

const findingRow = (finding, where) => {
  const row = document.createElement("li");
  const badge = document.createElement("span");
  badge.className = `badge ${finding.severity === "error" ? "bad" : "warn"}`;
  badge.textContent = texts[finding.severity];
  const fix = document.createElement("span");
  fix.className = "quiet";
  fix.textContent = finding.fix ? ` ${finding.fix}` : "";
  row.append(badge, " ", where, `: ${finding.sentence}`, fix);
  return row;
};

const showFindings = (answer) => {
  const doc = view.state.doc;
  view.dispatch(
    setDiagnostics(
      view.state,
      answer.findings.map((finding) => ({ ...spanOf(doc, finding), severity: finding.severity, message: told(finding) })),
    ),
  );
  $("#findings").replaceChildren(
    ...answer.findings.map((finding) => {
      const where = document.createElement("a");
      where.href = `#line-${finding.line}`;
      where.textContent = texts.line.replace("{number}", finding.line);
      return findingRow(finding, where);
    }),
  );
  $("#finding-count").textContent = answer.findings.length ? `${answer.findings.length}` : texts.none;
  $("#elsewhere").hidden = !answer.elsewhere.length;
  $("#elsewhere ul").replaceChildren(
    ...answer.elsewhere.map((finding) => {
      const where = document.createElement(finding.address ? "a" : "span");
      if (finding.address) where.href = finding.address;
      where.textContent = `${finding.file}:${finding.line}`;
      return findingRow(finding, where);
    }),
  );
};

// -- the picture -----------------------------------------------------------------------------------------------------

const steps = () => {
  const sums = new Map();
  for (const row of counts.values()) sums.set(row.step, (sums.get(row.step) ?? 0) + row.count);
  return sums;
};

const drawPicture = () => {
  const place = $("#diagram");
  if (!graph) {
    picture = undefined;
    place.textContent = texts.noPicture;
    return;
  }
  picture = draw(place, graph, {
    onPick: (node) => goTo(node.line),
    counts: steps(),
    title: texts.zoomed,
    anytime: texts.anytime,
  });
  picture.fit($("#fit").checked);
  picture.light(lineNow());
};

const takeAnswer = (answer) => {
  showFindings(answer);
  const drawn = JSON.stringify(graph);
  graph = answer.graph ?? graph; // of a text that can't be read at all the last picture stays
  if (!picture || drawn !== JSON.stringify(graph)) drawPicture();
  if (answer.flow && answer.flow !== flowName) {
    flowName = answer.flow;
    askCounts();
  }
};

const askCounts = async () => {
  if (!flowName || document.hidden) return;
  try {
    const answer = await fetch(data.counts.replace("NAME", encodeURIComponent(flowName)), { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const rows = (await answer.json()).counts;
    const before = JSON.stringify([...steps()]);
    counts = new Map(rows.map((row, index) => [index, row]));
    $("#no-counts").hidden = rows.length > 0;
    $("#counts").hidden = !rows.length;
    $("#counts tbody").replaceChildren(
      ...rows.map((row) => {
        const line = document.createElement("tr");
        for (const value of [row.step, row.outcome.replaceAll("_", " "), row.label, row.count]) {
          const cell = document.createElement("td");
          cell.textContent = value;
          line.append(cell);
        }
        line.lastChild.className = "number";
        return line;
      }),
    );
    if (before !== JSON.stringify([...steps()])) drawPicture();
  } catch {
    // figures are a nicety: the next look tries again
  }
};

// -- asking the linter -----------------------------------------------------------------------------------------------

const look = async () => {
  const mine = ++asked;
  try {
    const answer = await post(data.check, { text: view.state.doc.toString() });
    if (mine === asked) takeAnswer(answer);
  } catch (error) {
    if (mine === asked) tell(error.message, "error");
  }
};

const changed = () => {
  const text = view.state.doc.toString();
  try {
    if (text === saved) sessionStorage.removeItem(KEPT + data.name);
    else sessionStorage.setItem(KEPT + data.name, JSON.stringify({ base, text }));
  } catch {
    // a full or forbidden storage: the text is still in the page
  }
  showState(text);
  asked++; // an answer for older text is of no use
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
};

const showState = (text) => {
  const dirty = text !== saved;
  const state = dirty ? "unsaved" : published === undefined || published === null ? "new" : text === published ? "published" : "differs";
  const badge = $("#editor-state");
  badge.textContent = texts[state];
  badge.className = `badge ${state === "published" ? "good" : "warn"}`;
  if (!mayEdit) return;
  $("#save").disabled = !dirty;
  $("#take-published").hidden = typeof published !== "string" || text === published;
  $("#remove-base").value = base;
};

// -- the text --------------------------------------------------------------------------------------------------------

const lineNow = () => view.state.doc.lineAt(view.state.selection.main.head).number;

const goTo = (number) => {
  const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from + line.text.search(/\S|$/) }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
  view.focus();
};

const fill = (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });

const save = async () => {
  const text = view.state.doc.toString();
  if (!mayEdit || text === saved) return true;
  $("#save").disabled = true;
  try {
    const answer = await post(data.save, { text, base });
    base = answer.base;
    saved = text;
    changed();
    tell(texts.saved);
    return true;
  } catch (error) {
    if (error.status === 409) showStale(error.told.theirs, text);
    tell(error.message, "error");
    showState(view.state.doc.toString());
    return false;
  }
};

const view = new EditorView({
  parent: $("#code"),
  state: EditorState.create({
    doc: "",
    extensions: [
      common(texts.editor),
      EditorState.readOnly.of(!mayEdit),
      history(),
      drawSelection(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      bracketMatching(),
      closeBrackets(),
      search({ top: true }),
      lintGutter(),
      autocompletion({ override: [source(() => offers, texts)], icons: false }),
      keymap.of([
        { key: "Mod-s", run: () => (save(), true), preventDefault: true },
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...lintKeymap,
        ...defaultKeymap, // Tab leaves the editor, so that the keyboard alone gets everywhere
      ]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed();
        if (update.selectionSet || update.docChanged) picture?.light(lineNow());
      }),
    ],
  }),
});

// -- somebody else was faster ----------------------------------------------------------------------------------------

const showStale = (theirs, mine) => {
  const place = $("#stale");
  merge?.destroy();
  merge = undefined;
  $("#merge").replaceChildren();
  place.hidden = false;
  $("#stale-gone").hidden = Boolean(theirs);
  $("#stale-theirs").hidden = !theirs;
  merge = new MergeView({
    parent: $("#merge"),
    a: { doc: theirs?.text ?? "", extensions: [common(texts.theirs), EditorState.readOnly.of(true)] },
    b: { doc: mine, extensions: [common(texts.mine), history(), keymap.of([...historyKeymap, ...defaultKeymap])] },
    revertControls: "a-to-b",
    collapseUnchanged: { margin: 3, minSize: 6 },
  });
  const end = (text) => {
    base = theirs?.base ?? "";
    saved = theirs?.text ?? "";
    fill(text);
    place.hidden = true;
    merge.destroy();
    merge = undefined;
    view.focus();
  };
  $("#stale-save").onclick = async () => {
    end(merge.b.state.doc.toString());
    changed();
    await save();
  };
  $("#stale-theirs").onclick = () => {
    end(theirs.text);
    changed();
  };
  place.scrollIntoView();
  $("#stale-save").focus();
};

// -- beginning -------------------------------------------------------------------------------------------------------

const begin = async () => {
  const answer = await (await fetch(data.state, { headers: { Accept: "application/json" } })).json();
  if (answer.error) return tell(answer.error, "error");
  ({ base, published } = answer);
  saved = answer.text;
  const kept = mayEdit ? JSON.parse(sessionStorage.getItem(KEPT + data.name) ?? "null") : null;
  view.setState(view.state.update({ changes: { from: 0, to: view.state.doc.length, insert: answer.text } }).state);
  takeAnswer(answer);
  showState(saved);
  if (kept && kept.text !== saved) {
    // Saved on what it began with: when the file is another one by now, saving tells it and shows both.
    base = kept.base;
    fill(kept.text);
    tell(texts.restored, "warning");
  }
  goToAnchor();
  askCounts();
  offers = await (await fetch(data.words, { headers: { Accept: "application/json" } })).json();
};

const goToAnchor = () => {
  const number = location.hash.match(/^#line-(\d{1,6})$/)?.[1];
  if (number) goTo(Number(number));
};

addEventListener("hashchange", goToAnchor);
$("#findings").addEventListener("click", (event) => {
  const address = event.target.getAttribute?.("href");
  if (address && address === location.hash) goToAnchor(); // the same line again
});
$("#fit").addEventListener("change", () => picture?.fit($("#fit").checked));
$("#save")?.addEventListener("click", save);
$("#take-published")?.addEventListener("click", () => fill(published));
addEventListener("beforeunload", (event) => {
  if (view.state.doc.toString() !== saved) event.preventDefault();
});
setInterval(askCounts, COUNTS_MS);
begin().catch(() => tell(document.body.dataset.lost, "error"));
