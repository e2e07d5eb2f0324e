"""Offers: what each failure costs, who stays unavailable how long, and that no race gives two winners or a stuck agent."""

from __future__ import annotations

import pytest
from callcentre import CallCentre, agent, cancels, codes, ends, offers, queue

from ivrengine.acd import decisions as de
from ivrengine.acd import happenings as ha
from ivrengine.acd.limits import (
    BRIDGE_SECONDS,
    CONNECT_SECONDS,
    FAILED_SECONDS,
    LAST_RESORT_SECONDS,
    RESERVE_SECONDS,
    RING_GRACE_SECONDS,
)

COSTS = {"no_answer_limit": 0, "no_answer_seconds": 11.0, "rejected_seconds": 22.0, "busy_seconds": 33.0, "unregistered_seconds": 44.0}


def test_an_answered_call_goes_all_the_way():
    centre = CallCentre(agent("1"))
    centre.call("a", waited=3)
    offer = centre.told[-1]
    assert offer == de.Offer("a/1", "a", "1", "81", "q", centre.dispatcher.agent("1").epoch, 20.0)
    centre.wait(1)
    decisions = centre.go("a/1", "TALKING")
    assert [each for each in decisions if isinstance(each, de.ItemEnded)] == [de.ItemEnded("a", "q", "answered", 4.0, "a/1", "1")]
    assert (centre.state("a"), centre.line(), centre.dispatcher.position("a")) == ("TALKING", [], None)
    assert centre.tell(ha.Left("a", "abandoned")) == []
    centre.wait(30)
    centre.tell(ha.TalkEnded("a/1"))
    view = centre.dispatcher.agent("1")
    assert (view.work, view.calls, view.talk_seconds) == ("WRAP_UP", 1, 30.0)
    assert (view.attempt_id, view.item_id, view.queue) == ("", "", "q")  # that leg is gone
    assert centre.state("a") == "ENDED"


def test_each_change_of_an_agent_is_one_row_with_a_rising_epoch():
    centre = CallCentre(agent("1"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    centre.tell(ha.TalkEnded("a/1"))
    centre.tell(ha.WrapUpDone("1"))
    rows = [each for each in centre.told if isinstance(each, de.AgentChanged)]
    assert [each.epoch for each in rows] == list(range(1, len(rows) + 1))
    assert [each.work for each in rows] == [
        "IDLE", "IDLE", "RESERVED", "RINGING", "ANSWERED", "BRIDGING", "TALKING", "WRAP_UP", "IDLE",
    ]  # fmt: skip
    assert [each.attempt_id for each in rows] == ["", ""] + ["a/1"] * 6 + [""]


# -- what a failure costs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "seconds"),
    [("no_answer", 11.0), ("rejected", 22.0), ("busy", 33.0), ("unregistered", 44.0), ("failed", FAILED_SECONDS)],
)
def test_each_failure_has_its_own_cool_down(why, seconds):
    centre = CallCentre(queue(exclusion_seconds=600.0), agent("1", **COSTS))
    centre.call("a")
    decisions = centre.fail("a/1", why)
    assert de.ItemRequeued("a", "a/1") in decisions
    assert centre.work("1") == "IDLE"
    centre.call("b")
    assert offers(centre.wait(seconds - 0.1)) == []
    assert offers(centre.wait(0.2)) == [("b", "1")]


@pytest.mark.parametrize("why", ["caller_gone", "withdrawn"])
def test_what_is_not_the_agents_fault_costs_nothing(why):
    centre = CallCentre(agent("1", **COSTS))
    centre.call("a")
    centre.tell(ha.Left("a", "abandoned"))
    idle_since = centre.dispatcher.agent("1").idle_since
    centre.fail("a/1", why)
    assert centre.dispatcher.agent("1").idle_since == idle_since
    assert offers(centre.call("b")) == [("b", "1")]


def test_a_call_is_not_offered_again_to_who_missed_it_for_a_time():
    centre = CallCentre(queue(exclusion_seconds=30.0), agent("1", no_answer_limit=0))
    centre.call("a")
    centre.fail("a/1", "no_answer")
    assert centre.dispatcher.items()[0].excluded == ("1",)
    assert offers(centre.wait(29.9)) == []
    assert offers(centre.wait(0.2)) == [("a", "1")]


def test_another_agent_takes_what_one_refused():
    centre = CallCentre(agent("1"), agent("2"))
    assert offers(centre.call("a")) == [("a", "1")]
    assert offers(centre.fail("a/1", "rejected")) == [("a", "2")]


def test_an_exclusion_belongs_to_one_call():
    centre = CallCentre(agent("1", rejected_seconds=0.0))
    centre.call("a")
    centre.call("b")
    assert offers(centre.fail("a/1", "rejected")) == [("b", "1")]


def test_who_misses_too_many_calls_is_not_ready_any_more():
    centre = CallCentre(queue(exclusion_seconds=0.0), agent("1", no_answer_limit=2))
    centre.call("a")
    assert offers(centre.fail("a/1", "no_answer")) == [("a", "1")]
    decisions = centre.fail("a/2", "no_answer")
    assert (codes(decisions), offers(decisions)) == (["missed_calls"], [])
    view = centre.dispatcher.agent("1")
    assert (view.intent, view.reason) == ("NOT_READY", "no_answer")
    assert offers(centre.ready("1")) == [("a", "1")]
    assert codes(centre.fail("a/3", "no_answer")) == []  # counted from the beginning


def test_an_answer_forgives_the_calls_that_were_missed():
    centre = CallCentre(queue(exclusion_seconds=0.0), agent("1", no_answer_limit=2))
    centre.call("a")
    centre.fail("a/1", "no_answer")
    centre.serve("1")
    centre.call("b")
    assert codes(centre.fail("b/1", "no_answer")) == []
    assert centre.intent("1") == "READY"


# -- what is not told in time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "seconds", "why"),
    [
        (None, RESERVE_SECONDS, "failed"),
        ("RINGING", 20.0 + RING_GRACE_SECONDS, "no_answer"),
        ("ANSWERED", 10.0 + CONNECT_SECONDS, "failed"),
    ],
)
def test_an_offer_that_does_not_get_on_is_cancelled_and_the_call_goes_to_another(work, seconds, why):
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a")
    if work:
        centre.go("a/1", work)
    was = centre.work("1")
    centre.wait(seconds - 0.1)
    decisions = centre.wait(0.1)
    assert cancels(decisions) == [("a/1", why)]
    assert offers(decisions) == [("a", "2")]
    assert centre.work("1") == was  # the phone may still ring
    assert offers(centre.call("b")) == []
    centre.fail("a/1", "withdrawn")
    assert centre.work("1") == "IDLE"
    assert (centre.intent("1") == "NOT_READY") == (why == "no_answer")


def test_a_connection_that_is_not_confirmed_holds_the_call_until_the_leg_is_gone():
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a")
    centre.go("a/1", "BRIDGING")
    assert cancels(centre.wait(BRIDGE_SECONDS)) == [("a/1", "failed")]
    assert (centre.state("a"), centre.work("2")) == ("BRIDGING", "IDLE")
    assert centre.tell(ha.OfferBridged("a/1")) == []  # too late: it is being taken down
    decisions = centre.fail("a/1", "failed")
    assert de.ItemRequeued("a", "a/1") in decisions
    assert offers(decisions) == [("a", "2")]


def test_as_a_last_resort_a_silent_leg_is_given_up():
    centre = CallCentre(agent("1"))
    centre.call("a")
    centre.wait(RESERVE_SECONDS)
    centre.tell(ha.Left("a", "abandoned"))
    assert codes(centre.wait(LAST_RESORT_SECONDS - 0.1)) == []
    assert codes(centre.wait(0.1)) == ["offer_lost"]
    assert centre.work("1") == "IDLE"
    assert centre.fail("a/1", "withdrawn") == []


def test_a_leg_that_dies_while_being_connected_brings_the_call_back():
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a")
    centre.go("a/1", "BRIDGING")
    decisions = centre.tell(ha.TalkEnded("a/1"))
    assert offers(decisions) == [("a", "2")]
    assert centre.work("1") == "IDLE"


def test_what_comes_after_a_cancel_changes_nothing_but_the_end():
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a")
    centre.go("a/1", "RINGING")
    centre.tell(ha.Moved("a", "q"))  # to where it is: nothing
    centre.wait(20.0 + RING_GRACE_SECONDS)
    before = centre.dispatcher.snapshot()
    for happening in (ha.OfferRinging("a/1"), ha.OfferAnswered("a/1"), ha.OfferBridging("a/1"), ha.OfferBridged("a/1")):
        assert centre.tell(happening) == []
    assert centre.dispatcher.snapshot() == before
    assert centre.dispatcher.item("a").agents == ("2",)


# -- ring all ----------------------------------------------------------------------------------------------------------


def ring_all(limit: int = 5, agents: int = 3, **rules) -> CallCentre:
    return CallCentre(queue(strategy="ring_all", ring_all_limit=limit, **rules), *[agent(str(n + 1)) for n in range(agents)])


def test_several_phones_ring_up_to_the_limit():
    assert offers(ring_all(limit=2).call("a")) == [("a", "1"), ("a", "2")]
    assert offers(ring_all().call("a")) == [("a", "1"), ("a", "2"), ("a", "3")]


def test_the_first_answer_wins_and_the_others_are_cancelled():
    centre = ring_all()
    centre.call("a")
    centre.tell(ha.OfferRinging("a/1"))
    centre.tell(ha.OfferRinging("a/2"))
    decisions = centre.tell(ha.OfferAnswered("a/2"))
    assert cancels(decisions) == [("a/1", "answered_elsewhere"), ("a/3", "answered_elsewhere")]
    assert centre.tell(ha.OfferAnswered("a/1")) == []  # in the same instant, and too late
    assert ends(centre.go("a/2", "TALKING")) == [("a", "answered")]
    centre.fail("a/1", "withdrawn")
    centre.fail("a/3", "withdrawn")
    assert [centre.work(each) for each in "123"] == ["IDLE", "TALKING", "IDLE"]


def test_the_call_waits_again_only_when_the_last_phone_has_failed():
    centre = ring_all(agents=2)
    centre.call("a")
    assert not [each for each in centre.fail("a/1", "rejected") if isinstance(each, de.ItemRequeued)]
    assert centre.state("a") == "RESERVED"
    assert [each for each in centre.fail("a/2", "rejected") if isinstance(each, de.ItemRequeued)]
    assert centre.state("a") == "QUEUED"


def test_when_the_winner_is_lost_the_call_waits_again():
    centre = ring_all(agents=2)
    centre.call("a")
    centre.tell(ha.OfferAnswered("a/1"))
    centre.fail("a/2", "withdrawn")
    assert offers(centre.fail("a/1", "no_answer")) == [("a", "2")]


def test_a_caller_who_leaves_silences_all_phones():
    centre = ring_all()
    centre.call("a")
    assert cancels(centre.tell(ha.Left("a", "exit_key"))) == [("a/1", "caller_gone"), ("a/2", "caller_gone"), ("a/3", "caller_gone")]


# -- the talk ----------------------------------------------------------------------------------------------------------


def test_a_caller_held_too_long_is_told_once_each_time():
    centre = CallCentre(queue(longest_hold_seconds=60.0), agent("1"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    centre.tell(ha.TalkChanged("a/1", "HOLD"))
    assert codes(centre.wait(59)) == []
    centre.tell(ha.TalkChanged("a/1", "TALKING"))
    assert codes(centre.wait(100)) == []
    centre.tell(ha.TalkChanged("a/1", "HOLD"))
    assert codes(centre.wait(60)) == ["hold_too_long"]
    assert codes(centre.wait(600)) == []


def test_hold_and_consult_count_as_talk():
    centre = CallCentre(agent("1"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    for work in ("HOLD", "CONSULT", "CONFERENCE"):
        centre.tell(ha.TalkChanged("a/1", work))
        centre.wait(10)
    centre.tell(ha.TalkEnded("a/1"))
    assert centre.dispatcher.agent("1").talk_seconds == 30.0


def test_a_callback_rings_one_phone_even_where_all_would():
    assert offers(ring_all().call("a", virtual=True)) == [("a", "1")]


def test_who_wanted_to_leave_and_missed_the_call_leaves():
    centre = CallCentre(agent("1"))
    centre.call("a")
    centre.tell(ha.LoggedOut("1"))
    centre.fail("a/1", "no_answer")
    assert centre.intent("1") == "LOGGED_OUT"


def test_an_offer_that_timed_out_excludes_the_agent_like_one_that_was_refused():
    centre = CallCentre(queue(exclusion_seconds=60.0), agent("1"))
    centre.call("a")
    centre.wait(RESERVE_SECONDS)
    centre.fail("a/1", "withdrawn")
    assert offers(centre.wait(59)) == []
    assert offers(centre.wait(1)) == [("a", "1")]


def test_a_talk_has_no_deadline():
    centre = CallCentre(agent("1"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    assert centre.dispatcher.next_deadline() is None
