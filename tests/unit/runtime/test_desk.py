"""Agents' verbs: what they come to, what is heard, and that each leaves a row of the audit trail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gevent
import pytest
from paper_floor import QUEUES, SITE, Floor, heard, make_desk, opened, settle

from ivrengine.acd.decisions import WrapUpEnded
from ivrengine.acd.happenings import PhoneBusy, PhoneFree, TalkEnded
from ivrengine.domain.audio import RecordedFile
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import AskDesk, KeepMessage
from ivrengine.runtime.outcome import Outcome, Who
from ivrengine.storage.pin_checks import TRIES_LIMIT

CONSOLE = Who("root")
PHONE = CallInfo("call-of-8001", "*91", "8001", phone="8001")


@pytest.fixture
def store(tmp_path: Path):
    with opened(tmp_path) as store:
        yield store


@pytest.fixture
def floor(store):
    return Floor(store)


@pytest.fixture
def desk(floor):
    return make_desk(floor)


def ask(desk, verb: str, call: CallInfo = PHONE, **arguments: str) -> Outcome:
    return desk.answer_phone(call, AskDesk("t", verb, tuple(arguments.items()), "en-US"))


def audited(store) -> list[tuple[str, str, str]]:
    settle(store)
    return [(row.who, row.verb, row.target) for row in reversed(store.audit.recent()) if row.who != "test"]


# -- logging in ------------------------------------------------------------------------------------------------------------


def test_an_agent_logs_in_at_any_phone_with_the_pin(desk, floor, store) -> None:
    store.site.set_pin("101", "4711", "test", 2.0)
    outcome = ask(desk, "log_in", agent="101", pin="4711")
    assert outcome.code == "done"
    assert heard(outcome) == ["desk/logged_in", "desk/not_ready", "desk/nobody_waiting"]
    view = floor.dispatcher.agent("101")
    assert (view.phone, view.intent) == ("8001", "NOT_READY")
    assert ("agent 101", "log_in", "agent 101") in audited(store)


def test_a_wrong_pin_and_an_unknown_agent_sound_the_same(desk, store) -> None:
    store.site.set_pin("101", "4711", "test", 2.0)
    wrong, unknown = ask(desk, "log_in", agent="101", pin="1234"), ask(desk, "log_in", agent="999", pin="1234")
    assert wrong == unknown
    assert heard(wrong) == ["desk/wrong_pin"]


def test_too_many_wrong_pins_lock_out_even_the_right_one(desk, store) -> None:
    store.site.set_pin("101", "4711", "test", 2.0)
    for _ in range(TRIES_LIMIT):
        ask(desk, "log_in", agent="101", pin="1234")
    outcome = ask(desk, "log_in", agent="101", pin="4711")
    assert (outcome.code, heard(outcome)) == ("locked", ["desk/locked"])
    assert ("phone 8001", "log_in_refused", "agent 101") in audited(store)


def test_no_pin_gets_into_the_audit_trail_or_a_repr(desk, store) -> None:
    store.site.set_pin("101", "4711", "test", 2.0)
    command = AskDesk("t", "log_in", (("agent", "101"), ("pin", "4711")))
    desk.answer_phone(PHONE, command)
    settle(store)
    assert "4711" not in repr(command) + repr(store.audit.recent())


def test_a_call_that_proves_no_phone_is_refused(desk, floor) -> None:
    outcome = ask(desk, "log_in", CallInfo("c", "*91", "8001"), agent="101", pin="4711")
    assert (outcome.code, heard(outcome)) == ("refused", ["desk/no_house_phone"])
    assert floor.dispatcher.agent("101").intent == "LOGGED_OUT"


def test_who_is_logged_in_elsewhere_is_moved_and_told(desk, floor) -> None:
    desk.log_in("101", "8002", CONSOLE)
    outcome = desk.log_in("101", "8001", CONSOLE)
    assert heard(outcome)[0] == "desk/moved_here"
    assert floor.dispatcher.agent("101").phone == "8001"


def test_who_takes_a_phone_logs_out_the_one_who_sat_there(desk, floor, store) -> None:
    desk.log_in("102", "8001", CONSOLE)
    outcome = desk.log_in("101", "8001", CONSOLE)
    assert "desk/former_out" in heard(outcome)
    assert floor.dispatcher.agent("102").intent == "LOGGED_OUT"
    assert ("root", "log_out", "agent 102") in audited(store)


def test_nobody_is_moved_away_from_a_talk(desk, floor) -> None:
    desk.log_in("101", "8001", CONSOLE)
    desk.ready("101", CONSOLE)
    floor.wait_in()
    floor.connect("101")
    outcome = desk.log_in("101", "8002", CONSOLE)
    assert not outcome.ok
    assert floor.dispatcher.agent("101").phone == "8001"


def test_an_agent_with_a_phone_of_their_own_needs_to_name_none(desk, floor) -> None:
    assert desk.log_in("103", "", CONSOLE).ok
    assert floor.dispatcher.agent("103").phone == "8003"
    assert not desk.log_in("101", "", CONSOLE).ok


def test_the_phone_of_nobody_can_only_log_in(desk) -> None:
    for verb in ("ready", "log_out", "status", "pick_up", "voicemail"):
        outcome = ask(desk, verb)
        assert (outcome.code, heard(outcome)) == ("not_logged_in", ["desk/not_logged_in"]), verb


# -- ready, breaks, status -------------------------------------------------------------------------------------------------


def test_the_state_that_came_of_it_is_said(desk, floor) -> None:
    desk.log_in("101", "8001", CONSOLE)
    floor.wait_in("support")
    floor.wait_in("support")
    floor.feed(PhoneBusy("101", PHONE.call_id))  # the phone is on this very call
    outcome = ask(desk, "ready")
    assert outcome.code == "done"
    assert heard(outcome) == ["desk/ready_in", "2", "desk/queues", "2", "desk/waiting"]
    floor.feed(PhoneFree("101", PHONE.call_id))
    assert floor.dispatcher.agent("101").intent == "READY"
    assert desk.status("102", CONSOLE).sentence == "102: Logged out."


def test_queues_are_named_where_the_site_has_recorded_their_names(floor) -> None:
    desk = make_desk(floor, frozenset({"queue/sales", "queue/support"}))
    desk.log_in("101", "8001", CONSOLE)
    outcome = desk.ready("101", CONSOLE)
    assert heard(outcome) == ["desk/ready_in", "queue/sales", "desk/and", "queue/support", "desk/nobody_waiting"]
    assert outcome.sentence == "101: Ready in Sales and Support; nobody waiting."


def test_a_break_by_the_number_of_its_reason(desk, floor) -> None:
    desk.log_in("101", "8001", CONSOLE)
    outcome = ask(desk, "break", reason="1")
    assert heard(outcome)[0] == "desk/on_break"
    assert floor.dispatcher.agent("101").reason == "tea"


def test_an_unknown_reason_is_refused(desk) -> None:
    desk.log_in("101", "8001", CONSOLE)
    for reason in ("3", "0", "siesta", "", "${x}\n"):
        assert heard(ask(desk, "break", reason=reason)) == ["desk/no_such_reason"]


def test_no_more_of_a_team_are_away_at_once_than_may_be(desk, floor) -> None:
    desk.log_in("101", "8001", CONSOLE)
    desk.log_in("102", "8002", CONSOLE)
    assert desk.take_break("102", "tea", CONSOLE).ok
    outcome = ask(desk, "break", reason="tea")
    assert (outcome.code, heard(outcome)) == ("refused", ["desk/break_full"])


def test_a_break_that_needs_a_word_waits_for_it(desk, floor) -> None:
    desk.log_in("101", "8001", CONSOLE)
    outcome = ask(desk, "break", reason="lunch")
    assert outcome.code == "pending"
    assert "desk/break_pending" in heard(outcome)
    assert floor.dispatcher.agent("101").reason == ""


def test_who_sends_somebody_on_a_break_has_agreed_to_it(desk, floor) -> None:
    desk.log_in("101", "8001", CONSOLE)
    assert desk.take_break("101", "lunch", CONSOLE).ok
    assert floor.dispatcher.agent("101").reason == "lunch"


def test_what_is_wished_in_a_talk_comes_after_it(desk, floor) -> None:
    desk.log_in("102", "8002", CONSOLE)
    desk.ready("102", CONSOLE)
    floor.wait_in()
    talk = floor.connect("102")
    outcome = desk.log_out("102", Who("agent 102", "102"))
    assert outcome.code == "pending"
    assert "desk/after_call" in heard(outcome)
    floor.feed(TalkEnded(talk.attempt_id))
    floor.later(60.0)
    assert floor.dispatcher.agent("102").intent == "LOGGED_OUT"


def test_every_change_is_audited_once(desk, store) -> None:
    desk.log_in("101", "8001", CONSOLE)
    desk.ready("101", CONSOLE)
    desk.take_break("101", "tea", CONSOLE)
    desk.log_out("101", CONSOLE)
    desk.status("101", CONSOLE)
    assert [verb for _, verb, _ in audited(store)] == ["log_in", "ready", "break", "log_out"]


def test_unknown_agents_and_verbs_change_nothing(desk, floor) -> None:
    for outcome in (
        desk.ready("999", CONSOLE), desk.log_in("999", "8001", CONSOLE), desk.status("999", CONSOLE),
        desk.pick_up("999", "", CONSOLE), desk.do("fly", "101", {}, CONSOLE), desk.ready("101", CONSOLE),
    ):  # fmt: skip
        assert not outcome.ok
        assert outcome.say


# -- after a call ----------------------------------------------------------------------------------------------------------


def talked(desk, floor, agent_id: str = "101", queue: str = "support"):
    desk.log_in(agent_id, "8001", CONSOLE)
    desk.ready(agent_id, CONSOLE)
    item_id = floor.wait_in(queue)
    floor.store.segments.begin(item_id, "contact", "contact", item_id, queue, "138", floor.now)
    talk = floor.connect(agent_id)
    floor.store.segments.ended(item_id, "answered", floor.now, 1.0, agent_id, talk.attempt_id)
    floor.store.segments.talked(item_id, 5.0, 0.0, floor.now)
    settle(floor.store)
    floor.feed(TalkEnded(talk.attempt_id))
    return talk


def test_the_disposition_ends_a_wrap_up_that_needs_one(desk, floor) -> None:
    talked(desk, floor)
    refused = ask(desk, "ready")
    assert (refused.ok, heard(refused)) == (False, ["desk/wrap_up"])
    outcome = ask(desk, "disposition", code="2")
    assert heard(outcome) == ["desk/disposition_kept"]
    assert floor.dispatcher.agent("101").work == "IDLE"


def test_a_disposition_given_in_the_talk_counts_for_the_wrap_up(desk, floor) -> None:
    desk.log_in("101", "8001", CONSOLE)
    desk.ready("101", CONSOLE)
    item_id = floor.wait_in("support")
    floor.store.segments.begin(item_id, "contact", "contact", item_id, "support", "138", floor.now)
    talk = floor.connect("101")
    floor.store.segments.ended(item_id, "answered", floor.now, 1.0, "101", talk.attempt_id)
    settle(floor.store)
    assert desk.disposition("101", "2", CONSOLE).ok
    floor.feed(TalkEnded(talk.attempt_id))
    assert floor.dispatcher.agent("101").work == "IDLE"
    assert [each.disposition for each in floor.decisions if isinstance(each, WrapUpEnded)] == ["2"]


@pytest.fixture
def wants_notes(floor) -> None:
    floor.feed(replace(SITE, queues=(QUEUES[0], replace(QUEUES[1], notes_required=True))).happening())


AT_THE_PAGE = Who("user li", "101")


def test_required_notes_are_wanted_on_the_page_after_the_disposition(desk, floor, store, wants_notes) -> None:
    talk = talked(desk, floor)
    refused = desk.disposition("101", "2", AT_THE_PAGE)
    assert (refused.ok, refused.sentence) == (False, "This queue wants notes of the call.")
    assert desk.ready("101", AT_THE_PAGE).sentence == refused.sentence and floor.dispatcher.agent("101").work == "WRAP_UP"
    store.segments.noted(talk.item_id, "101", "wants a refund").wait()
    assert desk.ready("101", AT_THE_PAGE).ok and floor.dispatcher.agent("101").work == "IDLE"
    assert [each.disposition for each in floor.decisions if isinstance(each, WrapUpEnded)] == ["2"]


def test_at_a_phone_the_code_suffices(desk, floor, wants_notes) -> None:
    talked(desk, floor)
    assert heard(ask(desk, "ready")) == ["desk/wrap_up"]
    assert heard(ask(desk, "disposition", code="2")) == ["desk/disposition_kept"]
    assert floor.dispatcher.agent("101").work == "IDLE"


def test_notes_of_an_earlier_talk_are_not_those_of_the_last(desk, floor, store, wants_notes) -> None:
    talk = talked(desk, floor)
    desk.notes_kept("101", "another", True)
    assert not desk.disposition("101", "2", AT_THE_PAGE).ok
    store.segments.noted(talk.item_id, "101", "x").wait()
    desk.notes_kept("101", talk.item_id, True)
    assert floor.dispatcher.agent("101").work == "WRAP_UP"  # until the agent is done
    assert desk.disposition("101", "2", AT_THE_PAGE).ok and floor.dispatcher.agent("101").work == "IDLE"


def test_a_disposition_of_another_queue_is_none(desk, floor) -> None:
    talked(desk, floor, "102", "sales")
    assert heard(desk.disposition("102", "2", CONSOLE)) == ["desk/no_such_disposition"]


def test_a_disposition_after_the_wrap_up_mends_the_record(desk, floor, store) -> None:
    talk = talked(desk, floor)
    floor.later(60.0)
    assert floor.dispatcher.agent("101").work == "IDLE"
    assert ask(desk, "disposition", code="1").ok
    settle(store)
    assert store.segments.get(talk.item_id).disposition == "1"


def test_without_a_call_there_is_nothing_to_note(desk) -> None:
    desk.log_in("101", "8001", CONSOLE)
    outcome = ask(desk, "disposition", code="1")
    assert (outcome.code, heard(outcome)) == ("nothing", ["desk/no_last_call"])


def test_more_wrap_up_moves_its_end(desk, floor) -> None:
    talked(desk, floor)
    until = floor.dispatcher.agent("101").wrap_up_until
    assert heard(ask(desk, "more_wrap_up")) == ["desk/more_time", "30"]
    assert floor.dispatcher.agent("101").wrap_up_until == until + 30
    floor.later(120.0)
    assert ask(desk, "more_wrap_up").code == "nothing"


# -- pick-up, messages ---------------------------------------------------------------------------------------------------


def test_what_rings_at_a_colleague_is_picked_up(desk, floor) -> None:
    desk.log_in("102", "8002", CONSOLE)
    desk.ready("102", CONSOLE)
    item_id = floor.wait_in()
    desk.log_in("101", "8001", CONSOLE)
    desk.ready("101", CONSOLE)
    floor.feed(PhoneBusy("101", PHONE.call_id))
    assert heard(ask(desk, "pick_up", agent="102")) == ["desk/pick_up_now"]
    floor.feed(PhoneFree("101", PHONE.call_id))
    assert floor.dispatcher.agent("101").item_id == item_id


def test_there_is_nothing_to_pick_up(desk, floor) -> None:
    desk.log_in("102", "8002", CONSOLE)
    floor.wait_in("support")  # none of this agent's queues
    outcome = desk.pick_up("102", "", CONSOLE)
    assert (outcome.code, heard(outcome)) == ("nothing", ["desk/nothing_to_pick_up"])


def test_messages_are_heard_one_by_one_the_oldest_first(desk, floor, store, tmp_path) -> None:
    desk.log_in("101", "8001", CONSOLE)
    for number, at in (("13800000001", 10.0), ("", 20.0)):
        path = tmp_path / f"{at:g}.wav"
        path.write_bytes(b"sound")
        store.messages.keep(KeepMessage("sales", str(path), 1000), CallInfo(f"c{at}", "100", number), at).wait()
    first, second, none = ask(desk, "voicemail"), ask(desk, "voicemail"), ask(desk, "voicemail")
    assert heard(first)[:4] == ["2", "desk/new_messages", "desk/message_from", "13800000001"]
    assert RecordedFile(str(tmp_path / "10.wav")) in first.say
    assert heard(first)[-1] == "desk/next_message"
    assert "desk/message_unknown" in heard(second)
    assert (none.code, heard(none)) == ("nothing", ["desk/no_messages"])


# -- answering -----------------------------------------------------------------------------------------------------------


def test_a_phone_is_answered_even_where_the_database_fails(floor, store, monkeypatch) -> None:
    from ivrengine.storage.errors import StorageTimeout

    answers = []
    desk = make_desk(floor, answer=lambda call_id, event: answers.append((call_id, event)))

    def fail(*_):
        raise StorageTimeout("too slow")

    monkeypatch.setattr(store.site, "check_pin", fail)
    desk.ask(PHONE, AskDesk("t7", "log_in", (("agent", "101"), ("pin", "1"))))
    gevent.sleep(0)
    ((call_id, event),) = answers
    assert (call_id, event.token, event.outcome, event.say[0].name) == (PHONE.call_id, "t7", "refused", "desk/failed")
