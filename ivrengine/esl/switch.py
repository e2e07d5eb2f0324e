"""The switch as the runtime sees it: calls are offered, claimed, commanded; what happens on them is told to a listener.

A command method returns when the switch has taken the command; its end comes as an event with the command's token. A channel that
is gone already is no error: the call's hang-up is told through the listener. Other refusals raise SwitchRefused, a lost link
SwitchUnavailable, silence SwitchTimeout, unsafe text UnsafeCommand.

Every claimed channel carries the variable ``ivr_claimed``, so that a later engine tells its own calls from those that wait for a
claim and from those that the fallback has taken over.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence

import gevent
from gevent.event import AsyncResult

from ivrengine.domain.events import Answered
from ivrengine.domain.sentence import Sentence

from . import commands as words
from . import resync
from .calls import TAKEN_OVER, Calls, SwitchListener
from .commands import CLAIMED_VARIABLE, SECRET_VARIABLE, DialKind
from .connection import Connection, Reply
from .errors import EslError, SwitchRefused, SwitchTimeout
from .legs import Legs
from .link import Link, Timing, leg_presence
from .translate import ChannelState, CommandKind, Pending, channel_state
from .wire import RawEvent

__all__ = ["ChannelState", "Switch", "SwitchListener"]

STOP_RETRY_SECONDS = 0.08  # a break that arrives before the playback has begun is forgotten by the switch
STOP_RETRIES = 12
GONE_GRACE_SECONDS = 0.5  # the hang-up's own event, which knows the cause, is given so long to arrive

log = logging.getLogger(__name__)


class Switch:
    """``shard``: the presence data of our channels. ``context``: dialplan context of the ``fallback`` extension. ``dial_strings``:
    what ``bridge`` dials for each kind of number, with ``{number}`` in it. ``legs``: the channels that we dial ourselves."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        listener: SwitchListener,
        shard: str = "ivr",
        *,
        clock: Callable[[], float] = time.time,
        context: str = "ivr",
        fallback: str = "fallback",
        dial_strings: dict[DialKind, str] | None = None,
        deadman_seconds: float = 60.0,
        timing: Timing | None = None,
    ) -> None:
        self.core_uuid = ""
        self._listener = listener
        self._clock = clock
        self._shard = shard
        self._context = context
        self._fallback = fallback
        self._deadman = f"+{max(1, round(deadman_seconds))}"
        self._dial_strings = dial_strings or {"extension": "user/{number}@ivr.local", "outside": "sofia/gateway/trunk/{number}"}
        self._untimed: set[str] = set()  # calls whose timer has just been deleted and not yet been set anew
        self._calls = Calls(listener, shard, clock, lambda *event: self.legs.on_event(*event))
        self._link = Link(
            host, port, password, shard,
            on_event=self._calls.on_event, resynchronise=self._resynchronise, on_lost=listener.switch_lost, timing=timing,
        )  # fmt: skip
        self.legs = Legs(self._link, shard, self._dial_strings, f"{self._deadman} {fallback} XML {context}")

    # -- the link

    def start(self) -> gevent.Greenlet:
        """Begins to connect, and reconnects for ever; gives the supervising greenlet."""
        return self._link.start()

    def stop(self) -> None:
        self._link.stop()

    @property
    def connected(self) -> bool:
        return self._link.connected

    @property
    def last_error(self) -> str:
        """Why the link is down, in words; "" while it is up."""
        return self._link.last_error

    def wait_connected(self, timeout: float | None = None) -> bool:
        return self._link.wait_connected(timeout)

    def _resynchronise(self, commands: Connection) -> Callable[[], None]:
        core_uuid = resync.core_uuid(commands)
        calls, legs = resync.our_channel_ids(commands, self._shard, leg_presence(self._shard))
        # The list is up to half a second old: what we know is asked for by name.
        dumps = list(resync.dumps(commands, list(dict.fromkeys([*calls, *self._calls.ids()]))))
        leg_dumps = list(resync.dumps(commands, list(dict.fromkeys([*legs, *self.legs.ids()]))))

        def deliver() -> None:
            if self.core_uuid and core_uuid != self.core_uuid:
                log.warning("the switch has been restarted: its Core-UUID was %s and is %s", self.core_uuid, core_uuid)
            self.core_uuid = core_uuid
            states = [(dump, channel_state(dump, self._clock())) for dump in dumps]
            claimed = [state for _, state in states if CLAIMED_VARIABLE in state.variables and state.dialled != self._fallback]
            for state in claimed:
                self._calls.adopt(state.call_id)
            self._listener.switch_connected(core_uuid, claimed)
            for dump, state in states:
                if state.call_id not in self._calls and dump.get("variable_current_application") == "park":
                    self._calls.offer(dump)
            self._calls.settle([state for _, state in states], self._fallback)
            self.legs.settle(leg_dumps, [dump.unique_id for dump in dumps])

        return deliver

    # -- whose call it is

    def claim(self, call_id: str) -> bool:
        """Take an offered call: True where its timer was still running, so that nobody else has it."""
        call_id = words.call_id_part(call_id)
        try:
            # Marked before the timer is deleted: if we die in between, the timer still saves the call.
            marked, deleted = self._link.commands.pipeline(
                [f"api uuid_setvar {call_id} {CLAIMED_VARIABLE} true", f"api sched_del {call_id}"]
            )
        except SwitchTimeout as error:
            # Whether the call is ours now is not known; a call that is marked and that nobody serves would wait for ever.
            self._calls.forget(call_id)
            self._link.start_over(f"a claim was not answered: {error}")
            raise
        except EslError:
            self._calls.forget(call_id)
            raise
        if marked.ok and _deleted(deleted) >= 1:
            self._untimed.add(call_id)
            return True
        self._calls.forget(call_id)
        if marked.ok:
            self._link.commands.post(f"api uuid_setvar {call_id} {CLAIMED_VARIABLE}")
        return False

    def arm(self, call_id: str) -> None:
        """Set the dead-man's timer of a call that has just become ours, without waiting for an answer."""
        call_id = words.call_id_part(call_id)
        commands = self._link.commands
        if call_id in self._untimed:
            self._untimed.discard(call_id)
        else:
            commands.post_soon(f"api sched_del {call_id}")
        commands.post_soon(f"api sched_transfer {self._deadman} {call_id} {self._fallback} XML {self._context}")

    def rearm(self, call_id: str) -> None:
        """Set the dead-man's timer anew: its seconds after the last call of this, the switch transfers to the fallback.

        A call whose timer has run out is at the fallback already; it is let go of, and its end told.
        """
        call_id = words.call_id_part(call_id)
        commands = self._link.commands
        deleted, armed = commands.pipeline(
            [f"api sched_del {call_id}", f"api sched_transfer {self._deadman} {call_id} {self._fallback} XML {self._context}"]
        )
        if self._taken(call_id, armed) and _deleted(deleted) == 0 and self._at_fallback(call_id):
            commands.post(f"api sched_del {call_id}")
            self._calls.gone(call_id, TAKEN_OVER)

    def _at_fallback(self, call_id: str) -> bool:
        reply = self._link.commands.command(f"api uuid_dump {call_id}")
        return reply.ok and RawEvent(reply.frame.body).get("Caller-Destination-Number") == self._fallback

    def expect(self, call_id: str, token: str, kind: CommandKind, path: str = "") -> None:
        """Wait again for the end of a command that an earlier process sent to an adopted call (a bridge that still talks)."""
        self._calls.expect(call_id, Pending(token, kind, path=path))

    # -- what a call shall do

    def answer(self, call_id: str, token: str) -> None:
        # Not waited for: it shares a write with the prompt that follows, and shows in that one's reply when the channel is gone.
        # The application of the same name would cost FreeSWITCH two events more, and us 100 bytes and one event to read.
        command = f"api uuid_answer {words.call_id_part(call_id)}"
        if self._calls.expect(call_id, Pending(token, "answer")):
            self._link.commands.post_soon(command).rawlink(lambda reply: self._answered(call_id, token, reply))

    def _answered(self, call_id: str, token: str, reply: AsyncResult) -> None:
        if not reply.successful():
            return  # the link is lost: resynchronising settles what became of it
        expected = self._calls.unexpect(call_id, token)
        if not reply.get_nowait().ok:  # the channel is gone, or the switch has hung it up for want of a codec
            gevent.spawn_later(GONE_GRACE_SECONDS, self._calls.gone, call_id, "NORMAL_CLEARING")
        elif expected:
            self._listener.call_event(call_id, Answered(token))

    def play(self, call_id: str, token: str, paths: Sequence[str]) -> None:
        """Plays files (or ``silence_stream://``, ``tone_stream://``) one after the other without gaps. Ends with PromptEnded."""
        self._execute(call_id, Pending(token, "play"), ("playback", words.file_argument(paths)))

    def stop_playing(self, call_id: str) -> None:
        """Cut what plays; harmless when nothing does."""
        playing = self._calls.playing(call_id)
        for command in playing:
            command.stopped = True
        self._on_call(call_id, f"api uuid_break {words.call_id_part(call_id)}")
        if self._calls.stopping(call_id) is not None:
            gevent.spawn(self._insist_on_stop, call_id)

    def _insist_on_stop(self, call_id: str) -> None:
        for _ in range(STOP_RETRIES):
            stopping = self._calls.stopping(call_id)
            if stopping is None or stopping.wait(STOP_RETRY_SECONDS):
                return
            try:
                self._link.commands.post(f"api uuid_break {call_id}")
            except EslError:
                return  # resynchronising settles what became of the playback

    def record(self, call_id: str, token: str, path: str, max_seconds: float, silence_seconds: float, finish_keys: str) -> None:
        """Ends with RecordingEnded. ``path``: without spaces, in a directory the switch may write to; limits in whole seconds."""
        self._execute(
            call_id,
            Pending(token, "record", path=path, finish_keys=finish_keys),
            ("record", words.record_argument(path, max_seconds, silence_seconds)),
            before=[("set", f"playback_terminators={words.keys_part(finish_keys)}")],
            after=[("set", f"playback_terminators={words.NO_KEYS}")],
        )

    def collect_secret(
        self,
        call_id: str,
        token: str,
        paths: Sequence[str],
        least: int,
        most: int,
        first_digit_seconds: float,
        between_digits_seconds: float,
        terminator: str,
    ) -> None:
        """Collects digits that no log and no DTMF event shows. Ends with SecretCollected."""
        argument = words.collect_argument(paths, least, most, first_digit_seconds, between_digits_seconds, terminator)
        self._execute(
            call_id,
            Pending(token, "secret", least=least),
            ("play_and_get_digits", argument),
            before=[("set", "sensitive_dtmf=true")],
            after=[("unset", "sensitive_dtmf"), ("unset", SECRET_VARIABLE)],
        )

    def dial(
        self,
        call_id: str,
        token: str,
        dial_string_kind: DialKind,
        number: str,
        ring_seconds: float,
        *,
        caller_number: str = "",
        caller_name: str = "",
    ) -> None:
        """Rings a phone and connects it to the caller. Ends with DialEnded, after the talk where there was one.

        The dead-man's switch does not cut in meanwhile. The switch itself sets it again at the end, which we may not live to see.
        """
        argument = words.dial_argument(self._dial_strings[dial_string_kind], number, ring_seconds, caller_number, caller_name)
        # park_after_bridge (which uuid_bridge needs) parks a channel that sits in the park application already; the second time
        # that leaves it in no application at all, deaf for ever. A bridge from within park comes back to park by itself.
        self._execute(
            call_id,
            Pending(token, "dial"),
            ("bridge", argument),
            before=[("set", "park_after_bridge=false"), ("sched_cancel", "")],
            after=[
                ("set", "park_after_bridge=true"),
                ("sched_transfer", f"{self._deadman} {self._fallback} XML {self._context}"),
            ],
        )

    def hand_over(self, call_id: str, destination: str) -> None:
        """Gives the call to an extension of the switch's dialplan; from then on it is not ours and nothing more is told of it."""
        call_id, destination = words.call_id_part(call_id), words.number_part(destination)
        self._on_call(
            call_id,
            f"api sched_del {call_id}",
            f"api uuid_setvar {call_id} {CLAIMED_VARIABLE}",
            f"api uuid_transfer {call_id} {destination} XML {self._context}",
        )
        self._calls.forget(call_id)

    def hang_up(self, call_id: str, cause: str = "NORMAL_CLEARING") -> None:
        kill = f"api uuid_kill {words.call_id_part(call_id)} {words.cause_part(cause)}"
        self._on_call(call_id, kill.removesuffix(" NORMAL_CLEARING"))  # which is what FreeSWITCH takes for granted

    def set_variable(self, call_id: str, name: str, value: str) -> None:
        """Stored so that ``get_variable`` and ChannelState give back exactly ``value``; "" unsets."""
        stored = words.encode_value(value)
        self._on_call(call_id, f"api uuid_setvar {words.call_id_part(call_id)} {words.variable_part(name)} {stored}".rstrip())

    def get_variable(self, call_id: str, name: str) -> str | None:
        """None where it is not set, or the channel is gone."""
        try:
            text = self._link.commands.api(f"uuid_getvar {words.call_id_part(call_id)} {words.variable_part(name)}")
        except SwitchRefused:
            return None
        return None if text == "_undef_" else words.decode_value(text)

    def _execute(
        self,
        call_id: str,
        command: Pending,
        application: tuple[str, str],
        before: Sequence[tuple[str, str]] = (),
        after: Sequence[tuple[str, str]] = (),
    ) -> None:
        messages = [words.execute_message(call_id, name, argument) for name, argument in before]
        messages.append(words.execute_message(call_id, *application, command.token))
        messages += [words.execute_message(call_id, name, argument) for name, argument in after]
        stopping = self._calls.stopping(call_id)
        if stopping is not None:
            # A break that is repeated must not cut the next playback instead of the one it was meant for.
            stopping.wait(STOP_RETRY_SECONDS * (STOP_RETRIES + 1))
        connection = self._link.commands
        if not self._calls.expect(call_id, command):
            return
        try:
            replies = connection.pipeline_messages(messages)
        except EslError:
            self._calls.unexpect(call_id, command.token)
            raise
        for reply in replies:
            if not self._taken(call_id, reply):
                return

    def _on_call(self, call_id: str, *texts: str) -> None:
        for reply in self._link.commands.pipeline(texts):
            if not self._taken(call_id, reply):
                return

    def _taken(self, call_id: str, reply: Reply) -> bool:
        """False where the channel is gone; raises SwitchRefused for any other refusal."""
        if reply.ok:
            return True
        if reply.data.startswith(("-ERR invalid session id", "-ERR No such channel")):
            gevent.spawn_later(GONE_GRACE_SECONDS, self._calls.gone, call_id, "NORMAL_CLEARING")
            return False
        raise SwitchRefused(reply.data.strip())

    # -- the switch itself

    def api(self, command: str, timeout: float = 5.0) -> str:
        """The body of an answer. Blocks the command connection meanwhile: for anything slow use ``bgapi``."""
        return self._link.commands.api(command, timeout)

    def bgapi(self, command: str, timeout: float) -> str:
        return self._link.background(command, timeout)

    def modules(self) -> set[str]:
        """Names of the loaded modules, e.g. ``mod_sofia``."""
        try:
            rows = json.loads(self.api("show modules as json"), strict=False).get("rows", [])
            return {row["ikey"] for row in rows if row.get("ikey")}
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise SwitchRefused(Sentence("the switch's list of modules can't be read: %(error)s", error=error)) from error

    def version(self) -> str:
        return self.api("version").strip()


def _deleted(reply: Reply) -> int:
    count = reply.data.strip().removeprefix("+OK Deleted:").strip()
    return int(count) if count.isdigit() else 0
