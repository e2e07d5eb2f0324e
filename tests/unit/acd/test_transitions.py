"""Every row of the tables is walked by a real happening, and what is in no row changes nothing."""

from __future__ import annotations

import pytest
from callcentre import CallCentre, agent, queue

from ivrengine.acd import happenings as ha
from ivrengine.acd.limits import LAST_RESORT_SECONDS
from ivrengine.acd.transitions import AGENT_INTENT, AGENT_WORK, ITEM_STATE

ATTEMPT = "a/1"
SITE = (queue(wrap_up_most_seconds=30.0, longest_hold_seconds=0.0), agent("1"))

# what brings agent 1 and item a into each state of work
PATHS = {
    "IDLE": [],
    "RESERVED": [ha.Queued("a", "q", 1000.0)],
    "RINGING": [ha.Queued("a", "q", 1000.0), ha.OfferRinging(ATTEMPT)],
    "ANSWERED": [ha.Queued("a", "q", 1000.0), ha.OfferAnswered(ATTEMPT)],
    "BRIDGING": [ha.Queued("a", "q", 1000.0), ha.OfferAnswered(ATTEMPT), ha.OfferBridging(ATTEMPT)],
    "EXTERNAL": [ha.PhoneBusy("1", "own-call")],
}
PATHS["TALKING"] = [*PATHS["BRIDGING"], ha.OfferBridged(ATTEMPT)]
PATHS["HOLD"] = [*PATHS["TALKING"], ha.TalkChanged(ATTEMPT, "HOLD")]
PATHS["CONSULT"] = [*PATHS["TALKING"], ha.TalkChanged(ATTEMPT, "CONSULT")]
PATHS["CONFERENCE"] = [*PATHS["TALKING"], ha.TalkChanged(ATTEMPT, "CONFERENCE")]
PATHS["WRAP_UP"] = [*PATHS["TALKING"], ha.TalkEnded(ATTEMPT)]

EVENTS = {
    "reserved": ha.Queued("a", "q", 1000.0),
    "phone_busy": ha.PhoneBusy("1", "own-call"),
    "phone_free": ha.PhoneFree("1", "own-call"),
    "talk_found": ha.TalkFound("old/1", "old", "1", "q", 900.0),
    "ringing": ha.OfferRinging(ATTEMPT),
    "answered": ha.OfferAnswered(ATTEMPT),
    "bridging": ha.OfferBridging(ATTEMPT),
    "bridged": ha.OfferBridged(ATTEMPT),
    "offer_over": ha.OfferFailed(ATTEMPT, "withdrawn"),
    "HOLD": ha.TalkChanged(ATTEMPT, "HOLD"),
    "TALKING": ha.TalkChanged(ATTEMPT, "TALKING"),
    "CONSULT": ha.TalkChanged(ATTEMPT, "CONSULT"),
    "CONFERENCE": ha.TalkChanged(ATTEMPT, "CONFERENCE"),
    "talk_ended": ha.TalkEnded(ATTEMPT),
    "wrap_up_over": ha.WrapUpDone("1"),
}
ROWS = [(state, event, new) for state, row in AGENT_WORK.items() for event, new in row.items() if event != "wrap_up_found"]


def in_state(state: str) -> CallCentre:
    centre = CallCentre(*SITE)
    for happening in PATHS[state]:
        centre.tell(happening)
    assert centre.work("1") == state
    return centre


@pytest.mark.parametrize(("state", "event", "new"), ROWS)
def test_each_row_of_an_agents_work(state, event, new):
    centre = in_state(state)
    if event == "offer_over":
        centre.tell(ha.Left("a", "abandoned"))  # so that the agent is not offered the item again
    centre.tell(EVENTS[event])
    assert centre.work("1") == new


@pytest.mark.parametrize("state", ["IDLE", "EXTERNAL"])
def test_an_agent_is_found_in_wrap_up(state):
    centre = CallCentre(*SITE, ready=False)
    if state == "EXTERNAL":
        centre.log_in("1")
        centre.tell(ha.PhoneBusy("1", "own-call"))
        assert "wrap_up_found" in AGENT_WORK["EXTERNAL"]
        return
    centre.tell(ha.AgentFound("1", "81", "READY", "", 900.0, 900.0, wrap_up_until=1010.0, wrap_up_queue="q"))
    assert centre.work("1") == "WRAP_UP"


def test_every_row_has_its_event_here():
    assert {event for row in AGENT_WORK.values() for event in row} == {*EVENTS, "wrap_up_found"}
    assert set(PATHS) == set(AGENT_WORK)


STRANGE = [
    (state, happening)
    for state in AGENT_WORK
    for event, happening in EVENTS.items()
    if event in ("ringing", "answered", "bridging", "bridged", "HOLD", "TALKING", "CONSULT", "CONFERENCE")
    and event not in AGENT_WORK[state]
]


@pytest.mark.parametrize(("state", "happening"), STRANGE)
def test_what_stands_in_no_row_changes_nothing(state, happening):
    centre = in_state(state)
    before = centre.dispatcher.snapshot()
    assert centre.tell(happening) == []
    assert centre.dispatcher.snapshot() == before


@pytest.mark.parametrize("state", ["TALKING", "HOLD", "CONSULT", "CONFERENCE", "WRAP_UP", "IDLE"])
def test_a_failure_of_an_offer_that_is_no_offer_any_more_changes_nothing(state):
    centre = in_state(state)
    before = centre.dispatcher.snapshot()
    assert centre.tell(ha.OfferFailed(ATTEMPT, "rejected")) == []
    assert centre.dispatcher.snapshot() == before


# -- an agent's intent -------------------------------------------------------------------------------------------------

INTENTS = {"LOGGED_OUT": [], "NOT_READY": [ha.LoggedIn("1", "81")], "READY": [ha.LoggedIn("1", "81"), ha.BecameReady("1")]}
WISHES = {
    "log_in": ha.LoggedIn("1", "81"),
    "found_ready": ha.AgentFound("1", "81", "READY", "", 900.0, 900.0),
    "found_not_ready": ha.AgentFound("1", "81", "NOT_READY", "lunch", 900.0, 900.0),
    "ready": ha.BecameReady("1"),
    "not_ready": ha.BecameNotReady("1", "lunch"),
    "log_out": ha.LoggedOut("1"),
}


@pytest.mark.parametrize(("intent", "event"), [(intent, event) for intent in AGENT_INTENT for event in WISHES])
def test_each_row_of_an_agents_intent(intent, event):
    centre = CallCentre(*SITE, ready=False)
    for happening in INTENTS[intent]:
        centre.tell(happening)
    epoch = centre.dispatcher.agent("1").epoch
    centre.tell(WISHES[event])
    assert centre.intent("1") == AGENT_INTENT[intent].get(event, intent)
    assert (centre.dispatcher.agent("1").epoch > epoch) == (event in AGENT_INTENT[intent])


# -- an item -----------------------------------------------------------------------------------------------------------

ITEM_PATHS = {
    "QUEUED": [ha.BecameNotReady("1", "lunch"), ha.Queued("a", "q", 1000.0)],
    "RESERVED": PATHS["RESERVED"],
    "OFFERING": PATHS["RINGING"],
    "BRIDGING": PATHS["BRIDGING"],
    "TALKING": PATHS["TALKING"],
}
ITEM_EVENTS = {
    "reserved": ha.BecameReady("1"),
    "ringing": ha.OfferRinging(ATTEMPT),
    "answered": ha.OfferAnswered(ATTEMPT),
    "bridging": ha.OfferBridging(ATTEMPT),
    "bridged": ha.OfferBridged(ATTEMPT),
    "requeued": ha.OfferFailed(ATTEMPT, "rejected"),
    "ended": ha.Left("a", "abandoned"),
    "talk_ended": ha.TalkEnded(ATTEMPT),
}
ITEM_ROWS = [(state, event, new) for state, row in ITEM_STATE.items() if state != "NEW" for event, new in row.items()]


@pytest.mark.parametrize(("state", "event", "new"), ITEM_ROWS)
def test_each_row_of_an_item(state, event, new):
    centre = CallCentre(*SITE)
    for happening in ITEM_PATHS[state]:
        centre.tell(happening)
    assert centre.state("a") == state
    if (state, event) == ("OFFERING", "ringing"):
        return  # only the second phone of a ring-all: in test_strategies
    if (state, event) == ("OFFERING", "bridging"):
        centre.tell(ha.OfferAnswered(ATTEMPT))
    centre.tell(ITEM_EVENTS[event])
    assert centre.state("a") == new


def test_a_new_item_is_queued_or_refused():
    centre = CallCentre(queue(when_empty="refuse"), queue("patient", when_empty="wait"), ready=False)
    centre.call("a", "patient")
    centre.call("b", "q")
    assert (centre.state("a"), centre.state("b")) == (ITEM_STATE["NEW"]["queued"], ITEM_STATE["NEW"]["refused"])


# -- no agent is stuck -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["RESERVED", "RINGING", "ANSWERED", "BRIDGING"])
def test_no_agent_stays_in_an_offer_that_nobody_tells_about(state):
    centre = in_state(state)
    centre.tell(ha.BecameNotReady("1", "lunch"))
    centre.wait(100 + LAST_RESORT_SECONDS)
    assert (centre.work("1"), centre.intent("1")) == ("IDLE", "NOT_READY")
    assert centre.state("a") == "QUEUED"
