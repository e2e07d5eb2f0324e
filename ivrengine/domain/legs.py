"""What happens on a leg: a channel that the engine itself has dialled (an agent's phone, a customer called back, a colleague).

``leg_id`` is chosen by the engine, fresh for every dialling. A leg's last event is LegGone, told exactly once, also for a
leg that never came up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

LegFailure = Literal["no_answer", "rejected", "busy", "unregistered", "failed", "hung_up", "withdrawn"]


@dataclass(frozen=True, slots=True)
class LegRinging:
    """The phone rings (or sends early media)."""


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """Off the hook and parked: it can be spoken to and connected."""


@dataclass(frozen=True, slots=True)
class LegPlayed:
    """A play on the leg is over."""

    token: str
    outcome: Literal["played", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class LegRecorded:
    """What the leg said is in its file, and the leg is still there; of one that hangs up meanwhile only LegGone is told."""

    token: str


@dataclass(frozen=True, slots=True)
class LegDigit:
    digit: str


@dataclass(frozen=True, slots=True)
class LegBridged:
    """Connected with ``other``: they hear each other now."""

    other: str


@dataclass(frozen=True, slots=True)
class LegUnbridged:
    """Not connected any more, and still there (parked)."""

    other: str


@dataclass(frozen=True, slots=True)
class LegHeld:
    """The phone itself put the talk on hold."""

    held: bool


@dataclass(frozen=True, slots=True)
class LegReferred:
    """The phone asked to transfer (SIP REFER): ``blind`` sends the other side to ``target`` (what was keyed); ``attended`` connects
    the other side with the channel ``with_channel``; ``ringing`` lets the other side wait, with music, for whom the call ``with_channel``
    still rings: that is told like a leg, LegBridged when it is answered, LegGone when it is not, or when that talk is over."""

    kind: Literal["blind", "attended", "ringing"]
    target: str = ""
    with_channel: str = ""


@dataclass(frozen=True, slots=True)
class LegGone:
    """The leg is certainly gone. ``hung_up`` after an answer; else why it was never reached."""

    why: LegFailure
    cause: str = ""


LegEvent = LegRinging | LegAnswered | LegPlayed | LegRecorded | LegDigit | LegBridged | LegUnbridged | LegHeld | LegReferred | LegGone


@dataclass(frozen=True, slots=True)
class LegState:
    """A leg as the switch sees it now, for picking up after a restart. ``tags``: what ``originate`` was given."""

    leg_id: str
    answered: bool
    bridged_to: str
    tags: dict[str, str] = field(default_factory=dict)
