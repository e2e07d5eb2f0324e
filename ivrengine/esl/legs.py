"""Legs: channels that the engine dials itself (agents' phones, customers called back, colleagues), and who is connected with whom.

A leg rings, is parked when it answers, and can then be spoken to and connected. Methods return when the switch has taken the
command; what comes of it is told to the listener (``leg_listener``). "+OK" from the switch means "will try": only LegBridged
says that two channels hear each other. A channel that is gone is no error; a lost link raises SwitchUnavailable, silence
SwitchTimeout, unsafe text UnsafeCommand.

Guards: every dialling has a deadline; a leg that was withdrawn is killed again whenever it shows itself; a leg that nobody
connects is hung up by the switch itself (``park_timeout``); a caller who loses the agent, at whatever moment, is parked, and the switch
sets the dead-man's timer itself whenever a talk ends, so that nobody is left in silence by an engine that has died.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import gevent

from ivrengine.domain.legs import LegState

from . import commands as words
from . import resync
from .commands import DialKind
from .connection import Reply
from .errors import EslError, SwitchRefused, SwitchUnavailable
from .leg_book import LegBook
from .leg_dumps import leg_state
from .leg_listener import LegsListener
from .link import Link, leg_presence
from .wire import UNDEFINED

LEFT_PARKED_SECONDS = 60.0  # a leg that is parked for so long without a word from us belongs to an engine that has died
HELD_SECONDS = 1800.0  # the same for a leg that was parked in the middle of a talk: on hold, consulting; longer than anybody holds
RING_GRACE_SECONDS = 10.0  # beyond the ringing time, until a leg that was told nothing of is withdrawn
KILL_SECONDS = 2.0  # between two attempts to kill
KILLS_LIMIT = 5  # then the leg is declared gone, loudly
LOOK_SECONDS = 0.5  # between two looks at what is overdue
BRIDGE_SETTLES_SECONDS = 0.25  # a parting in the first 0.1 s after CHANNEL_BRIDGE may hang the leg up
PARTING_SECONDS = 1.0  # until channels that were told to park are parked; 0.02-0.1 was measured
STOP_RETRY_SECONDS = 0.08  # a break that arrives before a play has begun is forgotten by the switch
STOP_RETRIES = 12
MORE_TRANSFERS = "max_forwards=70"  # each parting is a transfer, and FreeSWITCH hangs up whom it has transferred so often
ASK_SECONDS = 0.1  # between two questions with whom a caller is connected after a phone's transfer
ASK_TIMES = 10  # the switch keeps the phone's leg for two seconds
_MODE_COMMANDS = {"listen": "0", "whisper": "2", "barge": "3"}

MUTED_TAG = "muted"

EavesdropMode = Literal["listen", "whisper", "barge"]

log = logging.getLogger(__name__)


class Legs:
    """``deadman``: seconds, extension, dialplan and context of the timer that the switch sets when a talk ends."""

    def __init__(
        self,
        link: Link,
        shard: str,
        dial_strings: Mapping[DialKind, str],
        deadman: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._presence = leg_presence(shard)
        self._dial_strings = dial_strings
        self._deadman_seconds, _, self._deadman_extension = deadman.partition(" ")
        self._clock = clock
        self._book = LegBook(self._presence, clock)
        self._book.doomed = self._kill_soon
        self._book.talks = self._put_deadman_off
        self._book.waits = self._set_deadman
        self._book.asks_replaced = self._ask_replaced
        self._book.asks_ringing = self._ask_ringing
        self.on_event = self._book.on_event
        self.settle = self._book.settle
        self._watch: gevent.Greenlet | None = None

    def listen(self, listener: LegsListener) -> None:
        self._book.listener = listener

    def __contains__(self, leg_id: str) -> bool:
        return leg_id in self._book.legs

    def ids(self) -> list[str]:
        return list(self._book.legs)

    # -- coming and going

    def originate(
        self,
        leg_id: str,
        kind: DialKind,
        number: str,
        ring_seconds: float,
        *,
        display_name: str = "",
        display_number: str = "",
        tags: Mapping[str, str] | None = None,
        park_seconds: float = LEFT_PARKED_SECONDS,
        auto_answer: bool = False,
    ) -> None:
        """Ring a phone. Ends with LegAnswered, or LegGone that says why not. ``tags`` come back in LegState.

        Raises only where nothing was sent; a link that breaks while sending ends with LegGone like everything else.
        """
        argument = words.leg_argument(
            self._dial_strings[kind], number, leg_id, self._presence, ring_seconds, park_seconds, display_number, display_name,
            tags or {}, auto_answer,
        )  # fmt: skip
        commands = self._link.commands
        if not commands.connected:
            raise SwitchUnavailable(commands.lost_because)
        leg = self._book.expect(leg_id, ring_seconds + RING_GRACE_SECONDS, extension=kind == "extension")
        self._look_after()
        try:
            self._link.post_job(f"originate {argument}", lambda result: self._book.job_ended(leg_id, result))
        except SwitchRefused as error:
            self._book.ends(leg_id, str(error))
        except EslError as error:
            log.warning("whether a leg is being dialled is not known: %s", error, extra={"leg_id": leg_id})
            leg.killed, leg.due = True, self._clock() + KILL_SECONDS

    def kill(self, leg_id: str, cause: str = "NORMAL_CLEARING") -> None:
        """Hang up, or stop ringing. A leg whose channel is not there yet is killed as soon as it comes up. Ends with LegGone."""
        text = f"api uuid_kill {words.call_id_part(leg_id)} {words.cause_part(cause)}"
        leg = self._book.legs.get(leg_id)
        if leg is not None and leg.ending is None:
            leg.killed, leg.due = True, self._clock() + KILL_SECONDS
        try:
            self._link.commands.command(text)
        except EslError as error:
            if leg is None:
                raise
            log.info("a leg is killed later: %s", error, extra={"leg_id": leg_id})  # it is marked

    def play(self, leg_id: str, token: str, paths: Sequence[str]) -> None:
        """Ends with LegPlayed, except on a leg that is gone."""
        message = words.execute_message(leg_id, "playback", words.file_argument(paths), token)
        commands = self._link.commands
        if self._book.expect_play(leg_id, token):
            self._gone_or_taken(commands.wait(commands.post_message(message)))

    def stop_playing(self, leg_id: str) -> None:
        """Cut what plays; harmless when nothing does."""
        leg = self._book.legs.get(leg_id)
        if leg is None or not leg.plays:
            return
        tokens = list(leg.plays)
        for token in tokens:
            leg.plays[token] = True
        self._gone_or_taken(self._link.commands.command(f"api uuid_break {words.call_id_part(leg_id)}"))
        gevent.spawn(self._insist_on_stop, leg_id, tokens)

    def _insist_on_stop(self, leg_id: str, tokens: list[str]) -> None:
        for _ in range(STOP_RETRIES):
            gevent.sleep(STOP_RETRY_SECONDS)
            leg = self._book.legs.get(leg_id)
            if leg is None or not any(token in leg.plays for token in tokens):
                return
            self._post_soon(f"api uuid_break {leg_id}")

    def record(self, leg_id: str, token: str, path: str, max_seconds: float, finish_keys: str) -> None:
        """Record what a parked leg says, and nothing that it hears. Ends with LegRecorded, except on a leg that is gone; what was said
        until then is in the file."""
        argument = words.record_argument(path, max_seconds, 0)
        messages = [
            words.execute_message(leg_id, "set", f"playback_terminators={words.keys_part(finish_keys)}"),
            words.execute_message(leg_id, "record", argument, token),
            words.execute_message(leg_id, "set", f"playback_terminators={words.NO_KEYS}"),
        ]
        commands = self._link.commands
        if self._book.expect_record(leg_id, token):
            for reply in commands.pipeline_messages(messages):
                self._gone_or_taken(reply)

    def tell_to_answer(self, leg_id: str) -> str:
        """Tell a phone that rings to answer (SIP NOTIFY, event "talk"). Whether it can, only LegAnswered tells; gives what the phone
        calls itself, "" where it has not said."""
        leg_id = words.call_id_part(leg_id)
        sent, named = self._link.commands.pipeline([f"api uuid_phone_event {leg_id} talk", f"api uuid_getvar {leg_id} sip_user_agent"])
        name = named.data.strip()
        return name if sent.ok and named.ok and name != UNDEFINED else ""

    def mute(self, leg_id: str, on: bool) -> bool:
        """While muted, silence goes from the leg to whomever it is connected with, and into its recording. False where that failed. The
        tag ``muted`` tells it to an engine that comes after us."""
        leg_id = words.call_id_part(leg_id)
        replies = self._link.commands.pipeline(
            [f"api uuid_audio {leg_id} start read mute {int(on)}", f"api uuid_setvar {leg_id} {words.TAG_PREFIX}{MUTED_TAG} {_yes(on)}"]
        )
        return all(reply.ok for reply in replies)

    # -- connecting

    def bridge(self, call_id: str, leg_id: str) -> bool:
        """Connect a caller with a parked leg. False where the switch refused, or the caller has another leg already."""
        return self._bridge(call_id, leg_id)

    def bridge_legs(self, one: str, two: str) -> bool:
        """Connect two legs. ``one`` (the customer called back, the colleague asked) is parked when ``two`` leaves."""
        return self._bridge(one, two)

    def _bridge(self, one: str, two: str) -> bool:
        one, two = words.call_id_part(one), words.call_id_part(two)
        for channel in (one, two):
            # A bridge that meets a parting half-way leaves the caller waiting for a leg that is parked.
            self._book.wait_parked(channel, PARTING_SECONDS)
        commands = self._link.commands
        first, second = self._book.legs.get(one), self._book.legs.get(two)
        # Argument 1 is parked when argument 2 leaves, whether before, while or after they are connected; both variables are needed.
        kept = f"park_after_bridge=true;uuid_bridge_park_on_cancel=true;{MORE_TRANSFERS};"
        if first is None:
            if not self._book.joining(one, two):
                log.warning("a caller is not connected with two legs at once", extra={"call_id": one, "leg_id": two})
                return False
            # The switch itself puts the timer off and, when the talk ends, however it ends, sets it: we may not live to see it.
            deadman = f"sched_transfer {self._deadman_seconds} {self._deadman_extension}"
            kept += f"execute_on_pre_bridge=sched_cancel;execute_on_post_bridge={deadman}"
        else:
            first.kept = True
            kept += f"bridge_filter_dtmf=false;park_timeout={round(LEFT_PARKED_SECONDS)}:{words.LEFT_PARKED}"
        # Callers don't hear what an agent keys, though we do. Where an agent has dialled, a switchboard may ask for keys.
        leaves = f"bridge_filter_dtmf={_yes(first is None)}"
        if second is not None and second.kept:
            second.kept = False
            leaves += ";park_after_bridge=false"
        texts = [f"api uuid_setvar_multi {one} {kept}", f"api uuid_setvar_multi {two} {leaves}"]
        for leg in (first, second):
            if leg is not None:
                leg.joining = True
        replies = commands.pipeline([*texts, f"api uuid_bridge {one} {two}"])
        if replies[0].ok and replies[-1].ok:
            return True
        refusals = [reply.data.strip() for reply in replies if not reply.ok]
        log.info("the switch connects nobody: %s", refusals, extra={"call_id": one, "leg_id": two})
        if first is None:
            self._book.not_joined(one, two)
        return False

    def unbridge(self, leg_id: str, park_seconds: float = HELD_SECONDS) -> None:
        """Part a leg from whom it talks to: both are parked. Ends with LegUnbridged."""
        leg_id = words.call_id_part(leg_id)
        leg = self._book.legs.get(leg_id)
        if leg is not None:
            gevent.sleep(max(0.0, leg.bridged_at + BRIDGE_SETTLES_SECONDS - self._clock()))
        self._book.parting(leg_id)
        other = leg.bridged_to if leg is not None else ""
        parked = f"park_timeout={max(1, round(park_seconds))}:{words.LEFT_PARKED};{MORE_TRANSFERS}"
        ours = [channel for channel in (leg_id, other) if channel == leg_id or channel in self._book.legs]
        for reply in self._link.commands.pipeline(
            [*(f"api uuid_setvar_multi {channel} {parked}" for channel in ours), f"api uuid_transfer {leg_id} -both park inline"]
        ):
            self._gone_or_taken(reply)

    # -- listening in

    def eavesdrop(self, leg_id: str, target_leg_id: str, mode: EavesdropMode) -> None:
        """Let a parked leg hear the talk of ``target_leg_id`` until that one is gone; whisper: the target hears it too; barge: both sides
        do. Asked for again while it listens, it changes the mode. The phone's own keys change nothing."""
        leg = self._book.legs.get(words.call_id_part(leg_id))
        if leg is None:
            return
        if leg.eavesdrops:
            lines = ["sendevent CUSTOM", f"Unique-ID: {leg_id}", f"eavesdrop-command: {_MODE_COMMANDS[mode]}"]
            self._link.commands.wait(self._link.commands.post_message(lines))
            return
        hear = f"eavesdrop_enable_dtmf=false;eavesdrop_whisper_aleg={_yes(mode == 'barge')};eavesdrop_whisper_bleg={_yes(mode != 'listen')}"
        leg.eavesdrops = True
        self._listen_in(leg_id, "eavesdrop", target_leg_id, f"api uuid_setvar_multi {leg_id} {hear}")

    def three_way(self, leg_id: str, target_leg_id: str) -> None:
        """Let a parked leg into the talk of ``target_leg_id``, heard by both sides, until that one is gone."""
        if leg_id in self._book.legs:
            self._listen_in(leg_id, "three_way", target_leg_id)

    def _listen_in(self, leg_id: str, application: str, target_leg_id: str, *before: str) -> None:
        commands = self._link.commands
        message = words.execute_message(leg_id, application, words.call_id_part(target_leg_id))
        for reply in commands.pipeline(before) + [commands.wait(commands.post_message(message))]:
            self._gone_or_taken(reply)

    # -- recording

    def start_recording(self, channel: str, path: str) -> None:
        """Record what the channel hears and says, in stereo. Its end is told by recording_stopped. Raises SwitchRefused."""
        channel, path = words.call_id_part(channel), words.recording_path(path)
        self._book.expect_recording(channel, path)
        commands = self._link.commands
        # By the channel's own thread, and not by uuid_record: begun from outside on a channel that is just dying, a recording keeps it
        # from ever being taken down (1 in 30 of the deaths at CHANNEL_BRIDGE left such a channel on 1.10.12).
        stereo = commands.post(f"api uuid_setvar {channel} RECORD_STEREO true")
        started = commands.wait(commands.post_message(words.execute_message(channel, "record_session", path)))
        if not (commands.wait(stereo).ok and started.ok):
            self._book.not_recorded(path)
            raise SwitchRefused(started.data.strip())

    def expect_recording(self, channel: str, path: str) -> None:
        """Wait for the end of a recording that an earlier process began."""
        self._book.expect_recording(channel, path)

    def stop_recording(self, channel: str, path: str) -> None:
        self._record(channel, "stop", path)

    def mask_recording(self, channel: str, path: str, on: bool) -> None:
        """While masked, silence is recorded."""
        self._record(channel, "mask" if on else "unmask", path)

    def _record(self, channel: str, verb: str, path: str) -> None:
        text = f"api uuid_record {words.call_id_part(channel)} {verb} {words.recording_path(path)}"
        reply = self._link.commands.command(text)
        if not reply.ok:
            log.info("a recording was not told to %s: %s", verb, reply.data.strip(), extra={"channel": channel})

    # -- what there is

    def reachable(self, extension: str) -> bool:
        """Whether the extension's phone is registered. Raises where the switch can't be asked."""
        address = self._dial_strings["extension"].replace("{number}", words.number_part(extension)).removeprefix("user/")
        reply = self._link.commands.command(f"api sofia_contact {address}")
        return reply.ok and not reply.data.startswith("error/")

    def states(self) -> list[LegState]:
        """All legs as the switch sees them now, also those of earlier processes."""
        commands = self._link.commands
        (listed,) = resync.our_channel_ids(commands, self._presence)
        known = [leg_id for leg_id, leg in self._book.legs.items() if not leg.foreign]  # the list is up to half a second old
        return [leg_state(dump) for dump in resync.dumps(commands, list(dict.fromkeys([*listed, *known])))]

    # -- looking after

    def _look_after(self) -> None:
        if self._watch is None or self._watch.dead:
            self._watch = gevent.spawn(self._look_repeatedly)

    def _look_repeatedly(self) -> None:
        while self._book.legs:
            gevent.sleep(LOOK_SECONDS)
            try:
                self.look(self._clock())
            except Exception:
                log.exception("looking after the legs failed and will be tried again")

    def look(self, now: float) -> None:
        """Deal with what is overdue: tell late ends, withdraw legs that ring too long, kill again what was killed."""
        for leg_id, leg in list(self._book.legs.items()):
            if leg.due > now:
                continue
            if leg.ending is not None:
                self._book.tell_ending(leg_id)
            elif not self._link.connected:
                leg.due = now + KILL_SECONDS  # settled when it is back
            elif leg.kills >= KILLS_LIMIT:
                log.error("a leg could not be killed; it is taken for gone", extra={"leg_id": leg_id})
                self._book.ends(leg_id, "NEVER_ENDED")
            else:
                leg.overdue |= not leg.killed
                leg.killed, leg.due, leg.kills = True, now + KILL_SECONDS, leg.kills + 1
                self._kill_again(leg_id)

    def _kill_again(self, leg_id: str) -> None:
        try:
            reply = self._link.commands.command(f"api uuid_kill {leg_id}")
        except EslError:
            return  # the next look, or resynchronising
        leg = self._book.legs.get(leg_id)
        if leg is not None and not reply.ok and (leg.job_ended or leg.kills >= KILLS_LIMIT):
            self._book.ends(leg_id, "NORMAL_CLEARING")

    def _kill_soon(self, channel: str) -> None:
        self._post_soon(f"api uuid_kill {channel}")

    def _ask_ringing(self, leg_id: str, caller: str, channel: str) -> None:
        gevent.spawn(self._find_ringing, leg_id, caller, channel)

    def _find_ringing(self, leg_id: str, caller: str, channel: str) -> None:
        """Only a variable of the caller tells a transfer to a call that still rings from others through a second call."""
        try:
            waits_for = self._link.commands.api(f"uuid_getvar {words.call_id_part(caller)} att_xfer_kill_uuid").strip()
        except EslError:
            return  # the leg is told gone soon, as after a hang-up
        if waits_for == channel:
            self._book.rings_elsewhere(leg_id, caller, channel)

    def _ask_replaced(self, leg_id: str, other: str) -> None:
        gevent.spawn(self._find_replacement, leg_id, other)

    def _find_replacement(self, leg_id: str, other: str) -> None:
        """No event of ours tells of a bridge that a foreign channel has begun."""
        for _ in range(ASK_TIMES):
            try:
                partner = self._link.commands.api(f"uuid_getvar {other} bridge_to").strip()
            except EslError:
                return  # the caller is gone, or the link: both are told otherwise
            if partner not in ("", leg_id, UNDEFINED):
                self._book.replaced(leg_id, partner)
                return
            gevent.sleep(ASK_SECONDS)

    def _put_deadman_off(self, call_id: str) -> None:
        self._post_soon(f"api sched_del {call_id}")

    def _set_deadman(self, call_id: str) -> None:
        # The switch has set it too (execute_on_post_bridge); ours undoes a _put_deadman_off that came too late for a short talk, and
        # the claim timer of a caller whom a phone has transferred.
        self._post_soon(f"api sched_del {call_id}")
        self._post_soon(f"api sched_transfer {self._deadman_seconds} {call_id} {self._deadman_extension}")

    def _post_soon(self, text: str) -> None:
        try:
            self._link.commands.post_soon(text)
        except EslError as error:
            log.debug("not said: %s", error)

    def _gone_or_taken(self, reply: Reply) -> None:
        if not reply.ok and not reply.data.startswith(("-ERR invalid session id", "-ERR No such channel", "-ERR Operation failed")):
            raise SwitchRefused(reply.data.strip())


def _yes(value: bool) -> str:
    return "true" if value else "false"
