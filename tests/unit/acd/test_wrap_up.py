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
