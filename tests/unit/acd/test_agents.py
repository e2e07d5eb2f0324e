"""Agents: seats, wishes that wait for the end of a call, breaks with approval and a cap, phones, and the place in line."""

from __future__ import annotations

import pytest
from callcentre import CallCentre, agent, codes, offers

from ivrengine.acd import decisions as de
from ivrengine.acd import happenings as ha
from ivrengine.acd.limits import SHORT_BREAK_SECONDS
from ivrengine.acd.rules import BreakReason, Team

LUNCH = BreakReason("lunch", longest_seconds=600.0)
TRAINING = BreakReason("training", approval=True)


def talking() -> CallCentre:
    """Agent 1 talks."""
    centre = CallCentre(agent("1"), LUNCH, TRAINING)
    centre.call("a")
    centre.go("a/1", "TALKING")
    return centre


def hang_up(centre: CallCentre) -> list[de.Decision]:
    return centre.tell(ha.TalkEnded("a/1")) + centre.tell(ha.WrapUpDone("1"))


# -- at a phone --------------------------------------------------------------------------------------------------------


def test_log_in_is_not_ready_yet_and_starts_anew():
    centre = CallCentre(agent("1"), ready=False)
    centre.call("a", virtual=True)
    assert offers(centre.log_in("1", "8001")) == []
    view = centre.dispatcher.agent("1")
    assert (view.intent, view.phone, view.calls, view.reachable) == ("NOT_READY", "8001", 0, True)
    assert offers(centre.ready("1")) == [("a", "1")]
    assert centre.told[-1].phone == "8001"


def test_nobody_unknown_logs_in():
    centre = CallCentre()
    assert codes(centre.log_in("99")) == ["unknown_agent"]
    assert codes(centre.ready("99")) == ["logged_out"]


def test_at_another_phone_one_is_logged_out_at_the_first():
    centre = CallCentre(agent("1"))
    assert centre.log_in("1", "81") == []
    decisions = centre.log_in("1", "8001")
    assert [each.intent for each in decisions] == ["LOGGED_OUT", "NOT_READY"]
    assert centre.dispatcher.agent("1").phone == "8001"


def test_whoever_sat_at_the_phone_is_logged_out():
    centre = CallCentre(agent("1"), agent("2"))
    centre.tell(ha.PhoneBusy("1", "their-own"))
    centre.log_in("2", "81")
    assert (centre.intent("1"), centre.work("1")) == ("LOGGED_OUT", "IDLE")
    assert centre.dispatcher.agent("2").phone == "81"


def test_no_log_in_in_the_middle_of_a_call():
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a")
    assert codes(centre.log_in("1", "8001")) == ["busy"]
    assert codes(centre.log_in("2", "81")) == ["busy"]
    assert centre.dispatcher.agent("2").phone == "82"


def test_log_out_waits_for_the_end_of_the_call():
    centre = talking()
    assert centre.tell(ha.LoggedOut("1")) == []
    assert centre.dispatcher.agent("1").pending_intent == "LOGGED_OUT"
    hang_up(centre)
    assert centre.intent("1") == "LOGGED_OUT"
    assert centre.tell(ha.LoggedOut("1")) == []


# -- wishes ------------------------------------------------------------------------------------------------------------


def test_a_break_asked_for_in_a_talk_begins_after_it():
    centre = talking()
    centre.call("b")
    assert centre.away("1") == []
    view = centre.dispatcher.agent("1")
    assert (view.intent, view.pending_intent, view.pending_reason) == ("READY", "NOT_READY", "lunch")
    assert offers(hang_up(centre)) == []
    view = centre.dispatcher.agent("1")
    assert (view.intent, view.reason, view.pending_intent) == ("NOT_READY", "lunch", "")


def test_a_wish_can_be_taken_back():
    centre = talking()
    centre.call("b")
    centre.away("1")
    centre.ready("1")
    assert centre.dispatcher.agent("1").pending_intent == ""
    assert offers(hang_up(centre)) == [("b", "1")]


def test_who_is_not_ready_is_offered_nothing():
    centre = CallCentre(agent("1"), agent("2"))
    centre.away("1")
    assert offers(centre.call("a")) == [("a", "2")]
    assert offers(centre.call("b")) == []


# -- breaks ------------------------------------------------------------------------------------------------------------


def test_a_break_that_lasts_too_long_is_told_once():
    centre = CallCentre(agent("1"), LUNCH)
    centre.away("1")
    assert codes(centre.wait(599)) == []
    assert codes(centre.wait(1)) == ["break_too_long"]
    assert codes(centre.wait(5000)) == []
    centre.ready("1")
    centre.away("1")
    centre.ready("1")
    assert codes(centre.wait(5000)) == []


@pytest.mark.parametrize("asking", [ha.BreakAsked("1", "training"), ha.BecameNotReady("1", "training")])
def test_a_break_may_need_a_supervisors_word(asking):
    centre = CallCentre(agent("1"), TRAINING)
    centre.tell(asking)
    assert (centre.intent("1"), centre.dispatcher.agent("1").break_asked) == ("READY", "training")
    centre.tell(ha.BreakDecided("1", True))
    view = centre.dispatcher.agent("1")
    assert (view.intent, view.reason, view.break_asked) == ("NOT_READY", "training", "")


def test_a_break_that_is_refused_is_told():
    centre = CallCentre(agent("1"), TRAINING)
    centre.tell(ha.BreakAsked("1", "training"))
    assert codes(centre.tell(ha.BreakDecided("1", False))) == ["break_refused"]
    assert centre.tell(ha.BreakDecided("1", True)) == []
    assert centre.intent("1") == "READY"


def test_a_break_that_needs_no_word_begins_when_asked_for():
    centre = CallCentre(agent("1"), LUNCH)
    centre.tell(ha.BreakAsked("1", "lunch"))
    assert centre.dispatcher.agent("1").reason == "lunch"


def test_ready_or_log_out_forgets_what_was_asked():
    centre = CallCentre(agent("1"), TRAINING)
    for happening in (ha.BecameReady("1"), ha.LoggedOut("1")):
        centre.tell(ha.BreakAsked("1", "training"))
        centre.tell(happening)
        assert centre.dispatcher.agent("1").break_asked == ""
    assert codes(centre.tell(ha.BreakAsked("1", "training"))) == ["logged_out"]


def team(most_away: int) -> CallCentre:
    return CallCentre(*[agent(each, team="t") for each in "123"], agent("4"), LUNCH, TRAINING, Team("t", most_away=most_away))


def test_a_team_may_have_only_so_many_away():
    centre = team(1)
    centre.away("1")
    assert codes(centre.away("2")) == ["team_cap"]
    assert codes(centre.away("4")) == []  # of no team
    assert codes(centre.away("1", "coffee")) == []  # away already
    centre.ready("1")
    assert codes(centre.away("2")) == []


def test_a_break_that_is_granted_and_has_not_begun_counts_and_one_that_is_asked_for_does_not():
    centre = team(1)
    centre.call("a")
    centre.go("a/1", "TALKING")
    centre.away("1")
    assert codes(centre.away("2")) == ["team_cap"]
    centre.ready("1")
    centre.tell(ha.BreakAsked("1", "training"))
    assert codes(centre.away("2")) == []
    assert codes(centre.tell(ha.BreakDecided("1", True))) == ["team_cap"]
    assert centre.dispatcher.agent("1").break_asked == ""


def test_missing_calls_and_waiting_after_log_in_are_no_breaks():
    centre = team(1)
    centre.away("1", "no_answer")
    centre.tell(ha.LoggedOut("2"))
    centre.log_in("2")
    assert codes(centre.away("3")) == []


# -- phones ------------------------------------------------------------------------------------------------------------


def test_a_phone_in_use_is_a_set_of_channels_and_not_a_count():
    centre = CallCentre(agent("1"))
    centre.tell(ha.PhoneBusy("1", "x"))
    assert centre.tell(ha.PhoneBusy("1", "x")) == []
    centre.tell(ha.PhoneBusy("1", "y"))
    assert centre.work("1") == "EXTERNAL"
    assert offers(centre.call("a")) == []
    assert centre.tell(ha.PhoneFree("1", "z")) == []
    centre.tell(ha.PhoneFree("1", "x"))
    assert centre.work("1") == "EXTERNAL"
    assert centre.tell(ha.PhoneFree("1", "x")) == []
    assert offers(centre.tell(ha.PhoneFree("1", "y"))) == [("a", "1")]


def test_a_call_of_ones_own_beside_ours_keeps_the_agent_busy_after_it():
    centre = talking()
    centre.tell(ha.PhoneBusy("1", "x"))
    assert centre.work("1") == "TALKING"
    centre.call("b")
    assert offers(hang_up(centre)) == []
    assert centre.work("1") == "EXTERNAL"
    assert offers(centre.tell(ha.PhoneFree("1", "x"))) == [("b", "1")]


def test_an_unreachable_phone_is_not_rung():
    centre = CallCentre(agent("1"))
    centre.tell(ha.PhoneReachable("1", False))
    assert offers(centre.call("a")) == []
    assert centre.dispatcher.agent("1").reachable is False
    assert offers(centre.tell(ha.PhoneReachable("1", True))) == [("a", "1")]


# -- the place in line -------------------------------------------------------------------------------------------------


def first_in_line(centre: CallCentre) -> str:
    return offers(centre.call("probe"))[0][1]


def test_who_logs_in_starts_last():
    centre = CallCentre(agent("1"), agent("2"))
    centre.tell(ha.LoggedOut("1"))
    centre.log_in("1")
    centre.wait(1)
    centre.ready("1")
    assert first_in_line(centre) == "2"


@pytest.mark.parametrize(("seconds", "first"), [(SHORT_BREAK_SECONDS, "1"), (SHORT_BREAK_SECONDS + 1, "2")])
@pytest.mark.parametrize("how", ["break", "own call"])
def test_a_short_break_or_call_of_ones_own_keeps_the_place_and_a_long_one_does_not(how, seconds, first):
    centre = CallCentre(agent("1"), agent("2"))
    if how == "break":
        centre.away("1")
    else:
        centre.tell(ha.PhoneBusy("1", "x"))
    centre.wait(seconds)
    if how == "break":
        centre.ready("1")
    else:
        centre.tell(ha.PhoneFree("1", "x"))
    assert first_in_line(centre) == first


def test_a_missed_ring_keeps_the_place():
    centre = CallCentre(agent("1", no_answer_limit=0), agent("2"))
    centre.call("a")
    centre.go("a/1", "RINGING")
    centre.wait(10)
    centre.fail("a/1", "no_answer")
    assert first_in_line(centre) == "1"


def test_who_has_served_goes_to_the_end():
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a")
    centre.serve("1")
    assert first_in_line(centre) == "2"


@pytest.mark.parametrize("at_once", [True, False])
def test_the_place_is_that_of_the_first_ready_after_log_in_or_of_the_log_in_before_a_short_break(at_once):
    centre = CallCentre(agent("1"), agent("2"))
    centre.tell(ha.LoggedOut("1"))
    centre.call("a")
    centre.log_in("1")
    logged_in_at = centre.now
    if not at_once:
        centre.away("1", "coffee")
    centre.serve("2", talk=50.0)
    centre.tell(ha.WrapUpDone("2"))
    centre.wait(1)
    centre.ready("1")
    assert first_in_line(centre) == ("2" if at_once else "1")
    assert centre.dispatcher.agent("1").idle_since >= logged_in_at


def test_another_break_takes_the_place_of_the_one_asked_for():
    centre = CallCentre(agent("1"), LUNCH, TRAINING)
    centre.tell(ha.BreakAsked("1", "training"))
    centre.tell(ha.BreakAsked("1", "lunch"))
    assert centre.dispatcher.agent("1").break_asked == ""
    assert centre.tell(ha.BreakDecided("1", True)) == []
