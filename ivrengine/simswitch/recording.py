"""Recording: what the other end says, measured on the audio itself, written as a real WAV file.

``record`` (one caller, ends by silence, key or limit) and ``record_session`` / uuid_record (both sides of a call, until
stopped). A file that can't be opened hangs the call up with DESTINATION_OUT_OF_ORDER, as FreeSWITCH does; directories
are not made.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from .applications import application
from .audio import FRAME_MS, RATE, Speech, mix, silence_at_ms, write_wav
from .clock import Timer
from .playing import terminates
from .routine import Steps
from .text import leading_int, split_arguments

if TYPE_CHECKING:
    from .channel import Channel

DEFAULT_SILENCE_SECONDS = 3
RECORD_LIMIT_SECONDS = 3600  # a recording without a limit ends here, so that memory has one


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
    """A recording of both sides that runs beside everything else, until stopped, its limit, or the hang-up."""

    def __init__(self, channel: Channel, path: Path, limit_seconds: int) -> None:
        self.channel = channel
        self.path = path
        self.started = channel.core.clock.now_ms()
        seconds = min(limit_seconds or RECORD_LIMIT_SECONDS, RECORD_LIMIT_SECONDS)
        self._timer: Timer = channel.core.scheduler.call_later(seconds * 1000, lambda: self.finish("success-maxtime"))
        channel.recordings[str(path)] = self
        channel.emit("RECORD_START", last=[("Record-File-Path", str(path))])

    def finish(self, cause: str = "") -> None:
        channel = self.channel
        if channel.recordings.pop(str(self.path), None) is None:
            return
        channel.core.scheduler.cancel(self._timer)
        now = channel.core.clock.now_ms()
        heard: list[Speech] = []
        if channel.person is not None:
            heard = channel.person.speech + channel.person.heard_speech + channel.person.heard_sound(self.started, now)
        samples = mix(self.started, now, heard)
        try:
            write_wav(self.path, samples)
        except OSError:
            cause = "uri-failure"
        channel.set("record_seconds", str(len(samples) // RATE))
        channel.set("record_ms", str(len(samples) * 1000 // RATE))
        channel.set("record_samples", str(len(samples)))
        last = [("Record-File-Path", str(self.path))]
        if cause:
            channel.set("record_completion_cause", cause)
            last.append(("Record-Completion-Cause", cause))
        channel.emit("RECORD_STOP", last=last)


def start_session_recording(channel: Channel, text: str, limit_seconds: int) -> bool:
    path = _path(channel, text)
    if channel.down or not channel.media_ready or str(path) in channel.recordings or not _open(channel, path):
        return False
    SessionRecording(channel, path, limit_seconds)
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
