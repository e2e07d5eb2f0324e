"""The same calls as on a real FreeSWITCH 1.10.12, whose orders ``tests/streams/orders.json`` holds, event for event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import make_switch
from scenarios import HAND_OVER, SCENARIOS, SimWorld, header_names, phone_hangs_up, prompts, records
from simclient import Client

from ivrengine.simswitch.dialplan import Dialplan

RECORDED = json.loads((Path(__file__).parents[2] / "streams" / "orders.json").read_text())
# FreeSWITCH shows these only where they say something that has no counterpart here.
OPTIONAL = {"Other-Leg-Transfer-Source", "Caller-Transfer-Source", "Other-Leg-RDNIS"}


@pytest.fixture
def world(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimWorld]:
    monkeypatch.setattr(Dialplan, "_hand_over", staticmethod(lambda: HAND_OVER))
    switch = make_switch(site, speed=10)
    client = Client(switch.port)
    client.reply("event plain ALL")
    yield SimWorld(client, site / "recordings")
    client.close()
    switch.stop()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS])
def test_orders_are_those_of_freeswitch(world: SimWorld, scenario) -> None:
    assert scenario(world) == RECORDED[scenario.__name__]


def test_every_recorded_scenario_is_run() -> None:
    assert {scenario.__name__ for scenario in SCENARIOS} == set(RECORDED) - {"headers"}


def test_headers_have_freeswitchs_names_and_order(world: SimWorld) -> None:
    for scenario in (prompts, records, phone_hangs_up):  # in this order the first event of each kind is of the recorded kind
        scenario(world)
    seen = header_names(world.client)
    assert len(seen) > 15
    for event, names in seen.items():
        wanted = [name for name in RECORDED["headers"][event] if name not in OPTIONAL]
        assert [name for name in names if name not in OPTIONAL] == wanted, event
