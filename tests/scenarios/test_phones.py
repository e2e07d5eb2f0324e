"""The benches' phones do alike on both switches: several at once, own calls, keys, hold, transfer keys. No engine runs."""

from __future__ import annotations

import json

from tests.acceptance.bench import Bench

from .call_centre import eventually


def connected(bench: Bench, one: str, two: str) -> bool:
    """Whether the switch itself has connected these two phones; a phone is free before the two that it joins are."""
    rows = json.loads(bench.api("show channels as json")).get("rows", [])
    ids = [next((row["uuid"] for row in rows if row["name"].startswith(f"sofia/phones/{phone}")), "") for phone in (one, two)]
    return all(ids) and [bench.api(f"uuid_getvar {uuid} bridge_to").strip() for uuid in ids] == ids[::-1]


def test_phones_call_each_other_hold_and_transfer(bench: Bench) -> None:
    one, two, three = bench.phone("8001"), bench.phone("8002", after_seconds=1.0), bench.phone("8003")
    one.dial("8002")
    two.wait_ringing()
    for phone in (one, two):
        phone.wait_talking()
    for on in (True, False):
        one.hold(on)
    one.press("12#")
    one.dial("8003")
    three.wait_talking()
    one.join()
    one.wait_idle()
    eventually(lambda: connected(bench, "8002", "8003"), "8002 and 8003 connected")
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
