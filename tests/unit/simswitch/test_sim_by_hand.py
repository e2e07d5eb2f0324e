"""Phones and callers that a person moves from a page: ringing until answered, speech in pieces, numbers served later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simclient import Client

from ivrengine.simswitch.server import SimSwitch


def ring(client: Client, quiet: Client, number: str = "8001") -> str:
    """A phone calls another, which is in somebody's hand; the channel that rings."""
    assert client.api(json.dumps({"extension": number, "behaviour": "by_hand"}).join(["sim phone ", ""])) == "+OK\n"
    client.api(f'sim dial {{"extension": "8002", "number": "{number}"}}')
    client.wait("CHANNEL_PROGRESS")
    rows = json.loads(quiet.api(f"sim line {number}"))
    assert [(row["rung"], row["answered"], row["talking"], row["number"]) for row in rows] == [(True, False, False, "8002")]
    return rows[0]["uuid"]


def test_a_phone_in_hand_rings_until_it_is_answered(client: Client, quiet: Client) -> None:
    uuid = ring(client, quiet)
    assert json.loads(quiet.api("sim by_hand")) == ["8001"]
    assert quiet.api(f"sim answer {uuid}") == "+OK\n"
    client.wait("CHANNEL_BRIDGE")
    row = json.loads(quiet.api("sim line 8001"))[0]
    assert row["answered"] and row["talking"]
    assert quiet.api(f"sim answer {uuid}").startswith("-ERR only a phone that rings")
    assert [each["rung"] for each in json.loads(quiet.api("sim line 8002"))] == [False]
    quiet.api(f"sim hangup {uuid}")
    client.wait("CHANNEL_DESTROY", uuid)
    assert json.loads(quiet.api("sim line 8001")) == []


def test_a_phone_in_hand_can_be_rejected(client: Client, quiet: Client) -> None:
    uuid = ring(client, quiet)
    assert quiet.api(f"sim reject {uuid}") == "+OK\n"
    assert client.wait("CHANNEL_HANGUP_COMPLETE", uuid)["Hangup-Cause"] == "CALL_REJECTED"


def test_a_phone_in_hand_is_left_alone_until_it_is_given_back(client: Client) -> None:
    client.api('sim phone {"extension": "8001", "behaviour": "by_hand"}')
    assert client.api('sim phone {"extension": "8001", "after": 1}').startswith("-ERR the phone 8001 is in somebody's hand")
    assert client.api('sim phone {"extension": "8001", "release": true}') == "+OK\n"
    assert json.loads(client.api("sim by_hand")) == []


def test_a_caller_cant_be_answered(client: Client, call: str) -> None:
    assert client.api(f"sim answer {call}").startswith("-ERR only a phone that rings")


def test_what_is_spoken_in_pieces_is_heard_without_overlap(client: Client, switch: SimSwitch, site: Path, call: str) -> None:
    """The last piece is far from said when the first recording would have fallen silent had they been laid over each other."""
    client.execute(call, "record", f"{site}/recordings/m.wav 60 200 1", token="recording")
    client.wait("RECORD_START", call)
    for _ in range(3):
        assert client.api(f"sim speak {call} {site}/speech.wav") == "+OK\n"
    stop = client.wait("RECORD_STOP", call)
    assert 6500 <= int(stop["variable_record_ms"]) <= 7600


@pytest.mark.parametrize("number", ["5000", "6*"])
def test_a_number_can_be_served_later(client: Client, number: str) -> None:
    dialled = number.replace("*", "123")
    assert client.api(f"sim serve {number}") == "+OK\n"
    client.wait("CHANNEL_PARK", client.call(dialled))


@pytest.mark.parametrize("number", ["", "*", "1 2", "x" * 30_000, "5,0"])
def test_what_is_no_number_is_not_served(client: Client, number: str) -> None:
    assert client.api(f"sim serve {number}").startswith("-ERR")
