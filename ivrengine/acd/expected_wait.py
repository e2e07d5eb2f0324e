"""How long a caller will still wait: an estimate that is silent when unsure, and the band of minutes that is announced.

The model: ``agents`` people serve a line, each call keeps one of them busy for the average handling time (AHT), and those ahead in
line may hang up. Without hang-ups the (k+1)-th in line waits (k+1) x AHT / agents. Hang-ups make the line move faster: with i callers
ahead it moves at the rate agents / AHT + i x (hang-ups per second of waiting), and the wait is the sum of the inverses over all
places from k down to 0. That is blended with what the last callers who were served did wait, in proportion to the place in line.

Nothing is said (None) without agents, with fewer than LEAST_KNOWN talks in memory, where the model and the last waits contradict
each other, or where the wait would be longer than the longest band.
"""

from __future__ import annotations

import math
from collections import deque

MEMORY = 50  # talks and waits that are remembered
MEMORY_SECONDS = 3600.0  # and for how long: the morning says nothing about the afternoon
LEAST_KNOWN = 5
LAST_WAITS = 5  # of those who entered service last
MODEL_SHARE = 0.6  # the rest is what the last callers waited
CONTRADICTION = 3.0  # the model and the last waits differ by more than this factor ...
CONTRADICTION_SECONDS = 120.0  # ... and by more than so much: then nobody knows

BANDS = ((0, 1), (1, 2), (2, 5), (5, 10), (10, 15), (15, 20), (20, 30), (30, 45), (45, 60))  # minutes
BAND_SLACK = 1.25  # a little above its band an estimate still counts as within


class ExpectedWait:
    """One queue's memory. Told what happened, asked about a place in its line. Times are UTC seconds, never going back."""

    def __init__(self) -> None:
        self._handled: deque[tuple[float, float]] = deque(maxlen=MEMORY)  # when, handling seconds
        self._waits: deque[tuple[float, float, bool]] = deque(maxlen=MEMORY)  # when, waited seconds, served (else hung up)

    def served(self, now: float, wait_seconds: float) -> None:
        """A caller was connected after waiting so long."""
        self._waits.append((now, wait_seconds, True))

    def abandoned(self, now: float, wait_seconds: float) -> None:
        """A caller hung up after waiting so long."""
        self._waits.append((now, wait_seconds, False))

    def handled(self, now: float, handling_seconds: float) -> None:
        """An agent is free again after talk, hold and wrap-up of so long."""
        self._handled.append((now, handling_seconds))

    def average_handling_seconds(self, now: float) -> float | None:
        """AHT of the talks in memory; None while too few are known."""
        known = [seconds for at, seconds in self._handled if at >= now - MEMORY_SECONDS]
        return sum(known) / len(known) if len(known) >= LEAST_KNOWN else None

    def seconds(self, now: float, *, ahead: int, waiting: int, agents: int, ready: int = 0) -> float | None:
        """For a place with ``ahead`` callers before it in a line of ``waiting`` (one who comes now has all of them ahead).

        ``agents``: logged in, on no break, and able to serve the call; ``ready`` of them are idle.
        """
        if agents < 1:
            return None
        if ready > ahead:
            return 0.0
        handling = self.average_handling_seconds(now)
        if handling is None:
            return None
        expected = self._by_model(now, ahead, agents, handling)
        last = [seconds for at, seconds, was_served in self._waits if was_served and at >= now - MEMORY_SECONDS][-LAST_WAITS:]
        if last:
            observed = sum(last) / len(last) * min(1.0, (ahead + 1) / (waiting + 1))
            lower, upper = sorted((expected, observed))
            if upper > lower * CONTRADICTION and upper - lower > CONTRADICTION_SECONDS:
                return None
            expected = MODEL_SHARE * expected + (1 - MODEL_SHARE) * observed
        return expected if expected <= BANDS[-1][1] * 60 else None

    def _by_model(self, now: float, ahead: int, agents: int, handling_seconds: float) -> float:
        served_per_second = agents / max(handling_seconds, 1.0)
        known = [(seconds, served) for at, seconds, served in self._waits if at >= now - MEMORY_SECONDS]
        waited = sum(seconds for seconds, _ in known)
        lost_per_second = sum(not served for _, served in known) / waited if waited > 0 else 0.0
        if lost_per_second * (ahead + 1) < 1e-9 * served_per_second:
            return (ahead + 1) / served_per_second
        # the sum over all places, by its integral from half a place below the first to half a place above the last
        first = max(served_per_second - lost_per_second / 2, served_per_second / 2)
        return math.log1p((ahead + 1) * lost_per_second / first) / lost_per_second


class Band:
    """What one waiting caller has been told. It never grows: who was told 2 to 5 minutes is never told 5 to 10."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told = len(BANDS)

    def minutes(self, expected_seconds: float | None) -> tuple[int, int] | None:
        """The band to announce now, (least, most). None where nothing is known, or where it would contradict what was told before."""
        if expected_seconds is None:
            return None
        if self._told < len(BANDS) and BANDS[self._told][0] * 60 <= expected_seconds <= BANDS[self._told][1] * 60 * BAND_SLACK:
            return BANDS[self._told]
        fitting = next((index for index, (_, most) in enumerate(BANDS) if expected_seconds <= most * 60), len(BANDS))
        if fitting >= self._told:
            return None
        self._told = fitting
        return BANDS[fitting]
