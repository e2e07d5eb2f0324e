"""``site.yml``: what may stand in it, what is told of what may not, and that writing and reading it loses nothing."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, StrategyName, Team
from ivrengine.flow.finding import errors
from ivrengine.site.differences import differences
from ivrengine.site.pin_form import is_pin_hash
from ivrengine.site.reading import SiteFile, read_site_file
from ivrengine.site.records import PARTS, Agent, Disposition, Site, Skill, from_dict, part_of, to_dict
from ivrengine.site.schema import KEYS, SPECS, file_name
from ivrengine.site.writing import duration, write_site_file

HASH = "scrypt$16384$8$1$" + "A" * 22 + "==$" + "B" * 43 + "="
SITE = Site(
    skills=(Skill("english", "English"), Skill("mandarin")),
    teams=(Team("day", "白班", 2),),
    reasons=(BreakReason("rest", "Rest", 600.0), BreakReason("meal", "Meal", 2700.0, approval=True)),
    dispositions=(Disposition("11", "Late", ("delivery",)), Disposition("99", "Other")),
    queues=(QueueRules("delivery", "投递", "ring_all", ring_seconds=12.5, record=False), QueueRules("circulation")),
    agents=(
        Agent(
            AgentRules("1001", "Ann", "day", {"english": 7}, {"delivery": Membership(1, 2), "circulation": Membership()}),
            "8001",
            "/greetings/1001.wav",
            True,
            HASH,
        ),
        Agent(AgentRules("1002", "Bo", queues={"delivery": Membership()}), pin_hash=HASH),
    ),
)
SAMPLE = """\
skills: {mandarin: 普通话, english: {title: English}}
teams: {day: {title: Day, most_away: 2}}
break_reasons:
  meal: {title: Meal, longest: 45m}
  training: {longest: 2h, approval: true}
dispositions: {"11": Stopped, "12": {title: Missed, queues: [delivery]}}
queues:
  delivery: {title: Delivery, strategy: ring_all, ring: 12.5s, wrap_up_most: 1m, record: false}
  circulation:
agents:
  "1001":
    name: Ann
    team: day
    pin: "04711"
    extension: 8001
    skills: {mandarin: 9}
    queues: {delivery: 2, circulation: {penalty: 5}}
  "1002": {queues: [delivery], pin: "4712"}
"""


def findings(text: str, stored: Site | None = None) -> list[str]:
    return [str(finding) for finding in read_site_file(text, "site.yml", stored).findings]


def changed(before: str, after: str) -> str:
    assert before in SAMPLE
    return SAMPLE.replace(before, after)


def test_a_site_file_is_read() -> None:
    read = read_site_file(SAMPLE)
    assert read.findings == []
    assert read.pins == {"1001": "04711", "1002": "4712"}
    assert "04711" not in repr(read)
    assert read.site == Site(
        skills=(Skill("mandarin", "普通话"), Skill("english", "English")),
        teams=(Team("day", "Day", 2),),
        reasons=(BreakReason("meal", "Meal", 2700.0), BreakReason("training", "", 7200.0, True)),
        dispositions=(Disposition("11", "Stopped"), Disposition("12", "Missed", ("delivery",))),
        queues=(
            QueueRules("delivery", "Delivery", "ring_all", ring_seconds=12.5, wrap_up_most_seconds=60.0, record=False),
            QueueRules("circulation"),
        ),
        agents=(
            Agent(
                AgentRules("1001", "Ann", "day", {"mandarin": 9}, {"delivery": Membership(2), "circulation": Membership(1, 5)}),
                "8001",
            ),
            Agent(AgentRules("1002", queues={"delivery": Membership()})),
        ),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed("ring_all", "ring_al"), 'site.yml:8:41: "ring_al" is not one of longest_idle'),
        (changed("ring_all", "ring_al"), 'did you mean "ring_all"?'),
        (changed("ring: 12.5s", "rings: 12.5s"), 'site.yml:8:51: unknown field "rings" in the queue; did you mean "ring"?'),
        (changed("ring: 12.5s", "ring: 12"), 'site.yml:8:57: "12" is not a duration'),
        (changed("ring: 12.5s", "ring: 1h"), 'site.yml:8:57: "1h" is out of range'),
        (changed("wrap_up_most: 1m", "wrap_up_most: 1m, wrap_up_least: 2m"), "wrap_up_least is longer than wrap_up_most"),
        (changed("record: false", "record: never"), '"never" is neither true nor false'),
        (changed("record: false", 'accept_key: "12"'), "a key is one of 0 to 9, * and #"),
        (changed("record: false", 'number: "60a"'), "a number that agents key has one to ten digits"),
        (changed("circulation:\n", "Circulation:\n"), 'site.yml:9:3: "Circulation" can\'t name a queue; use small letters'),
        (changed('"1001":', '"10 01":'), 'site.yml:11:3: "10 01" can\'t name an agent'),
        (changed('"11": Stopped', "x1: Stopped"), '"x1" can\'t name a disposition; use one to six digits'),
        (changed("meal:", '"1":'), '"1" can\'t name a break reason'),
        (changed("team: day", "team: dya"), 'site.yml:13:11: agent 1001: there is no team "dya"; did you mean "day"?'),
        (changed("{mandarin: 9}", "{mandrin: 9}"), 'site.yml:16:14: agent 1001: there is no skill "mandrin"; did you mean "mandarin"?'),
        (changed("{mandarin: 9}", "{mandarin: 11}"), '"11" is out of range; give at most 10'),
        (changed("{mandarin: 9}", "{mandarin: good}"), '"good" is not a whole number'),
        (changed("[delivery], pin", "[delivrey], pin"),
         'site.yml:18:21: agent 1002: there is no queue "delivrey"; did you mean "delivery"?'),
        (changed("{delivery: 2,", "{delivry: 2,"), 'site.yml:17:14: agent 1001: there is no queue "delivry"'),
        (changed("queues: [delivery]}}", "queues: [deliver]}}"), 'site.yml:6:62: disposition 12: there is no queue "deliver"'),
        (changed("extension: 8001", "extension: desk"), '"desk" is not an extension'),
        (changed("extension: 8001", "extension: 8001\n    supervisor: perhaps"), '"perhaps" is neither true nor false'),
        (changed('{queues: [delivery], pin: "4712"}', "{queues: [delivery], extension: 8001}"),
         'agent 1001 has the extension "8001" already'),
        (changed("circulation:\n", "circulation: {number: 60}\n  x: {number: 60}\n"), 'queue circulation has the number "60" already'),
        (changed("circulation:\n", "circulation: {number: 1001}\n"), 'site.yml:9:25: agent 1001 is reached by "1001" already'),
        (changed("circulation:\n", "circulation: {number: 8001}\n"), 'site.yml:9:25: agent 1001 is reached by "8001" already'),
        (changed('"1002":', '"1001":'), '"1001" stands on line 11 already'),
        (changed("queues:\n", "queus:\n"), 'site.yml:7:1: a site has no "queus"; did you mean "queues"?'),
        (changed("name: Ann", 'name: "Ann\\nroot: x"'), "line breaks and control characters can't stand in a name"),
        (changed("name: Ann", f"name: {'x' * 121}"), "is too long; give at most 120"),
        (changed("queues: {delivery: 2, circulation: {penalty: 5}}", "queues: {delivery: 0}"), '"0" is out of range; give at least 1'),
        ("- a\n", "site.yml:1:1: expected the parts of a site; write skills:"),
        ("skills: [a]\n", 'site.yml:1:9: "skills" needs names with what they mean below them'),
        ("", "the file is empty"),
        ("skills: {a: &x b, c: *x}\n", '"&x" is an anchor'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place_and_a_way_out(text: str, told: str) -> None:
    assert any(told in finding for finding in findings(text)), findings(text)


def test_everything_is_told_at_once() -> None:
    text = changed("ring: 12.5s", "ring: 12").replace("{mandarin: 9}", "{mandrin: 11}").replace('"04711"', '"47"')
    assert [finding.split(": ")[0] for finding in findings(text)] == [
        "site.yml:8:57", "site.yml:14:10", "site.yml:16:14", "site.yml:16:23",
    ]  # fmt: skip


@pytest.mark.parametrize("pin", ["471", "4711a", "1234567890123", "[4, 7]", "{a: b}", "４７１１"])
def test_no_finding_tells_a_pin(pin: str) -> None:
    told = findings(changed('"04711"', pin))
    assert told and all(pin not in finding for finding in told)


def test_a_hash_is_taken_whole_or_not_at_all_and_not_beside_a_pin() -> None:
    def with_(text: str) -> SiteFile:
        return read_site_file(changed('pin: "04711"', text))

    assert with_(f"pin_hash: {HASH}").site.agents[0].pin_hash == HASH
    assert "this is no hash of a PIN" in str(with_(f"pin_hash: {HASH[:-3]}").findings[0])
    assert "this is no hash of a PIN" in str(with_(f"pin_hash: {HASH.replace('16384', '1048576')}").findings[0])
    assert "the same thing twice" in str(with_(f'pin: "4711"\n    pin_hash: {HASH}').findings[0])


def test_what_works_and_is_hardly_meant_is_a_warning() -> None:
    read = read_site_file(changed('{queues: [delivery], pin: "4712"}', "{}").replace(", circulation: {penalty: 5}", ""))
    assert not errors(read.findings)
    assert [finding.code for finding in read.findings] == ["queue_without_agents", "agent_without_pin", "agent_without_queue"]


def test_a_part_that_the_file_does_not_have_stays() -> None:
    read = read_site_file("queues: {circulation: {title: C}, delivery: }\nskills: {english: , mandarin: }\n", "site.yml", SITE)
    assert read.findings == []
    assert read.site == dataclasses.replace(
        SITE,
        queues=(QueueRules("circulation", "C"), QueueRules("delivery")),
        skills=(Skill("english"), Skill("mandarin")),
    )
    assert read_site_file("agents:\n", "site.yml", SITE).site == dataclasses.replace(SITE, agents=())


def test_nothing_that_stays_is_left_pointing_nowhere() -> None:
    told = findings("queues: {circulation: }\nteams: {night: }\n", SITE)
    assert told == [
        'site.yml:1:1: agent 1001, who is not in this file, still needs queue "delivery"; keep it here, or write agents: too',
        'site.yml:1:1: agent 1002, who is not in this file, still needs queue "delivery"; keep it here, or write agents: too',
        'site.yml:1:1: disposition 11, who is not in this file, still needs queue "delivery"; keep it here, or write dispositions: too',
        'site.yml:2:1: agent 1001, who is not in this file, still needs team "day"; keep it here, or write agents: too',
    ]


def test_every_field_of_the_rules_can_be_written() -> None:
    samples = (Skill(""), Team(""), BreakReason(""), Disposition(""), QueueRules(""), Agent(AgentRules("")))
    for record in samples:
        part = part_of(record)
        known = {file_name(name) for name in to_dict(record)} - {"name" if part != "agents" else "agent_id", "reason", "code"}
        written = set(SPECS[part].model_fields) - {"pin", "pin_hash"}
        assert written == known, part


def test_usual_values_are_the_rules_own() -> None:
    read = read_site_file('queues: {q: }\nagents: {"1": }\nteams: {t: }\nbreak_reasons: {r: }\ndispositions: {"1": }\nskills: {s: }\n')
    assert read.site == Site(
        (Skill("s"),), (Team("t"),), (BreakReason("r"),), (Disposition("1"),), (QueueRules("q"),), (Agent(AgentRules("1")),)
    )


# -- writing -------------------------------------------------------------------------------------------------------------

titles = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
milliseconds = st.integers(0, 10**6).map(lambda ms: ms / 1000)
seconds = st.one_of(st.integers(0, 86400).map(float), st.floats(0, 86400, allow_subnormal=False), milliseconds)


def some(keys: st.SearchStrategy[str], most: int = 4) -> st.SearchStrategy[list[str]]:
    return st.lists(keys, max_size=most, unique=True)


@st.composite
def sites(draw: st.DrawFn) -> Site:
    skills, teams, queues = draw(some(names)), draw(some(names)), draw(some(names))
    agents, codes = draw(some(st.from_regex(r"[1-5][0-9]{0,9}", fullmatch=True))), draw(some(st.from_regex(r"[0-9]{1,6}", fullmatch=True)))
    ring = st.floats(3, 300)

    def queue(name: str) -> QueueRules:
        least, most = sorted((draw(seconds), draw(seconds)))
        return QueueRules(
            name, draw(titles), draw(st.sampled_from(get_args(StrategyName))), draw(st.sampled_from(["cost", "age"])),
            draw(seconds), draw(st.integers(0, 500)), draw(seconds), draw(st.sampled_from(["wait", "refuse"])), draw(seconds),
            draw(ring), draw(st.integers(1, 50)), draw(st.sampled_from(["", "1", "*", "#"])), draw(st.floats(1, 120)), least,
            most if most else 0.0, draw(st.booleans()), draw(seconds), draw(seconds), draw(seconds), draw(seconds),
            *(draw(st.booleans()) for _ in range(5)), callback_first=draw(st.sampled_from(["agent", "customer"])),
            callback_tries=draw(st.integers(1, 20)), callback_pause_seconds=draw(seconds),
            callback_ring_seconds=draw(st.floats(5, 300)), notes_required=draw(st.booleans()),
            number=f"60{queues.index(name)}" if draw(st.booleans()) else "",
        )  # fmt: skip

    def agent(number: str) -> Agent:
        places = {name: Membership(draw(st.integers(1, 9)), draw(st.integers(0, 9))) for name in queues if draw(st.booleans())}
        levels = {name: draw(st.integers(1, 10)) for name in skills if draw(st.booleans())}
        rules = AgentRules(
            number, draw(titles), draw(st.sampled_from(["", *teams])), levels, places, draw(st.integers(0, 99)),
            draw(st.integers(1, 9)), draw(seconds), draw(seconds), draw(seconds), draw(seconds), draw(st.booleans()),
        )  # fmt: skip
        extension = f"80{agents.index(number)}" if draw(st.booleans()) else ""
        return Agent(rules, extension, draw(titles), draw(st.booleans()), draw(st.sampled_from(["", HASH])))

    return Site(
        tuple(Skill(name, draw(titles)) for name in skills),
        tuple(Team(name, draw(titles), draw(st.integers(0, 9))) for name in teams),
        tuple(BreakReason(name, draw(titles), draw(seconds), draw(st.booleans())) for name in draw(some(names))),
        tuple(Disposition(code, draw(titles), tuple(draw(some(st.sampled_from(queues)))) if queues else ()) for code in codes),
        tuple(queue(name) for name in queues),
        tuple(agent(number) for number in agents),
    )


@settings(max_examples=150, deadline=None)
@given(sites())
def test_a_site_that_is_written_and_read_is_the_same_site(site: Site) -> None:
    read = read_site_file(write_site_file(site), "site.yml", SITE)
    assert not errors(read.findings), errors(read.findings)
    assert read.site == site
    assert differences(site, read.site) == []


@settings(max_examples=50, deadline=None)
@given(sites())
def test_a_record_is_the_same_after_the_database_s_json(site: Site) -> None:
    for part in PARTS:
        for record in getattr(site, part):
            assert from_dict(part, to_dict(record), getattr(record, "pin_hash", "")) == record


def test_what_is_usual_is_not_written_and_pins_only_as_hashes_where_wanted() -> None:
    text = write_site_file(SITE)
    assert "circulation: {}" in text and "ring: 12.5s" in text and "longest: 45m" in text and "delivery: {penalty: 2}" in text
    assert text.count(HASH) == 2 and "Keep this file from strangers" in text
    without = write_site_file(SITE, with_pins=False)
    assert "scrypt" not in without and "strangers" not in without
    kept = read_site_file(without).site
    assert [agent.pin_hash for agent in kept.agents] == ["", ""]
    assert set(KEYS.values()) == {line[:-1].removesuffix(":") for line in text.splitlines() if line and line[0] not in "# "}


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0s"), (0.5, "0.5s"), (90.0, "90s"), (120.0, "2m"), (7200.0, "2h"), (1e-7, "0.0000001s"), (61.25, "61.25s")]
)
def test_durations_are_written_as_people_write_them(value: float, text: str) -> None:
    assert duration(value) == text


# -- differences ---------------------------------------------------------------------------------------------------------


def test_differences_are_told_record_by_record() -> None:
    after = dataclasses.replace(
        SITE,
        reasons=SITE.reasons[::-1],
        queues=(dataclasses.replace(SITE.queues[0], title="Delivery", ring_seconds=20.0), QueueRules("property")),
        agents=(dataclasses.replace(SITE.agents[0], pin_hash=HASH.replace("B", "C")), dataclasses.replace(SITE.agents[1], pin_hash="")),
    )
    assert [str(each) for each in differences(SITE, after)] == [
        "change  the order of the break reasons",
        "remove  queue circulation",
        "change  queue delivery (title: 投递 -> Delivery, ring: 12.5 -> 20.0)",
        "add     queue property",
        "change  agent 1001 (pin: set -> another)",
    ]
    assert is_pin_hash(HASH)
