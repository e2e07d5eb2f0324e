// What may be written at the cursor: keys and names, from the tree that the server makes of the engine's own schemas.

const KEY = /^("[^"]*"|'[^']*'|[^\s:{}[\],"'#&*!|>%@`][^:{}[\],#]*?)\s*:(?=\s|$)/;
const DEPTH_LIMIT = 12;

const bare = (text) => text.trim().replace(/^["']|["']$/g, "");
const indentOf = (line) => line.length - line.trimStart().length;

// {path, at: "key" | "value", word}: the keys above, and what is being written. `lines`: those before; `prefix`: this one's up to the cursor.
export const placeOf = (lines, prefix) => {
  const here = inline(prefix);
  let indent = indentOf(prefix);
  const above = [];
  for (let index = lines.length - 1; index >= 0 && indent > 0; index--) {
    const line = lines[index];
    if (!line.trim() || line.trim().startsWith("#")) continue;
    const item = line.match(/^(\s*)-\s+/);
    const own = indentOf(line);
    if (own < indent) {
      const inner = item ? line.slice(item[0].length) : line.trim();
      const key = inner.match(KEY);
      // "- key: ..." with deeper lines below: those belong to the item, or to what its key holds
      if (item) {
        if (key && indentOf(prefix) > item[0].length && above.length === 0 && indent > item[0].length) above.unshift(bare(key[1]));
        above.unshift("-");
      } else if (key) above.unshift(bare(key[1]));
      indent = own;
    }
  }
  return { path: [...above, ...here.path], at: here.at, word: here.word };
};

// What one line opens and has not closed at its end.
const inline = (prefix) => {
  let rest = prefix.trimStart();
  const path = [];
  while (rest.startsWith("- ")) {
    path.push("-");
    rest = rest.slice(2).trimStart();
  }
  const key = rest.match(KEY);
  if (!key && !/^[{[]/.test(rest)) return { path, at: "key", word: rest };
  let at = "key";
  if (key) {
    path.push(bare(key[1]));
    rest = rest.slice(key[0].length);
    at = "value";
  }
  const frames = [];
  let word = "";
  let quote = "";
  for (const sign of rest) {
    const frame = frames.at(-1);
    if (quote) {
      if (sign === quote) quote = "";
      word += sign;
    } else if ((sign === '"' || sign === "'") && !word.trim()) {
      quote = sign;
      word += sign;
    } else if (sign === "{" || sign === "[") {
      frames.push({ sign, key: null });
      word = "";
    } else if (sign === "}" || sign === "]") {
      frames.pop();
      word = "";
    } else if (sign === "," && frame) {
      frame.key = null;
      word = "";
    } else if (sign === ":" && frame?.sign === "{" && frame.key === null) {
      frame.key = bare(word);
      word = "";
    } else word += sign;
  }
  for (const frame of frames) {
    if (frame.sign === "[") path.push("-");
    else if (frame.key !== null) path.push(frame.key);
  }
  const last = frames.at(-1);
  if (last) at = last.sign === "{" && last.key === null ? "key" : "value";
  return { path, at, word: word.trimStart() };
};

// All nodes of the tree that `path` may lead to.
export const nodesAt = (vocabulary, path) => {
  let nodes = open(vocabulary, [vocabulary.root]);
  for (const part of path.slice(0, DEPTH_LIMIT)) {
    const next = [];
    for (const node of nodes) {
      if (part === "-") {
        if (node.items) next.push(node.items);
      } else if (node.fields && Object.hasOwn(node.fields, part)) next.push(node.fields[part].schema);
      else if (node.values) next.push(node.values);
    }
    nodes = open(vocabulary, next);
  }
  return nodes;
};

const open = (vocabulary, nodes) =>
  nodes.flatMap((node) =>
    node.see ? open(vocabulary, [vocabulary.common[node.see]]) : node.any_of ? open(vocabulary, node.any_of) : [node],
  );

// The names of the steps that stand in the text.
export const stepsOf = (lines) => {
  const from = lines.findIndex((line) => /^steps:\s*(#.*)?$/.test(line));
  if (from < 0) return [];
  const names = [];
  let indent = 0;
  for (const line of lines.slice(from + 1)) {
    const match = line.match(/^(\s+)([a-z][a-z0-9_]*):(\s|$)/);
    if (/^\S/.test(line) && !line.startsWith("#")) break;
    if (!match) continue;
    indent ||= match[1].length;
    if (match[1].length === indent) names.push(match[2]);
  }
  return names;
};

// A CodeMirror source. `offers()`: what the server told, or nothing yet.
export const source = (offers, words) => (context) => {
  const told = offers();
  if (!told) return null;
  const line = context.state.doc.lineAt(context.pos);
  const prefix = line.text.slice(0, context.pos - line.from);
  if (/(^|\s)#/.test(prefix)) return null;
  const lines = context.state.doc.toString().split("\n");
  const place = placeOf(lines.slice(0, line.number - 1), prefix);
  if (!context.explicit && !place.word && !/[{[:,\s]$/.test(prefix)) return null;
  const nodes = nodesAt(told.vocabulary, place.path);
  const options = place.at === "key" ? keys(nodes, words) : values(nodes, told, lines);
  // In a list that is written with dashes or over several lines, what can be a key can be a value as well.
  if (place.at === "key" && place.path.at(-1) === "-") options.push(...values(nodes, told, lines));
  if (!options.length) return null;
  const word = place.word.match(/[^\s"']*$/)[0];
  return { from: context.pos - word.length, options, validFor: /^[\w/-]*$/ };
};

const keys = (nodes, words) =>
  unique(
    nodes.flatMap((node) =>
      Object.entries(node.fields ?? {}).map(([name, field]) => ({
        label: name,
        apply: `${name}: `,
        type: "property",
        detail: field.default === "required" ? words.required : "",
        info: [field.what, field.default && field.default !== "required" ? `= ${field.default}` : ""].filter(Boolean).join(" "),
        boost: field.default === "required" ? 2 : 0,
      })),
    ),
  );

const values = (nodes, told, lines) =>
  unique(
    nodes.flatMap((node) => {
      if (node.words) return node.words.map((label) => ({ label, type: "enum" }));
      if (node.refers_to === "step") return stepsOf(lines).map((label) => ({ label, type: "function", detail: "step" }));
      if (node.refers_to === "expression") return told.vocabulary.expression_words.map((label) => ({ label, type: "variable" }));
      return (told.names[node.refers_to] ?? []).map((label) => ({ label, type: "constant", detail: node.refers_to }));
    }),
  );

const unique = (options) => [...new Map(options.map((option) => [option.label, option])).values()];
