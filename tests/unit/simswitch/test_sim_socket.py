"""Bytes of the event socket: framing, authentication, subscriptions, filters, replies, the end of a connection."""

from __future__ import annotations

import json

import pytest
from simclient import PASSWORD, Client

from ivrengine.simswitch.framing import CommandReader
from ivrengine.simswitch.server import NotLoopback, SimSwitch

NOTICE = (b"Content-Type: text/disconnect-notice\nContent-Length: 67\n\n"
          b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n")


def everything(client: Client) -> bytes:
    """All bytes until the end of the stream."""
    data = client.buffer
    while more := client.sock.recv(65536):
        data += more
    return data


def test_authentication_bytes(switch: SimSwitch) -> None:
    client = Client(switch.port, login=False)
    client.send(f"auth {PASSWORD}\n\nexit\n\n")
    assert everything(client) == (
        b"Content-Type: auth/request\n\n"
        b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
        b"Content-Type: command/reply\nReply-Text: +OK bye\n\n" + NOTICE)


def test_a_wrong_password_is_refused_and_the_connection_closed(switch: SimSwitch) -> None:
    client = Client(switch.port, login=False)
    client.send("auth wrong\n\n")
    assert everything(client) == (
        b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: -ERR invalid\n\n" + NOTICE)


def test_nothing_works_before_authentication(switch: SimSwitch) -> None:
    client = Client(switch.port, login=False)
    client.read()
    for command in ("api status", "event plain ALL", "sendmsg x"):
        assert client.reply(command) == "-ERR command not found"
    assert client.reply(f"auth {PASSWORD}") == "+OK accepted"


def test_framing_carriage_returns_leading_newlines_and_pieces(quiet: Client) -> None:
    quiet.send(b"\n\r\n\r\napi ")
    quiet.send(b"echo a  b\r\n\r\n")
    assert quiet.read().body == b"a  b"
    quiet.send(b"api echo one\n\napi echo two\n\n")
    assert [quiet.read().body for _ in range(2)] == [b"one", b"two"]


def test_a_body_is_read_with_its_command() -> None:
    reader = CommandReader()
    reader.feed(b"sendmsg u\nContent-Type: text/plain\ncontent-length: 9\n\nhello")
    assert reader.next() is None
    reader.feed(b"\n\nyouexit\n\n")
    command = reader.next()
    assert command is not None
    assert (command.line, command.headers["content-type"], command.body) == ("sendmsg u", "text/plain", "hello\n\nyo")
    following = reader.next()
    assert following is not None
    assert following.line == "uexit"


def test_replies(quiet: Client) -> None:
    assert quiet.reply("nonsense") == "-ERR command not found"
    assert quiet.reply("event") == "-ERR no keywords supplied"
    assert quiet.reply("event plain NO_SUCH_EVENT") == "-ERR no keywords supplied"
    assert quiet.reply("event plain DTMF CHANNEL_PARK") == "+OK event listener enabled plain"
    assert quiet.reply("event json HEARTBEAT") == "+OK event listener enabled json"
    assert quiet.reply("nixevent HEARTBEAT") == "+OK events nixed"
    assert quiet.reply("nixevent") == "-ERR no keywords supplied"
    assert quiet.reply("filter Unique-ID 42") == "+OK filter added. [Unique-ID]=[42]"
    assert quiet.reply("filter delete Unique-ID 42") == "+OK filter deleted. [Unique-ID][42]"
    assert quiet.reply("filter Unique-ID") == "-ERR invalid syntax"
    assert quiet.reply("noevents") == "+OK no longer listening for events"
    assert quiet.reply("noevents") == "-ERR not listening for events"
    assert quiet.reply("linger") == "-ERR not controlling a session"
    assert quiet.reply("nolinger") == "-ERR not controlling a session"
    assert quiet.reply("divert_events on") == "-ERR not controlling a session."
    assert quiet.reply("sendmsg 0815\ncall-command: execute") == "-ERR invalid session id [0815]"
    assert quiet.reply("myevents 0815 plain") == "-ERR invalid uuid"


def test_api_bytes(quiet: Client) -> None:
    quiet.send("api nonsense with words\n\n")
    packet = quiet.read()
    assert packet.headers == [("Content-Type", "api/response"), ("Content-Length", "33")]
    assert packet.body == b"-ERR nonsense Command not found!\n"
    assert quiet.api("uuid_exists x") == "false"
    assert quiet.api("global_getvar nothing_here") == "-ERR no reply\n"


def test_bgapi_replies_before_its_event(client: Client) -> None:
    client.send("bgapi echo hi there\nJob-UUID: my-job\n\n")
    reply = client.read()
    assert reply.headers == [("Content-Type", "command/reply"), ("Reply-Text", "+OK Job-UUID: my-job"), ("Job-UUID", "my-job")]
    job = client.wait("BACKGROUND_JOB")
    assert (job["Job-UUID"], job["Job-Command"], job["Job-Command-Arg"], job["_body"]) == ("my-job", "echo", "hi there", "hi there")
    raw = next(packet for packet in client.events if packet.event["Event-Name"] == "BACKGROUND_JOB")
    assert raw.headers[0][0] == "Content-Length"
    assert raw.headers[1] == ("Content-Type", "text/event-plain")
    assert raw.body.endswith(b"\nContent-Length: 8\n\nhi there")
    made = client.command("bgapi nonsense").get("Job-UUID")
    assert client.wait("BACKGROUND_JOB", Job_UUID=made or "")["_body"] == "-ERR nonsense Command not found!\n"


def test_events_of_a_command_follow_its_reply(client: Client, call: str) -> None:
    client.wait("PRIVATE_COMMAND", call)
    client.send(f"api uuid_kill {call}\n\n")
    kinds = [packet for packet in (client.read(), client.read()) if packet.event.get("Event-Name") != "HEARTBEAT"]
    assert kinds[0].kind == "api/response"
    client.events += kinds[1:]
    client.wait("CHANNEL_HANGUP", call)


def test_event_headers_begin_as_freeswitch_writes_them(client: Client) -> None:
    uuid = client.call(name="")
    client.wait("CHANNEL_CREATE", uuid)
    packet = next(packet for packet in client.events if packet.event["Event-Name"] == "CHANNEL_CREATE")
    names = [line.split(b": ")[0].decode() for line in packet.body.split(b"\n") if line]
    assert names[:17] == [
        "Event-Name", "Core-UUID", "FreeSWITCH-Hostname", "FreeSWITCH-Switchname", "FreeSWITCH-IPv4", "FreeSWITCH-IPv6",
        "Event-Date-Local", "Event-Date-GMT", "Event-Date-Timestamp", "Event-Calling-File", "Event-Calling-Function",
        "Event-Calling-Line-Number", "Event-Sequence", "Channel-State", "Channel-Call-State", "Channel-State-Number",
        "Channel-Name"]
    assert packet.event["Channel-State"] == "CS_INIT"
    assert packet.event["Channel-State-Number"] == "1"
    sequences = [int(packet.event["Event-Sequence"]) for packet in client.events]
    assert sequences == sorted(set(sequences))


def test_values_are_percent_encoded_and_empty_ones_undef(client: Client) -> None:
    client.send("sendevent CUSTOM\nEvent-Subclass: my::thing\nNote: a b/c:d%20e\nEmpty: \n\n")
    assert (client.read().get("Reply-Text") or "").startswith("+OK ")
    packet = client.read()
    assert b"Note: a%20b/c%3Ad%20e\n" in packet.body
    assert b"Empty: _undef_\n" in packet.body


def test_json_events(switch: SimSwitch) -> None:
    client = Client(switch.port)
    client.reply("event json CHANNEL_PARK")
    uuid = client.call(name="李 & \"co\"")
    park = client.wait("CHANNEL_PARK", uuid)
    assert park["Caller-Caller-ID-Name"] == "李 & \"co\""
    assert b"text/event-json" not in client.events[0].body
    assert json.loads(client.events[0].body)["variable_presence_data"] == "ivr"


def test_only_named_events_arrive(switch: SimSwitch) -> None:
    client = Client(switch.port)
    client.reply("event plain CHANNEL_PARK CHANNEL_DESTROY")
    uuid = client.call(script=[{"wait": 1}, {"hangup": True}])
    client.wait("CHANNEL_DESTROY", uuid)
    assert [packet.event["Event-Name"] for packet in client.events] == ["CHANNEL_PARK", "CHANNEL_DESTROY"]


@pytest.mark.parametrize(("filters", "arrive"), [
    (["Caller-Caller-ID-Number 111"], {"111"}),
    (["Caller-Caller-ID-Number 111", "Caller-Caller-ID-Number 222"], {"111", "222"}),
    (["Caller-Caller-ID-Number /^[12]/"], {"111", "222"}),
    (["Event-Name CHANNEL_PARK", "Caller-Caller-ID-Number -222"], {"111", "333"}),
    (["Caller-Caller-ID-Number -222"], set()),
    (["channel-presence-data IVR"], {"111", "222", "333"}),
    (["Job-UUID x"], set()),
])
def test_filters(switch: SimSwitch, quiet: Client, filters: list[str], arrive: set[str]) -> None:
    client = Client(switch.port)
    for text in filters:
        assert client.reply(f"filter {text}").startswith("+OK filter added.")
    client.reply("event plain CHANNEL_PARK HEARTBEAT")
    quiet.reply("event plain CHANNEL_PARK")
    for number in ("111", "222", "333"):
        quiet.wait("CHANNEL_PARK", quiet.call(**{"from": number}))
    client.reply("filter delete all now")
    client.api("echo")
    assert {packet.event["Caller-Caller-ID-Number"] for packet in client.events} == arrive


def test_myevents_follows_one_call_and_ends_with_it(switch: SimSwitch, client: Client, call: str) -> None:
    other = Client(switch.port)
    assert other.reply(f"myevents {call} plain") == "+OK Events Enabled"
    assert other.reply("linger 1") == "+OK will linger 1 seconds"
    client.wait("CHANNEL_PARK", client.call())
    client.api(f"uuid_kill {call}")
    notice = None
    while notice is None:
        packet = other.read()
        if packet.kind == "text/disconnect-notice":
            notice = packet
        else:
            assert packet.event["Unique-ID"] == call
    assert notice.get("Content-Disposition") == "linger"
    assert notice.get("Controlled-Session-UUID") == call
    assert notice.get("Linger-Time") == "1"
    assert other.read().get("Content-Disposition") == "disconnect"
    with pytest.raises(EOFError):
        other.read()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org", ""])
def test_only_loopback(host: str, tmp_path) -> None:
    with pytest.raises(NotLoopback):
        SimSwitch(host, 0, "x", sounds_dir=tmp_path, recordings_dir=tmp_path, numbers=[])


def test_an_empty_password_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="password"):
        SimSwitch("127.0.0.1", 0, "", sounds_dir=tmp_path, recordings_dir=tmp_path, numbers=[])


def test_heartbeat(client: Client) -> None:
    beat = client.wait("HEARTBEAT", timeout=10)
    assert beat["Event-Info"] == "System Ready"
    assert beat["Session-Count"] == "0"
