"""What routing an event costs the engine, against stock greenswitch parsing the same bytes.

The events are those of tests/streams, recorded from a real FreeSWITCH (those of callers with names of 10,000
characters are left out). Routing means: which event, of which channel, of which shard. The peer decodes and splits every header, which
it can't avoid. Frames are cut from the stream in the measured time, by us from bytes, by greenswitch from the lines of a file.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from greenswitch.esl import ESLEvent

from ivrengine.esl.wire import FrameReader, RawEvent

STREAMS = Path(__file__).parents[2] / "tests" / "streams"
LEFT_OUT = ("hostile_names.bin",)
ROUNDS = 15
REPEATS = 20
HEADERS = (
    "Caller-Caller-ID-Number",
    "Caller-Destination-Number",
    "Answer-State",
    "Hangup-Cause",
    "Application-UUID",
    "Application-Response",
    "variable_playback_terminator_used",
    "Event-Date-Timestamp",
)


def recorded_events() -> list[bytes]:
    """The insides of all recorded events."""
    paths = [path for path in sorted(STREAMS.glob("*.bin")) if path.name not in LEFT_OUT]
    frames = [frame for path in paths for frame in FrameReader().feed(path.read_bytes())]
    return [frame.body for frame in frames if frame.content_type == b"text/event-plain"]


def framed(events: list[bytes]) -> bytes:
    return b"".join(b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(event), event) for event in events)


def microseconds(events: int, works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """CPU time of each work for one event: the median of several rounds, in each of which all take their turn."""
    rounds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            begun = time.process_time()
            for _ in range(REPEATS):
                work()
            rounds[name].append((time.process_time() - begun) / REPEATS / events * 1_000_000)
    return {name: median(times) for name, times in rounds.items()}


def run() -> Iterator[dict[str, object]]:
    """``ratio``: how many times cheaper than the peer."""
    events = recorded_events()
    stream = framed(events)
    texts = [event.decode() for event in events]

    def lazily() -> None:
        for event in events:
            RawEvent(event).route()

    def with_headers() -> None:
        for event in events:
            one = RawEvent(event)
            one.route()
            for name in HEADERS:
                one.get(name)

    def from_stream() -> None:
        for frame in FrameReader().feed(stream):
            RawEvent(frame.body).route()

    def stock() -> None:
        for text in texts:
            ESLEvent(text)

    def stock_from_stream() -> None:
        file = io.BytesIO(stream)
        held = ""
        while line := file.readline().decode():
            if line != "\n":
                held += line
                continue
            outer = ESLEvent(held)
            outer.parse_data(file.read(int(outer.headers["Content-Length"])).decode())
            held = ""

    spent = microseconds(
        len(events),
        {
            "esl.route": lazily,
            "esl.route_and_eight_headers": with_headers,
            "esl.frame_and_route": from_stream,
            "greenswitch ESLEvent": stock,
            "greenswitch readline and ESLEvent": stock_from_stream,
        },
    )
    for figure, peer in (
        ("esl.route", "greenswitch ESLEvent"),
        ("esl.route_and_eight_headers", "greenswitch ESLEvent"),
        ("esl.frame_and_route", "greenswitch readline and ESLEvent"),
    ):
        yield {
            "figure": figure,
            "value": round(spent[figure], 2),
            "unit": f"us CPU per event of {sum(map(len, events)) // len(events)} bytes",
            "peer": peer,
            "peer_value": round(spent[peer], 2),
            "ratio": round(spent[peer] / spent[figure], 1),
        }
