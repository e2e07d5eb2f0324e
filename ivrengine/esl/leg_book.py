"""Which legs there are, how far each has come, and which of the switch's events mean something for them.

A leg is known from just before it is dialled (or from the moment it is found after a reconnect) until its LegGone has been told,
exactly once. Everything here runs in the reader's greenlet or between two switches of greenlets: it never waits, the listener may
only enqueue. What has to be said to the switch is returned by ``doomed`` (ids of channels that must not live), never sent from here.

A leg that was connected to a caller is told gone only when the caller is parked again or gone too (or after AFTERMATH_SECONDS): who
hears LegGone may go on with the caller at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from gevent.event import Event

from ivrengine.domain.caller import clean_number
from ivrengine.domain.legs import (
    LegAnswered,
    LegBridged,
    LegDigit,
    LegEvent,
    LegGone,
    LegHeld,
    LegPlayed,
    LegRecorded,
    LegReferred,
    LegRinging,
    LegState,
    LegUnbridged,
)

from .commands import whole_token
from .leg_dumps import leg_state, was_transferred
from .leg_listener import LegsListener, NobodyListens
from .translate import cause_of, digit_of, is_hung_up, leg_failure
from .wire import RawEvent

PLAYS_LIMIT = 8  # plays of one leg whose ends have not been seen
AFTERMATH_SECONDS = 1.5  # between a leg's end and its caller's return to parking; 0.02-0.1 was measured
COMES_UP = frozenset(("CHANNEL_ORIGINATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_PARK"))
LOST = "LOST_WHILE_DISCONNECTED"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Leg:
    """``ending``: what will be told as LegGone at ``due`` at the latest. ``killed``: we want it gone. ``foreign``: not dialled by us, a
    phone has connected its caller with it."""

    due: float
    extension: bool = False
    job_ended: bool = False
    seen: bool = False
    rang: bool = False
    answered: bool = False
    killed: bool = False
    overdue: bool = False  # nothing was heard of it in time
    kills: int = 0
    foreign: bool = False
    awaited_by: str = ""  # of a foreign one: the caller who waits for whom it rings
    referred: bool = False
    joining: bool = False  # a bridge has been asked for
    kept: bool = False  # parks at the end of a bridge
    eavesdrops: bool = False
    bridged_to: str = ""
    bridged_at: float = float("-inf")
    ending: LegGone | None = None
    plays: dict[str, bool] = field(default_factory=dict)  # token -> whether we cut it
    records: str = ""  # token of the recording of what it says


class LegBook:
    def __init__(self, presence: str, clock: Callable[[], float]) -> None:
        self.listener: LegsListener = NobodyListens()
        self.legs: dict[str, Leg] = {}
        self.doomed: Callable[[str], None] = lambda channel: None  # this channel of ours has no business to live
        self.talks: Callable[[str], None] = lambda call_id: None  # this caller talks to a leg now
        self.waits: Callable[[str], None] = lambda call_id: None  # this caller is parked after a talk
        self.asks_replaced: Callable[[str, str], None] = lambda leg_id, other: None  # whom ``other`` talks to now is told by ``replaced``
        self.asks_ringing: Callable[[str, str, str], None] = lambda leg_id, caller, channel: None  # may be followed by ``rings_elsewhere``
        self._presence = presence
        self._clock = clock
        self._partners: dict[str, str] = {}  # caller -> the leg it is connected with, or about to be
        self._parting: dict[str, Event] = {}  # channels that were told to park
        self._recordings: dict[str, str] = {}  # path -> channel
        self._recorded: dict[str, set[str]] = {}  # channel -> paths

    # -- what the engine does

    def expect(self, leg_id: str, seconds: float, *, extension: bool) -> Leg:
        """A leg about to be dialled; after ``seconds`` it must have been answered or be gone. ``extension``: a phone of the house."""
        leg = self.legs[leg_id] = Leg(self._clock() + seconds, extension=extension)
        return leg

    def joining(self, call_id: str, leg_id: str) -> bool:
        """A bridge is about to be asked for; False where the caller is connected with another live leg, or about to be."""
        other = self._partners.get(call_id)
        if other is not None and other != leg_id and other in self.legs:
            return False
        self._partners[call_id] = leg_id
        return True

    def not_joined(self, call_id: str, leg_id: str) -> None:
        if self._partners.get(call_id) == leg_id:
            del self._partners[call_id]

    def parting(self, leg_id: str) -> None:
        """The leg and whom it talks to are about to be told to park."""
        leg = self.legs.get(leg_id)
        for channel in (leg_id, leg.bridged_to) if leg is not None and leg.bridged_to else ():
            self._parting.setdefault(channel, Event())

    def wait_parked(self, channel: str, seconds: float) -> None:
        """Until a channel that was told to park has done so, or is gone."""
        parked = self._parting.get(channel)
        if parked is not None and not parked.wait(seconds):
            self._parting.pop(channel, None)

    def expect_play(self, leg_id: str, token: str) -> bool:
        leg = self.legs.get(leg_id)
        if leg is None:
            return False
        while len(leg.plays) >= PLAYS_LIMIT:
            leg.plays.pop(next(iter(leg.plays)))
            log.warning("the end of a play was never seen; giving it up", extra={"leg_id": leg_id})
        leg.plays[token] = False
        return True

    def expect_record(self, leg_id: str, token: str) -> bool:
        leg = self.legs.get(leg_id)
        if leg is None:
            return False
        leg.records = token
        return True

    def expect_recording(self, channel: str, path: str) -> None:
        self._recordings[path] = channel
        self._recorded.setdefault(channel, set()).add(path)

    def not_recorded(self, path: str) -> None:
        channel = self._recordings.pop(path, "")
        paths = self._recorded.get(channel, set())
        paths.discard(path)
        if not paths:
            self._recorded.pop(channel, None)

    # -- what the switch tells

    def on_event(self, name: str, channel: str, presence: str | None, event: RawEvent) -> None:
        if channel in self._parting and name in ("CHANNEL_PARK", "CHANNEL_HANGUP_COMPLETE"):
            self._parting.pop(channel).set()
        if name == "RECORD_STOP":
            self._recording_stopped(event)
        elif presence == self._presence:
            self._on_leg(name, channel, event)
        elif name == "CHANNEL_BRIDGE":
            self._bridged(event)
        elif channel in self._partners and name in ("CHANNEL_PARK", "CHANNEL_HANGUP_COMPLETE"):
            self._caller_is_free(channel, event)
            if name == "CHANNEL_PARK" and not is_hung_up(event):
                self.waits(channel)
        if name == "CHANNEL_HANGUP_COMPLETE" and channel in self._recorded:
            for path in list(self._recorded[channel]):
                self._tell_recording(path, "CHANNEL_GONE")

    def _on_leg(self, name: str, leg_id: str, event: RawEvent) -> None:
        leg = self.legs.get(leg_id)
        if (leg is None or leg.killed) and name != "CHANNEL_HANGUP_COMPLETE":
            # A zombie: it came up after it was withdrawn, or its engine has died.
            if name in COMES_UP and not is_hung_up(event):
                self.doomed(leg_id)
            return
        if leg is None:
            return
        leg.seen = True
        match name:
            case "CHANNEL_PROGRESS" | "CHANNEL_PROGRESS_MEDIA":
                if not leg.rang and not leg.answered:
                    leg.rang = True
                    self._tell(leg_id, LegRinging())
            case "CHANNEL_PARK":
                self._parked(leg_id, leg, event)
            case "CHANNEL_BRIDGE":
                self._bridged(event)
            case "CHANNEL_EXECUTE_COMPLETE":
                self._play_ended(leg_id, leg, event)
            case "DTMF":
                digit = digit_of(event)
                if digit:
                    self._tell(leg_id, LegDigit(digit))
            case "CHANNEL_HOLD" | "CHANNEL_UNHOLD":
                self._tell(leg_id, LegHeld(name == "CHANNEL_HOLD"))
            case "CHANNEL_HANGUP_COMPLETE":
                self._referred(leg_id, leg, event)
                self.ends(leg_id, cause_of(event))

    def _parked(self, leg_id: str, leg: Leg, event: RawEvent) -> None:
        if is_hung_up(event):
            return
        if not leg.answered:
            leg.answered, leg.due = True, float("inf")
            self._tell(leg_id, LegAnswered())
        elif leg.bridged_to and event.get("variable_transfer_disposition") == "replaced":
            self.asks_replaced(leg_id, leg.bridged_to)
        elif leg.bridged_to:
            other, leg.bridged_to = leg.bridged_to, ""
            self._foreign_left(leg_id)
            self._tell(leg_id, LegUnbridged(other))

    def _bridged(self, event: RawEvent) -> None:
        one, two = event.get("Bridge-A-Unique-ID") or "", event.get("Bridge-B-Unique-ID") or ""
        self._join(self._awaited(one, two), self._awaited(two, one))

    def _awaited(self, channel: str, other: str) -> str:
        """By which name whoever answers is known whom a caller (``other``) waits for: that of the call that rang."""
        name = self._partners.get(other, "")
        return name if name in self.legs and self.legs[name].awaited_by == other and channel not in self.legs else channel

    def _join(self, one: str, two: str) -> None:
        for leg_id, other in ((one, two), (two, one)):
            leg = self.legs.get(leg_id)
            if leg is None:
                continue
            if other not in self.legs:
                before = self._partners.get(other)
                self._partners[other] = leg_id
                if before != leg_id:
                    self.tell_ending(before or "")
                self.talks(other)
            if leg.bridged_to != other or leg.joining:
                leg.bridged_to, leg.joining, leg.bridged_at = other, False, self._clock()
                self._tell(leg_id, LegBridged(other))

    # -- transfers by a phone's own key (SIP REFER)

    def _referred(self, leg_id: str, leg: Leg, event: RawEvent) -> None:
        """A phone that transfers the other side says so in the last event of its leg."""
        kind, _, target = (event.get("variable_transfer_destination") or "").partition(":")
        if kind == "blind":
            self._tell_referred(leg_id, leg, LegReferred("blind", target=clean_number(target)))
        kind, _, channel = (event.get("variable_transfer_to") or "").partition(":")
        if kind == "att" and channel:
            self._know_foreign(channel)
            self._tell_referred(leg_id, leg, LegReferred("attended", with_channel=channel))
        other_call = event.get("variable_refer_uuid") or ""
        if other_call and leg.bridged_to and not leg.referred and event.get("variable_transfer_disposition") == "recv_replace":
            self.asks_ringing(leg_id, leg.bridged_to, other_call)

    def rings_elsewhere(self, leg_id: str, caller: str, channel: str) -> None:
        """The phone has transferred its caller to the other call while that still rang: the switch plays music to the caller, and connects
        them with whoever answers; a caller whom nobody answers is handed over to us again."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.bridged_to == caller and not leg.referred:
            self._know_foreign(channel)
            self.legs[channel].awaited_by = caller
            self._tell_referred(leg_id, leg, LegReferred("ringing", with_channel=channel))
            self._partners[caller] = channel
            self.tell_ending(leg_id)

    def replaced(self, leg_id: str, channel: str) -> None:
        """The phone has sent its transfer through its other call: the switch has connected who was with ``leg_id`` with ``channel``."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.bridged_to and channel != leg_id:
            self._know_foreign(channel)
            self._tell_referred(leg_id, leg, LegReferred("attended", with_channel=channel))
            self._join(leg.bridged_to, channel)

    def _know_foreign(self, channel: str) -> None:
        # Not dialled by us. What its caller goes through tells us what becomes of it.
        if channel not in self.legs:
            self.legs[channel] = Leg(float("inf"), job_ended=True, seen=True, answered=True, foreign=True)

    def _tell_referred(self, leg_id: str, leg: Leg, event: LegReferred) -> None:
        if leg.bridged_to and not leg.referred:
            leg.referred = True
            self._tell(leg_id, event)

    def _foreign_left(self, channel: str) -> None:
        """Of a channel that we did not dial we hear nothing but that it is no longer with ours."""
        for leg_id, leg in list(self.legs.items()):
            if leg.foreign and channel in (leg.bridged_to, leg.awaited_by):
                self._tell_gone(leg_id, LegGone("hung_up", "NORMAL_CLEARING") if leg.bridged_to else LegGone("no_answer", "NO_ANSWER"))

    def _play_ended(self, leg_id: str, leg: Leg, event: RawEvent) -> None:
        token = whole_token(leg_id, event.get("Application-UUID") or "")
        if is_hung_up(event):
            return
        if token and token == leg.records:
            leg.records = ""
            self._tell(leg_id, LegRecorded(token))
        elif token in leg.plays:
            stopped = leg.plays.pop(token)
            played = event.get("Application-Response") == "FILE PLAYED"
            self._tell(leg_id, LegPlayed(token, ("stopped" if stopped else "played") if played else "failed"))

    def _recording_stopped(self, event: RawEvent) -> None:
        path = event.get("Record-File-Path") or ""
        if path in self._recordings:
            self._tell_recording(path, event.get("Record-Completion-Cause") or "")

    def _tell_recording(self, path: str, cause: str) -> None:
        self.not_recorded(path)
        self.listener.recording_stopped(path, cause)

    def _caller_is_free(self, call_id: str, event: RawEvent) -> None:
        leg_id = self._partners.pop(call_id)
        leg = self.legs.get(leg_id)
        if leg is not None and not leg.foreign and was_transferred(event):
            self._tell_referred(leg_id, leg, LegReferred("blind", target=clean_number(event.get("Caller-Destination-Number") or "")))
        self.tell_ending(leg_id)
        self._foreign_left(call_id)

    # -- ends

    def job_ended(self, leg_id: str, result: str | None) -> None:
        """The originate's own answer; None: lost with the link, and settled later."""
        leg = self.legs.get(leg_id)
        if result is None:
            return
        if result.startswith("+OK"):
            made = result.removeprefix("+OK").strip()
            if made != leg_id:
                # FreeSWITCH gives another id where ours is taken: then this is no leg of ours.
                self.doomed(made)
                self.ends(leg_id, "DUPLICATE_ID")
            elif leg is not None:
                leg.job_ended = True
                if leg.killed:
                    self.doomed(leg_id)
        elif leg is not None:
            leg.job_ended = True
            cause = result.removeprefix("-ERR").strip() or "UNKNOWN"
            if leg.seen and not leg.answered:
                self._ends_soon(leg, self._gone(leg, cause))  # its own last event is on the way
            else:
                self.ends(leg_id, cause)

    def ends(self, leg_id: str, cause: str) -> None:
        """The leg's channel is gone: told as soon as its caller is free of it."""
        leg = self.legs.get(leg_id)
        if leg is None:
            return
        gone = leg.ending or self._gone(leg, cause)
        if leg_id in self._partners.values():
            self._ends_soon(leg, gone)
        else:
            self._tell_gone(leg_id, gone)

    def _ends_soon(self, leg: Leg, gone: LegGone) -> None:
        if leg.ending is None:
            leg.ending, leg.due = gone, self._clock() + AFTERMATH_SECONDS

    def tell_ending(self, leg_id: str) -> None:
        """Nothing of the leg's end is waited for any more."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.ending is not None:
            self._tell_gone(leg_id, leg.ending)

    def _gone(self, leg: Leg, cause: str) -> LegGone:
        if leg.answered:
            return LegGone("hung_up", cause)
        if leg.overdue:
            return LegGone("failed", cause)
        return LegGone("withdrawn" if leg.killed else leg_failure(cause, leg.extension and not leg.rang), cause)

    def _tell_gone(self, leg_id: str, gone: LegGone) -> None:
        del self.legs[leg_id]
        self._foreign_left(leg_id)
        for call_id in [call_id for call_id, partner in self._partners.items() if partner == leg_id]:
            del self._partners[call_id]
        self._tell(leg_id, gone)

    def _tell(self, leg_id: str, event: LegEvent) -> None:
        self.listener.leg_event(leg_id, event)

    # -- after a reconnect

    def settle(self, dumps: list[RawEvent], other_channels: list[str]) -> None:
        """``dumps``: the legs that are there now. What changed while nobody listened is told; then the listener gets them all."""
        found = {dump.unique_id: dump for dump in dumps}
        for leg_id in [leg_id for leg_id in self.legs if leg_id not in found]:
            leg = self.legs[leg_id]
            self._tell_gone(leg_id, leg.ending or self._gone(leg, LOST))
        states = [leg_state(dump) for dump in dumps]
        self._partners = {state.bridged_to: state.leg_id for state in states if state.bridged_to and state.bridged_to not in found}
        for call_id in self._partners:
            self.talks(call_id)
        for state in states:
            self._settle_one(state, found[state.leg_id])
        for path, channel in list(self._recordings.items()):
            if channel not in found and channel not in other_channels:
                self._tell_recording(path, LOST)
        ours = [state for state in states if not self.legs[state.leg_id].killed and not self.legs[state.leg_id].foreign]
        self.listener.legs_resynchronised(ours)

    def _settle_one(self, state: LegState, dump: RawEvent) -> None:
        leg = self.legs.get(state.leg_id)
        if leg is None:
            leg = self.legs[state.leg_id] = Leg(float("inf"))
            leg.answered, leg.bridged_to = state.answered, state.bridged_to
        leg.seen = leg.job_ended = True
        if leg.killed:
            self.doomed(state.leg_id)
            return
        if state.answered and not leg.answered:
            leg.answered, leg.due = True, float("inf")
            self._tell(state.leg_id, LegAnswered())
        if state.bridged_to != leg.bridged_to:
            before, leg.bridged_to = leg.bridged_to, state.bridged_to
            self._tell(state.leg_id, LegBridged(state.bridged_to) if state.bridged_to else LegUnbridged(before))
        if leg.plays and (dump.get("variable_current_application") != "playback"):
            for token in list(leg.plays):
                self._tell(state.leg_id, LegPlayed(token, "stopped" if leg.plays.pop(token) else "played"))
        if leg.records and dump.get("variable_current_application") != "record":
            token, leg.records = leg.records, ""
            self._tell(state.leg_id, LegRecorded(token))
