"""Calls that somebody tries out: another instant of the calendars, a draft, a language; everything else as on any call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.compile import load_flows
from ivrengine.flow.world import World
from ivrengine.runtime.arranged_call import Arrangement, DraftFlows
from ivrengine.runtime.news import CallerHears, CallerHearsNoMore

from .conftest import House

CALENDARS = """
office:
  name: Office
  zone: Asia/Shanghai
  weekly:
    mon-fri: {open: 09:00-17:00}
    sat-sun: closed
"""
DRAFT = """
flow: draft
languages: [zh-CN, en-US]
numbers: ["100", "555"]
start: hours
steps:
  hours: {by_hours: {calendar: office, open: greet, closed: sorry}}
  greet: {hangup: {prompt: [welcome]}}
  sorry: {hangup: {prompt: [sorry]}}
"""
TUESDAY_NOON = 1_790_049_600.0  # 2026-09-22 in Shanghai
SUNDAY = 1_789_862_400.0  # the morning of 2026-09-20


def arrangement(at: float, now: float, language: str = "") -> Arrangement:
    flows = load_flows({"flows/draft.yml": DRAFT}).flows
    return Arrangement(flows, World(hours=HoursBook.from_text(CALENDARS)), language, at - now)


def call(house: House, call_id: str, number: str = "100") -> None:
    house.sim("call", {"number": number, "from": "13800138000", "uuid": call_id})


def test_a_call_walks_a_draft_at_another_instant(house: House) -> None:
    engine = house.start_engine()
    heard: list[CallerHears] = []
    engine.news.watch(lambda item: heard.append(item) if isinstance(item, CallerHears) else None)
    for call_id, at in (("tried-open", TUESDAY_NOON), ("tried-closed", SUNDAY)):
        assert engine.reception.arrange(call_id, arrangement(at, engine.clock()))
        call(house, call_id)
        house.ended(call_id)
    call(house, "usual")
    house.in_step("usual", "main")
    assert [step for step, _, _ in house.steps("tried-open")] == ["hours", "greet"]
    assert [step for step, _, _ in house.steps("tried-closed")] == ["hours", "sorry"]
    assert house.heard("tried-open")[:1] == ["welcome"]
    assert [Path(path).stem for path in heard[0].paths] == ["welcome"]
    began = engine.store.calls.get("tried-closed").started_at
    assert abs(began - engine.clock()) < 60  # its record has the real time


def test_an_arranged_language_and_a_number_that_only_the_draft_has(house: House) -> None:
    engine = house.start_engine()
    house.sim("serve 555")
    languages: list[str] = []
    engine.news.watch(lambda item: languages.append(engine.reception.sessions["tried"].run.language))
    engine.reception.arrange("tried", arrangement(SUNDAY, engine.clock(), "en-US"))
    call(house, "tried", "555")
    house.ended("tried")
    assert engine.store.calls.get("tried").flow == "draft"
    assert set(languages) == {"en-US"}


def test_what_is_not_placed_is_forgotten(house: House) -> None:
    engine = house.start_engine()
    engine.reception.arrange("tried", arrangement(SUNDAY, engine.clock()))
    engine.reception.unarrange("tried")
    call(house, "tried")
    house.in_step("tried", "main")


def test_the_news_tell_that_a_prompt_is_cut(house: House) -> None:
    engine = house.start_engine()
    told: list[object] = []
    engine.news.watch(told.append)
    call_id = house.call({"wait": 0.6}, {"press": "1"}, {"wait": 0.5}, {"press": "9"})
    house.ended(call_id)
    assert CallerHearsNoMore(call_id) in told
    assert json.loads(house.sim(f"heard {call_id}"))


def test_a_draft_has_the_published_versions_that_it_names() -> None:
    flows = load_flows({"flows/draft.yml": DRAFT}).flows
    draft, (published,) = DraftFlows([], flows), flows.flows.values()
    assert draft.get("draft", published.version) is published
    with pytest.raises(KeyError):
        draft.get("draft")
