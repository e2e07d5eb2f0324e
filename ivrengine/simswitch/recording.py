"""Recording: what the other end says, measured on the audio itself, written as a real WAV file.

``record`` (one caller, ends by silence, key or limit) and ``record_session`` / uuid_record (both sides of a call, until
stopped). ``record`` to a file that can't be opened hangs the call up with DESTINATION_OUT_OF_ORDER, as FreeSWITCH does, and
makes no directories.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from .applications import application
from .audio import FRAME_MS, RATE, Samples, mix, silence_at_ms, together, write_wav
from .clock import Timer
from .playing import terminates
from .routine import Steps
from .text import is_true, leading_int, split_arguments

if TYPE_CHECKING:
    from .channel import Channel

DEFAULT_SILENCE_SECONDS = 3
RECORD_LIMIT_SECONDS = 3600  # a recording without a limit ends here, so that memory has one
RECORDINGS_LIMIT = 10  # of one channel at once
MASKS_LIMIT = 1000  # in one recording


def _path(channel: Channel, text: str) -> Path:
    path = Path(text)
    return path if path.is_absolute() else channel.core.recordings_dir / path


def _open(channel: Channel, path: Path) -> bool:
    """Make the file, to find out whether that is possible."""
    if channel.core.faults.lost(str(path)):
        return False
    try:
        path.open("wb").close()
    except (OSError, ValueError):
        return False
    return True


@application("record")
def record(channel: Channel, data: str) -> Steps:
    """``path [limit_seconds [threshold [silence_seconds]]]``; a path ends at the first space."""
    arguments = split_arguments(data, limit=4)
    if not arguments:
        return
    path = _path(channel, arguments[0])
    limit = leading_int(arguments[1].lstrip("+")) if len(arguments) > 1 else 0
    threshold = leading_int(arguments[2]) if len(arguments) > 2 else 0
    silence = leading_int(arguments[3]) if len(arguments) > 3 else 0
    silent_frames = (silence or DEFAULT_SILENCE_SECONDS) * 1000 // FRAME_MS
    channel.set("playback_terminator_used", None)
    if not channel.pre_answer() or not _open(channel, path):
        channel.hangup("DESTINATION_OUT_OF_ORDER")
        return
    clock, person = channel.core.clock, channel.person
    channel.set("silence_hits_exhausted", "false")
    channel.emit("RECORD_START", last=[("Record-File-Path", str(path))])
    started = clock.now_ms()
    if person is not None:
        person.recording_changed(True)
    # FreeSWITCH compares whole seconds of the clock, so that a limit of 5 s ends after 5 to 6 s.
    wall = clock.wall_seconds()
    limit_at = started + (math.floor(wall) + (limit or RECORD_LIMIT_SECONDS) + 1 - wall) * 1000
    ends_by_key = terminates(channel)
    known, silence_at = -1, math.inf
    while True:
        now = clock.now_ms()
        if not channel.ready():
            end = now
            break
        if channel.break_flag:
            channel.break_flag = False
            end = now
            break
        if channel.private and not channel.event_lock:
            yield from channel.parse_events()
            continue
        speech = person.speech if person is not None else []
        if threshold and known != len(speech):
            known, silence_at = len(speech), silence_at_ms(started, speech, threshold, silent_frames)
        if now >= min(limit_at, silence_at):
            end = min(limit_at, silence_at)
            if silence_at <= limit_at:
                channel.set("silence_hits_exhausted", "true")
            break
        if channel.digits and ends_by_key(channel.dequeue_digit()):
            end = now
            break
        due = min(limit_at, silence_at)
        yield min(due, channel.frame_end()) if channel.digits else due
    if person is not None:
        person.recording_changed(False)
    samples = mix(started, end, list(person.speech) if person is not None else [])
    try:
        write_wav(path, samples)
    except OSError:
        channel.hangup("DESTINATION_OUT_OF_ORDER")
    channel.set("record_seconds", str(len(samples) // RATE))
    channel.set("record_ms", str(len(samples) * 1000 // RATE))
    channel.set("record_samples", str(len(samples)))
    channel.emit("RECORD_STOP", last=[("Record-File-Path", str(path))])
    if not channel.ready() and not channel.transfer_flag:
        channel.hangup("DESTINATION_OUT_OF_ORDER")


class SessionRecording:
    """A recording of both sides that runs beside everything else, until stopped, its limit, or the hang-up.

    With RECORD_STEREO what this side says is on the left, what it hears on the right. While it is masked both are silent.
    """

    def __init__(self, channel: Channel, path: Path, limit_seconds: int) -> None:
        self.channel = channel
        self.path = path
        self.started = channel.core.clock.now_ms()
        self._stereo = is_true(channel.variables.get("RECORD_STEREO"))
        self._masked: list[tuple[float, float]] = []
        self._masked_since: float | None = None
        seconds = min(limit_seconds or RECORD_LIMIT_SECONDS, RECORD_LIMIT_SECONDS)
        self._timer: Timer = channel.core.scheduler.call_later(seconds * 1000, self.finish)
        channel.recordings[str(path)] = self
        channel.emit("RECORD_START", last=[("Record-File-Path", str(path))])

    def mask(self, on: bool) -> None:
        now = self.channel.core.clock.now_ms()
        if on and self._masked_since is None and len(self._masked) < MASKS_LIMIT:
            self._masked_since = now
        elif not on and self._masked_since is not None:
            self._masked.append((self._masked_since, now))
            self._masked_since = None

    def finish(self) -> None:
        channel = self.channel
        if channel.recordings.pop(str(self.path), None) is None:
            return
        channel.core.scheduler.cancel(self._timer)
        self.mask(False)
        now = channel.core.clock.now_ms()
        said, heard = self._sides(now)
        cause = "success-maxtime"
        if channel.down:
            spoken = bool(numpy.any(said)) or bool(numpy.any(heard))
            cause = "success-silence" if spoken else "no-input-timeout"
        try:
            write_wav(self.path, numpy.column_stack([said, heard]) if self._stereo else together(said, heard))
        except OSError:
            cause = "uri-failure"
        channel.set("record_seconds", str(len(said) // RATE))
        channel.set("record_ms", str(len(said) * 1000 // RATE))
        channel.set("record_samples", str(len(said)))
        channel.set("record_completion_cause", cause)
        channel.emit("RECORD_STOP", last=[("Record-File-Path", str(self.path)), ("Record-Completion-Cause", cause)])

    def _sides(self, now: float) -> tuple[Samples, Samples]:
        person = self.channel.person
        says = list(person.speech) if person is not None else []
        hears = person.heard_speech + person.heard_sound(self.started, now) if person is not None else []
        said, heard = mix(self.started, now, says), mix(self.started, now, hears)
        for begun, ended in self._masked:
            first, last = (round((instant - self.started) * RATE / 1000) for instant in (begun, ended))
            said[first:last] = heard[first:last] = 0
        return said, heard


def start_session_recording(channel: Channel, text: str, limit_seconds: int) -> bool:
    """A path that is being recorded to already stays as it is, which is a success. Directories are made."""
    path = _path(channel, text)
    if channel.down or not channel.media_ready:
        return False
    if str(path) in channel.recordings:
        return True
    if len(channel.recordings) >= RECORDINGS_LIMIT:
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError):
        return False
    if not _open(channel, path):
        return False
    SessionRecording(channel, path, limit_seconds)
    return True


def mask_session_recording(channel: Channel, text: str, on: bool) -> bool:
    recording = channel.recordings.get(str(_path(channel, text)))
    if recording is None:
        return False
    recording.mask(on)
    return True


def stop_session_recording(channel: Channel, text: str) -> bool:
    """Stop one recording by its path, or every one by the word ``all``."""
    if text == "all":
        wanted = list(channel.recordings.values())
    else:
        recording = channel.recordings.get(str(_path(channel, text)))
        wanted = [recording] if recording is not None else []
    for recording in wanted:
        recording.finish()
    return bool(wanted)


@application("record_session")
def record_session(channel: Channel, data: str) -> None:
    path, _, rest = data.partition(" ")
    if path.startswith("{"):
        path = path.partition("}")[2]
    start_session_recording(channel, path, leading_int(rest.lstrip("+")))


@application("stop_record_session")
def stop_record_session(channel: Channel, data: str) -> None:
    stop_session_recording(channel, data.strip() or "all")
