"""What the embedded switch imitates is still what FreeSWITCH does: how the races of uuid_bridge end, and who survives a hold.

The orders of all scenarios are recorded with ``record_orders``; here those that decide whether a caller is lost run live, and how they
end is compared. The order of events of different threads is not: on a busy machine it varies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .record_orders import ROOT, real_world, scenarios

RECORDED = json.loads((ROOT / "tests/streams/orders.json").read_text())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[scenarios.RealWorld]:
    with real_world(tmp_path_factory.mktemp("races")) as world:
        yield world


def ends(orders: dict[str, list[str]]) -> dict[str, str]:
    return {channel: events[-1] for channel, events in orders.items()}


@pytest.mark.parametrize("name", ["agent_dies_after_uuid_bridge", "caller_dies_after_uuid_bridge", "agent_given_first_dies"])
def test_how_a_race_ends(world: scenarios.RealWorld, name: str) -> None:
    assert ends(getattr(scenarios, name)(world)) == ends(RECORDED[name])


@pytest.mark.parametrize("name", [
    "two_bridges_to_one_caller", "taken_uuid", "phone_holds", "phone_gone_while_holding", "blind_transfer_from_hold"])
def test_who_parks_and_who_is_gone(world: scenarios.RealWorld, name: str) -> None:
    found = getattr(scenarios, name)(world)
    for channel, events in RECORDED[name].items():
        for telling in ("PARK", "BRIDGE", "UNBRIDGE", "EXECUTE playback"):
            assert found[channel].count(telling) == events.count(telling), (channel, telling)
