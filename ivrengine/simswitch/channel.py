"""A channel: one leg of a call, with FreeSWITCH's state machine, its queues and its flags.

``_life`` is the session thread written as a routine; applications run inside it. Commands of clients wait in ``private``
until an application (or park) looks, once per frame, unless an earlier command holds the event lock. Digits wait in
``digits`` until an application reads them: the DTMF event is fired then, not when the key was pressed.
"""

from __future__ import annotations

import logging
import uuid as uuids
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from . import applications, holding
from .causes import Q850
from .dialplan import CONDITION
from .events import Headers
from .headers import Profile, channel_headers, set_timestamps
from .routine import FRAME_MS, Routine, Steps
from .states import State
from .text import expand_variables, is_true, leading_int

if TYPE_CHECKING:
    from .callers import Person
    from .core import Core
    from .eavesdropping import Spy
    from .faults import BridgeFault
    from .recording import SessionRecording

log = logging.getLogger(__name__)

DIGITS_LIMIT = 100  # FreeSWITCH forgets what is typed beyond that
PRIVATE_LIMIT = 256  # as SWITCH_EVENT_QUEUE_LEN
VARIABLES_LIMIT = 2000
DEFAULT_DIGIT_DURATION = "2000"  # in samples


class Controller(Protocol):
    """A connection that follows one channel and ends with it."""

    def channel_ended(self) -> None: ...


class Channel:
    """``person`` is who sits at the other end: a simulated caller or the user of a phone."""

    def __init__(self, core: Core, profile: Profile, name: str, uuid: str | None = None) -> None:
        self.core = core
        self.uuid = uuid or str(uuids.uuid4())
        self.name = name
        self.profile = profile
        self.initial_destination = profile.destination
        self.other_profile: tuple[str, Profile, str, str] | None = None
        self.hit_dialplan = profile.direction == "inbound"
        self.person: Person | None = None
        self.variables: dict[str, str] = {}
        self.state = State.CS_INIT
        self.running_state = State.CS_NEW
        self.callstate = "DOWN"
        self.answered = False
        self.early_media = False
        self.ringing = False
        self.hangup_cause = ""
        self.digits: deque[tuple[str, bool]] = deque()
        self.private: deque[dict[str, str]] = deque()
        self.event_lock = 0
        self.break_flag = False
        self.broadcast = False
        self.stop_broadcast = False
        self.transfer_flag = False
        self.redirect_flag = False
        self.controlled = False
        self.held = False  # uuid_hold
        self.holding = False  # the phone itself has put the other side on hold
        self.hung_up_holding = False
        self.awaited_by: Channel | None = None  # a caller who was transferred to this call while it rang
        self.queue: deque[tuple[str, str | None]] = deque()
        self.shown_application = ""
        self.shown_data = ""
        self.partner: Channel | None = None
        self.bridge_originator = False
        self.uuid_bridge_to: str | None = None
        self.uuid_bridging = False  # on the way from a uuid_bridge to CS_SOFT_EXECUTE
        self.bridge_fault: BridgeFault | None = None
        self.spies: list[Spy] = []  # who eavesdrops on this channel
        self.spying: Spy | None = None  # what this channel eavesdrops on
        self.in_bridge = False
        self.recordings: dict[str, SessionRecording] = {}
        self.watchers: list[Routine] = []
        self.controllers: list[Controller] = []
        self.gone = False
        profile.times.created = core.clock.wall_us()
        self.created_ms = core.clock.now_ms()
        self._set_up_variables()
        core.add_channel(self)
        self.routine = Routine(core.scheduler, self._life(), self._ended)

    def _set_up_variables(self) -> None:
        self.variables.update({
            "direction": self.profile.direction,
            "uuid": self.uuid,
            "session_id": str(self.core.sessions_since_start + 1),
            "channel_name": self.name,
            "sip_from_user": self.profile.caller_id_number,
            "sip_to_user": self.profile.destination,
            "sip_call_id": self.uuid,
            "call_uuid": self.uuid,
        })

    # What others ask

    @property
    def down(self) -> bool:
        return bool(self.hangup_cause) or self.state.value >= State.CS_HANGUP.value

    @property
    def media_ready(self) -> bool:
        return self.answered or self.early_media

    def ready(self) -> bool:
        """False tells a running application to stop: hung up, transferred, or sent into another state."""
        return (not self.down and self.state.value > State.CS_ROUTING.value and self.state is not State.CS_RESET
                and not self.transfer_flag and self.state is self.running_state)

    def event_headers(self, event_name: str) -> Headers:
        return channel_headers(self, event_name)

    def emit(self, name: str, first: Headers | None = None, last: Headers | None = None) -> None:
        self.core.fire(name, self, first, last)

    def get(self, name: str) -> str | None:
        value = self.variables.get(name)
        if value is not None:
            return value
        built_in = {
            "uuid": self.uuid, "destination_number": self.profile.destination, "caller_id_number": self.profile.caller_id_number,
            "caller_id_name": self.profile.caller_id_name, "context": self.profile.context, "channel_name": self.name,
            "state": self.running_state.name, "sounds_dir": str(self.core.sounds_dir),
            "recordings_dir": str(self.core.recordings_dir),
        }
        return built_in.get(name) or self.core.globals.get(name)

    def set(self, name: str, value: str | None) -> None:
        """Set a variable; None or an empty value unsets it, as in FreeSWITCH."""
        if not value:
            self.variables.pop(name, None)
        elif name in self.variables or len(self.variables) < VARIABLES_LIMIT:
            self.variables[name] = value

    def expand(self, text: str) -> str:
        return expand_variables(text, self.get)

    # What others do to it; each takes effect when the routine looks next

    def wake(self, delay_ms: float = FRAME_MS) -> None:
        self.routine.wake(delay_ms)

    def notify(self) -> None:
        """Tell whoever waits for this channel to be answered, to change its state or to end."""
        for watcher in self.watchers:
            watcher.wake(0)
        if self.person is not None:
            self.person.wake(0)

    def press(self, digit: str) -> bool:
        """A key arrives from the other end. False when too many wait unread."""
        if len(self.digits) >= DIGITS_LIMIT or self.down:
            return False
        self.digits.append((digit, is_true(self.variables.get("sensitive_dtmf"))))
        self.wake()
        return True

    def queue_private(self, message: dict[str, str]) -> bool:
        """Queue a command of a client. False when PRIVATE_LIMIT wait already."""
        if len(self.private) >= PRIVATE_LIMIT:
            return False
        self.private.append(message)
        self.wake()
        return True

    def break_application(self, everything: bool = False) -> None:
        """As uuid_break: what plays now ends at the next frame; a flag set while nothing plays is cleared by the next app."""
        if everything:
            self.private.clear()
        if self.broadcast:
            self.stop_broadcast = True
        self.break_flag = True
        self.wake()

    def end_broadcast(self) -> None:
        """As switch_channel_stop_broadcast: end what a client, or music on hold, plays to this side."""
        if self.broadcast:
            self.stop_broadcast = self.break_flag = True
            self.wake()

    def set_state(self, state: State, delay_ms: float = 0.0) -> None:
        """``delay_ms``: until the channel's own routine looks."""
        if self.state.value >= State.CS_HANGUP.value:
            return
        self.state = state
        self.notify()
        self.wake(delay_ms)

    def set_callstate(self, callstate: str) -> None:
        if callstate == self.callstate or self.callstate == "HANGUP":
            return
        numbers = ("DOWN", "DIALING", "RINGING", "EARLY", "ACTIVE", "HELD", "RING_WAIT", "HANGUP", "UNHELD")
        before, self.callstate = self.callstate, callstate
        self.emit("CHANNEL_CALLSTATE", first=[("Original-Channel-Call-State", before),
                                              ("Channel-Call-State-Number", str(numbers.index(callstate)))])

    def transfer(self, destination: str, dialplan: str | None = None, context: str | None = None) -> None:
        """As switch_ivr_session_transfer: leave whatever runs and go through the dialplan again."""
        if self.down:
            return
        profile = self.profile
        profile.rdnis = profile.destination
        profile.destination = destination
        profile.dialplan = dialplan or ("XML" if profile.dialplan.lower() == "inline" else profile.dialplan)
        profile.context = context or self.variables.get("force_transfer_context") or profile.context
        profile.index += 1
        profile.times.transferred = self.core.clock.wall_us()
        source = f"{int(self.core.clock.wall_seconds())}:{uuids.uuid4()}:bl_xfer:{destination}/{profile.context}/{profile.dialplan}"
        profile.transfer_source = source
        self.set("transfer_source", source)
        self.set("signal_bond", None)
        self.queue.clear()
        self.hit_dialplan = True
        self.transfer_flag = True
        self.set_state(State.CS_ROUTING)

    def park_session(self) -> None:
        self.transfer_flag = True
        self.set_state(State.CS_PARK)

    def mark_ring_ready(self) -> None:
        if self.ringing or self.answered or self.down:
            return
        self.ringing = True
        self.profile.times.progress = self.core.clock.wall_us()
        self.emit("CHANNEL_PROGRESS")
        self.set_callstate("RINGING")
        self.notify()

    def pre_answer(self) -> bool:
        """Open the audio before the answer. False when the channel is gone."""
        if self.down:
            return False
        if not self.media_ready:
            self.early_media = True
            self.profile.times.progress_media = self.core.clock.wall_us()
            self.set("endpoint_disposition", "EARLY MEDIA")
            self.emit("CHANNEL_PROGRESS_MEDIA")
            self.set_callstate("EARLY")
            self.notify()
        return True

    def answer(self) -> bool:
        if self.down:
            return False
        if not self.answered:
            self.answered = True
            self.profile.times.answered = self.core.clock.wall_us()
            self.emit("CHANNEL_ANSWER")
            self.set("endpoint_disposition", "ANSWER")
            self.set_callstate("ACTIVE")
            self.notify()
        return True

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """Once only; CHANNEL_HANGUP is fired at once, the rest when the routine unwinds."""
        if self.down:
            return
        if self.holding:
            self.hung_up_holding = True
            holding.stop(self, talks_on=False)
        self.state = State.CS_HANGUP
        self.hangup_cause = cause
        if self.partner is not None:
            self.partner.set("last_bridge_hangup_cause", cause)
        if self.bridge_originator:
            self.set("last_bridge_role", "originator")
        elif self.in_bridge:
            self.set("last_bridge_role", "originatee")
        self.emit("CHANNEL_HANGUP")
        if self.partner is not None:
            holding.leave_who_is_held(self, self.partner)
        self.notify()
        if self.partner is not None:
            self.partner.wake(0)
        self.wake(0)

    def drop(self) -> None:
        """Gone without a word: the switch has crashed."""
        self.gone = True
        self.hangup_cause = self.hangup_cause or "CRASH"
        self.routine.drop()
        if self.person is not None:
            self.person.call_ended()

    # The session's own steps

    def dequeue_digit(self) -> str:
        """Take the oldest digit; fires DTMF unless it is sensitive. Only with a digit waiting."""
        digit, sensitive = self.digits.popleft()
        if not sensitive:
            self.emit("DTMF", last=[("DTMF-Digit", digit), ("DTMF-Duration", DEFAULT_DIGIT_DURATION), ("DTMF-Source", "RTP")])
        return digit

    def parse_events(self) -> Steps:
        """Run the clients' commands that wait, each nested in what runs now, until one holds the event lock."""
        while self.private and not self.event_lock:
            yield from applications.run_private(self, self.private.popleft())

    def frame_end(self) -> float:
        return self.core.clock.now_ms() + FRAME_MS

    def _enter(self, state: State) -> None:
        self.running_state = state
        self.transfer_flag = False
        self.redirect_flag = False
        if self.profile.direction == "inbound" and state.value < State.CS_HANGUP.value:
            if state is State.CS_ROUTING:
                self.set_callstate("RINGING")
            elif self.answered:
                self.set_callstate("ACTIVE")
            elif self.early_media:
                self.set_callstate("EARLY")
        self.emit("CHANNEL_STATE")

    def _life(self) -> Steps:
        self._enter(State.CS_INIT)
        self.emit("CHANNEL_CREATE")
        if self.profile.direction == "outbound":
            self.emit("CHANNEL_ORIGINATE")
        self.set_state(State.CS_ROUTING)
        while not self.down:
            state = self.state
            self._enter(state)
            self.notify()
            handler = STATE_HANDLERS.get(state)
            if handler is not None:
                yield from handler(self)
            while self.state is state and not self.down:
                yield from self.parse_events()
                if self.state is state and not self.down:
                    yield None
        self._hang_up()

    def _hang_up(self) -> None:
        now_us = self.core.clock.wall_us()
        self._enter(State.CS_HANGUP)
        self.profile.times.hungup = now_us
        for recording in list(self.recordings.values()):
            recording.finish()
        self.partner = None
        self.set("hangup_cause", self.hangup_cause)
        self.set("hangup_cause_q850", str(Q850.get(self.hangup_cause, 16)))
        set_timestamps(self, now_us)
        self.set_callstate("HANGUP")
        self.state = State.CS_REPORTING
        self._enter(State.CS_REPORTING)
        self.emit("CHANNEL_HANGUP_COMPLETE", first=[("Hangup-Cause", self.hangup_cause)])
        self.state = State.CS_DESTROY
        self._enter(State.CS_DESTROY)

    def _ended(self, _result: object) -> None:
        self.gone = True
        if not self.hangup_cause:  # the routine itself has failed
            self.hangup_cause = "NORMAL_TEMPORARY_FAILURE"
        self.emit("CHANNEL_DESTROY")
        self.core.remove_channel(self)
        self.notify()
        for controller in self.controllers:
            controller.channel_ended()
        if self.person is not None:
            self.person.call_ended()

    def park_expiry_ms(self) -> tuple[float | None, str]:
        """Deadline and cause of the variable park_timeout (``seconds[:cause]``), which it clears."""
        text = self.variables.pop("park_timeout", None)
        if text is None:
            return None, ""
        seconds, _, cause = text.partition(":")
        return self.core.clock.now_ms() + leading_int(seconds) * 1000, cause or "NORMAL_CLEARING"


def _routing(channel: Channel) -> Steps:
    """CS_ROUTING: find out what to do. A leg that was originated waits in CS_CONSUME_MEDIA for its answer."""
    if channel.profile.direction == "outbound" and not channel.hit_dialplan and not channel.queue:
        channel.set_state(State.CS_CONSUME_MEDIA)
        return
    if not channel.queue:
        from .api import run_api  # not above: its commands need channels

        profile = channel.profile
        for name, data in channel.core.dialplan.route(profile.destination, profile.dialplan, profile.context, channel.uuid):
            if name == CONDITION:
                command, _, argument = (data or "").partition(" ")
                run_api(channel.core, command, argument, lambda reply: None)
            else:
                channel.queue.append((name, data))
    if channel.queue:
        channel.set_state(State.CS_EXECUTE)
    else:
        channel.hangup("NO_ROUTE_DESTINATION")
    yield from ()


def _execute(channel: Channel) -> Steps:
    """CS_EXECUTE: the applications of the extension one after the other; after the last one, hang up."""
    while channel.queue and channel.state is State.CS_EXECUTE and channel.ready():
        name, data = channel.queue.popleft()
        yield from applications.execute(channel, name, data)
    if channel.ready() and channel.state is State.CS_EXECUTE:
        channel.hangup("NORMAL_CLEARING")


# What a channel does in a state; bridging adds its own. In a state without a handler it waits.
STATE_HANDLERS: dict[State, Callable[[Channel], Steps]] = {
    State.CS_ROUTING: _routing,
    State.CS_EXECUTE: _execute,
    State.CS_PARK: applications.park,
}
