"""What stands around the director: what agents hear and see, the board that flows ask, phones, recordings, the site."""

from __future__ import annotations

import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from ivrengine.acd.decisions import ItemEnded, Offer
from ivrengine.acd.dispatcher import Dispatcher
from ivrengine.acd.happenings import BecameReady, LoggedIn, Opened, PhoneReachable, Queued
from ivrengine.acd.rules import AgentRules, Membership, QueueRules
from ivrengine.domain.audio import Prompt, Speech
from ivrengine.esl.errors import SwitchRefused, SwitchUnavailable
from ivrengine.runtime import call_recordings
from ivrengine.runtime.board import FACTS_SECONDS, Board
from ivrengine.runtime.call_recordings import CallRecordings, file_stem
from ivrengine.runtime.clock import EvenClock, WatchedClock
from ivrengine.runtime.greenlets import Crew
from ivrengine.runtime.leg_plans import LegPlans
from ivrengine.runtime.phones import Phones
from ivrengine.runtime.queue_records import AfterTalk
from ivrengine.runtime.site_rules import SiteRules
from ivrengine.runtime.talks import Talk
from ivrengine.runtime.waiting import Waiting, WaitingRoom
from ivrengine.site.records import Agent, Site

OFFER = Offer("item/1", "item", "101", "8001", "news", 1, 20.0)


# -- what agents see and hear ------------------------------------------------------------------------------------------


class Voice:
    def speech_problem(self, kind: str, language: str) -> str | None:
        return None

    def render(self, items: Any) -> Any:
        said = [f"{item.name}.wav" if isinstance(item, Prompt) else f"{item.value}.wav" for item in items]
        assert all(isinstance(item, Prompt | Speech) and item.language == "zh-CN" for item in items)
        return SimpleNamespace(paths=said)


def plan_for(waiting: Waiting, has_prompt: bool = True, **rules: Any) -> Any:
    catalogue: Any = SimpleNamespace(has=lambda name, language: has_prompt and name == "queue/news")
    plans = LegPlans(catalogue, Voice(), "zh-CN")  # type: ignore[arg-type]
    return plans.of(OFFER, QueueRules("news", title="News", **rules), waiting, now=1075.0)


def waiting(number: str = "13800138000") -> Waiting:
    return Waiting("item", "call", "token", "news", 1000.0, number, "Li")


def test_the_phone_shows_queue_wait_and_name_and_says_queue_and_number() -> None:
    plan = plan_for(waiting(), accept_key="1")
    assert (plan.display_name, plan.display_number) == ("News 1:15 Li", "13800138000")
    assert plan.whisper == ("queue/news.wav", "8000.wav")
    assert plan.accept_key == "1"
    assert plan.tags == {"attempt": "item/1", "item": "item", "agent": "101", "queue": "news", "call": "call", "token": "token"}


def test_nothing_is_whispered_where_the_queue_does_not_want_it() -> None:
    assert plan_for(waiting(), whisper=False).whisper == ()


def test_strangers_numbers_are_spoken_as_digits_only() -> None:
    assert plan_for(waiting("anonymous"), has_prompt=False).whisper == ()
    assert plan_for(waiting("+86-${x}12"), has_prompt=False).whisper == ("8612.wav",)


# -- the board ---------------------------------------------------------------------------------------------------------


class Hall:
    """A dispatcher with two agents of the queue ``news``, one of them logged in."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.dispatcher = Dispatcher()
        self.room = WaitingRoom()
        self.site = SiteRules(None, lambda told: self.dispatcher.feed(told, self.now), lambda alarm: None)  # type: ignore[arg-type]
        people = tuple(Agent(AgentRules(number, queues={"news": Membership()})) for number in ("101", "102"))
        self.site.use(Site(queues=(QueueRules("news", when_empty="wait"),), agents=people))
        self.dispatcher.feed(Opened(), self.now)
        self.dispatcher.feed(LoggedIn("101", "8001"), self.now)
        self.board = Board(self.dispatcher, self.site, self.room, lambda: self.now)

    def queue(self, number: int) -> None:
        item = f"item-{number}"
        self.room.add(Waiting(item, f"call-{number}", item, "news", self.now))
        self.dispatcher.feed(Queued(item, "news", self.now), self.now)


def test_the_facts_of_a_queue() -> None:
    hall = Hall()
    hall.queue(1)
    hall.now += 30.0
    hall.queue(2)
    facts = hall.board.facts("news")
    assert facts is not None
    assert (facts.waiting, facts.longest_wait_seconds, facts.agents, facts.ready) == (2, 30.0, 1, 0)
    assert hall.board.facts("none") is None


def test_how_many_wait_is_never_old() -> None:
    hall = Hall()
    assert hall.board.facts("news").waiting == 0  # type: ignore[union-attr]
    hall.queue(1)
    assert hall.board.facts("news").waiting == 1  # type: ignore[union-attr]


def test_agents_are_counted_again_after_a_moment() -> None:
    hall = Hall()
    assert hall.board.facts("news").ready == 0  # type: ignore[union-attr]
    hall.dispatcher.feed(BecameReady("101"), hall.now)
    hall.now += FACTS_SECONDS
    assert hall.board.facts("news").ready == 1  # type: ignore[union-attr]


def test_a_place_and_its_band() -> None:
    hall = Hall()
    hall.queue(1)
    hall.queue(2)
    hall.dispatcher.feed(BecameReady("101"), hall.now)
    place = hall.board.place("item-2", hall.now)
    assert place is not None
    assert (place.position, place.wait_minutes) == (2, None), "nothing is known yet of how long a talk takes"
    for _ in range(6):
        hall.board.item_ended(ItemEnded("x", "news", "answered", 200.0, "x/1", "101"), hall.now)
        hall.board.handled(AfterTalk("x", "news", "x/1", hall.now - 30.0, 60.0), hall.now)
    hall.now += FACTS_SECONDS
    place = hall.board.place("item-2", hall.now)
    assert place is not None
    assert place.wait_minutes is not None
    assert hall.board.place("item-9", hall.now) is None


# -- phones ------------------------------------------------------------------------------------------------------------


def test_phones_are_looked_at_and_a_switch_that_is_silent_changes_nothing() -> None:
    told: list[Any] = []
    answers: dict[str, Any] = {"8001": False, "8002": True}
    views = [SimpleNamespace(agent_id=f"10{n}", phone=f"800{n}", intent="READY", reachable=True) for n in (1, 2)]

    def registered(phone: str) -> bool:
        if isinstance(answers[phone], Exception):
            raise answers[phone]
        return answers[phone]

    phones = Phones(told.append, lambda: views, registered)
    phones.look()
    assert told == [PhoneReachable("101", False)]
    answers["8001"] = SwitchUnavailable("down")
    phones.look()
    assert len(told) == 1


# -- recordings --------------------------------------------------------------------------------------------------------


class Tape:
    """Legs and rows of recordings."""

    def __init__(self, directory: Path) -> None:
        self.alarms: list[Any] = []
        self.kept: list[tuple[Any, ...]] = []
        self.asked: list[tuple[Any, ...]] = []
        self.refuses = False
        store: Any = SimpleNamespace(segments=SimpleNamespace(recording=self._keep))
        self.recordings = CallRecordings(self, store, directory, Crew(), self.alarms.append)
        self.talk = Talk("a/1", "call:2+1", "call", "call:2", "101", "news", "leg", 0.0)

    def _keep(self, *row: Any) -> Any:
        self.kept.append(row)
        return SimpleNamespace(hurry=lambda: None)

    def start_recording(self, channel: str, path: str) -> None:
        self.asked.append(("start", channel, path))
        if self.refuses:
            raise SwitchRefused("-ERR no")

    def expect_recording(self, channel: str, path: str) -> None:
        self.asked.append(("expect", channel, path))

    def mask_recording(self, channel: str, path: str, on: bool) -> None:
        self.asked.append(("mask", channel, path, on))

    def begin(self) -> str:
        self.recordings.begin(self.talk)
        gevent.sleep(0.01)
        return self.talk.recording_path

    def end(self) -> None:
        self.talk.over = True
        self.recordings.end(self.talk)


def speak(path: str, seconds: float) -> None:
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\1\0\1\0" * int(8000 * seconds))


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path)


def test_a_recording_is_judged_when_the_switch_says_it_is_over(tape: Tape) -> None:
    path = tape.begin()
    assert tape.kept == [("call:2+1", path, 0, "")], "the row is there before the end"
    speak(path, 2.0)
    tape.end()
    gevent.sleep(0.01)
    assert len(tape.kept) == 1
    tape.recordings.stopped(path, "")
    gevent.sleep(0.05)
    assert tape.kept[-1] == ("call:2+1", path, 2000, "")
    assert not tape.alarms


@pytest.mark.parametrize("fault", ["missing", "empty"])
def test_a_recording_that_is_lost_is_told(tape: Tape, fault: str) -> None:
    path = tape.begin()
    if fault == "empty":
        speak(path, 0.0)
    tape.recordings.stopped(path, "")
    tape.end()
    gevent.sleep(0.05)
    assert tape.kept[-1][2] == 0
    assert tape.kept[-1][3]
    assert [alarm.code for alarm in tape.alarms] == ["talk_not_recorded"]


def test_a_recording_that_is_refused_is_told_and_not_expected(tape: Tape) -> None:
    tape.refuses = True
    assert tape.begin() == ""
    assert tape.kept[-1] == ("call:2+1", "", 0, "-ERR no")
    assert [alarm.code for alarm in tape.alarms] == ["talk_not_recorded"]
    assert not tape.recordings.mask(tape.talk, True)


def test_the_end_that_the_switch_never_tells_is_not_waited_for_for_ever(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_recordings, "STOP_SECONDS", 0.01)
    path = tape.begin()
    speak(path, 1.0)
    tape.end()
    gevent.sleep(0.1)
    assert tape.kept[-1] == ("call:2+1", path, 1000, "")


def test_digits_of_a_card_are_masked(tape: Tape) -> None:
    path = tape.begin()
    assert tape.recordings.mask(tape.talk, True)
    assert tape.asked[-1] == ("mask", "leg", path, True)
    assert tape.talk.masked


def test_an_item_becomes_a_harmless_file_name() -> None:
    assert file_stem("../a b:2+1") == "---a-b-2-1"


# -- the clock ---------------------------------------------------------------------------------------------------------


def test_an_even_clock_runs_on_whatever_the_wall_does() -> None:
    wall, steady = [1000.0], [0.0]
    watched = WatchedClock(lambda: wall[0], lambda: steady[0])
    even = EvenClock(watched)
    watched.on_jump = even.was_set
    wall[0], steady[0] = 1010.0, 10.0
    assert even() == 1010.0
    wall[0], steady[0] = 8211.0, 11.0
    assert even() == 1011.0
    assert even.wall(1011.0) == 8211.0
