"""The same calls as on a real FreeSWITCH 1.10.12, whose orders ``tests/streams/orders.json`` holds, event for event."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import make_switch
from sim_scenarios import HAND_OVER, SCENARIOS, SimWorld, header_names, leg_not_reached, phone_hangs_up, phone_holds, prompts, records
from simclient import Client

from ivrengine.simswitch.dialplan import Dialplan

STREAMS = Path(__file__).parents[2] / "streams"
RECORDED = json.loads((STREAMS / "orders.json").read_text())
# Whose name is shown to whom on a leg and its partner: FreeSWITCH moves these about between originate and bridge.
LEG_OPTIONAL = {f"{leg}-{header}" for leg in ("Caller", "Other-Leg") for header in (
    "Username", "Dialplan", "Network-Addr", "Caller-ID-Name", "Caller-ID-Number", "Orig-Caller-ID-Number", "Callee-ID-Name",
    "Callee-ID-Number", "ANI")}  # fmt: skip
LEG_EVENTS = {"CHANNEL_ORIGINATE", "CHANNEL_PROGRESS", "CHANNEL_BRIDGE", "CHANNEL_HOLD", "CHANNEL_UNHOLD", "CHANNEL_HANGUP_COMPLETE"}
# FreeSWITCH shows these only where they say something that has no counterpart here.
OPTIONAL = {"Other-Leg-Transfer-Source", "Caller-Transfer-Source", "Other-Leg-RDNIS"}


@pytest.fixture
def world(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimWorld]:
    monkeypatch.setattr(Dialplan, "_hand_over", staticmethod(lambda channel_uuid: HAND_OVER))
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


def header_names_of_legs(packets: list[dict[str, str]]) -> dict[str, list[str]]:
    """Of the first event of each kind on an agent's leg, and of the first caller's CHANNEL_BRIDGE; variables left out."""
    found: dict[str, list[str]] = {}
    for event in packets:
        name = event.get("Event-Name", "")
        wanted = "ivr" if name == "CHANNEL_BRIDGE" else "ivr-leg"
        if name in LEG_EVENTS and event.get("Channel-Presence-Data") == wanted:
            found.setdefault(name, [header for header in event if not header.startswith("variable_")])
    return found


def test_headers_of_legs_are_those_of_freeswitch(world: SimWorld) -> None:
    reader = Client.__new__(Client)  # only to read what was recorded
    reader.buffer, reader.sock = (STREAMS / "agent_talks.bin").read_bytes(), _Ended()
    recorded = []
    with contextlib.suppress(EOFError):
        while True:
            recorded.append(reader.read().event)
    for scenario in (leg_not_reached, phone_holds):
        scenario(world)
    real, ours = header_names_of_legs(recorded), header_names_of_legs([packet.event for packet in world.client.events])
    assert set(real) == LEG_EVENTS
    for event, names in real.items():
        left_out = OPTIONAL | LEG_OPTIONAL
        assert [name for name in ours[event] if name not in left_out] == [name for name in names if name not in left_out], event


class _Ended:
    def settimeout(self, _seconds: float) -> None: ...

    def recv(self, _size: int) -> bytes:
        return b""
