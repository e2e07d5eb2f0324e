"""Playing files and collecting digits, as switch_ivr_play_file, switch_ivr_read and play_and_get_digits do it.

A missing file gives no PLAYBACK_START or _STOP and the response FILE NOT FOUND; in a ``file_string://`` it is skipped, and
only when every part is missing is the whole missing. What the caller hears is told to ``channel.person``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .applications import application
from .audio import ENDLESS, RATE, play_list
from .routine import Steps
from .text import leading_int, split_arguments

if TYPE_CHECKING:
    from .channel import Channel

DIGITS_BUFFER = 128  # characters that play_and_get_digits can hold
LEAST_TIMEOUT_MS = 1000
TRIES_LIMIT = 100
PLAYED = {"success": "FILE PLAYED", "break": "FILE PLAYED", "not found": "FILE NOT FOUND"}


def play_file(channel: Channel, text: str, on_digit: Callable[[str], bool] | None = None) -> Steps:
    """Play until the end, a break, or a digit for which ``on_digit`` is true. With None digits stay unread.

    Returns "success", "break", "not found" or "failed" (the channel left).
    """
    if not channel.pre_answer():
        return "failed"
    parts = play_list(channel.core, text)
    length_ms = sum(duration for _, duration in parts if duration is not None)
    if all(duration is None for _, duration in parts):
        if channel.person is not None:
            channel.person.missed(parts)
        return "not found"
    kind = [("Playback-File-Type", name) for name in ("local_stream", "tone_stream") if text.startswith(f"{name}:")]
    channel.emit("PLAYBACK_START", last=[*kind, ("Playback-File-Path", text)])
    if channel.person is not None:
        channel.person.prompt_started(parts)
    clock = channel.core.clock
    played_ms, status = 0.0, "success"
    while True:
        if not channel.ready():
            status = "failed"
            break
        if channel.break_flag:
            channel.break_flag = False
            status = "break"
            break
        if channel.private and not channel.event_lock:
            yield from channel.parse_events()  # a nested application holds the file up meanwhile
            continue
        if on_digit is not None and channel.digits and on_digit(channel.dequeue_digit()):
            status = "break"
            break
        if played_ms >= length_ms:
            break
        resumed = clock.now_ms()
        end = resumed + length_ms - played_ms
        if on_digit is not None and channel.digits:
            end = min(end, channel.frame_end())
        yield None if end == ENDLESS else end
        played_ms = min(length_ms, played_ms + clock.now_ms() - resumed)
    samples = int(played_ms * RATE / 1000)
    channel.set("playback_last_offset_pos", str(samples))
    channel.set("playback_seconds", str(int(played_ms / 1000)))
    channel.set("playback_ms", str(int(played_ms)))
    channel.set("playback_samples", str(samples))
    channel.emit("PLAYBACK_STOP", last=[*kind, ("Playback-File-Path", text),
                                        ("Playback-Status", "break" if status == "break" else "done")])
    if channel.person is not None:
        channel.person.prompt_ended(parts, played_ms)
    return status


def terminates(channel: Channel) -> Callable[[str], bool]:
    """Whether a digit ends playback or recording: playback_terminators, ``*`` unless set."""

    def check(digit: str) -> bool:
        wanted = channel.variables.get("playback_terminators", "*")
        keys = {"any": "1234567890*#", "none": ""}.get(wanted.lower(), wanted)
        if digit in keys:
            channel.set("playback_terminator_used", digit)
            return True
        return False

    return check


@application("playback")
def playback(channel: Channel, data: str) -> Steps:
    channel.set("playback_terminator_used", None)
    status = yield from play_file(channel, data.partition("@@")[0], terminates(channel))
    channel.set("current_application_response", PLAYED.get(str(status), "PLAYBACK ERROR"))


@application("endless_playback")
def endless_playback(channel: Channel, data: str) -> Steps:
    status: object = "failed"
    while channel.ready():
        started = channel.core.clock.now_ms()
        status = yield from play_file(channel, data)
        if status not in ("success", "break"):
            break
        if channel.core.clock.now_ms() - started < 1:
            yield channel.frame_end()  # an empty file must not spin
    channel.set("current_application_response", PLAYED.get(str(status), "PLAYBACK ERROR"))


@application("play_and_get_digits")
def play_and_get_digits(channel: Channel, data: str) -> Steps:
    """``min max tries timeout terminators file bad_file variable regexp digit_timeout [transfer_on_failure]``."""
    arguments = split_arguments(data, limit=11)
    arguments += [""] * (11 - len(arguments))
    least = max(0, leading_int(arguments[0]))
    most = max(least, leading_int(arguments[1]))
    tries = min(TRIES_LIMIT, leading_int(arguments[2]))
    timeout_ms = max(LEAST_TIMEOUT_MS, leading_int(arguments[3], LEAST_TIMEOUT_MS))
    terminators = arguments[4] or "#"
    variable, pattern = arguments[7], arguments[8]
    between_ms = leading_int(arguments[9]) or timeout_ms
    while channel.ready() and tries > 0:
        status, digits, terminator = yield from _read(
            channel, least, most, arguments[5], variable, timeout_ms, terminators, between_ms)
        if status == "timeout" and len(digits) >= least:
            status = "success"
        if least == 0 and not digits and terminator:
            return
        if status == "success" and digits:
            if not pattern or _matches(pattern, digits):
                return
            channel.set(variable, None)
            channel.set(f"{variable}_invalid", digits)
        if not channel.ready():
            return
        yield from play_file(channel, arguments[6])
        tries -= 1
    if arguments[10] and channel.ready():
        destination, dialplan, context, *_ = [*split_arguments(arguments[10]), None, None]
        channel.transfer(destination or "", dialplan, context)


def _matches(pattern: str, digits: str) -> bool:
    try:
        return re.search(pattern, digits) is not None
    except re.error:
        return False


def _read(channel: Channel, least: int, most: int, prompt: str, variable: str, timeout_ms: float, terminators: str,
          between_ms: float) -> Steps:
    """As switch_ivr_read. Returns (status, digits, terminator); sets read_result and the variable."""
    channel.set("read_result", None)
    channel.set("read_terminator_used", None)
    if variable:
        channel.set(variable, None)
    digits: list[str] = []
    status: object = "success"
    if most > DIGITS_BUFFER:
        return "failed", "", ""
    if not channel.pre_answer():
        return "failed", "", ""

    def first_digit(digit: str) -> bool:
        digits.append(digit)
        return True

    if prompt and prompt.lower() != "silence":
        status = yield from play_file(channel, prompt, first_digit)
        if status == "break":
            status = "success"
    terminator = ""
    if status == "success" and (len(digits) < least or len(digits) < most):
        status, terminator = yield from _collect(channel, digits, most, terminators, timeout_ms, between_ms)
    if terminator:
        channel.set("read_terminator_used", terminator)
    if least and len(digits) < least:
        status = "too small"
    channel.set("read_result", str(status) if status in ("success", "timeout") else "failure")
    if variable and digits:
        channel.set(variable, "".join(digits))
    return status, "".join(digits), terminator


def _collect(channel: Channel, digits: list[str], most: int, terminators: str, first_ms: float, between_ms: float) -> Steps:
    """As switch_ivr_collect_digits_count; a break does not end it. Returns (status, terminator)."""
    for digit in digits:
        if digit in terminators:
            digits.remove(digit)
            return "success", digit
    clock = channel.core.clock
    deadline = clock.now_ms() + (between_ms if digits else first_ms)
    while channel.ready():
        yield from channel.parse_events()
        if not channel.ready():
            break
        if clock.now_ms() >= deadline:
            return "timeout", ""
        if channel.digits:
            deadline = clock.now_ms() + between_ms
        while channel.digits:
            digit = channel.dequeue_digit()
            if digit in terminators:
                return "success", digit
            digits.append(digit)
            if len(digits) >= most:
                return "success", ""
        yield deadline
    return "failed", ""
