"""``site.yml`` to a site, with everything that is wrong in it told at once, by file, line and column.

```yaml
skills: {mandarin: 普通话, english: English}
teams: {day: {title: 白班, most_away: 2}}
break_reasons:
  meal: {title: 用餐, longest: 45m}            # at a phone they are keyed by their order, from 1
  training: {title: 培训, longest: 2h, approval: true}
dispositions: {"11": 停送, "12": {title: 漏送, queues: [delivery]}}
queues:
  delivery: {title: 投递, strategy: longest_idle, ring: 20s, wrap_up_most: 1m}
agents:
  "1001": {name: 王芳, team: day, pin: "4711", skills: {mandarin: 9}, queues: {delivery: {tier: 1, penalty: 0}}}
```

A part that the file does not have stays as it is; one that it has is replaced. Refuses what would leave something pointing nowhere
(an agent's skill, queue or team, a disposition's queue), and tells no PIN in any sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ivrengine.domain.sentence import Sentence
from ivrengine.flow.document import Document, ListNode, MapNode, Node, TextNode, load_document
from ivrengine.flow.finding import Finding, Severity, did_you_mean, errors, shown, sort_key
from ivrengine.flow.flowset import Place
from ivrengine.flow.schema_findings import validate

from .pin_form import PIN_FORM, is_pin, is_pin_hash
from .records import NOUNS, PARTS, REFERENCES, Agent, Part, Record, Site, a_noun, name_of, to_dict
from .schema import KEYS, SPECS, record_of

MOST_RECORDS = 10_000  # of one part
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")
# part -> what may name a record of it, and how to say so
_NAMES: dict[Part, tuple[re.Pattern[str], str]] = {
    "skills": (_NAME, Sentence("use small letters, digits, _ and -")),
    "teams": (_NAME, Sentence("use small letters, digits, _ and -")),
    "reasons": (_WORD, Sentence("use small letters, digits, _ and -, beginning with a letter")),  # a number would be its place in the list
    "dispositions": (re.compile(r"[0-9]{1,6}\Z"), Sentence("use one to six digits, which agents key")),
    "queues": (_NAME, Sentence("use small letters, digits, _ and -")),
    "agents": (re.compile(r"[0-9]{1,10}\Z"), Sentence("use one to ten digits, which agents key")),
}
_SHORT_FORMS: frozenset[Part] = frozenset({"skills", "teams", "reasons", "dispositions"})  # a bare text is the title


@dataclass(slots=True)
class SiteFile:
    """``site`` is complete, with the parts that the file does not have; sound only where ``findings`` has no error.

    ``pins``: agent -> PIN as written in the file, still to be hashed.
    """

    site: Site
    pins: dict[str, str] = field(default_factory=dict, repr=False)
    findings: list[Finding] = field(default_factory=list)


def read_site_file(text: str | bytes, file: str = "site.yml", stored: Site | None = None) -> SiteFile:
    """Never raises. ``stored``: where the parts come from that the file does not have."""
    document = load_document(text, file)
    result = SiteFile(stored or Site(), findings=list(document.findings))
    if isinstance(document.node, MapNode):
        _Reader(document, result).read()
    elif document.node is not None:
        fix = Sentence("write %(keys)s with their records below them", keys=tuple(f"{key}:" for key in KEYS.values()))
        result.findings.append(Finding("wrong_type", "error", document.place(document.node), Sentence("expected the parts of a site"), fix))
    result.findings.sort(key=sort_key)
    return result


def _items(node: Node | None) -> list[TextNode]:
    """The names in a text, a list, or a map's keys."""
    if isinstance(node, TextNode):
        return [node]
    if isinstance(node, ListNode):
        return [item for item in node.items if isinstance(item, TextNode)]
    return [key for key, _ in node.entries.values()] if isinstance(node, MapNode) else []


class _Reader:
    def __init__(self, document: Document, result: SiteFile) -> None:
        self.document = document
        self.result = result
        self.before = result.site
        self.named: dict[Part, set[str]] = {}  # all names of the site as it will be, sound or not

    def read(self) -> None:
        assert isinstance(self.document.node, MapNode)
        for key, (node, _) in self.document.node.entries.items():
            if key not in KEYS.values():
                fix = did_you_mean(key, KEYS.values())
                self._report("unknown_field", self.document.place(node), Sentence("a site has no %(key)s", key=shown(key)), fix)
        for part in PARTS:
            if KEYS[part] in self.document.node.entries:
                records = tuple(self._part(part))
                self.result.site = replace(self.result.site, **{part: records})
            else:
                self.named[part] = {name_of(record) for record in getattr(self.result.site, part)}
        self._references()
        if not errors(self.result.findings):
            self._advice()

    def _report(self, code: str, place: Place, sentence: str, fix: str = "", severity: Severity = "error") -> None:
        self.result.findings.append(Finding(code, severity, place, sentence, fix))

    def _place(self, part: Part, *path: str, key: bool = False) -> Place:
        """In this file, or at its beginning for what comes from the stored site."""
        found = self.document.at(KEYS[part], *path[:1])
        return self.document.locate((KEYS[part], *path), key=key) if found is not None else Place(self.document.file, 1, 1)

    # -- records -------------------------------------------------------------------------------------------------------

    def _part(self, part: Part) -> Iterator[Record]:
        node = self.document.at(KEYS[part])
        self.named[part] = set()
        if isinstance(node, TextNode) and not node.text:
            return
        if not isinstance(node, MapNode):
            sentence = Sentence("%(keys)s needs names with what they mean below them", keys=shown(KEYS[part]))
            self._report("wrong_type", self.document.place(node), sentence, Sentence("write a name, a colon, and its fields"))
            return
        if len(node.entries) > MOST_RECORDS:
            self._report(
                "too_many", self.document.place(node), Sentence("a site has at most %(most)s %(part)s", most=MOST_RECORDS, part=KEYS[part])
            )
            return
        self.named[part] = set(node.entries)
        for name, (key, value) in node.entries.items():
            pattern, fix = _NAMES[part]
            if not pattern.match(name):
                self._report(
                    "bad_name", self.document.place(key), Sentence("%(name)s can't name %(part)s", name=shown(name), part=a_noun(part)), fix
                )
                continue
            if part == "agents" and isinstance(value, MapNode):
                self._pin(name, value)
            spec = self._spec(part, name, value)
            if spec is not None:
                yield record_of(part, name, spec)

    def _spec(self, part: Part, name: str, node: Node) -> Any:
        short = isinstance(node, TextNode) and node.text and part in _SHORT_FORMS
        value = {"title": node.text} if short and isinstance(node, TextNode) else None
        spec, findings = validate(SPECS[part], self.document, (KEYS[part], name), Sentence("the %(part)s", part=NOUNS[part]), value)
        self.result.findings += findings
        return spec

    def _pin(self, agent_id: str, agent: MapNode) -> None:
        pin, pin_hash = agent.get("pin"), agent.get("pin_hash")
        if pin is not None and pin_hash is not None:
            sentence = Sentence("pin and pin_hash say the same thing twice")
            self._report("pin_twice", self.document.place(agent.entries["pin"][0]), sentence, Sentence("delete one of the two"))
        elif isinstance(pin, TextNode) and pin.text:
            if not is_pin(pin.text):
                self._report("bad_pin", self.document.place(pin), Sentence("this can't be a PIN"), Sentence("give %(form)s", form=PIN_FORM))
            self.result.pins[agent_id] = pin.text
        elif isinstance(pin_hash, TextNode) and pin_hash.text and not is_pin_hash(pin_hash.text):
            sentence = Sentence("this is no hash of a PIN as `ivrengine site export` writes it")
            self._report("bad_pin_hash", self.document.place(pin_hash), sentence, Sentence('copy it whole, or give "pin:" instead'))

    # -- what points where ---------------------------------------------------------------------------------------------

    def _references(self) -> None:
        """Of every record, sound or not, so that all is told at once."""
        assert isinstance(self.document.node, MapNode)
        for holder, field_name, part in REFERENCES:
            records = self.document.at(KEYS[holder])
            if KEYS[holder] not in self.document.node.entries:
                self._stored_references(holder, field_name, part)
            elif isinstance(records, MapNode):
                for name, (_, record) in records.entries.items():
                    node = record.get(field_name) if isinstance(record, MapNode) else None
                    for item in _items(node):
                        if item.text and item.text not in self.named[part]:
                            sentence = Sentence(
                                "%(holder)s %(name)s: there is no %(part)s %(text)s",
                                holder=NOUNS[holder],
                                name=name,
                                part=NOUNS[part],
                                text=shown(item.text),
                            )
                            fix = did_you_mean(item.text, self.named[part])
                            self._report(f"unknown_{NOUNS[part]}", self.document.place(item), sentence, fix)
        site = self.result.site
        self._unique("agents", "extension", ((agent.agent_id, agent.extension) for agent in site.agents))
        self._unique("queues", "number", ((queue.name, queue.number) for queue in site.queues))

        phones = {agent.extension: agent.agent_id for agent in site.agents if agent.extension}
        for queue in site.queues:
            other = queue.number if site.agent(queue.number) else phones.get(queue.number) if queue.number else None
            if other:
                sentence = Sentence(
                    "agent %(other)s is reached by %(number)s already, so nobody could transfer to this queue's",
                    other=other,
                    number=shown(queue.number),
                )
                self._report(
                    "repeated_number", self._place("queues", queue.name, "number"), sentence, Sentence("give the queue another number")
                )

    def _stored_references(self, holder: Part, field_name: str, part: Part) -> None:
        """Of records that the file leaves as they are, to what it takes away."""
        for record in getattr(self.result.site, holder):
            values = to_dict(record)[field_name]
            for name in [values] if isinstance(values, str) else values:
                if name and name not in self.named[part]:
                    sentence = Sentence(
                        "%(holder)s %(record)s, who is not in this file, still needs %(part)s %(name)s",
                        holder=NOUNS[holder],
                        record=name_of(record),
                        part=NOUNS[part],
                        name=shown(name),
                    )
                    fix = Sentence("keep it here, or write %(keys)s: too", keys=KEYS[holder])
                    self._report(f"unknown_{NOUNS[part]}", self._place(part, key=True), sentence, fix)

    def _unique(self, part: Part, field_name: str, pairs: Iterable[tuple[str, str]]) -> None:
        first: dict[str, str] = {}
        for name, value in pairs:
            if not value:
                continue
            if value in first:
                place = self._place(part, name, field_name)
                sentence = Sentence(
                    "%(part)s %(first)s has the %(field)s %(value)s already",
                    part=NOUNS[part],
                    first=first[value],
                    field=field_name,
                    value=shown(value),
                )
                self._report(f"repeated_{field_name}", place, sentence, Sentence("give each its own"))
            first.setdefault(value, name)

    # -- advice --------------------------------------------------------------------------------------------------------

    def _advice(self) -> None:
        """What works and is hardly meant; only told of what stands in this file."""
        site = self.result.site
        served = {queue for agent in site.agents for queue in agent.rules.queues}
        for queue in site.queues:
            if site.agents and queue.name not in served:
                self._advise(
                    "queues",
                    queue.name,
                    "queue_without_agents",
                    Sentence("no agent serves this queue"),
                    Sentence("add it to agents' queues"),
                )
        for agent in site.agents:
            if not agent.rules.queues and not agent.supervisor:
                self._advise(
                    "agents", agent.agent_id, "agent_without_queue", Sentence("this agent serves no queue"), Sentence('add "queues:"')
                )
            self._advise_pin(agent)

    def _advise_pin(self, agent: Agent) -> None:
        before = self.before.agent(agent.agent_id)
        if agent.pin_hash or agent.extension or agent.agent_id in self.result.pins or (before and before.pin_hash):
            return
        self._advise(
            "agents", agent.agent_id, "agent_without_pin", Sentence("without a PIN nobody can log in as this agent"), Sentence('add "pin:"')
        )

    def _advise(self, part: Part, name: str, code: str, sentence: str, fix: str) -> None:
        if self.document.at(KEYS[part], name) is not None:
            self._report(
                code,
                self._place(part, name, key=True),
                Sentence("%(part)s %(name)s: %(sentence)s", part=NOUNS[part], name=name, sentence=sentence),
                fix,
                "warning",
            )
