"""Many random days of a call centre, judged after every step: ``scripts/acd_soak 1000000``.

A day that breaks a rule is named by its seed; ``scripts/acd_soak --seed SEED --days 1`` runs it again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import count
from random import Random

from acd_day import ACTIONS, Day

STEPS_OF_A_DAY = 300


def soak(steps: int, seed: int, told: Callable[[int, int], None] | None = None) -> int:
    """At least so many steps (things told, or expiries), in days with seeds from ``seed`` on. ``told`` hears of steps and days so far."""
    done = 0
    for days in count():
        if done >= steps:
            break
        done += a_day(seed + days)
        if told is not None:
            told(done, days + 1)
    return done


def a_day(seed: int) -> int:
    """One day; how many steps it had. Raises AssertionError with the seed as a note."""
    luck = Random(seed)
    actions, weights = list(ACTIONS), list(ACTIONS.values())
    day = Day(luck)
    try:
        while day.world.steps < STEPS_OF_A_DAY:
            luck.choices(actions, weights)[0](day, luck)
        day.world.replay()
    except Exception as error:
        error.add_note(f"the day with seed {seed}, after {day.world.steps} steps")
        raise
    return day.world.steps


def main() -> None:
    parser = argparse.ArgumentParser(description="Look for a violation of the dispatcher's rules.")
    parser.add_argument("steps", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first day")
    parser.add_argument("--days", type=int, default=0, help="only so many days")
    arguments = parser.parse_args()
    began, last = time.monotonic(), 0.0

    def told(steps: int, days: int) -> None:
        nonlocal last
        seconds = time.monotonic() - began
        if seconds - last > 30:
            last = seconds
            print(f"{steps} steps in {days} days, {seconds:.0f} s", flush=True)

    if arguments.days:
        done = sum(a_day(arguments.seed + day) for day in range(arguments.days))
    else:
        done = soak(arguments.steps, arguments.seed, told)
    print(f"{done} steps without a violation, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
