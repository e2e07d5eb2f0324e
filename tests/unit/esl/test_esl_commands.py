from __future__ import annotations

import pytest

from ivrengine.esl import commands as words
from ivrengine.esl.errors import UnsafeCommand


def test_files_are_one_playback():
    assert words.file_argument(["/a b/1.wav"]) == "/a b/1.wav"
    assert words.file_argument(["/a.wav", "silence_stream://500"]) == "file_string:///a.wav!silence_stream://500"
    assert words.file_argument(["tone_stream://%(200,0,800)"]) == "tone_stream://%(200,0,800)"


@pytest.mark.parametrize(
    "path", ["", "/a\n.wav", "/a!b.wav", "/${hangup}.wav", "/a'b", '/a"b', "/a\\b", "{x=y}/a", "%[x=y]/a", "[x]/a", "/a@@5", " /a"]
)
def test_paths_that_mean_something_to_the_switch_are_refused(path: str):
    with pytest.raises(UnsafeCommand):
        words.file_argument([path])
    with pytest.raises(UnsafeCommand):
        words.record_argument(path or "!", 1, 1)


def test_one_playback_takes_no_more_files_than_the_switch_does():
    words.file_argument(["/a"] * words.FILES_LIMIT)
    with pytest.raises(UnsafeCommand, match="1 to 128 files"):
        words.file_argument(["/a"] * (words.FILES_LIMIT + 1))
    with pytest.raises(UnsafeCommand):
        words.file_argument([])


def test_record_counts_whole_seconds_and_takes_no_spaces():
    assert words.record_argument("/r/a.wav", 90.2, 2.5) == "/r/a.wav 91 200 3"
    assert words.record_argument("/r/a.wav", 60, 0) == "/r/a.wav 60"
    with pytest.raises(UnsafeCommand, match="split"):
        words.record_argument("/my recordings/a.wav", 60, 0)


def test_collecting_names_every_place_of_its_argument():
    argument = words.collect_argument(["/a.wav", "/b.wav"], 4, 6, 5, 2.5, "#")
    assert argument == "4 6 1 5000 # file_string:///a.wav!/b.wav silence_stream://10 ivr_secret .+ 2500"
    assert words.collect_argument([], 1, 1, 1, 1, "").split()[4:6] == ["none", "silence"]
    assert "None" not in argument


def test_a_dial_string_survives_any_name():
    argument = words.dial_argument("user/{number}@ivr.local", "8001", 20.5, "13800138000", "Bob, 'O' ${x} [y] {z} 张三\n")
    assert argument == (
        "{originate_timeout=21,origination_caller_id_number=13800138000,origination_caller_id_name='Bob O x y z 张三'}user/8001@ivr.local"
    )
    assert words.dial_argument("user/{number}@d", "8001", 5, "", "${}'\"") == "{originate_timeout=5}user/8001@d"


@pytest.mark.parametrize("number", ["", "80 01", "8001,user/9", "${x}", "8001\n", "a" * 41, "{number}"])
def test_only_a_number_is_dialled(number: str):
    with pytest.raises(UnsafeCommand):
        words.dial_argument("user/{number}@d", number, 5, "", "")


@pytest.mark.parametrize(
    "value",
    ["", "x", "menu:1", '{"a": "b c%20 \'x\' ${y}\\n"}', "b64:x", "张三", "a  b ", "Jos\udce9", "-ERR", "_undef_"],
)
def test_values_come_back_as_they_went(value: str):
    stored = words.encode_value(value)
    assert words.decode_value(stored) == value
    assert not stored.startswith(("-", "_undef_"))
    assert not set(stored) & set(" '\"\\$%{}\n")


def test_text_that_only_looks_encoded_is_left_alone():
    assert words.decode_value("b64:!!") == "b64:!!"
    assert words.decode_value("plain") == "plain"


def test_a_variable_has_a_limit():
    with pytest.raises(UnsafeCommand, match="longer than"):
        words.encode_value(" " * words.VARIABLE_LIMIT)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (words.call_id_part, "a b"),
        (words.call_id_part, "x\n"),
        (words.call_id_part, ""),
        (words.cause_part, "normal"),
        (words.cause_part, "X Y"),
        (words.variable_part, "a-b"),
        (words.variable_part, "a b"),
        (words.keys_part, "x"),
    ],
)
def test_parts_hold_what_they_may_hold(check, text: str):
    with pytest.raises(UnsafeCommand):
        check(text)
    with pytest.raises(UnsafeCommand):
        words.execute_message("c-1", "answer", "", "a token")


def test_a_long_argument_travels_as_a_body_and_a_token_without_the_calls_id():
    path = "/srv/ivr/prompts/zh-CN/欢迎致电发行部.wav"
    assert words.execute_message("c-1", "playback", path * 2, "c-1:7") == [
        "sendmsg c-1",
        "call-command: execute",
        "execute-app-name: playback",
        "event-lock: true",
        "Event-UUID: :7",
        "content-type: text/plain",
        f"content-length: {len((path * 2).encode())}",
        "",
        path * 2,
    ]
    assert words.execute_message("c-1", "set", "a=b")[3:] == ["execute-app-arg: a=b", "event-lock: true"]


@pytest.mark.parametrize("token", ["c-1:7", "c-2:7", "c-1", "7", "token"])
def test_a_token_arrives_as_it_was_sent(token: str) -> None:
    assert words.whole_token("c-1", words.short_token("c-1", token)) == token
