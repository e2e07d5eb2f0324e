"""The newspaper's hot lines with agents logged in: waiting, what one may do meanwhile, the talk and the survey after it."""

from __future__ import annotations

import pytest
from hotline_calls import CALLER, CIRCULATION, DELIVERY, LINES, PROPERTY, VIP, HotlineCall, loaded

from ivrengine.domain.commands import Enqueue, KeepMark, LeaveQueue, LogStep, RaiseAlarm, ReadyToTalk, RequestCallback
from ivrengine.domain.needs import Ring
from ivrengine.flow.rehearsal import Phone
from ivrengine.flow.rehearsed_queue import Scene

SOON = Scene(agent="1003", wait_seconds=60.0, talk_seconds=90.0, ahead=1, wait_minutes=((0.0, 1, 2),), announce_recording=True)
LATE = Scene(wait_seconds=600.0, ahead=3)
EACH_LINE = pytest.mark.parametrize("number", LINES)


def to_a_person(number: str, queue: Scene = LATE, seconds: float = 20.0, **more: object) -> HotlineCall:
    """In the line's queue, ``seconds`` after the key 0."""
    call = HotlineCall(number, queue=queue, **more)
    call.press("0")
    call.wait(seconds)
    return call


def asked(call: HotlineCall) -> Enqueue:
    (command,) = call.of(Enqueue)
    return command


@EACH_LINE
def test_a_caller_waits_talks_and_gives_marks(number: str) -> None:
    call = to_a_person(number, SOON, seconds=160.0)  # until the agent has hung up
    assert asked(call).queue == LINES[number]
    heard = call.prompts()
    assert heard[0] == "person/connecting"
    first = heard.index("waiting/position")
    assert heard[first : first + 7] == [
        "waiting/position", "waiting/in_line", "waiting/expected", "waiting/to", "waiting/minutes", "waiting/patience", "waiting/offer",
    ]  # fmt: skip
    assert call.spoken()[:3] == [("number", "2"), ("number", "1"), ("number", "2")]
    assert heard[-4:-1] == ["waiting/recorded", "waiting/agent", "waiting/serves"]
    assert ("digits", "1003") in call.spoken()
    assert call.place == f"{LINES[number]}:survey"
    call.go("1").go("2").wait_for_beep()
    call.speak_for(5)
    call.run_to_end()
    marks = [(mark.survey, mark.question, mark.mark, mark.label) for mark in call.of(KeepMark)]
    assert marks[:2] == [(LINES[number], "service", "1", "满意"), (LINES[number], "solved", "2", "未解决")]
    assert marks[2][1] == "comment" and call.of(KeepMark)[2].comment_path
    assert call.prompts()[-2:] == ["survey/thanks", "person/goodbye"]
    assert call.of(LeaveQueue) == call.of(RaiseAlarm) == []
    assert len(call.of(ReadyToTalk)) == 1


@EACH_LINE
def test_needs_are_those_of_the_language(number: str) -> None:
    assert asked(to_a_person(number)).rings == (
        Ring(0.0, (("mandarin", 5),)), Ring(30.0, (("mandarin", 1),)), Ring(90.0, ()),
    )  # fmt: skip
    call = HotlineCall(number, queue=LATE).go("8")
    call.press("0")
    assert asked(call).rings == (Ring(0.0, (("english", 5),)), Ring(30.0, (("english", 3),)), Ring(90.0, ()))


@EACH_LINE
def test_the_same_agent_is_asked_first_and_big_customers_have_a_head_start(number: str) -> None:
    command = asked(to_a_person(number))
    assert (command.boost_seconds, command.sticky_agent, command.sticky_seconds) == (0.0, "last", 10.0)
    call = HotlineCall(number, caller=VIP, queue=LATE)
    call.wait(30)
    assert asked(call).boost_seconds == 120.0


def test_somebody_shut_in_the_lift_overtakes_everybody() -> None:
    call = HotlineCall(PROPERTY, "2026-11-24T03:00", queue=LATE).go("13")
    assert asked(call).boost_seconds == 3600.0


@EACH_LINE
def test_a_message_instead_of_waiting(number: str) -> None:
    call = to_a_person(number)
    call.press("1")
    assert [left.outcome for left in call.of(LeaveQueue)] == ["voicemail"]
    call.go("1").speak_after_beep(5).go("2").run_to_end()
    assert [kept.box for kept in call.messages()] == [LINES[number]]


@EACH_LINE
def test_a_callback_keeps_the_place(number: str) -> None:
    call = to_a_person(number)
    call.press("2")
    call.go("1")
    (request,) = call.of(RequestCallback)
    assert (request.queue, request.number, request.place) == (LINES[number], CALLER, asked(call).token)
    assert request.rings == asked(call).rings
    call.run_to_end()
    assert call.prompts()[-2:] == ["callback/accepted", "person/goodbye"]
    assert call.of(LeaveQueue) == []


def test_a_callback_to_another_number_which_must_be_permitted() -> None:
    call = to_a_person(CIRCULATION)
    call.press("2")
    call.go("2").listen_out()
    call.press("0085212345#")
    assert call.of(RequestCallback) == []
    call.listen_out()
    assert call.prompts()[-2:] == ["callback/wrong", "number/ask"]
    call.press("02912345678#")
    assert [request.number for request in call.of(RequestCallback)] == ["02912345678"]


def test_who_changes_their_mind_about_the_callback_waits_on_in_the_same_place() -> None:
    call = to_a_person(DELIVERY)
    call.press("2")
    call.go("*")
    assert call.place == "delivery:operator"
    assert call.of(LeaveQueue) == [] and len(call.of(Enqueue)) == 1


def test_an_agent_who_is_found_is_worth_more_than_the_callback_that_is_being_agreed() -> None:
    call = to_a_person(DELIVERY, Scene(wait_seconds=25.0), seconds=20.0)
    call.press("2")
    call.wait(15)
    assert call.place == "delivery:operator"
    assert [row.outcome for row in call.of(LogStep) if row.flow == "call_me_back"] == ["interrupted"]
    assert len(call.of(ReadyToTalk)) == 1


@EACH_LINE
def test_office_hours_while_waiting_and_back(number: str) -> None:
    call = to_a_person(number)
    call.press("3")
    call.wait(10)
    assert "waiting/hours" in call.prompts()
    assert call.place == f"{LINES[number]}:operator"
    assert call.of(LeaveQueue) == []


def test_wait_on_and_keys_that_mean_nothing() -> None:
    call = to_a_person(CIRCULATION)
    for key in "40*#79":
        call.press(key)
        assert call.place == "circulation:operator"
    assert call.of(LeaveQueue) == []


@pytest.mark.parametrize("outcome", ["timeout", "no_agent", "refused_full"])
@EACH_LINE
def test_who_waits_in_vain_leaves_a_message(number: str, outcome: str) -> None:
    call = HotlineCall(number, queue=Scene(wait_seconds=5.0, outcome=outcome))
    call.press("0")
    call.wait_for_beep()
    assert call.prompts()[-1] == "person/nobody"
    assert call.place == f"{LINES[number]}:nobody_there"


@pytest.mark.parametrize("outcome", ["refused_empty", "failed"])
def test_where_nobody_is_logged_in_a_phone_rings(outcome: str) -> None:
    call = HotlineCall(DELIVERY, queue=Scene(wait_seconds=0.0, outcome=outcome), phones={"8003": Phone("answered", 1, 5)})
    call.press("0")
    call.run_to_end()
    assert call.dialled() == ["8003"]


@EACH_LINE
def test_hanging_up_while_waiting(number: str) -> None:
    call = to_a_person(number)
    call.hang_up()
    assert [left.outcome for left in call.of(LeaveQueue)] == ["abandoned"]
    assert call.counted()[-1] == f"{LINES[number]}_hung_up"


def test_the_phones_of_the_house_have_codes_that_callers_have_not() -> None:
    for number in ("*90", "*931", "*94", "*9714"):
        call = HotlineCall(number)
        call.run_to_end()
        assert call.prompts() == ["desk/no_house_phone", "desk/bye"]
    assert {step.verb for step in loaded().flows.flows["desk"].steps.values()} == {"branch", "desk", "menu", "hangup"}
