"""Simulated people: a caller, or the user of a phone, who listens, presses keys, speaks and hangs up by a script.

A script is a list of steps (checked by ``check_script``, which refuses anything else with a sentence):
``{"wait": seconds}``, ``{"press": "12#"}``, ``{"after_prompt": true}`` (until a prompt has ended and nothing followed it),
``{"press_after_prompt": "1"}``, ``{"until_recording": true}``, ``{"until_talking": true}`` (connected to somebody),
``{"speak": "/path.wav"}``, ``{"hold": true}`` and ``false``, ``{"refer": "8002"}`` (a phone's transfer key), ``{"hangup": true}``.
All but waiting and hanging up wait until there is audio; waiting and hanging up work while it still rings.
"""

from __future__ import annotations

import contextlib
import uuid as uuids
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import holding
from .audio import SPEECH_LIMIT_SECONDS, BadAudio, Samples, Speech, load_samples, resolve
from .channel import Channel
from .dialplan import PHONES_CONTEXT
from .eavesdropping import hearers
from .headers import Profile
from .referring import CannotRefer, refer_blind
from .routine import Routine, Steps

if TYPE_CHECKING:
    from .core import Core

KEYS = frozenset("0123456789*#ABCDabcd")
STEPS = "wait, press, press_after_prompt, after_prompt, until_recording, until_talking, speak, hold, refer, hangup"
KEY_GAP_MS = 120.0  # between the keys of one ``press``
QUIET_MS = 300.0  # a prompt has ended when nothing follows it for so long
SCRIPT_LIMIT = 1000  # steps
KEYS_LIMIT = 100  # in one press
HEARD_LIMIT = 2000  # parts of prompts kept per person
TEXT_LIMIT = 20_000  # characters of a name or a number
WAIT_LIMIT_SECONDS = 24 * 3600.0


class BadScript(Exception):
    """The script can't be followed; the message is a sentence."""


def check_script(steps: Any) -> list[tuple[str, Any]]:
    """Returns (step, argument) pairs. Raises BadScript."""
    if not isinstance(steps, list) or len(steps) > SCRIPT_LIMIT:
        raise BadScript(f"script must be a list of at most {SCRIPT_LIMIT} steps")
    checked = []
    for number, step in enumerate(steps, 1):
        if not isinstance(step, dict) or len(step) != 1:
            raise BadScript(f'step {number} must be an object with one key, e.g. {{"wait": 1.0}}')
        name, argument = next(iter(step.items()))
        problem = _problem(name, argument)
        if problem:
            raise BadScript(f"step {number}: {problem}")
        checked.append((name, argument))
    return checked


def _problem(name: str, argument: Any) -> str:
    if name == "wait":
        fits = isinstance(argument, (int, float)) and not isinstance(argument, bool) and 0 <= argument <= WAIT_LIMIT_SECONDS
        return "" if fits else "wait takes seconds, at least 0"
    if name in ("press", "press_after_prompt"):
        fits = isinstance(argument, str) and 0 < len(argument) <= KEYS_LIMIT and set(argument) <= KEYS
        return "" if fits else f"{name} takes 1 to {KEYS_LIMIT} of the keys 0-9 * # A-D"
    if name == "speak":
        return "" if isinstance(argument, str) and argument else "speak takes the path of a sound file"
    if name == "refer":
        return "" if isinstance(argument, str) and 0 < len(argument) <= TEXT_LIMIT else "refer takes a number"
    if name == "hold":
        return "" if isinstance(argument, bool) else "hold takes true or false"
    if name in ("hangup", "after_prompt", "until_recording", "until_talking"):
        return "" if argument is True else f"{name} takes true"
    return f"unknown step {name!r}; known are {STEPS}"


class Person:
    """Who holds the receiver at the far end of ``channel``. Times are simulated ms."""

    def __init__(self, core: Core, channel: Channel, script: list[tuple[str, Any]]) -> None:
        self.core = core
        self.channel = channel
        self.speech: list[Speech] = []  # what this person says, as it is heard
        self.muted = False  # by uuid_audio
        self._said: list[Speech] = []  # the same as it was said
        self.heard_speech: list[Speech] = []  # what the other side of a bridge, or who speaks into the call, says
        self.heard_people: list[dict[str, Any]] = []
        self._speaks_until_ms = 0.0
        self.heard: list[dict[str, Any]] = []
        self.ended = False
        self.end_cause = ""
        self._since_ms = core.clock.now_ms()
        self._prompt_ended_ms: float | None = None
        self._prompts_ended = 0
        self._recording = False
        self._now_playing: tuple[float, list[tuple[str, float | None]]] | None = None
        channel.person = self
        core.remember(channel.uuid, self)
        self.routine = Routine(core.scheduler, self._follow(script))
        self.routine.wake(0)

    # What the channel tells

    def wake(self, delay_ms: float) -> None:
        self.routine.wake(delay_ms)

    def prompt_started(self, parts: list[tuple[str, float | None]]) -> None:
        self._now_playing = (self.core.clock.now_ms(), parts)

    def prompt_ended(self, parts: list[tuple[str, float | None]], played_ms: float) -> None:
        started, _ = self._now_playing or (self.core.clock.now_ms(), parts)
        self._now_playing = None
        self._note(started, parts, played_ms)
        self._prompt_ended_ms = self.core.clock.now_ms()
        self._prompts_ended += 1
        self.routine.wake(0)

    def missed(self, parts: list[tuple[str, float | None]]) -> None:
        self._note(self.core.clock.now_ms(), parts, 0.0)

    def recording_changed(self, recording: bool) -> None:
        self._recording = recording
        self.routine.wake(0)

    def call_ended(self) -> None:
        self.ended = True
        self.end_cause = self.channel.hangup_cause
        self._said.clear()
        self.speech.clear()  # what was heard is kept after the call, sound is not
        self.heard_speech.clear()
        self.routine.wake(0)

    # What can be asked

    def report(self) -> list[dict[str, Any]]:
        """What was heard so far, a row for each part of a prompt; what plays now has the outcome ``playing``."""
        rows = list(self.heard)
        if self._now_playing is not None:
            started, parts = self._now_playing
            before = len(self.heard)
            self._note(started, parts, self.core.clock.now_ms() - started, playing=True)
            rows, self.heard = self.heard, self.heard[:before]
        return rows

    def overhear(self, now: float, samples: Samples, path: str) -> None:
        """Somebody says what the file ``path`` holds."""
        self.heard_speech.append((now, samples))
        if len(self.heard_people) < HEARD_LIMIT:
            self.heard_people.append({"at_ms": round(now - self._since_ms), "path": path, "length_ms": round(len(samples) / 8.0)})

    def heard_sound(self, from_ms: float, to_ms: float) -> list[Speech]:
        """The prompts heard between two instants, as sound."""
        sound: list[Speech] = []
        for row in self.report():
            started = self._since_ms + row["at_ms"]
            if row["played_ms"] <= 0 or started > to_ms or started + row["played_ms"] < from_ms:
                continue
            path = resolve(self.core, row["path"])
            try:
                sound.append((started, load_samples(path)[: int(row["played_ms"] * 8)]))
            except BadAudio:
                continue  # a tone, silence, or a file deleted since: it leaves no sound in the recording
        return sound

    def _note(self, started: float, parts: list[tuple[str, float | None]], played_ms: float, playing: bool = False) -> None:
        at = started
        left = played_ms
        for path, duration in parts:
            if len(self.heard) >= HEARD_LIMIT:
                return
            row = {"at_ms": round(at - self._since_ms), "path": path, "played_ms": 0, "outcome": "missing"}
            if duration is not None:
                part_ms = min(left, duration)
                finished = left >= duration - 0.5
                if not finished and left <= 0 and part_ms <= 0 and at > started:
                    return  # never begun
                row["played_ms"] = round(part_ms)
                row["outcome"] = "played" if finished else "playing" if playing else "stopped"
                at += part_ms
                left -= part_ms
            self.heard.append(row)

    # What the person does

    def press(self, keys: str) -> None:
        """Press keys one after the other, KEY_GAP_MS apart, beside whatever the script does."""
        for index, key in enumerate(keys.upper()):
            self.core.scheduler.call_later(index * KEY_GAP_MS, lambda key=key: self._press_now(key))

    def _press_now(self, key: str) -> None:
        self.channel.press(key)

    def speak(self, path: str) -> float:
        """Say what a sound file holds, after what is being said already. Returns in how many ms it is said. Raises BadAudio."""
        samples = load_samples(Path(path))
        now = self.core.clock.now_ms()
        start = max(now, self._speaks_until_ms)  # a mouth says one thing at a time: speech may be given piece by piece
        if start + len(samples) / 8.0 - now > SPEECH_LIMIT_SECONDS * 1000:
            raise BadAudio(f"more than {SPEECH_LIMIT_SECONDS} s are waiting to be said already")
        self._speaks_until_ms = start + len(samples) / 8.0
        audible = samples.copy()
        if self.muted:
            audible[:] = 0
        self._said.append((start, samples))
        self.speech.append((start, audible))
        for person in () if self.muted else hearers(self.channel):
            person.overhear(start, audible, path)
        self.channel.wake(0)
        return self._speaks_until_ms - now

    def mute(self, on: bool) -> None:
        """From now on nobody hears what this person says, nor does a recording; or everybody does again."""
        self.muted = on
        now = self.core.clock.now_ms()
        for (start, said), (_, audible) in zip(self._said, self.speech, strict=True):
            rest = max(0, round((now - start) * 8))
            audible[rest:] = 0 if on else said[rest:]

    def hold(self, on: bool) -> None:
        """The key "hold" of a phone: the other side hears music."""
        if on:
            holding.start(self.channel)
        else:
            holding.stop(self.channel)

    def hang_up(self, cause: str = "NORMAL_CLEARING") -> None:
        # Before the answer a caller's CANCEL reaches FreeSWITCH with this cause.
        self.channel.hangup(cause if self.channel.answered else "ORIGINATOR_CANCEL")

    def _until(self, condition: Any) -> Steps:
        while not self.ended and not condition():
            yield None

    def _pause(self, milliseconds: float) -> Steps:
        clock = self.core.clock
        until = clock.now_ms() + milliseconds
        while not self.ended and clock.now_ms() < until:
            yield until

    def _follow(self, script: list[tuple[str, Any]]) -> Steps:
        for name, argument in script:
            if self.ended:
                return
            if name == "wait":
                yield from self._pause(argument * 1000.0)
            elif name == "hangup":
                self.hang_up()
            else:
                yield from self._until(lambda: self.channel.media_ready)
                yield from self._with_audio(name, argument)

    def _with_audio(self, name: str, argument: Any) -> Steps:
        if name in ("after_prompt", "press_after_prompt"):
            yield from self._quiet()
        elif name == "until_recording":
            yield from self._until(lambda: self._recording)
        elif name == "until_talking":
            yield from self._until(lambda: self.channel.partner is not None)
        if self.ended:
            return
        if name in ("press", "press_after_prompt"):
            self.press(argument)
            yield from self._pause(KEY_GAP_MS * len(argument))
        elif name == "hold":
            self.hold(argument)
        elif name == "refer":
            with contextlib.suppress(CannotRefer):  # the other side has left meanwhile
                refer_blind(self.channel, argument)
        elif name == "speak":
            try:
                length_ms = self.speak(argument)
            except BadAudio:
                return  # refused when the script was given; it has been deleted since
            yield from self._pause(length_ms)

    def _quiet(self) -> Steps:
        """Until a prompt that plays now or begins later has ended and nothing has followed it for QUIET_MS."""
        clock = self.core.clock
        ended = self._prompts_ended
        while not self.ended:
            if self._now_playing is None and self._prompts_ended > ended and self._prompt_ended_ms is not None:
                quiet_at = self._prompt_ended_ms + QUIET_MS
                if clock.now_ms() >= quiet_at:
                    return
                yield quiet_at
            else:
                yield None


def place_phone_call(core: Core, extension: str, number: str, script: list[tuple[str, Any]], uuid: str | None = None) -> Channel:
    """A phone of the house dials; the switch has checked its password."""
    profile = Profile(caller_id_name=extension, caller_id_number=extension, destination=number, context=PHONES_CONTEXT)
    channel = Channel(core, profile, f"sofia/phones/{extension}@{core.domain}", uuid)
    channel.set("sip_auth_username", extension)
    Person(core, channel, script)
    channel.wake(0)
    return channel


def place_call(core: Core, number: str, caller_number: str, caller_name: str, script: list[tuple[str, Any]],
               uuid: str | None = None) -> Channel:
    """A call from outside reaches the switch, as an INVITE would. Without a name the number stands for it, as in mod_sofia."""
    profile = Profile(caller_id_name=caller_name or caller_number, caller_id_number=caller_number, destination=number)
    channel = Channel(core, profile, f"sofia/external/{caller_number}@127.0.0.1", uuid or str(uuids.uuid4()))
    Person(core, channel, script)
    channel.wake(0)
    return channel
