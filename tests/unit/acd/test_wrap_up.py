"""Wrap-up: least and most time, a disposition that is required or not, more time, and none at all."""

from __future__ import annotations

import pytest
from callcentre import CallCentre, agent, codes, queue

from ivrengine.acd import decisions as de
from ivrengine.acd import happenings as ha
from ivrengine.acd.limits import LONGEST_WRAP_UP_SECONDS


def after_talk(early: str | None = None, **rules) -> CallCentre:
    centre = CallCentre(queue(**rules), agent("1"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    if early is not None:
        centre.tell(ha.WrapUpDone("1", early))
    centre.tell(ha.TalkEnded("a/1"))
    return centre


def ended(decisions: list[de.Decision]) -> list[de.WrapUpEnded]:
    return [each for each in decisions if isinstance(each, de.WrapUpEnded)]


DONE = de.WrapUpEnded("1", "a/1", "", False)


def test_it_ends_with_the_most_time():
    centre = after_talk(wrap_up_most_seconds=30.0)
    assert centre.work("1") == "WRAP_UP"
    assert ended(centre.wait(29.9)) == []
    assert ended(centre.wait(0.2)) == [DONE]
    assert centre.work("1") == "IDLE"


def test_it_ends_when_the_agent_is_done_but_not_before_the_least_time():
    centre = after_talk(wrap_up_least_seconds=10.0)
    assert ended(centre.tell(ha.WrapUpDone("1", "sold"))) == []
    assert ended(centre.wait(10)) == [de.WrapUpEnded("1", "a/1", "sold", False)]
    assert centre.tell(ha.WrapUpDone("1", "sold")) == []


def test_a_required_disposition_must_be_given():
    centre = after_talk(disposition_required=True)
    assert codes(centre.tell(ha.WrapUpDone("1"))) == ["disposition_required"]
    assert centre.work("1") == "WRAP_UP"
    assert ended(centre.tell(ha.WrapUpDone("1", "sold"))) == [de.WrapUpEnded("1", "a/1", "sold", False)]


def test_a_required_disposition_that_never_came_is_flagged():
    centre = after_talk(disposition_required=True, wrap_up_most_seconds=30.0)
    assert ended(centre.wait(30)) == [de.WrapUpEnded("1", "a/1", "", True)]


def test_a_disposition_may_be_given_while_still_talking():
    centre = after_talk(early="sold", disposition_required=True, wrap_up_least_seconds=5.0)
    assert ended(centre.wait(5)) == [de.WrapUpEnded("1", "a/1", "sold", False)]


@pytest.mark.parametrize(("required", "work"), [(False, "IDLE"), (True, "WRAP_UP")])
def test_no_most_time_is_no_wrap_up_unless_a_disposition_is_required(required, work):
    centre = after_talk(wrap_up_most_seconds=0.0, disposition_required=required)
    assert centre.work("1") == work
    centre.wait(100_000)
    assert centre.work("1") == work


def test_more_time_up_to_a_limit():
    centre = after_talk(wrap_up_most_seconds=30.0)
    centre.tell(ha.WrapUpExtended("1", 20.0))
    assert ended(centre.wait(49)) == []
    assert ended(centre.wait(1)) == [DONE]
    assert centre.tell(ha.WrapUpExtended("1", 20.0)) == []
    centre = after_talk(wrap_up_most_seconds=30.0)
    centre.tell(ha.WrapUpExtended("1", 10 * LONGEST_WRAP_UP_SECONDS))
    assert codes(centre.tell(ha.WrapUpExtended("1", 1.0))) == ["wrap_up_limit"]
    assert ended(centre.wait(LONGEST_WRAP_UP_SECONDS)) == [DONE]


def test_the_agent_gets_no_call_meanwhile_and_the_next_one_after():
    centre = after_talk(wrap_up_most_seconds=30.0)
    centre.call("b")
    assert centre.work("1") == "WRAP_UP"
    centre.wait(30)
    assert centre.dispatcher.agent("1").item_id == "b"


def test_the_least_time_counts_where_the_most_is_shorter():
    centre = after_talk(wrap_up_least_seconds=20.0, wrap_up_most_seconds=10.0)
    assert ended(centre.wait(19)) == []
    assert ended(centre.wait(1)) == [DONE]


# -- required notes ----------------------------------------------------------------------------------------------------


def test_required_notes_must_be_written():
    centre = after_talk(disposition_required=True, notes_required=True)
    assert codes(centre.tell(ha.WrapUpDone("1"))) == ["disposition_required"]
    assert codes(centre.tell(ha.WrapUpDone("1", "sold"))) == ["notes_required"]
    assert ended(centre.tell(ha.NotesKept("1", True))) == [] and centre.work("1") == "WRAP_UP"
    assert ended(centre.tell(ha.WrapUpDone("1"))) == [de.WrapUpEnded("1", "a/1", "sold", False)]


def test_notes_that_are_emptied_again_are_missing_again():
    centre = after_talk(notes_required=True, wrap_up_least_seconds=10.0)
    centre.tell(ha.NotesKept("1", True))
    assert codes(centre.tell(ha.WrapUpDone("1"))) == []
    centre.tell(ha.NotesKept("1", False))
    assert ended(centre.wait(29)) == []
    assert codes(centre.tell(ha.WrapUpDone("1"))) == ["notes_required"]


@pytest.mark.parametrize("noted", [True, False])
def test_notes_may_be_written_while_still_talking(noted):
    centre = CallCentre(queue(disposition_required=True, notes_required=True), agent("1"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    centre.tell(ha.WrapUpDone("1", "sold"))
    centre.tell(ha.NotesKept("1", noted))
    assert ended(centre.tell(ha.TalkEnded("a/1"))) == ([de.WrapUpEnded("1", "a/1", "sold", False)] if noted else [])


@pytest.mark.parametrize("early", [True, False])
def test_who_has_only_a_phone_owes_no_notes_but_the_code(early):
    centre = CallCentre(queue(disposition_required=True, notes_required=True), agent("1"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    if early:
        centre.tell(ha.WrapUpDone("1", "sold", by_phone=True))
    centre.tell(ha.TalkEnded("a/1"))
    if not early:
        assert codes(centre.tell(ha.WrapUpDone("1", by_phone=True))) == ["disposition_required"]
        centre.tell(ha.WrapUpDone("1", "sold", by_phone=True))
    assert centre.work("1") == "IDLE"


def test_notes_of_an_earlier_talk_do_not_count_for_the_next():
    centre = after_talk(notes_required=True)
    centre.tell(ha.NotesKept("1", True))
    centre.tell(ha.WrapUpDone("1"))
    centre.call("b")
    centre.go("b/1", "TALKING")
    centre.tell(ha.TalkEnded("b/1"))
    assert codes(centre.tell(ha.WrapUpDone("1"))) == ["notes_required"]
    assert ended(centre.wait(30)) == [de.WrapUpEnded("1", "b/1", "", False)]


def test_required_notes_alone_make_a_wrap_up_without_limit():
    centre = after_talk(wrap_up_most_seconds=0.0, notes_required=True)
    centre.wait(100_000)
    assert centre.work("1") == "WRAP_UP"
