"""The switch's headers into the engine's words: events, calls, channels. Pure functions of what was received.

Strangers' text (numbers, names) leaves here cleaned by ``domain.caller``; digits are only ever one of the sixteen keys.
Refuses nothing: what can't be read becomes the harmless value (an empty name, a duration of 0, a cause of NORMAL_CLEARING).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ivrengine.domain.caller import CallInfo, clean_name, clean_number
from ivrengine.domain.events import (
    Answered,
    CallEvent,
    DialEnded,
    DigitPressed,
    PromptEnded,
    RecordingEnded,
    SecretCollected,
)
from ivrengine.domain.legs import LegFailure

from .commands import SECRET_VARIABLE, decode_value
from .wire import RawEvent

KEYS = frozenset("0123456789*#ABCD")
CommandKind = Literal["answer", "play", "record", "secret", "dial"]

_DIAL_OUTCOMES: dict[str, Literal["busy", "no_answer", "rejected", "unregistered"]] = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    "ALLOTTED_TIMEOUT": "no_answer",
    "PROGRESS_TIMEOUT": "no_answer",
    "RECOVERY_ON_TIMER_EXPIRE": "no_answer",
    "CALL_REJECTED": "rejected",
    "USER_CHALLENGE": "rejected",
    "USER_NOT_REGISTERED": "unregistered",
    "SUBSCRIBER_ABSENT": "unregistered",
    "UNALLOCATED_NUMBER": "unregistered",
}
# Of a phone of the house that never rang: it is registered, and switched off or cut off.
_DEAD_PHONE = frozenset((
    "NO_ANSWER", "NO_USER_RESPONSE", "RECOVERY_ON_TIMER_EXPIRE", "ALLOTTED_TIMEOUT", "PROGRESS_TIMEOUT", "DESTINATION_OUT_OF_ORDER",
    "NETWORK_OUT_OF_ORDER", "NORMAL_TEMPORARY_FAILURE",
))  # fmt: skip
_REACHED = frozenset(("SUCCESS", "success", "call accepted"))


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One of our channels as the switch sees it now. ``application`` is what runs on it, "" when it only waits (parked).

    ``application_token`` is "" where unknown. ``bridged_to``: the other channel's id, or "". ``created_at``: UTC seconds.
    ``variables``: the ``ivr_*`` channel variables, as ``Switch.set_variable`` was given them.
    """

    call_id: str
    dialled: str
    number: str
    name: str
    state: str
    application: str = ""
    application_data: str = ""
    application_token: str = ""
    answered: bool = False
    presence_data: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    bridged_to: str = ""
    created_at: float = 0.0
    last_bridged_to: str = ""  # the other channel's id, also after they were parted


@dataclass(slots=True)
class Pending:
    """A command whose end has not been seen. ``stopped``: we asked for its end; ``recorded``: its RECORD_STOP has come."""

    token: str
    kind: CommandKind
    path: str = ""
    least: int = 0
    finish_keys: str = ""
    stopped: bool = False
    recorded: bool = False


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _seconds(microseconds: str | None) -> float:
    return _whole(microseconds) / 1_000_000


def digit_of(event: RawEvent) -> str:
    """The key of a DTMF event, or "" where it is none."""
    digit = (event.get("DTMF-Digit") or "").upper()
    return digit if digit in KEYS else ""


def cause_of(event: RawEvent) -> str:
    return event.get("Hangup-Cause") or event.get("variable_hangup_cause") or "NORMAL_CLEARING"


def is_hung_up(event: RawEvent) -> bool:
    return event.get("Answer-State") == "hangup"


def call_info(event: RawEvent, now: float) -> CallInfo:
    """The call of a channel's event; ``now`` (UTC seconds) stands in where the switch told no time."""
    number, name = clean_number(event.get("Caller-Caller-ID-Number") or ""), clean_name(event.get("Caller-Caller-ID-Name") or "")
    return CallInfo(
        call_id=event.unique_id,
        dialled=clean_number(event.get("Caller-Destination-Number") or ""),
        number=number,
        name="" if name == number else name,  # a switch that was told no name repeats the number
        started_at=_seconds(event.get("Caller-Channel-Created-Time")) or now,
        phone=clean_number(event.get("variable_ivr_phone") or ""),  # set by our own dialplan, from the proven user name
    )


def channel_state(event: RawEvent, now: float = 0.0) -> ChannelState:
    """From any event that carries a channel's variables (CHANNEL_PARK, uuid_dump)."""
    call = call_info(event, now)
    application = event.get("variable_current_application") or ""
    if not _is_running(application, event):
        application = ""
    bridged_to = event.get("variable_bridge_to") or ""
    return ChannelState(
        call_id=call.call_id,
        dialled=call.dialled,
        number=call.number,
        name=call.name,
        state=event.get("Channel-State") or "",
        application=application,
        application_data=(event.get("variable_current_application_data") or "") if application else "",
        application_token=(event.get("Application-UUID") or "") if application else "",
        answered=event.get("Answer-State") == "answered",
        presence_data=event.get("Channel-Presence-Data") or "",
        variables={
            name.removeprefix("variable_"): decode_value(value)
            for name, value in event.starting_with("variable_ivr_")
            if name != f"variable_{SECRET_VARIABLE}"
        },
        bridged_to=bridged_to,
        created_at=call.started_at,
        last_bridged_to=event.get("variable_last_bridge_to") or "",
    )


def _is_running(application: str, event: RawEvent) -> bool:
    # FreeSWITCH goes on naming the last application after its end. A playback leaves its response; the others of ours are
    # always followed by a "set" or "unset", which then is the last.
    if application == "playback":
        return event.get("variable_current_application_response") is None
    return application in ("record", "play_and_get_digits", "bridge")


def digit_event(event: RawEvent, pending: list[Pending]) -> DigitPressed | None:
    """The key the caller pressed; None where it is no key, or the one that ends a recording (told by RecordingEnded, never which)."""
    digit = digit_of(event)
    if not digit or any(command.kind == "record" and digit in command.finish_keys for command in pending):
        return None
    return DigitPressed(digit)


def completion(command: Pending, event: RawEvent) -> CallEvent | None:
    """What the end of an application means; None where the caller hung up and CallerHungUp says all there is to say."""
    hung_up = is_hung_up(event)
    match command.kind:
        case "record":
            return _recording_ended(command, event, hung_up)
        case "dial":
            return _dial_ended(command.token, event)
        case _ if hung_up:
            return None
        case "play":
            return _prompt_ended(command, event)
        case "secret":
            return _secret_collected(command, event)
        case _:
            if event.get("Answer-State") == "answered":
                return Answered(command.token)
            return None


def _prompt_ended(command: Pending, event: RawEvent) -> PromptEnded:
    response = event.get("Application-Response") or "_none_"
    if response == "FILE PLAYED":
        return PromptEnded(command.token, "stopped" if command.stopped else "played")
    if response == "FILE NOT FOUND":
        return PromptEnded(command.token, "failed", "the switch can't find or open the file")
    return PromptEnded(command.token, "failed", f"the switch answered {response[:60]}")


def _recording_ended(command: Pending, event: RawEvent, hung_up: bool) -> RecordingEnded:
    if not command.recorded:
        return RecordingEnded(command.token, "failed", reason="the switch recorded nothing: can it write to the directory?")
    ended_by: Literal["silence", "key", "limit", "hangup"]
    if hung_up:
        ended_by = "hangup"
    elif event.get("variable_playback_terminator_used"):
        ended_by = "key"
    elif event.get("variable_silence_hits_exhausted") == "true":
        ended_by = "silence"
    else:
        ended_by = "limit"
    duration_ms = _whole(event.get("variable_record_ms"))
    return RecordingEnded(command.token, "recorded", path=command.path, duration_ms=duration_ms, ended_by=ended_by)


def _secret_collected(command: Pending, event: RawEvent) -> SecretCollected:
    result = event.get("variable_read_result")
    digits = event.get(f"variable_{SECRET_VARIABLE}") or ""
    if result is None:
        return SecretCollected(command.token, "failed")
    if digits and len(digits) >= command.least:
        return SecretCollected(command.token, "entered", digits)
    return SecretCollected(command.token, "no_input")


def _dial_ended(token: str, event: RawEvent) -> DialEnded:
    disposition = event.get("variable_originate_disposition") or ""
    if disposition in _REACHED:
        cause = event.get("variable_last_bridge_hangup_cause") or event.get("variable_bridge_hangup_cause") or "NORMAL_CLEARING"
        bridged_at = _whole(event.get("Caller-Channel-Bridged-Time"))
        ended_at = _whole(event.get("Event-Date-Timestamp"))
        return DialEnded(token, "answered", cause, max(0, ended_at - bridged_at) // 1000 if bridged_at else 0)
    cause = event.get("variable_originate_failed_cause") or disposition or "UNKNOWN"
    return DialEnded(token, _DIAL_OUTCOMES.get(cause, "failed"), cause)


def leg_failure(cause: str, silent_phone: bool) -> LegFailure:
    """Why a leg that we did not withdraw was never answered. ``silent_phone``: a phone of the house that did not even ring."""
    if silent_phone and cause in _DEAD_PHONE:
        return "unregistered"
    return _DIAL_OUTCOMES.get(cause, "failed")


def lost_completion(command: Pending) -> CallEvent:
    """For a command that ended while nobody listened: its true end can't be known any more. A prompt has most likely been heard."""
    reason = "the connection to the switch was lost while it ran"
    match command.kind:
        case "answer":
            return Answered(command.token)
        case "play":
            return PromptEnded(command.token, "played")
        case "record":
            return RecordingEnded(command.token, "failed", path=command.path, reason=reason)
        case "secret":
            return SecretCollected(command.token, "failed")
        case _:
            return DialEnded(command.token, "failed", "CONNECTION_LOST")
