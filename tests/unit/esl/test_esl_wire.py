from __future__ import annotations

import pytest
from esl_peer import api, block, event, frame, reply

from ivrengine.esl import wire
from ivrengine.esl.errors import ProtocolError
from ivrengine.esl.wire import FrameReader, RawEvent

FORGED = "Bob%0AEvent-Name%3A%20CHANNEL_HANGUP%0AUnique-ID%3A%20victim"


def frames(raw: bytes, piece: int = 0) -> list[wire.Frame]:
    reader = FrameReader()
    pieces = [raw[at : at + piece] for at in range(0, len(raw), piece)] if piece else [raw]
    return [one for part in pieces for one in reader.feed(part)]


def test_a_name_with_line_breaks_forges_no_header():
    # The INVITE that made another call hang up: the order is the one FreeSWITCH sends.
    raw = block(
        {"Event-Name": "CHANNEL_PARK", "Unique-ID": "mine", "Caller-Caller-ID-Name": FORGED, "Caller-Context": "ivr"}
    )
    one = RawEvent(raw)
    assert one.event_name == "CHANNEL_PARK"
    assert one.unique_id == "mine"
    assert one.get("Caller-Caller-ID-Name") == "Bob\nEvent-Name: CHANNEL_HANGUP\nUnique-ID: victim"
    # Not even where the real header is absent.
    assert RawEvent(block({"Event-Name": "HEARTBEAT", "Caller-Caller-ID-Name": FORGED})).unique_id == ""


def test_values_are_decoded_one_by_one():
    one = RawEvent(
        block(
            {
                "Event-Name": "X",
                "Empty": "_undef_",
                "Space": "a%20b%3Ac",
                "Chinese": "%E5%BC%A0%E4%B8%89",
                "Latin": "Jos%E9",
                "Plain-Percent": "100%",
            }
        )
    )
    assert one.get("Empty") is None
    assert one.get("Absent") is None
    assert one.get("Space") == "a b:c"
    assert one.get("Chinese") == "张三"
    assert one.get("Latin") == "Jos\udce9"
    assert one.get("Plain-Percent") == "100%"


def test_bytes_that_are_no_utf8_survive_unencoded_too():
    assert RawEvent(b"Event-Name: X\nName: Jos\xe9\n\n").get("Name") == "Jos\udce9"


def test_the_body_is_kept_apart():
    body = "+OK done\n\nUnique-ID: not-a-header\nJob-UUID: other\n\n"
    one = RawEvent(block({"Event-Name": "BACKGROUND_JOB", "Job-UUID": "job-1"}, body))
    assert one.body == body
    assert one.get("Job-UUID") == "job-1"
    assert one.get("Content-Length") == str(len(body))
    assert one.unique_id == ""
    assert one.get("Event-Name") == "BACKGROUND_JOB"
    assert RawEvent(block({"Event-Name": "X"})).body == ""


def test_a_header_far_behind_is_found_but_not_in_a_far_body():
    many = {"Event-Name": "X"} | {f"variable_{number}": "value" for number in range(500)}
    assert RawEvent(block(many | {"variable_ivr_last": "here"})).get("variable_ivr_last") == "here"
    assert RawEvent(block(many, "x\nvariable_ivr_last: there\n")).get("variable_ivr_last") is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (block({"Event-Name": "X", "Unique-ID": "c%201", "Channel-Presence-Data": "ivr"}), ("X", "c 1", "ivr")),
        (block({"Event-Name": "X", "Channel-Presence-Data": "ivr", "Unique-ID": "c1"}), ("X", "c1", "ivr")),
        (block({"Unique-ID": "c1", "Event-Name": "X", "Channel-Presence-Data": "_undef_"}), ("X", "c1", None)),
        (block({"Event-Name": "X", "Unique-ID": "c1"}, "\nChannel-Presence-Data: ivr\n"), ("X", "c1", None)),
        (block({"Event-Name": "X"}, "\nUnique-ID: c1\nChannel-Presence-Data: ivr\n"), ("X", "", None)),
        (block({"Unique-ID": "c1"}, "\nEvent-Name: X\nChannel-Presence-Data: ivr\n"), ("", "c1", None)),
    ],
)
def test_routing_reads_headers_in_any_order_and_never_a_body(raw: bytes, expected: tuple):
    assert RawEvent(raw).route() == expected


def test_headers_of_one_family():
    raw = block({"variable_ivr_a": "1", "variable_x": "2", "variable_ivr_b": "_undef_"}, "x\nvariable_ivr_c: 3\n")
    assert list(RawEvent(b"Event-Name: X\n" + raw).starting_with("variable_ivr_")) == [("variable_ivr_a", "1"), ("variable_ivr_b", "")]


@pytest.mark.parametrize("piece", [0, 1, 2, 3, 7, 64, 1000])
def test_frames_come_out_the_same_however_the_bytes_are_cut(piece: int):
    raw = reply("+OK accepted") + event("DTMF", "c1") + api("") + b"\n\n" + api(b"\xff\xfe\n\n")
    raw += event("X", "c2", body="a\n\nb") + reply("+OK")
    kinds = [one.content_type for one in frames(raw, piece)]
    assert kinds == [b"command/reply", b"text/event-plain", b"api/response", b"api/response", b"text/event-plain", b"command/reply"]
    found = frames(raw, piece)
    assert found[0].header("Reply-Text") == "+OK accepted"
    assert found[3].body == b"\xff\xfe\n\n"
    assert RawEvent(found[4].body).body == "a\n\nb"


def test_header_names_of_frames_may_come_in_any_order_and_case():
    found = frames(b"content-type: text/event-plain\ncontent-length: 3\n\nabcContent-Type: x/y\nContent-Length:4\n\nabcd")
    assert [one.body for one in found] == [b"abc", b"abcd"]


def test_an_unfinished_frame_is_told():
    reader = FrameReader()
    assert list(reader.feed(api("12345")[:-2])) == []
    assert "bytes of a frame" in reader.waiting_for
    assert len(list(reader.feed(b"45"))) == 1
    assert reader.waiting_for == ""


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"Content-Type: x/y\nContent-Length: many\n\n", "no number"),
        (b"Content-Type: x/y\nContent-Length: -5\n\n", "no number"),
        (b"Content-Type: x/y\nContent-Length: 99999999999\n\n", "longer than"),
        (b"Hello: you\n\n", "no Content-Type"),
        (b"x" * (wire.HEADER_BLOCK_LIMIT + 10), "longer than"),
    ],
)
def test_what_is_no_frame_is_refused(raw: bytes, sentence: str):
    with pytest.raises(ProtocolError, match=sentence):
        frames(raw)


def test_many_small_pieces_of_a_large_body_cost_no_more_than_the_body():
    # Joined anew at every piece, they would copy 500 GB: this test would not end in time.
    raw = api(b"x" * 32_000_000)
    assert len(frames(raw, 1000)[0].body) == 32_000_000


def test_an_event_may_hold_ten_thousand_characters_of_name():
    assert RawEvent(frames(frame(block({"Event-Name": "X", "N": "A" * 10_000})))[0].body).get("N") == "A" * 10_000
