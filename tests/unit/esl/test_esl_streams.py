"""What a real FreeSWITCH sent, replayed through the parser and the translation. See tests/streams/README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from greenswitch.esl import ESLEvent

from ivrengine.domain.events import (
    Answered,
    CallerHungUp,
    DialEnded,
    DigitPressed,
    PromptEnded,
    RecordingEnded,
    SecretCollected,
)
from ivrengine.esl.calls import Calls
from ivrengine.esl.translate import Pending
from ivrengine.esl.wire import FrameReader, RawEvent

STREAMS = Path(__file__).parents[2] / "streams"
FILES = sorted(STREAMS.glob("*.bin"))
KNOWN_FRAMES = {b"auth/request", b"command/reply", b"text/event-plain", b"text/disconnect-notice"}


def events_of(name: str) -> list[RawEvent]:
    frames = FrameReader().feed((STREAMS / name).read_bytes())
    return [RawEvent(frame.body) for frame in frames if frame.content_type == b"text/event-plain"]


class Replay:
    """Listens, and expects of each offered call what was commanded when the stream was recorded."""

    def __init__(self, name: str, *commanded: Pending) -> None:
        self.heard: list[object] = []
        self.offered: list[object] = []
        self._commanded = commanded
        self.calls = Calls(self, "ivr", lambda: 0.0)
        for one in events_of(name):
            if one.event_name != "BACKGROUND_JOB":
                self.calls.on_event(one)

    def call_offered(self, call, channel) -> None:
        self.offered.append(call)
        for command in self._commanded:
            self.calls.expect(call.call_id, command)

    def call_event(self, call_id, event) -> None:
        self.heard.append(event)

    def switch_connected(self, core_uuid, channels) -> None: ...

    def switch_lost(self, reason) -> None: ...


def test_there_are_streams():
    assert len(FILES) >= 4
    readme = (STREAMS / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in FILES if f"`{path.name}`" not in readme] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("piece", [1, 100, 1460, 65536])
def test_every_stream_is_cut_into_whole_frames(path: Path, piece: int):
    raw = path.read_bytes()
    reader = FrameReader()
    frames = [frame for at in range(0, len(raw), piece) for frame in reader.feed(raw[at : at + piece])]
    assert reader.waiting_for == ""
    assert {frame.content_type for frame in frames} <= KNOWN_FRAMES
    assert frames == list(FrameReader().feed(raw))
    events = [RawEvent(frame.body) for frame in frames if frame.content_type == b"text/event-plain"]
    assert events
    assert all(one.event_name.isupper() and one.get("Core-UUID") and one.get("Event-Sequence") for one in events)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_routing_agrees_with_looking_each_header_up(path: Path):
    for one in events_of(path.name):
        expected = (one.get("Event-Name"), one.get("Unique-ID") or "", one.get("Channel-Presence-Data"))
        assert one.route() == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lazy_lookups_agree_with_reading_every_line(path: Path):
    for one in events_of(path.name):
        if one.body:
            continue
        headers = dict(one.starting_with(""))
        assert len(headers) > 30
        assert headers | {"Event-Name": one.event_name} == {name: one.get(name) or "" for name in [*headers, "Event-Name"]}


def test_a_call_through_a_menu():
    plays = [Pending(f"t-{number}", "play", stopped=number == 3) for number in range(2, 6)]
    replay = Replay("menu_call.bin", Pending("t-1", "answer"), *plays)
    assert [(call.dialled, call.number, call.name) for call in replay.offered] == [("5001", "13800138000", "Bob")]
    assert replay.heard == [
        Answered("t-1"),
        PromptEnded("t-2", "played"),
        DigitPressed("1"),
        PromptEnded("t-3", "stopped"),
        PromptEnded("t-4", "failed", "the switch can't find or open the file"),
        CallerHungUp("NORMAL_CLEARING"),
    ]


def test_recordings_a_secret_and_dials():
    paths = [f"/tmp/fsrec/rec/{name}.wav" for name in ("one", "two", "three")]
    replay = Replay(
        "record_secret_dial.bin",
        Pending("t-1", "answer"),
        Pending("t-2", "record", path=paths[0], finish_keys="#*"),
        Pending("t-3", "record", path=paths[1]),
        Pending("t-4", "secret", least=4),
        *[Pending(f"t-{number}", "dial") for number in range(5, 9)],
        Pending("t-9", "record", path=paths[2]),
    )
    assert replay.offered[0].name == "张三"
    assert replay.heard == [
        Answered("t-1"),
        DigitPressed("5"),
        RecordingEnded("t-2", "recorded", paths[0], 820, "key"),
        RecordingEnded("t-3", "recorded", paths[1], 560, "silence"),
        SecretCollected("t-4", "entered", "4711"),
        DialEnded("t-5", "answered", "NORMAL_CLEARING", 700),
        DialEnded("t-6", "busy", "USER_BUSY"),
        DialEnded("t-7", "no_answer", "NO_ANSWER"),
        DialEnded("t-8", "rejected", "CALL_REJECTED"),
        RecordingEnded("t-9", "recorded", paths[2], 760, "hangup"),
        CallerHungUp("NORMAL_CLEARING"),
    ]


def test_strangers_names_are_harmless():
    replay = Replay("hostile_names.bin", Pending("t-1", "answer"))
    assert [call.name for call in replay.offered] == [
        "Bob Event-Name: CHANNEL_HANGUP_COMPLETE Unique-ID: x",
        "Jos",
        "%{hangup} '; , ^^ `id`",
        "A" * 80,
    ]
    assert replay.heard == [Answered("t-1"), CallerHungUp("NORMAL_CLEARING")] * 4


def test_the_forged_name_fools_greenswitch_and_not_us():
    # Without this the test above could pass on a stream that forges nothing.
    frames = FrameReader().feed((STREAMS / "hostile_names.bin").read_bytes())
    raw = next(frame.body for frame in frames if b"Event-Name: CHANNEL_PARK" in frame.body)
    assert ESLEvent(raw.decode()).headers["Unique-ID"].startswith("x")
    assert len(RawEvent(raw).unique_id) == 36


def test_results_of_background_jobs_are_bodies():
    named = {one.get("Job-UUID") or "": one for one in events_of("background_jobs.bin") if one.event_name == "BACKGROUND_JOB"}
    jobs = {job: one for job, one in named.items() if job.startswith("ivr-recorded-")}
    assert sorted(jobs) == [f"ivr-recorded-{number}" for number in range(4)]
    dump = jobs["ivr-recorded-0"]
    assert dump.get("Unique-ID") is None
    assert dump.body.startswith("Event-Name: CHANNEL_DATA\n")
    assert RawEvent(dump.body.encode()).unique_id
    assert jobs["ivr-recorded-1"].body.startswith("UP 0 years")
    assert jobs["ivr-recorded-2"].body == "-ERR nonsense Command not found!\n"
    assert jobs["ivr-recorded-3"].body.startswith("-ERR ")
