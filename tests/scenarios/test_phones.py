"""The benches' phones do alike on both switches: several at once, own calls, keys, hold, transfer keys. No engine runs."""

from __future__ import annotations

import time

from tests.acceptance.bench import Bench

REINVITE_SECONDS = 1.0  # a phone can't change its mind before the switch has answered
JOIN_SECONDS = 1.0  # the phone is free before the two that it joined are connected


def test_phones_call_each_other_hold_and_transfer(bench: Bench) -> None:
    one, two, three = bench.phone("8001"), bench.phone("8002", after_seconds=1.0), bench.phone("8003")
    one.dial("8002")
    two.wait_ringing()
    for phone in (one, two):
        phone.wait_talking()
    for on in (True, False):
        one.hold(on)
        time.sleep(REINVITE_SECONDS)
    one.press("12#")
    one.dial("8003")
    three.wait_talking()
    one.join()
    one.wait_idle()
    time.sleep(JOIN_SECONDS)
    two.wait_talking()
    three.hang_up()
    for phone in (two, three):
        phone.wait_idle()
    bench.phone("8003", "reject")
    two.dial("8003")
    two.wait_idle()


def test_a_phone_sends_who_it_talks_to_elsewhere_and_the_fallback_answers(bench: Bench) -> None:
    one, two = bench.phone("8001"), bench.phone("8002")
    one.dial("8002")
    two.wait_talking()
    two.transfer("12345")
    two.wait_idle()
    one.wait_talking()
    one.hang_up()
    one.wait_idle()
