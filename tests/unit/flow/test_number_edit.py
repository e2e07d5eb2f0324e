"""A number is put into a flow's text or taken out of it, and everything else stays as it was written."""

from __future__ import annotations

import pytest

from ivrengine.flow.number_edit import CannotEdit, numbers_of, with_number, without_number

HEAD = "flow: a  # ours\nname: Front desk\nlanguages: [en-US]  # one\n"
REST = "start: x\n# the steps\nsteps:\n  x: {hangup: }\n"

WAYS = [
    ('numbers: ["1", "2"]  # both\n', 'numbers: ["1", "2", "4008*"]  # both\n', 'numbers: ["2"]  # both\n', 'numbers: ["1"]  # both\n'),
    ("numbers: [1, 2]\n", 'numbers: [1, 2, "4008*"]\n', "numbers: [2]\n", "numbers: [1]\n"),
    (
        'numbers:\n  - "1"  # first\n  - "2"\n', 'numbers:\n  - "1"  # first\n  - "2"\n  - "4008*"\n', 'numbers:\n  - "2"\n',
        'numbers:\n  - "1"  # first\n',
    ),
    ('numbers:\n- 1\n- "2"\n', 'numbers:\n- 1\n- "2"\n- "4008*"\n', 'numbers:\n- "2"\n', "numbers:\n- 1\n"),
    ('numbers: [\n  "1",\n  "2",\n]\n', 'numbers: [\n  "1",\n  "2", "4008*"]\n', 'numbers: [\n  "2",\n]\n', 'numbers: [\n  "1",\n]\n'),
]  # fmt: skip


@pytest.mark.parametrize(("written", "more", "without_one", "without_two"), WAYS)
@pytest.mark.parametrize("rest_first", [False, True])
def test_lists_in_every_way_people_write_them(written: str, more: str, without_one: str, without_two: str, rest_first: bool) -> None:
    def whole(numbers: str) -> str:
        return HEAD + REST + numbers if rest_first else HEAD + numbers + REST

    assert with_number(whole(written), "4008*") == whole(more)
    assert without_number(whole(written), "1") == whole(without_one)
    assert without_number(whole(written), "2") == whole(without_two)
    assert with_number(whole(written), "1") == whole(written) and without_number(whole(written), "9") == whole(written)


@pytest.mark.parametrize("written", ['numbers: "1"\n', "numbers: [1]\n", "numbers:\n  - 1  # only\n"])
def test_the_only_one_takes_the_key_with_it_and_one_begins_it(written: str) -> None:
    assert without_number(HEAD + written + REST, "1") == HEAD + REST
    assert with_number(HEAD + REST, "1") == HEAD + 'numbers: ["1"]\n' + REST
    assert numbers_of(with_number(HEAD + written + REST, "2")) == ["1", "2"]


@pytest.mark.parametrize("text", ["", "- a", "flow: [", "numbers: {a: b}\n" + HEAD + REST])
def test_what_is_no_flow_is_refused(text: str) -> None:
    with pytest.raises(CannotEdit):
        with_number(text, "1")


@pytest.mark.parametrize("number", ["", "x", '1", "2', "1\n", "[", "1" * 30, "${x}"])
def test_what_is_no_number_never_reaches_the_text(number: str) -> None:
    with pytest.raises(CannotEdit):
        with_number(HEAD + REST, number)


def test_what_is_not_understood_is_refused_rather_than_guessed() -> None:
    with pytest.raises(CannotEdit):
        with_number(HEAD + 'numbers: ["1"  # a remark\n  ]\n' + REST, "2")
    with pytest.raises(CannotEdit):
        without_number(HEAD + 'numbers: ["1", "1", "2"]\n' + REST, "1")


def test_windows_line_ends_and_other_languages_stay() -> None:
    text = (HEAD.replace("Front desk", "前台") + "numbers: [1]\n" + REST).replace("\n", "\r\n")
    assert numbers_of(with_number(text, "2")) == ["1", "2"] and with_number(text, "2").count("\r\n") == text.count("\r\n")
