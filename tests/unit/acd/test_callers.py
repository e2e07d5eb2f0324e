"""Callers: let in or not, in line, relaxing, asking for one agent, and how their waiting ends."""

from __future__ import annotations

import pytest
from callcentre import CallCentre, agent, cancels, codes, ends, offers, queue

from ivrengine.acd import audiences
from ivrengine.acd import happenings as ha
from ivrengine.acd.limits import ASSIGNED_SECONDS
from ivrengine.domain.needs import Ring

ENGLISH = (Ring(0.0, (("english", 5),)), Ring(20.0, (("english", 2),)), Ring(40.0))


def busy(*site, **more) -> CallCentre:
    """Agent 1 is logged in and on a break, so that calls wait."""
    centre = CallCentre(*site, **more) if site else CallCentre(agent("1"))
    centre.away("1")
    return centre


# -- let in or not -----------------------------------------------------------------------------------------------------


def test_a_call_to_an_unknown_queue_fails_at_once_and_only_once():
    centre = CallCentre()
    assert ends(centre.call("a", "nowhere")) == [("a", "failed")]
    assert centre.call("a", "nowhere") == []


def test_a_full_queue_refuses_callers_but_not_callbacks():
    centre = busy(queue(capacity=2), agent("1"))
    centre.call("a")
    centre.call("b")
    assert ends(centre.call("c")) == [("c", "refused_full")]
    assert ends(centre.call("d", virtual=True)) == []
    centre.tell(ha.Left("a", "abandoned"))
    assert ends(centre.call("e")) == []


@pytest.mark.parametrize(("when_empty", "expected"), [("refuse", [("a", "refused_empty")]), ("wait", [])])
def test_a_call_that_comes_while_nobody_is_logged_in(when_empty, expected):
    centre = CallCentre(queue(when_empty=when_empty), agent("1"), ready=False)
    assert ends(centre.call("a")) == expected
    centre.log_in("1")
    assert ends(centre.call("b")) == []


def test_what_an_earlier_process_let_in_is_not_refused():
    centre = CallCentre(queue(capacity=1), agent("1"), ready=False, opened=False)
    assert ends(centre.call("a") + centre.call("b")) == []
    assert centre.line() == ["a", "b"]


def test_attempts_go_on_from_those_of_an_earlier_process():
    centre = CallCentre(agent("1"))
    decisions = centre.call("a", attempts_before=3)
    assert decisions[-1].attempt_id == "a/4"


# -- in line -----------------------------------------------------------------------------------------------------------


def test_the_line_goes_by_age_less_head_start_and_the_id():
    centre = busy()
    centre.call("young")
    centre.call("old", waited=30)
    centre.call("boosted", boost_seconds=40)
    centre.call("twin")
    assert centre.line() == ["boosted", "old", "twin", "young"]
    assert [centre.dispatcher.position(each) for each in centre.line()] == [1, 2, 3, 4]
    assert centre.dispatcher.position("nobody") is None


def test_a_callback_stands_behind_a_caller_of_the_same_age():
    centre = busy()
    centre.call("a-callback", virtual=True)
    centre.call("z-caller")
    assert centre.line() == ["z-caller", "a-callback"]
    assert offers(centre.ready("1")) == [("z-caller", "1")]


def test_no_agent_takes_a_cheap_callback_before_an_older_caller():
    centre = CallCentre(queue("dear"), queue("cheap"), agent("1"), ready=False)
    rules = centre.agents[0]
    dear = type(rules)("1", queues={"dear": agent("x", tier=3).queues["q"], "cheap": agent("x").queues["q"]})
    centre.site(centre.queues, [dear])
    centre.log_in("1")
    centre.call("caller", "dear", waited=10)
    centre.call("callback", "cheap", waited=5, virtual=True)
    assert offers(centre.ready("1")) == [("caller", "1")]


def test_an_older_callback_is_served_in_its_turn_and_by_one_agent_only():
    centre = CallCentre(queue(strategy="ring_all"), agent("1"), agent("2"), ready=False)
    centre.log_in("1")
    centre.log_in("2")
    centre.call("callback", waited=50, virtual=True)
    centre.call("caller")
    assert offers(centre.ready("1")) == [("callback", "1")]
    assert offers(centre.ready("2")) == [("caller", "2")]


def test_a_caller_keeps_the_age_through_a_failed_offer():
    centre = CallCentre(agent("1"))
    centre.call("a")
    centre.call("b")
    assert centre.line() == ["a", "b"]
    centre.fail("a/1", "rejected")
    assert centre.line() == ["a", "b"]
    assert centre.dispatcher.item("a").queued_at == centre.now


def test_raising_gives_a_further_head_start_wherever_the_item_is():
    centre = CallCentre(agent("1"))
    centre.call("offered")
    centre.wait(1)
    centre.call("a")
    centre.wait(1)
    centre.call("b")
    centre.tell(ha.Raised("b", 10.0))
    assert centre.line() == ["b", "offered", "a"]
    centre.tell(ha.Raised("offered", 100.0))
    assert centre.line() == ["offered", "b", "a"]
    assert centre.state("offered") == "RESERVED"
    assert centre.dispatcher.item("b").boost_seconds == 10.0


# -- needs -------------------------------------------------------------------------------------------------------------


def test_needs_relax_step_by_step():
    centre = CallCentre(
        agent("1", skills={"english": 6}), agent("2", skills={"english": 3}), agent("3"), queue(order="cost"), queue("other")
    )
    assert offers(centre.call("a", rings=ENGLISH)) == [("a", "1")]
    centre.go("a/1", "TALKING")
    assert offers(centre.call("b", rings=ENGLISH)) == []
    assert offers(centre.wait(20)) == [("b", "2")]
    centre.go("b/1", "TALKING")
    assert offers(centre.call("c", rings=ENGLISH)) == []
    assert offers(centre.wait(39.9)) == []
    assert offers(centre.wait(0.2)) == [("c", "3")]


def test_a_place_that_was_kept_begins_in_the_ring_of_its_age():
    centre = CallCentre(agent("3"))
    assert offers(centre.call("a", rings=ENGLISH, waited=45)) == [("a", "3")]
    assert centre.dispatcher.item("a").ring == 2


def test_the_agent_closer_to_the_first_needs_is_asked_first():
    centre = CallCentre(agent("1", skills={"english": 2}), agent("2", skills={"english": 3}), ready=True)
    assert offers(centre.call("a", rings=ENGLISH, waited=20)) == [("a", "2")]


def test_eligible_counts_whom_the_item_may_be_offered_to_now():
    centre = CallCentre(agent("1", skills={"english": 6}), agent("2"), agent("3", "elsewhere"), queue(), queue("elsewhere"))
    centre.away("1")
    centre.away("2")
    centre.call("a", rings=ENGLISH)
    assert (centre.dispatcher.eligible("a"), centre.dispatcher.eligible("q"), centre.dispatcher.eligible("?")) == (1, 2, 0)
    centre.wait(40)
    assert centre.dispatcher.eligible("a") == 2


# -- the same agent as last time ---------------------------------------------------------------------------------------


def sticky() -> CallCentre:
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("first")
    assert centre.work("1") == "RESERVED"
    return centre


def test_the_agent_asked_for_is_waited_for_and_then_anybody():
    centre = sticky()
    assert offers(centre.call("a", sticky_agent="1", sticky_seconds=15)) == []
    centre.go("first/1", "TALKING")
    assert offers(centre.wait(14.9)) == []
    assert offers(centre.wait(0.2)) == [("a", "2")]


def test_the_agent_asked_for_gets_the_call_when_free():
    centre = sticky()
    centre.call("a", sticky_agent="1", sticky_seconds=60)
    centre.serve("1")
    assert centre.dispatcher.agent("1").item_id == "a"


def test_nobody_waits_for_an_agent_who_is_not_there_or_may_not_serve():
    centre = CallCentre(agent("1"), agent("2"), agent("3", "other"), queue(), queue("other"))
    centre.away("2")
    centre.tell(ha.LoggedOut("1"))
    centre.ready("2")
    assert offers(centre.call("a", sticky_agent="1", sticky_seconds=60)) == [("a", "2")]
    centre.fail("a/1", "withdrawn")
    centre.tell(ha.Left("a", "abandoned"))
    centre.tell(ha.OfferFailed("a/2", "caller_gone"))
    assert offers(centre.call("b", sticky_agent="3", sticky_seconds=60)) == [("b", "2")]


def test_when_the_agent_asked_for_logs_out_the_call_goes_on_at_once():
    centre = sticky()
    centre.call("a", sticky_agent="1", sticky_seconds=60)
    centre.tell(ha.LoggedOut("1"))
    assert offers(centre.fail("first/1", "rejected"))[-1:] == [("first", "2")] or centre.dispatcher.agent("2").item_id
    assert centre.intent("1") == "LOGGED_OUT"
    assert {centre.state("first"), centre.state("a")} == {"RESERVED", "QUEUED"}
    centre.tell(ha.Left("first", "abandoned"))
    centre.tell(ha.OfferFailed("first/2", "caller_gone"))
    assert centre.state("a") == "RESERVED"


# -- supervisors -------------------------------------------------------------------------------------------------------


def test_a_moved_item_keeps_its_age_and_leaves_a_ringing_phone():
    centre = CallCentre(queue(), queue("other"), agent("1"), agent("2", "other"))
    centre.away("2")
    centre.call("young", "other")
    centre.call("a", waited=30)
    assert centre.state("a") == "RESERVED"
    decisions = centre.tell(ha.Moved("a", "other"))
    assert cancels(decisions) == [("a/1", "withdrawn")]
    assert centre.line("other") == ["a", "young"]
    assert centre.work("1") == "RESERVED"
    centre.fail("a/1", "withdrawn")
    assert centre.work("1") == "IDLE"
    assert offers(centre.ready("2")) == [("a", "2")]


def test_what_cannot_be_moved():
    centre = CallCentre(queue(), queue("other"), agent("1"))
    centre.call("a")
    assert codes(centre.tell(ha.Moved("a", "nowhere"))) == ["unknown_queue"]
    centre.go("a/1", "ANSWERED")
    assert codes(centre.tell(ha.Moved("a", "other"))) == ["answered"]
    centre.go("a/1", "TALKING")
    assert centre.tell(ha.Moved("a", "other")) == []


def test_a_call_is_picked_up_against_skill_break_and_exclusion():
    centre = CallCentre(agent("1"), agent("2", "other"), queue(), queue("other"))
    centre.away("1")
    centre.away("2")
    centre.call("older", waited=60)
    centre.call("a", excluded=("2",), rings=ENGLISH)
    assert offers(centre.tell(ha.Assigned("a", "2"))) == [("a", "2")]
    assert centre.intent("2") == "NOT_READY"


def test_a_picked_up_call_waits_for_its_agent_and_then_goes_back():
    centre = CallCentre(agent("1"), agent("2"))
    centre.tell(ha.PhoneBusy("2", "feature-code"))
    centre.call("a")
    decisions = centre.tell(ha.Assigned("a", "2"))
    assert cancels(decisions) == [("a/1", "withdrawn")]
    centre.fail("a/1", "withdrawn")
    assert centre.work("1") == "IDLE"
    assert offers(centre.tell(ha.PhoneFree("2", "feature-code"))) == [("a", "2")]
    centre.tell(ha.PhoneBusy("1", "own"))
    centre.call("b")
    centre.tell(ha.Assigned("b", "1"))
    assert centre.state("b") == "QUEUED"
    centre.wait(ASSIGNED_SECONDS)
    assert centre.tell(ha.PhoneFree("1", "own"))[-1].agent_id == "1"  # for everybody again, so also for this agent


def test_who_cannot_be_given_a_call():
    centre = CallCentre(agent("1"), agent("2"))
    centre.tell(ha.LoggedOut("2"))
    centre.call("a")
    assert codes(centre.tell(ha.Assigned("a", "2"))) == ["logged_out"]
    assert codes(centre.tell(ha.Assigned("a", "99"))) == ["logged_out"]
    assert centre.tell(ha.Assigned("a", "1")) == []  # whose phone rings for it already
    centre.log_in("2")
    centre.go("a/1", "ANSWERED")
    assert codes(centre.tell(ha.Assigned("a", "2"))) == ["answered"]


# -- how waiting ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("waited", "terminal"), [(0.0, "short_abandon"), (5.0, "short_abandon"), (5.1, "abandoned")])
def test_giving_up_early_is_counted_apart(waited, terminal):
    centre = busy()
    centre.call("a", waited=waited)
    decisions = centre.tell(ha.Left("a", "abandoned"))
    assert ends(decisions) == [("a", terminal)]
    assert decisions[0].wait_seconds == pytest.approx(waited)


def test_without_a_time_for_it_nobody_gives_up_early():
    centre = busy(queue(short_abandon_seconds=0.0), agent("1"))
    centre.call("a")
    assert ends(centre.tell(ha.Left("a", "abandoned"))) == [("a", "abandoned")]


@pytest.mark.parametrize("terminal", ["exit_key", "voicemail", "callback_requested", "flow_out", "failed"])
def test_other_ways_of_leaving_are_told_as_they_are(terminal):
    centre = busy()
    centre.call("a")
    assert ends(centre.tell(ha.Left("a", terminal))) == [("a", terminal)]
    assert centre.tell(ha.Left("a", terminal)) == []


@pytest.mark.parametrize("work", ["RINGING", "ANSWERED", "BRIDGING"])
def test_leaving_takes_the_offer_down_and_the_agent_is_free_when_the_leg_is_gone(work):
    centre = CallCentre(agent("1"))
    centre.call("a")
    centre.go("a/1", work)
    decisions = centre.tell(ha.Left("a", "abandoned"))
    assert (ends(decisions), cancels(decisions)) == ([("a", "short_abandon")], [("a/1", "caller_gone")])
    idle_since = centre.dispatcher.agent("1").idle_since
    assert offers(centre.call("b")) == []
    assert offers(centre.fail("a/1", "caller_gone")) == [("b", "1")]
    assert centre.dispatcher.agent("1").idle_since == idle_since


def test_the_longest_wait_is_the_items_own_or_the_queues():
    centre = busy(queue(max_wait_seconds=60.0), agent("1"))
    centre.call("a", waited=10)
    centre.call("b", max_wait_seconds=20.0)
    centre.call("c", virtual=True)
    assert ends(centre.wait(20)) == [("b", "timeout")]
    assert ends(centre.wait(29.9)) == []
    assert ends(centre.wait(0.2)) == [("a", "timeout")]
    assert ends(centre.wait(10_000)) == []
    assert centre.line() == ["c"]


def test_a_phone_that_rings_when_the_longest_wait_is_over_may_still_be_answered():
    centre = CallCentre(queue(max_wait_seconds=4.0), agent("1"), agent("2"))
    for item in ("a", "b"):
        centre.call(item)
        centre.go(f"{item}/1", "RINGING")
    assert ends(centre.wait(10)) == []
    assert ends(centre.go("a/1", "TALKING")) == [("a", "answered")]
    assert ends(centre.fail("b/1", "rejected")) == [("b", "timeout")]


def test_calls_end_when_nobody_is_logged_in_for_too_long():
    centre = CallCentre(queue(no_agent_seconds=60.0, when_empty="wait"), agent("1"), agent("2"))
    centre.away("1")
    centre.away("2")
    centre.call("a")
    centre.tell(ha.LoggedOut("1"))
    centre.wait(30)
    centre.tell(ha.LoggedOut("2"))
    centre.wait(20)
    centre.call("b")
    assert ends(centre.wait(39)) == []
    assert ends(centre.wait(1)) == [("a", "no_agent")]
    assert ends(centre.wait(19)) == []
    assert ends(centre.wait(1)) == [("b", "no_agent")]


def test_calls_wait_on_when_somebody_logs_in_again():
    centre = CallCentre(queue(no_agent_seconds=60.0, when_empty="wait"), agent("1"), ready=False)
    centre.call("a")
    centre.wait(59)
    centre.log_in("1")
    assert ends(centre.wait(500)) == []
    assert offers(centre.ready("1")) == [("a", "1")]


def test_a_queue_may_wait_for_agents_for_ever():
    centre = CallCentre(queue(no_agent_seconds=0.0, when_empty="wait"), agent("1"), ready=False)
    centre.call("a")
    assert ends(centre.wait(100_000)) == []


# -- which call a free agent takes -------------------------------------------------------------------------------------


def many_queues(first: str, second: str, **rules) -> CallCentre:
    """Agent 1 is of tier 1 in ``near`` and of tier 2 in ``far``."""
    queues = [queue("near", order=first, **rules), queue("far", order=second)]
    one = agent("1", "near")
    one.queues["far"] = agent("x", "far", tier=2).queues["far"]
    centre = CallCentre(*queues, one)
    centre.away("1")
    return centre


@pytest.mark.parametrize(
    ("first", "second", "expected"), [("cost", "cost", "near-call"), ("age", "age", "far-call"), ("cost", "age", "far-call")]
)
def test_the_cheapest_or_the_oldest_first_by_the_queues_orders(first, second, expected):
    centre = many_queues(first, second)
    centre.call("far-call", "far", waited=100)
    centre.call("near-call", "near")
    assert offers(centre.ready("1")) == [(expected, "1")]


def test_a_queues_weight_is_a_head_start_over_other_queues():
    centre = many_queues("age", "age", weight_seconds=60.0)
    centre.call("far-call", "far", waited=59)
    centre.call("near-call", "near")
    assert offers(centre.ready("1")) == [("near-call", "1")]


def test_an_excluded_item_is_passed_over_and_never_blocks_those_behind():
    centre = busy()
    centre.call("a", waited=9, excluded=("1",))
    centre.call("b")
    assert offers(centre.ready("1")) == [("b", "1")]
    centre.tell(ha.Left("b", "abandoned"))
    assert offers(centre.fail("b/1", "caller_gone")) == []
    assert centre.state("a") == "QUEUED"


def test_a_moved_item_has_the_time_of_its_new_queue():
    centre = CallCentre(queue(max_wait_seconds=2.0), queue("patient"), agent("1"), agent("2", "patient"))
    centre.away("2")
    centre.call("a")
    centre.wait(2.5)  # overdue, while the phone may still ring
    centre.tell(ha.Moved("a", "patient"))
    centre.fail("a/1", "withdrawn")
    assert offers(centre.ready("2")) == [("a", "2")]
    assert ends(centre.fail("a/2", "rejected")) == []


def test_a_pick_up_takes_an_exclusion_back():
    centre = CallCentre(agent("1"))
    centre.tell(ha.PhoneBusy("1", "own"))
    centre.call("a", excluded=("1",))
    centre.tell(ha.Assigned("a", "1"))
    centre.wait(ASSIGNED_SECONDS)
    assert offers(centre.tell(ha.PhoneFree("1", "own"))) == [("a", "1")]


# -- nobody who could ever serve ---------------------------------------------------------------------------------------

SOME_ENGLISH = (Ring(0.0, (("english", 8),)), Ring(20.0, (("english", 3),)))


def test_a_call_that_nobody_logged_in_could_ever_serve_is_refused_at_the_door():
    centre = CallCentre(queue(), agent("1", skills={"english": 2}), agent("2", skills={"english": 3}), ready=False)
    centre.log_in("1")
    assert ends(centre.call("a", rings=SOME_ENGLISH)) == [("a", "refused_empty")]
    assert ends(centre.call("anybody")) == []
    centre.log_in("2")  # good enough once the need has relaxed
    assert ends(centre.call("b", rings=SOME_ENGLISH)) == []


def test_a_call_ends_when_the_last_agent_who_could_serve_it_is_gone_and_others_wait_on():
    site = (queue(no_agent_seconds=60.0), agent("1"), agent("2", skills={"english": 5}))
    centre = CallCentre(*site)
    centre.away("1")
    centre.away("2")
    centre.call("a", rings=SOME_ENGLISH)
    centre.call("anybody")
    centre.wait(10)
    centre.tell(ha.LoggedOut("2"))
    assert ends(centre.wait(59)) == []
    assert ends(centre.wait(1)) == [("a", "no_agent")]
    assert ends(centre.wait(100_000)) == []


@pytest.mark.parametrize("come_back", [True, False])
def test_other_skills_by_an_edit_of_the_site_count_at_once(come_back):
    able, unable = agent("1", skills={"english": 5}), agent("1")
    centre = CallCentre(queue(no_agent_seconds=60.0), able)
    centre.away("1")
    centre.call("a", rings=SOME_ENGLISH)
    centre.site(centre.queues, [unable])
    centre.wait(59)
    if come_back:
        centre.site(centre.queues, [able])
    assert ends(centre.wait(500)) == ([] if come_back else [("a", "no_agent")])


def test_who_was_moved_is_judged_by_the_agents_of_the_new_queue():
    centre = CallCentre(queue("x"), queue("y", no_agent_seconds=60.0), agent("1", "x", skills={"english": 9}), agent("2", "y"))
    centre.away("1")
    centre.call("a", "x", rings=SOME_ENGLISH)
    centre.wait(30)
    centre.tell(ha.Moved("a", "y"))
    assert ends(centre.wait(59)) == []
    assert ends(centre.wait(1)) == [("a", "no_agent")]


def test_who_was_picked_up_waits_for_that_agent_however_unfit():
    centre = CallCentre(queue(no_agent_seconds=20.0, when_empty="wait"), agent("1"))
    centre.tell(ha.PhoneBusy("1", "own"))
    centre.call("a", rings=SOME_ENGLISH)
    centre.wait(15)
    centre.tell(ha.Assigned("a", "1"))
    assert ends(centre.wait(29)) == []
    assert offers(centre.tell(ha.PhoneFree("1", "own"))) == [("a", "1")]


def test_many_kinds_of_needs_are_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(audiences, "MOST_AUDIENCES", 5)
    centre = CallCentre(queue(), agent("1", skills={"english": 9}))
    centre.away("1")
    centre.call("kept", rings=(Ring(0.0, (("english", 9),)),))
    for level in range(1, 10):
        centre.call(f"c{level}", rings=(Ring(0.0, (("english", level % 8 + 1), ("french", level))),))
    assert len(centre.dispatcher.snapshot()["queues"]["q"]["audiences"]) <= 6
    centre.tell(ha.LoggedOut("1"))
    assert ends(centre.wait(60)) == [("kept", "no_agent")]
