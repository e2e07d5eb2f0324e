"""Codes carried out: who is asked to do them, what the agent hears, and what counts for the wrap-up."""

from __future__ import annotations

from pathlib import Path

import gevent
import gevent.lock
import pytest
from paper_floor import Floor, make_desk, opened

from ivrengine.acd.happenings import TalkEnded
from ivrengine.domain.legs import LegDigit, LegGone, LegReferred, LegUnbridged
from ivrengine.prompts.voice import Rendered
from ivrengine.runtime.desk_words import DeskWords
from ivrengine.runtime.outcome import Outcome, Who
from ivrengine.runtime.talk_codes import CODES_WAITING_LIMIT, TalkCodes

CONSOLE = Who("root")


class PaperTransfers:
    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.answer = Outcome(True, "done", "")
        self.held = gevent.lock.BoundedSemaphore(1)

    def __getattr__(self, name):
        def ask(*what):
            with self.held:
                self.asked.append((name, *what[1:-1]) if name not in ("referred", "leg_parted") else (name, *what[1:]))
            return self.answer

        return ask


class PaperVoice:
    """A prompt's path is its name."""

    def render(self, items) -> Rendered:
        return Rendered(paths=[getattr(item, "name", None) or item.value for item in items])


class House(Floor):
    def __init__(self, store) -> None:
        super().__init__(store)
        self.transfers = PaperTransfers()
        self.recorded = True
        words = DeskWords(lambda name, language: True, "en-US")
        self.codes = TalkCodes(self.transfers, self, self.feed, self.legs, PaperVoice(), words, store, self.crew, self.clock)
        desk = make_desk(self)
        desk.log_in("102", "8002", CONSOLE)
        desk.ready("102", CONSOLE)
        self.wait_in()
        self.talk = self.connect("102")

    def mask(self, talk, on) -> bool:
        talk.masked = on if self.recorded else talk.masked
        return self.recorded

    def keys(self, text: str) -> list[tuple[str, ...]]:
        """Keyed on the agent's leg; what the agent hears for it."""
        before = len(self.legs.asked)
        for key in text:
            self.codes.talk_event(self.talk, LegDigit(key))
        gevent.sleep(0.01)
        return [tuple(what[3]) for what in self.legs.asked[before:] if what[0] == "play"]


@pytest.fixture
def house(tmp_path: Path):
    with opened(tmp_path) as store:
        yield House(store)


@pytest.mark.parametrize(
    ("keyed", "asked", "heard"),
    [
        ("*28009#", ("blind", "8009"), []),
        ("*38009#", ("consult", "8009"), [("talk/calling",)]),
        ("*4", ("complete",), []),
        ("*5", ("three_way",), [("talk/conference",)]),
        ("*1", ("take_back",), [("talk/taken_back",)]),
    ],
)
def test_a_code_is_carried_out_and_answered_by_speech(house, keyed, asked, heard) -> None:
    assert house.keys(keyed) == heard
    assert house.transfers.asked == [asked]


@pytest.mark.parametrize(("code", "heard"), [("not_allowed", "talk/not_allowed"), ("refused", "talk/not_possible")])
def test_a_refusal_is_heard(house, code, heard) -> None:
    house.transfers.answer = Outcome(False, code, "no")
    assert house.keys("*2139#") == [(heard,)]


def test_an_unknown_code_is_heard_as_such(house) -> None:
    assert house.keys("*9") == [("talk/unknown_code",)]
    assert house.keys("1234#") == []
    assert house.transfers.asked == []


def test_the_recording_is_paused_and_goes_on(house) -> None:
    assert house.keys("*8") == [("talk/recording_paused",)]
    assert house.keys("*8") == [("talk/recording_on",)]
    house.recorded = False
    assert house.keys("*8") == [("talk/not_possible",)]


def test_more_wrap_up_counts_when_the_wrap_up_begins(house) -> None:
    assert house.keys("*7*7")[-1] == ("desk/more_time", "60")
    house.feed(TalkEnded(house.talk.attempt_id))
    until = house.dispatcher.agent("102").wrap_up_until
    house.codes.talk_over(house.talk)
    assert house.dispatcher.agent("102").wrap_up_until == until + 60


def test_a_transfer_by_the_phone_is_known_before_the_end_of_its_leg(house) -> None:
    event = LegReferred("blind", target="71")
    house.codes.talk_event(house.talk, event)
    assert house.talk.passed_on
    house.codes.talk_event(house.talk, LegGone("hung_up"))
    gevent.sleep(0.01)
    assert house.transfers.asked == [("referred", event)]


def test_that_the_leg_is_alone_is_passed_on(house) -> None:
    house.codes.talk_event(house.talk, LegUnbridged("colleague"))
    assert house.transfers.asked == [("leg_parted",)]


def test_who_keys_on_and_on_is_not_listened_to_meanwhile(house) -> None:
    house.transfers.held.acquire()
    house.keys("*4" * 20)
    house.transfers.held.release()
    gevent.sleep(0.01)
    assert len(house.transfers.asked) == CODES_WAITING_LIMIT
    house.keys("*4")
    assert len(house.transfers.asked) == CODES_WAITING_LIMIT + 1


def test_after_the_talk_nothing_is_carried_out(house) -> None:
    house.transfers.held.acquire()
    house.keys("*4*4")
    house.talk.over = True
    house.codes.talk_over(house.talk)
    house.transfers.held.release()
    gevent.sleep(0.01)
    assert len(house.transfers.asked) == 1, "what was under way; not what waited behind it"
