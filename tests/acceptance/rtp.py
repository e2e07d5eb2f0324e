"""One end of a telephone conversation: speaks PCMA, presses keys as RFC 2833 events, keeps what it hears.

Packets leave every 20 ms from the first packet's clock, silence included, as a telephone does. sipp sets the call up; this end speaks
from a plain UDP socket, so that nothing needs root (sipp's own play_pcap does) and keys can be pressed when the test wants it.
"""

from __future__ import annotations

import audioop
import socket
import struct
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from . import audio

FRAME = 160  # samples in 20 ms
FRAME_SECONDS = 0.02
PCMA, EVENTS = 8, 101  # payload types as offered in the SDP of sipp.py
SILENCE = audioop.lin2alaw(bytes(2 * FRAME), 2)
KEY_FRAMES = 5  # a key is held for 100 ms
KEY_GAP_FRAMES = 5
KEYS = "0123456789*#ABCD"
MAX_FRAMES = 600 * 50  # ten minutes

Packet = tuple[int, bool, int, bytes]  # payload type, marker, samples that the clock moves on, payload


def speech(samples: np.ndarray) -> Iterator[Packet]:
    """``samples`` in -1..1 at 8000 Hz, in frames of 20 ms; the last is filled up with silence."""
    linear = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    linear += bytes(-len(linear) % (2 * FRAME))
    for start in range(0, len(linear), 2 * FRAME):
        yield PCMA, start == 0, FRAME, audioop.lin2alaw(linear[start : start + 2 * FRAME], 2)


def key(digit: str) -> Iterator[Packet]:
    """One key as RFC 2833 has it: one timestamp for the whole event, the end told three times, then a gap."""
    event = KEYS.index(digit)
    for frame in range(KEY_FRAMES):
        yield EVENTS, frame == 0, 0, struct.pack("!BBH", event, 10, (frame + 1) * FRAME)
    for repeat in range(3):
        moved = KEY_FRAMES * FRAME if repeat == 2 else 0
        yield EVENTS, False, moved, struct.pack("!BBH", event, 0x80 | 10, KEY_FRAMES * FRAME)
    for _ in range(KEY_GAP_FRAMES):
        yield PCMA, False, FRAME, SILENCE


class RtpEnd:
    """A socket on ``ip``; ``port`` goes into the SDP. ``talk`` begins when the far end is known, ``say`` gives it something to send."""

    def __init__(self, ip: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ip, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._sending: deque[tuple[Iterator[Packet], threading.Event]] = deque()
        self._heard: list[tuple[int, bytes]] = []  # (sample at which it stands, A-law)
        self.keys_heard: dict[int, str] = {}  # by the timestamp of the event
        self._last: tuple[int, int] | None = None
        self._began = 0.0
        self._last_arrival = 0.0

    def talk(self, far: tuple[str, int]) -> None:
        """Send silence, and whatever ``say`` brings, until ``close``; listen meanwhile."""
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(far,), daemon=True)
        self._thread.start()

    def say(self, packets: Iterable[Packet]) -> threading.Event:
        """Send ``packets`` after what is being sent. The event is set when they have left (or the call is over)."""
        done = threading.Event()
        if self._stop.is_set():
            done.set()
        self._sending.append((iter(packets), done))
        return done

    def close(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(5)
        for _, done in self._sending:
            done.set()
        self._socket.close()

    @property
    def quiet_seconds(self) -> float:
        """Since when no packet came: a switch that plays nothing sends nothing."""
        return time.monotonic() - max(self._last_arrival, self._began)

    @property
    def packets_heard(self) -> int:
        return len(self._heard)

    def heard(self, first: int = 0) -> np.ndarray:
        """What was heard since ``talk``, from the sample ``first`` on; where no packet came, silence."""
        packets = self._heard[bisect_left(self._heard, first, key=lambda packet: packet[0]) :]
        if not packets:
            return np.zeros(0)
        samples = np.zeros(packets[-1][0] + 10 * FRAME - first)
        for at, payload in packets:
            linear = np.frombuffer(audioop.alaw2lin(payload, 2), "<i2") / 32768
            samples[at - first : at - first + len(linear)] = linear[: len(samples) - (at - first)]
        return samples

    def save_heard(self, path: Path) -> Path:
        return audio.write(path, self.heard())

    def _run(self, far: tuple[str, int]) -> None:
        timestamp, ssrc = 1000, id(self) & 0xFFFFFFFF
        for number in range(MAX_FRAMES):
            if self._stop.is_set():
                return
            payload_type, marker, moved, payload = self._next_packet()
            header = struct.pack("!BBHII", 0x80, payload_type | marker << 7, number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
            timestamp += moved
            try:
                self._socket.sendto(header + payload, far)
            except OSError:
                pass  # the far end's port is gone: the call is over, and close() follows
            self._listen()
            time.sleep(max(0.0, self._began + (number + 1) * FRAME_SECONDS - time.monotonic()))

    def _next_packet(self) -> Packet:
        while self._sending:
            packets, done = self._sending[0]
            packet = next(packets, None)
            if packet is not None:
                return packet
            self._sending.popleft()
            done.set()
        return PCMA, False, FRAME, SILENCE

    def _listen(self) -> None:
        while True:
            try:
                data = self._socket.recv(2048)
            except OSError:
                return
            if len(data) <= 12:
                continue
            timestamp = struct.unpack_from("!I", data, 4)[0]
            if data[1] & 0x7F == EVENTS and data[12] < len(KEYS):
                self.keys_heard[timestamp] = KEYS[data[12]]
            if data[1] & 0x7F != PCMA:
                continue
            self._last_arrival = time.monotonic()
            if self._last and timestamp == (self._last[0] + FRAME) & 0xFFFFFFFF:
                at = self._last[1] + FRAME
            else:  # the far end paused: where the packet stands is told by the clock
                at = max(int((self._last_arrival - self._began) * audio.RATE), self._last[1] + FRAME if self._last else 0)
            self._last = (timestamp, at)
            self._heard.append((at, data[12:]))
