"""The states of an agent's work and of a waiting item, and every way from one to another. Nothing else changes a state.

Theory of operation
-------------------
An agent is *intent x work*. **Intent** is what the agent wants: LOGGED_OUT, READY or NOT_READY (with a reason). **Work** is what
the agent's phone is doing for us. They are separate, because an agent may ask for a break in the middle of a talk: such a wish
is *pending* and applied when work is IDLE again. Each change of either raises the agent's *epoch*, which every offer
carries, so that anything which speaks of an older state can be known as stale.

An item is one waiting in one queue. It is RESERVED with the first agent asked, OFFERING from the first sign of a phone, BRIDGING
while the switch connects the two, and its waiting ends as TALKING or ENDED: exactly one terminal. A failed offer brings it back to
QUEUED with the place it had.

The two machines meet in an *attempt*, one offer of one item to one agent. While the attempt lives, the agent's work says how far it has
come. Several attempts of one item may ring (ring all); the first answer wins and the others are cancelled. A cancelled
attempt keeps its agent in the work it had, RESERVED to BRIDGING, until the edge says that the leg is gone: an agent whose
phone may still ring is never offered anything else.

Each table reads ``state -> {what happened: new state}``. What does not stand in a row changes nothing: that is how stale,
repeated and out-of-order happenings are refused. The pictures in README.md are drawn from these tables by ``./scripts/docs``.
"""

from __future__ import annotations

from typing import Literal

Intent = Literal["LOGGED_OUT", "READY", "NOT_READY"]
Work = Literal[
    "IDLE", "RESERVED", "RINGING", "ANSWERED", "BRIDGING", "TALKING", "HOLD", "CONSULT", "CONFERENCE", "WRAP_UP", "EXTERNAL"
]
ItemState = Literal["NEW", "QUEUED", "RESERVED", "OFFERING", "BRIDGING", "TALKING", "ENDED"]

AGENT_WORK: dict[str, dict[str, Work]] = {
    "IDLE": {"reserved": "RESERVED", "phone_busy": "EXTERNAL", "talk_found": "TALKING", "wrap_up_found": "WRAP_UP"},
    "RESERVED": {"ringing": "RINGING", "answered": "ANSWERED", "offer_over": "IDLE"},
    "RINGING": {"answered": "ANSWERED", "offer_over": "IDLE"},
    "ANSWERED": {"bridging": "BRIDGING", "offer_over": "IDLE"},
    "BRIDGING": {"bridged": "TALKING", "offer_over": "IDLE"},
    "TALKING": {"HOLD": "HOLD", "CONSULT": "CONSULT", "CONFERENCE": "CONFERENCE", "talk_ended": "WRAP_UP"},
    "HOLD": {"TALKING": "TALKING", "CONSULT": "CONSULT", "CONFERENCE": "CONFERENCE", "talk_ended": "WRAP_UP"},
    "CONSULT": {"TALKING": "TALKING", "HOLD": "HOLD", "CONFERENCE": "CONFERENCE", "talk_ended": "WRAP_UP"},
    "CONFERENCE": {"TALKING": "TALKING", "HOLD": "HOLD", "CONSULT": "CONSULT", "talk_ended": "WRAP_UP"},
    "WRAP_UP": {"wrap_up_over": "IDLE"},
    "EXTERNAL": {"phone_free": "IDLE", "talk_found": "TALKING", "wrap_up_found": "WRAP_UP"},
}

AGENT_INTENT: dict[str, dict[str, Intent]] = {
    "LOGGED_OUT": {"log_in": "NOT_READY", "found_ready": "READY", "found_not_ready": "NOT_READY"},
    "NOT_READY": {"ready": "READY", "not_ready": "NOT_READY", "log_out": "LOGGED_OUT"},
    "READY": {"not_ready": "NOT_READY", "log_out": "LOGGED_OUT"},
}

ITEM_STATE: dict[str, dict[str, ItemState]] = {
    "NEW": {"queued": "QUEUED", "refused": "ENDED"},
    "QUEUED": {"reserved": "RESERVED", "ended": "ENDED"},
    "RESERVED": {"ringing": "OFFERING", "answered": "OFFERING", "requeued": "QUEUED", "ended": "ENDED"},
    "OFFERING": {"ringing": "OFFERING", "answered": "OFFERING", "bridging": "BRIDGING", "requeued": "QUEUED", "ended": "ENDED"},
    "BRIDGING": {"bridged": "TALKING", "requeued": "QUEUED", "ended": "ENDED"},
    "TALKING": {"talk_ended": "ENDED"},
    "ENDED": {},
}

OFFERED: frozenset[str] = frozenset({"RESERVED", "RINGING", "ANSWERED", "BRIDGING"})  # an attempt lives, no talk yet
IN_TALK: frozenset[str] = frozenset({"TALKING", "HOLD", "CONSULT", "CONFERENCE"})
