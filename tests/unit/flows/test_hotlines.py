"""The newspaper's hot lines, walked as callers walk them."""

from __future__ import annotations

import pytest
from hotline_calls import (
    CALLER,
    CIRCULATION,
    DELIVERY,
    LINES,
    NUISANCE,
    PERSONS,
    PROPERTY,
    VIP,
    HotlineCall,
    loaded,
)

from ivrengine.domain.commands import Answer, CountRefusal, DropRecording, Hangup, KeepMessage, LogStep, Play, RaiseAlarm, Record
from ivrengine.flow.rehearsal import HeardItem, Phone

ANSWERS = {extension: Phone("answered", ring_seconds=5, talk_seconds=60) for extension in PERSONS.values()}
MESSAGE_KEYS = {CIRCULATION: "3", DELIVERY: "21", PROPERTY: "4"}  # from the main menu to the question for a number
COMPLAINT_KEYS = {CIRCULATION: "11", DELIVERY: "1", PROPERTY: "3"}

TIMES = [
    ("2026-11-24T08:30", "open"),
    ("2026-11-24T11:59", "open"),
    ("2026-11-24T12:30", "closed"),
    ("2026-11-24T17:59", "open"),
    ("2026-11-24T18:00", "closed"),
    ("2026-11-24T03:00", "closed"),
    ("2026-11-28T10:00", "weekend"),
    ("2026-11-29T22:00", "weekend"),
    ("2026-10-01T10:00", "holiday"),  # National Day
    ("2026-10-03T10:00", "holiday"),  # a Saturday of the golden week
    ("2026-10-07T23:59", "holiday"),
    ("2026-10-08T09:00", "open"),
    ("2026-10-10T10:00", "open"),  # a Saturday that is worked for 7 October
    ("2026-10-10T20:00", "closed"),
    ("2026-09-20T15:00", "open"),  # a Sunday that is worked
    ("2026-02-17T10:00", "holiday"),  # Spring Festival
    ("2026-11-06T10:00", "open"),  # the office's own exception
    ("2026-11-06T15:00", "closed"),
    ("2027-02-10T10:00", "holiday"),
]


# -- who answers, and with which words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "label"), TIMES)
@pytest.mark.parametrize("number", LINES)
def test_each_line_greets_by_the_time_of_day(number: str, at: str, label: str) -> None:
    call = HotlineCall(number, at).listen_out()
    line = LINES[number]
    assert call.prompts() == [f"line/{line}", f"hours/{label}", "hours/for_english", f"{line}/main", "keys/person"]
    assert call.place == f"{line}:main"
    decided = [row for row in call.of(LogStep) if row.verb == "by_hours"]
    assert [row.outcome for row in decided] == [label]


def test_the_short_number_enters_the_circulation_line() -> None:
    assert HotlineCall("100").listen_out().place == "circulation:main"


def test_english_is_offered_in_english_to_callers_who_hear_chinese() -> None:
    call = HotlineCall(CIRCULATION).listen_out()
    assert call.prompts("en-US") == ["hours/for_english"]
    assert call.prompts("zh-CN") == ["line/circulation", "hours/open", "circulation/main", "keys/person"]


@pytest.mark.parametrize("number", LINES)
def test_a_nuisance_caller_is_refused_without_being_answered(number: str) -> None:
    call = HotlineCall(number, caller=NUISANCE)
    assert call.run.finished
    assert call.of(Answer) == call.of(Play) == []
    assert call.of(CountRefusal) == [CountRefusal(NUISANCE)]
    assert call.of(Hangup) == [Hangup("CALL_REJECTED")]


@pytest.mark.parametrize("number", LINES)
@pytest.mark.parametrize("caller", [VIP, "02987771234"])
def test_a_big_customer_is_put_through_at_once(number: str, caller: str) -> None:
    call = HotlineCall(number, caller=caller, phones=ANSWERS).listen_out()
    assert call.prompts() == [f"line/{LINES[number]}", "vip/welcome", "person/connecting"]
    assert call.dialled() == [PERSONS[number]]


# -- the menus ---------------------------------------------------------------------------------------------------------

# keys from the main menu; where they lead; where "*" leads from there
PLACES = [
    (CIRCULATION, "", "circulation:main", "circulation:main"),
    (CIRCULATION, "1", "circulation:complaint", "circulation:main"),
    (CIRCULATION, "11", "callback_number:offer", "circulation:complaint"),
    (CIRCULATION, "142", "callback_number:ask", "circulation:complaint"),
    (CIRCULATION, "2", "subscriptions:menu", "circulation:main"),
    (CIRCULATION, "21", "subscriptions:paper", "subscriptions:menu"),
    (CIRCULATION, "2122", "subscriptions:paper", "subscriptions:menu"),
    (CIRCULATION, "22", "subscriptions:milk", "subscriptions:menu"),
    (CIRCULATION, "23", "callback_number:offer", "circulation:main"),
    (CIRCULATION, "3", "callback_number:offer", "circulation:main"),
    (CIRCULATION, "8", "circulation:main", "circulation:main"),
    (DELIVERY, "", "delivery:main", "delivery:main"),
    (DELIVERY, "1", "callback_number:offer", "delivery:main"),
    (DELIVERY, "2", "delivery:change", "delivery:main"),
    (DELIVERY, "23", "callback_number:offer", "delivery:main"),
    (DELIVERY, "3", "delivery:times", "delivery:main"),
    (DELIVERY, "4", "subscriptions:menu", "delivery:main"),
    (DELIVERY, "42", "subscriptions:milk", "subscriptions:menu"),
    (PROPERTY, "", "property:main", "property:main"),
    (PROPERTY, "1", "property:repair", "property:main"),
    (PROPERTY, "11", "callback_number:offer", "property:main"),
    (PROPERTY, "2", "property:fees", "property:main"),
    (PROPERTY, "22", "property:fees", "property:main"),
    (PROPERTY, "3", "callback_number:offer", "property:main"),
    (PROPERTY, "42", "callback_number:ask", "property:main"),
]


@pytest.mark.parametrize(("number", "keys", "place", "back"), PLACES)
def test_star_goes_back_one_level_and_zero_to_a_person(number: str, keys: str, place: str, back: str) -> None:
    call = HotlineCall(number, phones=ANSWERS).go(keys).listen_out()
    assert call.place == place
    assert call.go("*").listen_out().place == back

    call = HotlineCall(number, phones=ANSWERS).go(keys).listen_out()
    call.press("0")
    call.listen_out()
    assert call.dialled() == ([] if place == "callback_number:ask" else [PERSONS[number]])  # there 0 is a digit of the number
    if call.dialled():
        call.run_to_end()
        assert call.prompts()[-2:] == ["person/connecting", "person/goodbye"]


def test_every_menu_and_page_is_walked_above() -> None:
    walked = {place for _, _, place, _ in PLACES}
    steps = {f"{flow.name}:{step.name}" for flow in loaded().flows.flows.values() for step in flow.steps.values()
             if step.verb in ("menu", "page", "collect") and flow.name != "desk"}  # fmt: skip
    assert steps == walked


@pytest.mark.parametrize("number", LINES)
def test_zero_works_while_the_welcome_plays(number: str) -> None:
    call = HotlineCall(number, phones=ANSWERS)
    call.wait(1)
    call.press("0")
    call.listen_out()
    assert call.dialled() == [PERSONS[number]]
    assert f"{LINES[number]}/main" not in call.prompts()


def test_keys_typed_ahead_walk_both_levels_without_a_prompt() -> None:
    call = HotlineCall(CIRCULATION)
    call.press("12")
    assert call.place == "callback_number:offer"
    assert call.labels() == ["投诉", "晚到"]
    assert "circulation/main" not in call.prompts()


def test_somebody_shut_in_the_lift_gets_a_person_at_night_without_a_question() -> None:
    call = HotlineCall(PROPERTY, "2026-10-02T03:00", phones=ANSWERS).go("13").listen_out()
    assert call.dialled() == ["8002"]
    assert call.labels() == ["报修", "电梯被困"]


@pytest.mark.parametrize(
    ("number", "keys", "counter"),
    [
        (CIRCULATION, "11", "circulation_missing"),
        (CIRCULATION, "12", "circulation_late"),
        (CIRCULATION, "13", "circulation_damaged"),
        (CIRCULATION, "14", "circulation_service"),
        (CIRCULATION, "21", "asked_newspaper"),
        (DELIVERY, "1", "delivery_missing"),
        (DELIVERY, "21", "delivery_address"),
        (DELIVERY, "22", "delivery_pause"),
        (DELIVERY, "23", "delivery_resume"),
        (DELIVERY, "42", "asked_milk"),
        (PROPERTY, "11", "property_water_power"),
        (PROPERTY, "12", "property_doors_windows"),
        (PROPERTY, "3", "property_complaint"),
    ],
)
def test_what_callers_ask_for_is_counted(number: str, keys: str, counter: str) -> None:
    assert HotlineCall(number).go(keys).counted() == [counter]


# -- pages -------------------------------------------------------------------------------------------------------------


def test_the_newspaper_s_pages_again_next_and_done() -> None:
    call = HotlineCall(CIRCULATION).go("21").listen_out()
    year = ["subscribe/paper_year", "subscribe/paper_half_year", "page/offer"]
    assert call.prompts()[-3:] == year
    assert call.spoken()[-2:] == [("money", "268"), ("money", "138")]
    assert call.go("1").listen_out().prompts()[-3:] == year
    assert call.go("2").listen_out().prompts()[-2:] == ["subscribe/paper_time", "page/offer"]
    assert call.go("2").listen_out().prompts()[-2:] == ["subscribe/paper_gift", "page/offer"]
    assert call.go("2").listen_out().place == "subscriptions:menu"
    rows = [row for row in call.of(LogStep) if row.step == "paper"]
    assert [(row.outcome, row.label, row.detail) for row in rows] == [("done", "下一条", "page 3 of 3")]


def test_milk_and_fees_speak_their_prices() -> None:
    assert HotlineCall(DELIVERY).go("42").listen_out().spoken()[-2:] == [("money", "2.5"), ("money", "3")]
    assert HotlineCall(PROPERTY).go("2").listen_out().spoken()[-1] == ("money", "1.8")
    assert HotlineCall(PROPERTY).go("22").listen_out().spoken()[-1] == ("money", "150")


def test_a_silent_listener_of_pages_comes_back_to_the_main_menu() -> None:
    call = HotlineCall(CIRCULATION).go("22").listen_out()
    call.wait(25)
    assert call.place == "circulation:main"


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", LINES)
def test_a_complaint_with_another_number_heard_again_recorded_again_and_saved(number: str) -> None:
    call = HotlineCall(number, "2026-10-01T20:00").go(COMPLAINT_KEYS[number]).listen_out()
    assert ("phone", CALLER) in call.spoken()
    call.go("2").listen_out()
    call.press("12345#")  # too few digits for a number
    assert call.listen_out().prompts()[-2:] == ["entry/wrong", "number/ask"]
    call.press("02912345678#")
    call.listen_out()
    assert call.spoken()[-1] == ("phone", "02912345678")
    call.press("2")  # no, that was wrong
    call.listen_out()
    call.press("02987654321#")
    call.go("1").listen_out()
    assert call.prompts()[-1] == "message/ask_complaint"
    call.speak_after_beep(10).listen_out()
    assert call.prompts()[-1] == "message/review"
    call.go("1").listen_out()
    assert any(type(entry.item).__name__ == "RecordedFile" for entry in call.transcript if isinstance(entry, HeardItem))
    call.go("3").speak_after_beep(20).go("2").run_to_end()

    first, second = call.of(Record)
    assert [drop.path for drop in call.of(DropRecording)] == [f"recordings/{first.name}.wav"]
    assert call.messages() == [KeepMessage(LINES[number], f"recordings/{second.name}.wav", 20_000, "02987654321")]
    assert call.prompts()[-2:] == ["message/saved", "person/goodbye"]
    assert call.of(RaiseAlarm) == []


@pytest.mark.parametrize("number", LINES)
def test_a_message_with_the_caller_s_own_number(number: str) -> None:
    call = HotlineCall(number).go(MESSAGE_KEYS[number] + "1").speak_after_beep(5).go("2")
    call.run_to_end()
    assert [(kept.box, kept.callback_number, kept.duration_ms) for kept in call.messages()] == [(LINES[number], CALLER, 5_000)]
    assert "message/ask" in call.prompts()


def test_a_caller_without_a_number_is_asked_for_one() -> None:
    call = HotlineCall(CIRCULATION, caller="anonymous").go("3").listen_out()
    assert call.place == "callback_number:ask"
    call.press("13912345678#")
    call.go("1").speak_after_beep(5).go("2")
    assert [kept.callback_number for kept in call.messages()] == ["13912345678"]


def test_a_caller_who_keys_no_number_is_not_kept_from_the_message() -> None:
    call = HotlineCall(CIRCULATION, caller="anonymous").go("3").listen_out()
    call.wait_for_beep()
    assert call.place == "circulation:take_message"
    call.speak_after_beep(5)
    call.hang_up()
    assert [kept.callback_number for kept in call.messages()] == ["anonymous"]


def test_a_message_too_short_is_asked_for_again_and_nothing_is_kept_of_silence() -> None:
    call = HotlineCall(CIRCULATION).go("31").speak_after_beep(0.5).listen_out()
    assert call.prompts()[-1] == "message/too_short"
    call.run_to_end()
    assert call.messages() == []
    assert call.prompts()[-1] == "person/goodbye"


def test_what_was_said_is_kept_when_the_caller_hangs_up_in_the_middle() -> None:
    call = HotlineCall(PROPERTY).go("31").listen_out()
    call.speak_for(8)
    call.hang_up()
    assert [(kept.box, kept.callback_number) for kept in call.messages()] == [("property", CALLER)]
    assert call.counted() == ["property_complaint", "property_hung_up"]


def test_zero_in_the_review_keeps_the_message_first() -> None:
    call = HotlineCall(DELIVERY, phones=ANSWERS).go("11").speak_after_beep(5).go("0").listen_out()
    assert len(call.messages()) == 1
    assert call.dialled() == ["8003"]


# -- persons -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "rejected", "unregistered", "failed"])
@pytest.mark.parametrize("number", LINES)
def test_a_person_who_is_not_reached_is_replaced_by_the_message_box(number: str, outcome: str) -> None:
    call = HotlineCall(number, phones={PERSONS[number]: Phone(outcome)}).go("0").wait_for_beep()
    assert call.prompts()[-2:] == ["person/connecting", "person/nobody"]
    call.speak_after_beep(4).go("2").run_to_end()
    assert [(kept.box, kept.callback_number) for kept in call.messages()] == [(LINES[number], CALLER)]
    assert call.of(RaiseAlarm) == []


@pytest.mark.parametrize("number", LINES)
def test_a_caller_who_presses_nothing_is_connected_in_the_end(number: str) -> None:
    call = HotlineCall(number)
    call.run_to_end()
    line = LINES[number]
    assert call.prompts().count(f"{line}/main") == 3
    assert call.prompts()[-6:] == [
        "entry/no_key", "person/connecting", "person/nobody", "message/too_short", "message/too_short", "person/goodbye",
    ]  # fmt: skip
    assert call.dialled() == [PERSONS[number]]
    assert call.messages() == []


@pytest.mark.parametrize("number", LINES)
def test_a_caller_who_presses_wrong_keys_is_connected_in_the_end(number: str) -> None:
    call = HotlineCall(number, phones=ANSWERS)
    for _ in range(3):
        call.listen_out()
        call.press("7")
    call.run_to_end()
    assert call.prompts().count("entry/wrong") == 2
    assert call.dialled() == [PERSONS[number]]


# -- languages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", LINES)
def test_eight_makes_everything_english_and_chinese_again(number: str) -> None:
    call = HotlineCall(number)
    call.wait(5)  # in the middle of the offer
    call.press("8")
    assert call.run.language == "en-US"
    before = len(call.transcript)
    call.go(COMPLAINT_KEYS[number] + "1").speak_after_beep(5).go("2").run_to_end()
    heard = [entry.item for entry in call.transcript[before:] if isinstance(entry, HeardItem)]
    assert {item.language for item in heard if hasattr(item, "language")} == {"en-US"}
    assert call.prompts()[-1] == "person/goodbye"
    assert HotlineCall(number).go("88").run.language == "zh-CN"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


class _BrokenHours:
    def label(self, calendar: str, now: float) -> str:
        raise RuntimeError("the clock has fallen off the wall")


@pytest.mark.parametrize("number", LINES)
def test_a_failing_step_says_sorry_and_takes_a_message(number: str) -> None:
    call = HotlineCall(number, hours=_BrokenHours()).listen_out()
    assert [alarm.code for alarm in call.of(RaiseAlarm)] == ["step_failed"]
    assert call.prompts() == ["fault/sorry"]
    call.speak_after_beep(6).go("2").run_to_end()
    assert [(kept.box, kept.callback_number) for kept in call.messages()] == [(LINES[number], CALLER)]


def test_a_fault_inside_a_part_falls_back_to_the_line() -> None:
    call = HotlineCall(DELIVERY).go("4").listen_out()
    call.run.steps_without_input = 1000  # as if the part went round in circles
    call.wait_for_beep()
    assert [alarm.code for alarm in call.of(RaiseAlarm)] == ["flow_loops"]
    assert call.prompts()[-1] == "fault/sorry"
    assert call.place == "delivery:nobody_there"


@pytest.mark.parametrize("keys", ["", "1", "2", "21", "3", "32", "31"])
def test_a_restart_of_the_engine_leaves_the_caller_where_he_was(keys: str) -> None:
    call = HotlineCall(CIRCULATION, phones=ANSWERS).go(keys).listen_out()
    place = call.place
    call.restart_engine(down_seconds=5)
    assert call.place == place
    call.listen_out()
    assert not call.run.finished


@pytest.mark.parametrize("number", LINES)
def test_every_call_that_the_caller_ends_is_counted(number: str) -> None:
    call = HotlineCall(number).listen_out()
    call.hang_up()
    assert call.counted() == [f"{LINES[number]}_hung_up"]
    finished = HotlineCall(number)
    finished.run_to_end()
    assert finished.counted() == []


def test_a_caller_s_strange_number_is_harmless() -> None:
    call = HotlineCall(CIRCULATION, caller="${system reboot}'\n,^^:" + "9" * 5000).go("31").speak_after_beep(5).go("2")
    (kept,) = call.messages()
    assert kept.callback_number == "systemreboot" + "9" * 28
