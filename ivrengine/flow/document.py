"""YAML text to nodes that know their place. Every scalar stays text: the schema converts, so ``no`` is never false.

Refuses, each with a sentence: what makes YAML lose data without a word (``#:`` read as a comment, a key given twice), what
only programmers know (anchors, aliases, merge keys, tags, several documents: this also stops "YAML bombs"), and what is too
large or too deep. Reads no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ivrengine.domain.sentence import Sentence

from .finding import Finding, shown
from .flowset import Place

LARGEST_DOCUMENT = 1_000_000  # characters
DEEPEST_NESTING = 20
MOST_NODES = 100_000
MOST_FINDINGS = 200  # of one document; nobody reads more
_PARSER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # ten times faster where libyaml is there

_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HASH_KEY = re.compile(r"(?:^|(?<=[\s{,\[]))#[ \t]*:(?=\s|$)", re.MULTILINE)
_TAB_INDENT = re.compile(r"^ *\t\s*(?=[^\s#])", re.MULTILINE)

_NODE_EVENTS = (yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.AliasEvent)

Path = Sequence[str | int]


@dataclass(slots=True)
class TextNode:
    text: str
    line: int
    column: int

    @property
    def plain(self) -> str:
        return self.text


@dataclass(slots=True)
class ListNode:
    items: list[Node]
    line: int
    column: int

    @property
    def plain(self) -> list[Any]:
        return [item.plain for item in self.items]


@dataclass(slots=True)
class MapNode:
    """``entries``: key text -> (key node, value node), in the order of the file."""

    entries: dict[str, tuple[TextNode, Node]]
    line: int
    column: int

    @property
    def plain(self) -> dict[str, Any]:
        return {key: value.plain for key, (_, value) in self.entries.items()}

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node = TextNode | ListNode | MapNode


@dataclass(slots=True)
class Document:
    """One YAML file. ``node`` is None when it can't be read at all; with findings it may still be read for more of them."""

    file: str
    node: Node | None = None
    findings: list[Finding] = field(default_factory=list)

    def place(self, node: Node | None) -> Place:
        return Place(self.file, node.line, node.column) if node else Place(self.file, 1, 1)

    def locate(self, path: Path, *, key: bool = False) -> Place:
        """Where ``path`` stands; parts of it that the document does not have (defaults, short forms) are passed over.

        With ``key``: where the last key found stands, not its value.
        """
        key_node, node = self.find(path)
        return self.place(key_node if key and key_node else node)

    def find(self, path: Path) -> tuple[Node | None, Node | None]:
        """The last key and the value that ``path`` leads to, passing over what isn't there as `locate` does."""
        _, _, key_node, node = _follow(self.node, None, tuple(path))
        return key_node, node

    def at(self, *keys: str) -> Node | None:
        """The value below exactly these keys, or None."""
        node = self.node
        for key in keys:
            node = node.get(key) if isinstance(node, MapNode) else None
        return node


def _follow(node: Node | None, key_node: Node | None, path: tuple[str | int, ...]) -> tuple[int, bool, Node | None, Node | None]:
    """(parts matched, was the last one matched, key, value): the best way to walk ``path``, skipping what isn't there."""
    if not path or isinstance(node, TextNode) or node is None:
        return 0, not path, key_node, node
    head, rest = path[0], path[1:]
    if isinstance(node, MapNode) and str(head) in node.entries:
        inner_key, inner = node.entries[str(head)]
        matched, last, found_key, found = _follow(inner, inner_key, rest)
        return matched + 1, last, found_key, found
    skipped = _follow(node, key_node, rest)
    if isinstance(node, ListNode) and isinstance(head, int) and 0 <= head < len(node.items):
        matched, last, found_key, found = _follow(node.items[head], key_node, rest)
        if (matched + 1, last) >= skipped[:2]:
            return matched + 1, last, found_key, found
    return skipped


def load_document(text: str | bytes, file: str) -> Document:
    """Read YAML. Never raises: what is wrong stands in ``findings``."""
    document = Document(file)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            line = text.count(b"\n", 0, error.start) + 1
            _report(
                document, "yaml_encoding", (line, 1), Sentence("the file is not UTF-8 text"), Sentence('save it with the encoding "UTF-8"')
            )
            return document
    text = text.removeprefix("\ufeff")  # Windows editors put it there; it means nothing
    if len(text) > LARGEST_DOCUMENT:
        sentence = Sentence("the file is larger than %(most)s kB", most=LARGEST_DOCUMENT // 1000)
        _report(document, "yaml_too_large", (1, 1), sentence, Sentence("split it into several flows"))
        return document
    strange = _NOT_YAML.search(text)
    if strange:
        sentence = Sentence("the character U+%(code)04X can't stand in a flow file", code=ord(strange[0]))
        _report(document, "yaml_character", _line_column(text, strange.start()), sentence, Sentence("delete it"))
        return document
    _Reader(document, text).read()
    del document.findings[MOST_FINDINGS:]
    return document


def _report(document: Document, code: str, place: tuple[int, int], sentence: str, fix: str = "") -> None:
    document.findings.append(Finding(code, "error", Place(document.file, *place), sentence, fix))


def _line_column(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


class _Stop(Exception):
    """The document is refused as a whole; its finding has been reported."""


class _Reader:
    """Builds nodes from YAML's events, without recursion, so that depth is our limit and not Python's."""

    def __init__(self, document: Document, text: str) -> None:
        self.document = document
        self.text = text
        self.scalars: list[tuple[tuple[int, int], tuple[int, int]]] = []  # from, to: nothing in them is a comment
        self.nodes = 0

    def read(self) -> None:
        error: yaml.YAMLError | None = None
        try:
            self.document.node = self._compose(yaml.parse(self.text, Loader=_PARSER))
        except _Stop:
            return
        except yaml.YAMLError as caught:
            error = caught
        last_line = _error_line(error)
        traps = self._hash_keys(last_line) + self._tabs(last_line)
        for code, place, sentence, fix in traps:
            _report(self.document, code, place, sentence, fix)
        if error is not None:
            self.document.node = None
            if not traps:  # else the error is most likely their consequence
                self._syntax_error(error)
        elif self.document.node is None:
            _report(self.document, "yaml_empty", (1, 1), Sentence("the file is empty"))

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def _compose(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        open_nodes: list[ListNode | MapNode] = []
        keys: list[TextNode | None] = []  # for each open node: the key whose value comes next
        documents = 0
        for event in events:
            kind = type(event)
            if kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._stop(
                        "yaml_several_documents", event, Sentence('a line of "---" begins a second document here'),
                        Sentence("keep one flow in one file and delete this line"),
                    )  # fmt: skip
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                open_nodes.pop()
                keys.pop()
            elif kind in _NODE_EVENTS:
                node = self._node(event)
                if not open_nodes:
                    root = node
                else:
                    self._attach(node, open_nodes[-1], keys)
                if not isinstance(node, TextNode):
                    open_nodes.append(node)
                    keys.append(None)
                    if len(open_nodes) > DEEPEST_NESTING:
                        self._stop(
                            "yaml_too_deep", event, Sentence("the file is nested more than %(most)s levels deep", most=DEEPEST_NESTING)
                        )
        return root

    def _node(self, event: Any) -> Node:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._stop(
                "yaml_too_large",
                event,
                Sentence("the file has more than %(most)s values", most=MOST_NODES),
                Sentence("split it into several flows"),
            )
        start = event.start_mark
        place = start.line + 1, start.column + 1
        kind = type(event)
        if kind is yaml.AliasEvent:
            _report(self.document, "yaml_star", place, *_STAR)
            return TextNode(f"*{event.anchor}", *place)
        if event.anchor is not None:
            sentence = Sentence('"&%(anchor)s" is an anchor, which flow files don\'t use', anchor=event.anchor[:40])
            fix = Sentence('write the value out, or put a text that begins with "&" in quotes')
            _report(self.document, "yaml_anchor", place, sentence, fix)
        if event.tag is not None:
            sentence = Sentence("%(tag)s is a tag, which flow files don't use", tag=shown(event.tag))
            _report(self.document, "yaml_tag", place, sentence, Sentence('delete it, or put a text that begins with "!" in quotes'))
        if kind is yaml.ScalarEvent:
            if event.style or "#" in event.value:
                end = event.end_mark
                self.scalars.append((place, (end.line + 1, end.column + 1)))
            return TextNode(event.value, *place)
        if kind is yaml.SequenceStartEvent:
            return ListNode([], *place)
        return MapNode({}, *place)

    def _attach(self, node: Node, parent: ListNode | MapNode, keys: list[TextNode | None]) -> None:
        if isinstance(parent, ListNode):
            parent.items.append(node)
            return
        key = keys[-1]
        if key is None:
            if not isinstance(node, TextNode):
                sentence = Sentence("a list or a map stands where a key was expected")
                _report(self.document, "yaml_key", (node.line, node.column), sentence, Sentence("write a plain word before the colon"))
                node = TextNode("", node.line, node.column)
            keys[-1] = node
            return
        keys[-1] = None
        place = key.line, key.column
        if key.text == "<<":
            sentence = Sentence('"<<" merges another map, which flow files don\'t use')
            _report(self.document, "yaml_merge", place, sentence, Sentence("write the fields out"))
        elif key.text in parent.entries:
            first = parent.entries[key.text][0]
            sentence = Sentence(
                "%(text)s stands on line %(line)s already; only one of the two can count", text=shown(key.text), line=first.line
            )
            _report(self.document, "yaml_repeated_key", place, sentence, Sentence("delete or rename one of the two"))
        else:
            parent.entries[key.text] = (key, node)

    def _stop(self, code: str, event: Any, sentence: str, fix: str = "") -> None:
        _report(self.document, code, (event.start_mark.line + 1, event.start_mark.column + 1), sentence, fix)
        raise _Stop

    # -- traps ---------------------------------------------------------------------------------------------------------

    def _hash_keys(self, last_line: int) -> list[tuple[str, tuple[int, int], str, str]]:
        """``#:`` without quotes: to YAML a comment, to whoever wrote it the hash key."""
        found = []
        for match in _HASH_KEY.finditer(self.text):
            place = _line_column(self.text, match.start())
            if place[0] > last_line or self._in_scalar(place) or self._in_comment(match.start(), place):
                continue
            sentence = Sentence('"#:" begins a comment in YAML, so this choice would vanish without a word')
            found.append(("yaml_hash_key", place, sentence, Sentence('put the key in quotes: "#":')))
        return found

    def _in_comment(self, index: int, place: tuple[int, int]) -> bool:
        before = self.text[index - place[1] + 1 : index]
        return any(not self._in_scalar((place[0], m.start() + 1)) for m in re.finditer(r"(?:^|(?<=\s))#", before))

    def _tabs(self, last_line: int) -> list[tuple[str, tuple[int, int], str, str]]:
        found = []
        for match in _TAB_INDENT.finditer(self.text):
            place = _line_column(self.text, self.text.index("\t", match.start()))
            if place[0] <= last_line and not self._in_scalar(place):
                sentence = Sentence("the line is indented with a tab, which YAML does not allow")
                found.append(("yaml_tab", place, sentence, Sentence("use spaces")))
        return found

    def _in_scalar(self, place: tuple[int, int]) -> bool:
        return any(start <= place < end for start, end in self.scalars)

    def _syntax_error(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:
            _report(self.document, "yaml_syntax", (1, 1), Sentence("the file can't be read as YAML"))
            return
        place = mark.line + 1, mark.column + 1
        context, problem = getattr(error, "context", None) or "", getattr(error, "problem", None) or ""
        opened = getattr(error, "context_mark", None) or mark
        lines = self.text.splitlines()
        here = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
        if "alias" in context:
            code, place, (sentence, fix) = "yaml_star", (opened.line + 1, opened.column + 1), _STAR
        elif here in ("@", "`", "%") and "token" in context:
            code, sentence, fix = "yaml_syntax", Sentence("a value can't begin with %(here)s", here=here), Sentence("put it in quotes")
        elif "quoted scalar" in context:
            code, place = "yaml_syntax", (opened.line + 1, opened.column + 1)
            sentence, fix = Sentence("the quote that begins here is never closed"), Sentence("put the same quote at its end")
        elif "flow" in context:
            code, sentence = (
                "yaml_syntax",
                Sentence("the bracket opened on line %(line)s is not closed, or a comma is missing", line=opened.line + 1),
            )
            fix = Sentence("compare the brackets { } and [ ] up to here")
        elif "mapping values" in problem:
            code, sentence = "yaml_syntax", Sentence("a colon stands where none can be")
            fix = Sentence("put a text that holds a colon in quotes, or indent the line like its neighbours")
        elif "block" in context or "simple key" in context:
            code, sentence = "yaml_syntax", Sentence("this line does not fit to the lines above it")
            fix = Sentence("indent it like its neighbours, and write a colon and a space after a key")
        else:
            code, sentence = (
                "yaml_syntax",
                Sentence("this can't be read as YAML: %(problem)s", problem=problem or Sentence("unknown reason")),
            )
            fix = Sentence("look for a missing quote or colon")
        _report(self.document, code, place, sentence, fix)


_STAR = (Sentence('"*" without quotes means something else in YAML'), Sentence('put it in quotes: "*"'))


def _error_line(error: yaml.YAMLError | None) -> int:
    """The line up to which the text has been understood, counted from 1."""
    if error is None:
        return 1 << 30
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 0
