"""The link to one switch: an event connection and a command connection, made anew, together, whenever either is lost.

A switch answers ``api`` commands inline and holds a connection's events back meanwhile, so commands never share the events' connection.
Bringing the link up: subscribe by name with filters, hold arriving events back, let the owner read what the switch has, then deliver
what was held. Until that is done the link counts as down and commands are refused. A keep-alive finds a peer that fell silent.
Refuses to guess: when more events arrive while resynchronising than HELD_LIMIT, it starts over.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import gevent
from gevent.event import AsyncResult, Event

from ivrengine.domain.sentence import Sentence

from .calls import CALL_EVENTS
from .connection import AUTH_SECONDS, CONNECT_SECONDS, Connection
from .errors import EslError, SwitchRefused, SwitchTimeout, SwitchUnavailable, UnsafeCommand
from .wire import RawEvent

HELD_LIMIT = 20_000  # events, some 150 MB
JOB_LIMIT = 2_000  # background jobs under way
# Applications whose ends mean nothing to us; telling one costs FreeSWITCH more than it costs us to pass it over.
NOT_TOLD = ("set", "unset", "set_profile_var", "sched_transfer", "sched_cancel", "park")
# None of these happens on a call that talks to nobody but us.
LEG_EVENTS = (
    "CHANNEL_ORIGINATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_BRIDGE", "CHANNEL_HOLD", "CHANNEL_UNHOLD",
)  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``pause_*``: between two attempts to connect, doubled from the first to the longest."""

    connect_seconds: float = CONNECT_SECONDS
    auth_seconds: float = AUTH_SECONDS
    pause_first_seconds: float = 0.25
    pause_longest_seconds: float = 10.0
    keep_alive_seconds: float = 10.0
    keep_alive_reply_seconds: float = 5.0


def leg_presence(shard: str) -> str:
    """The presence data of the channels that we dial: another than the callers', so that they are never taken for callers."""
    return f"{shard}-leg"


class Link:
    """``resynchronise(commands)`` reads the switch and returns a function that delivers what was read; it is called, and then
    ``on_event`` with every event held back, without giving way to another greenlet. ``on_lost(reason)`` ends what that began."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        shard: str,
        *,
        on_event: Callable[[RawEvent], None],
        resynchronise: Callable[[Connection], Callable[[], None]],
        on_lost: Callable[[str], None],
        timing: Timing | None = None,
    ) -> None:
        if not re.fullmatch(r"[0-9A-Za-z_-]{1,40}", shard):
            raise UnsafeCommand(Sentence("%(shard)r can't be a shard: letters, digits, - and _ only", shard=shard[:60]))
        self.last_error = "not connected yet"
        self._lost_because = ""
        self._host, self._port, self._password, self._shard = host, port, password, shard
        self._on_event = on_event
        self._resynchronise = resynchronise
        self._on_lost = on_lost
        self._timing = timing or Timing()
        self._events: Connection | None = None
        self._commands: Connection | None = None
        self._held: deque[RawEvent] | None = None
        self._up = Event()
        self._down = Event()
        self._stopping = Event()
        self._job_prefix = f"ivr-{shard}-{uuid.uuid4().hex[:12]}-"
        self._jobs: dict[str, AsyncResult] = {}
        self._supervisor: gevent.Greenlet | None = None

    # -- for the owner

    def start(self) -> gevent.Greenlet:
        """Begins to connect and goes on for ever; gives the supervising greenlet, for whoever links greenlets."""
        if self._supervisor is None:
            self._supervisor = gevent.spawn(self._supervise)
        return self._supervisor

    def stop(self) -> None:
        """Closes both connections and ends the supervisor. ``on_lost`` is not called: this is no loss."""
        self._stopping.set()
        self._down.set()
        if self._supervisor is not None:
            self._supervisor.join()
        self._supervisor = None

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    def wait_connected(self, timeout: float | None = None) -> bool:
        """Whether the link was up within ``timeout`` seconds; ``last_error`` says why not."""
        return bool(self._up.wait(timeout))

    @property
    def commands(self) -> Connection:
        """The command connection. Raises SwitchUnavailable while the link is down or resynchronising."""
        if not self._up.is_set() or self._commands is None:
            raise SwitchUnavailable(Sentence("the switch is not connected: %(last_error)s", last_error=self.last_error))
        return self._commands

    def background(self, command: str, timeout: float) -> str:
        """``bgapi``: the body of the job's result. Raises SwitchRefused, SwitchTimeout, SwitchUnavailable."""
        commands = self.commands
        job, waiter = self._new_job()
        try:
            self._send_job(commands, command, job)
            waiter.wait(timeout)
            if not waiter.ready():
                raise SwitchTimeout(Sentence("a background job did not end within %(timeout)s s", timeout=timeout))
            result: str = waiter.get()
        finally:
            del self._jobs[job]
        if result.startswith(("-ERR", "-USAGE")):
            raise SwitchRefused(result.strip())
        return result

    def post_job(self, command: str, ended: Callable[[str | None], None]) -> None:
        """``bgapi`` that is not waited for: ``ended`` gets the result's body, or None where the link was lost before it came.
        It is called in the reader's greenlet and may only enqueue. Raises as ``background`` where the command is not taken."""
        commands = self.commands
        job, waiter = self._new_job()

        def done(result: AsyncResult) -> None:
            self._jobs.pop(job, None)
            ended(result.get_nowait() if result.successful() else None)

        try:
            self._send_job(commands, command, job)
        except EslError:
            self._jobs.pop(job, None)
            raise
        waiter.rawlink(done)

    def _new_job(self) -> tuple[str, AsyncResult]:
        if len(self._jobs) >= JOB_LIMIT:
            raise SwitchTimeout(Sentence("more than %(most)s background jobs are under way", most=JOB_LIMIT))
        job = f"{self._job_prefix}{uuid.uuid4()}"
        # Registered before it is sent: the result comes on the other connection and may overtake the reply.
        waiter = self._jobs[job] = AsyncResult()
        return job, waiter

    def _send_job(self, commands: Connection, command: str, job: str) -> None:
        reply = commands.wait(commands.post_message([f"bgapi {command}", f"Job-UUID: {job}"]))
        if not reply.ok:
            raise SwitchRefused(reply.data.strip())

    def start_over(self, reason: str) -> None:
        """Drop the link on purpose: what the switch holds has to be read anew."""
        for connection in (self._events, self._commands):
            if connection is not None:
                connection.lose(reason)

    # -- the supervisor

    def _supervise(self) -> None:
        pause = self._timing.pause_first_seconds
        while not self._stopping.is_set():
            was_up = False
            try:
                self._bring_up()
                was_up = True
                pause = self._timing.pause_first_seconds
                self._watch()
            except EslError as error:
                self._note_error(str(error))
            except Exception as error:
                log.exception("bringing the link to the switch up failed")
                self._note_error(f"our own mistake: {error}")
            self._take_down()
            if self._stopping.is_set():
                return
            if was_up:
                log.warning("the link to the switch is lost: %s", self.last_error)
                self._on_lost(self.last_error)
            self._stopping.wait(pause)
            pause = min(pause * 2, self._timing.pause_longest_seconds)

    def _bring_up(self) -> None:
        self._down = Event()
        self._held = deque()
        self._events = self._connect("events")
        for name in (*CALL_EVENTS, *LEG_EVENTS):
            self._events.register_handle(name, self._arrived)
        self._events.register_handle("BACKGROUND_JOB", self._job_ended)
        self._subscribe(self._events)
        self._commands = self._connect("commands")
        deliver = self._resynchronise(self._commands)
        if self._down.is_set():
            raise SwitchUnavailable(self._lost_because)
        log.info("the link to the switch at %s:%s is up", self._host, self._port)
        self.last_error = ""
        self._up.set()
        deliver()
        while self._held:
            self._on_event(self._held.popleft())
        self._held = None

    def _connect(self, name: str) -> Connection:
        connection = Connection(
            self._host,
            self._port,
            self._password,
            name=name,
            on_lost=self._lost,
            connect_seconds=self._timing.connect_seconds,
            auth_seconds=self._timing.auth_seconds,
        )
        connection.connect()
        return connection

    def _subscribe(self, events: Connection) -> None:
        # Filters first: an event that passes none of them costs us nothing.
        for reply in events.pipeline(
            [
                f"filter Channel-Presence-Data {self._shard}",
                f"filter Channel-Presence-Data {leg_presence(self._shard)}",
                f"filter Job-UUID /^{self._job_prefix}/",
                *(f"filter Application -{name}" for name in NOT_TOLD),
                f"event plain {' '.join((*CALL_EVENTS, *LEG_EVENTS))} BACKGROUND_JOB",
            ]
        ):
            if not reply.ok:
                raise SwitchRefused(Sentence("the switch refused our subscription: %(data)s", data=reply.data.strip()))

    def _watch(self) -> None:
        """Returns when the link is lost."""
        while not self._down.wait(self._timing.keep_alive_seconds):
            for connection in (self._events, self._commands):
                if connection is None:
                    return
                try:
                    connection.command("api uptime", self._timing.keep_alive_reply_seconds)
                except SwitchTimeout as error:
                    connection.lose(f"no answer to a keep-alive: {error}")
                    return

    def _lost(self, reason: str) -> None:
        if self._down.is_set():
            return
        self._down.set()
        if self._up.is_set():
            self._up.clear()
            self._note_error(reason)
        else:  # whoever is connecting raises what is wrong, and says it better than "goodbye"
            self._lost_because = reason

    def _take_down(self) -> None:
        self._down.set()
        self._up.clear()
        for connection in (self._events, self._commands):
            if connection is not None:
                connection.stop()
        self._events = self._commands = self._held = None
        for waiter in list(self._jobs.values()):
            waiter.set_exception(SwitchUnavailable(self.last_error or "the link to the switch was closed"))

    def _note_error(self, reason: str) -> None:
        if reason and reason != self.last_error:
            log.warning("no link to the switch: %s", reason)
            self.last_error = reason

    # -- in the reader's greenlet

    def _arrived(self, event: RawEvent) -> None:
        if self._held is None:
            self._on_event(event)
        elif len(self._held) < HELD_LIMIT:
            self._held.append(event)
        elif self._events is not None:
            self._events.lose(f"more than {HELD_LIMIT} events came while resynchronising")

    def _job_ended(self, event: RawEvent) -> None:
        waiter = self._jobs.get(event.get("Job-UUID") or "")
        if waiter is not None:
            waiter.set(event.body)
