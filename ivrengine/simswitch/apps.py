"""The short applications: answer, set, sleep, hangup, transfer, timers. Playing, recording and bridging have files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import applications
from .applications import application
from .causes import cause_from
from .routine import Steps
from .text import is_true, leading_int, split_arguments

if TYPE_CHECKING:
    from .channel import Channel

SLEEP_LIMIT_MS = 24 * 3600 * 1000


@application("answer")
def answer(channel: Channel, _data: str) -> None:
    channel.answer()


@application("pre_answer")
def pre_answer(channel: Channel, _data: str) -> None:
    channel.pre_answer()


@application("ring_ready")
def ring_ready(channel: Channel, _data: str) -> None:
    channel.mark_ring_ready()


@application("set")
def set_variable(channel: Channel, data: str) -> None:
    """``name=value``; an empty value, or the word ``_undef_``, unsets."""
    name, sign, value = data.partition("=")
    if not sign:
        name, sign, value = data.partition(",")
    if name:
        channel.set(name.strip(), None if value == "_undef_" else value)


@application("export")
def export(channel: Channel, data: str) -> None:
    """Sets the variable here and names it in export_vars, so that a bridged leg gets it too."""
    name, _, value = data.partition("=")
    own = name.removeprefix("nolocal:")
    if own == name:
        channel.set(name, value)
    exported = channel.variables.get("export_vars")
    channel.set("export_vars", f"{exported},{name}" if exported else name)
    if own != name:
        channel.set(name, value)


@application("multiset")
def multiset(channel: Channel, data: str) -> None:
    separator = " "
    if data.startswith("^^") and len(data) > 2:
        separator, data = data[2], data[3:]
    for pair in split_arguments(data, separator):
        set_variable(channel, pair)


@application("unset")
def unset(channel: Channel, data: str) -> None:
    channel.set(data.strip(), None)


@application("set_profile_var")
def set_profile_variable(channel: Channel, data: str) -> None:
    """``caller_id_number=...``: of the caller profile's fields, those that the dialplan sets are known."""
    name, _, value = data.partition("=")
    if name in ("caller_id_number", "caller_id_name"):
        setattr(channel.profile, name, value)


@application("sleep")
def sleep(channel: Channel, data: str) -> Steps:
    """Milliseconds. A digit that waits ends it and stays unread, unless sleep_eat_digits is true."""
    clock = channel.core.clock
    until = clock.now_ms() + min(SLEEP_LIMIT_MS, max(0, leading_int(data)))
    eats = is_true(channel.variables.get("sleep_eat_digits"))
    while channel.ready():
        if channel.break_flag:
            channel.break_flag = False
            return
        yield from channel.parse_events()
        if clock.now_ms() >= until:
            return
        if channel.digits:
            if not eats:
                return
            channel.dequeue_digit()
        yield min(until, channel.frame_end()) if channel.digits else until


@application("park")
def park(channel: Channel, _data: str) -> Steps:
    yield from applications.park(channel)


@application("hangup")
def hangup(channel: Channel, data: str) -> None:
    channel.hangup(cause_from(data))


@application("transfer")
def transfer(channel: Channel, data: str) -> None:
    arguments = split_arguments(data)
    if arguments:
        destination, dialplan, context, *_ = [*arguments, None, None]
        channel.transfer(destination or "", dialplan, context)


@application("flush_dtmf")
def flush_dtmf(channel: Channel, _data: str) -> None:
    channel.digits.clear()


@application("sched_transfer")
def sched_transfer(channel: Channel, data: str) -> None:
    arguments = split_arguments(data)
    if len(arguments) >= 2:
        number = schedule_transfer(channel, arguments[0], *arguments[1:4])
        channel.set("last_sched_id", str(number))


@application("sched_cancel")
def sched_cancel(channel: Channel, data: str) -> None:
    """Everything scheduled under a name or a number; of this call where neither is given."""
    if data.isdigit():
        channel.core.delete_task(int(data))
    else:
        channel.core.delete_group(data or channel.uuid)


@application("sched_hangup")
def sched_hangup(channel: Channel, data: str) -> None:
    arguments = split_arguments(data)
    if arguments:
        number = schedule_hangup(channel, arguments[0], arguments[1] if len(arguments) > 1 else "ALLOTTED_TIMEOUT")
        channel.set("last_sched_id", str(number))


def delay_of(channel: Channel, when: str) -> float:
    """Seconds from now: ``+5``, or seconds since 1970."""
    if when.startswith("+"):
        return float(leading_int(when[1:]))
    return max(0.0, leading_int(when) - channel.core.clock.wall_seconds())


def schedule_transfer(channel: Channel, when: str, destination: str, dialplan: str | None = None,
                      context: str | None = None) -> int:
    def due() -> None:
        channel.transfer(destination, dialplan, context)

    return channel.core.schedule(delay_of(channel, when), channel.uuid, due)


def schedule_hangup(channel: Channel, when: str, cause: str) -> int:
    return channel.core.schedule(delay_of(channel, when), channel.uuid, lambda: channel.hangup(cause_from(cause)))
