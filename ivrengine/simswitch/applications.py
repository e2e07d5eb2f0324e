"""How applications run: EXECUTE, the application, COMPLETE; commands of clients nested in what runs; park.

An application is a function of (channel, data) registered by ``@application(name)``; a long one is a generator and
re-checks ``channel.ready()`` each time it is resumed. An unknown one hangs the call up with DESTINATION_OUT_OF_ORDER.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from .causes import cause_from
from .routine import FRAME_MS, Steps
from .text import is_true, leading_int

if TYPE_CHECKING:
    from .channel import Channel

Application = Callable[["Channel", str], "Steps | None"]
APPLICATIONS: dict[str, Application] = {}
# A hung-up channel still runs these when they follow the application that the hang-up ended (SAF_ZOMBIE_EXEC).
AFTER_HANGUP = frozenset({"set", "unset", "export", "multiset"})
SHORT_LOOP_MS = 500  # an application that ends sooner than this is not looped, or a broken one would spin


def application(name: str) -> Callable[[Application], Application]:
    """Register the application ``name``."""

    def register(function: Application) -> Application:
        APPLICATIONS[name] = function
        return function

    return register


def execute(channel: Channel, name: str, data: str | None, token: str | None = None, leaving: bool = False) -> Steps:
    """As switch_core_session_exec. Returns False when the application never ran (gone, unknown). With ``leaving`` it runs on a
    channel too that has been sent elsewhere and has not gone yet."""
    if not (leaving and not channel.down) and not channel.ready() and not (channel.down and name in AFTER_HANGUP):
        return False
    function = APPLICATIONS.get(name)
    if function is None:
        channel.hangup("DESTINATION_OUT_OF_ORDER")
        return False
    expanded = channel.expand(data) if data is not None else None
    token = token or str(uuid.uuid4())
    channel.set("current_application", name)
    channel.set("current_application_data", expanded)
    channel.set("current_application_response", None)
    channel.shown_application, channel.shown_data = name, expanded or ""
    last = [("Application", name)]
    if expanded is not None:
        last.append(("Application-Data", expanded))
    channel.emit("CHANNEL_EXECUTE", last=[*last, ("Application-UUID", token)])
    channel.break_flag = False
    steps = function(channel, expanded or "")
    if steps is not None:
        yield from steps
    response = channel.variables.get("current_application_response", "_none_")
    channel.emit("CHANNEL_EXECUTE_COMPLETE", last=[*last, ("Application-Response", response), ("Application-UUID", token)])
    return True


def run_private(channel: Channel, message: dict[str, str]) -> Steps:
    """As switch_ivr_parse_event: one ``sendmsg`` (headers by lower-case name)."""
    command = message.get("call-command", "")
    locked = is_true(message.get("event-lock"))
    channel.event_lock += locked
    try:
        if command == "execute":
            yield from _execute_message(channel, message)
        elif command == "hangup":
            channel.hangup(cause_from(message.get("hangup-cause")))
    finally:
        channel.event_lock -= locked
    channel.core.fire("PRIVATE_COMMAND", channel, first=list(message.items()))


def _execute_message(channel: Channel, message: dict[str, str]) -> Steps:
    name = message.get("execute-app-name")
    if not name:
        return
    data = message.get("execute-app-arg")
    if data is None and message.get("content-type", "").lower() == "text/plain":
        data = message.get("_body")
    loops = leading_int(message.get("loops"), 1)
    channel.stop_broadcast = False
    outermost = not channel.broadcast
    channel.broadcast = True
    done = 0
    while loops < 0 or done < loops:
        started = channel.core.clock.now_ms()
        done += 1
        ran = yield from execute(channel, name, data, message.get("event-uuid"))
        if not ran or not channel.ready() or channel.stop_broadcast or channel.core.clock.now_ms() - started < SHORT_LOOP_MS:
            break
    if outermost:
        channel.broadcast = False
    if channel.stop_broadcast:
        channel.broadcast = False
        channel.break_flag = True


def park(channel: Channel) -> Steps:
    """As switch_ivr_park: wait, run clients' commands, read digits; PARK at the start and UNPARK at the end."""
    if channel.controlled:
        return
    expiry_ms, expiry_cause = channel.park_expiry_ms()
    channel.controlled = True
    channel.emit("CHANNEL_PARK")
    while channel.ready():
        yield from channel.parse_events()
        if not channel.ready():
            break
        if channel.digits:
            channel.dequeue_digit()
        now = channel.core.clock.now_ms()
        if expiry_ms is not None and now >= expiry_ms:
            channel.hangup(expiry_cause)
            break
        yield now + FRAME_MS if channel.digits else expiry_ms
    channel.controlled = False
    channel.emit("CHANNEL_UNPARK")
