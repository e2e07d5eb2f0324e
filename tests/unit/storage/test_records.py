"""The records one kind after the other: what goes in comes out, and repeating a write after a restart changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage, KeepRecording, LogStep, RaiseAlarm
from ivrengine.flow.run import Frame, Run
from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord, StorageError
from ivrengine.storage.publications import Overtaken, Publication
from ivrengine.storage.rows import storable
from ivrengine.storage.steps import StepCount
from ivrengine.storage.store import Store

CALL = CallInfo("11111111-aaaa-4000-8000-000000000001", "02988880001", "13800138000", "Li Lei", 1000.0)
STEP = LogStep(1, "hotline", "v1", "menu", "menu", 1001.0, 1004.5, "choice", "Complaint", "2", "")
NASTY = [
    "x" * 10_240,
    "'; DROP TABLE calls; --",
    'a "quoted" , ${hangup}\r\n^^:name',
    "caf\udce9 \ud800",
    "nul\x00nul",
    "号码😀",
    "%_!\\",
]


# -- calls ---------------------------------------------------------------------------------------------------------------


def test_a_call_from_beginning_to_end(store: Store) -> None:
    store.calls.begin(CALL, "hotline", "v1").wait()
    begun = store.calls.unfinished()
    store.calls.answered(CALL.call_id, 1000.5)
    store.calls.end(CALL.call_id, 1060.0, "caller", "NORMAL_CLEARING", "message left").wait()
    call = store.calls.get(CALL.call_id)
    assert [one.ended_at for one in begun] == [None]
    assert (call.dialled, call.number, call.name, call.flow, call.flow_version) == (
        "02988880001",
        "13800138000",
        "Li Lei",
        "hotline",
        "v1",
    )
    assert (call.started_at, call.answered_at, call.ended_at, call.duration_seconds) == (1000.0, 1000.5, 1060.0, 60.0)
    assert (call.ended_by, call.cause, call.outcome) == ("caller", "NORMAL_CLEARING", "message left")
    assert store.calls.unfinished() == []


def test_an_engine_that_takes_a_call_over_may_say_everything_again(store: Store) -> None:
    store.calls.begin(CALL, "hotline", "v1")
    store.calls.answered(CALL.call_id, 1000.5)
    store.calls.begin(replace(CALL, started_at=2000.0), "other", "v2")
    store.calls.answered(CALL.call_id, 2000.0)
    store.calls.end(CALL.call_id, 2060.0, "caller", "NORMAL_CLEARING", "a")
    store.calls.end(CALL.call_id, 2061.0, "engine", "LOST", "b").wait()
    call = store.calls.get(CALL.call_id)
    assert (call.started_at, call.answered_at, call.ended_at, call.flow, call.outcome) == (1000.0, 1000.5, 2060.0, "hotline", "a")


def test_calls_are_found_by_time_number_and_prefix(store: Store) -> None:
    for n in range(5):
        number = "13800138000" if n % 2 else f"029{n}"
        store.calls.begin(CallInfo(f"call-{n}", f"400{n}", number, "", 1000.0 + n), "hotline", "v1").wait()

    def found(**wanted: object) -> list[str]:
        return [call.call_id[-1] for call in store.calls.recent(**wanted)]

    assert found() == ["4", "3", "2", "1", "0"]
    assert found(limit=2) == ["4", "3"]
    assert found(since=1001.0, until=1003.0) == ["2", "1"]
    assert found(number="13800138000") == ["3", "1"]
    assert found(number="029*") == ["4", "2", "0"]
    assert found(number="%*") == [] and found(number="029%") == []
    assert found(dialled="4003") == ["3"]


def test_ids_may_be_shortened_while_they_are_unique(store: Store) -> None:
    for call_id in ("abc1", "abc2", "abc22", "x%y"):
        store.calls.begin(CallInfo(call_id, "", "", "", 1.0), "f", "v").wait()
    assert store.calls.get("abc1").call_id == "abc1"
    assert store.calls.get("abc2").call_id == "abc2"  # exact, though another begins so
    assert store.calls.get("x").call_id == "x%y"
    with pytest.raises(AmbiguousRecord, match="more than one call has an id that begins with 'abc'"):
        store.calls.get("abc")
    for missing in ("nothing", "", "%", "\udce9"):
        with pytest.raises(NoSuchRecord):
            store.calls.get(missing)


# -- the trace -----------------------------------------------------------------------------------------------------------


def test_the_trace_comes_back_in_order_as_it_went_in(store: Store) -> None:
    later = replace(STEP, sequence=2, step="complaints", verb="voicemail", detail="a plain sentence")
    store.steps.log(CALL.call_id, later)
    store.steps.log(CALL.call_id, STEP)
    store.steps.log("another call", STEP).wait()
    assert store.steps.of_call(CALL.call_id) == [STEP, later]
    store.steps.log(CALL.call_id, replace(STEP, outcome="no_input")).wait()
    assert [step.outcome for step in store.steps.of_call(CALL.call_id)] == ["no_input", "choice"]
    assert store.steps.of_call("unknown") == []


def test_a_trace_is_cut_where_the_call_goes_on_from(store: Store) -> None:
    for sequence in range(4):
        store.steps.log(CALL.call_id, replace(STEP, sequence=sequence))
    store.steps.log("another call", replace(STEP, sequence=3))
    store.steps.cut(CALL.call_id, 2).wait()
    assert [step.sequence for step in store.steps.of_call(CALL.call_id)] == [0, 1]
    assert len(store.steps.of_call("another call")) == 1


# -- strangers' text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text_is_stored_and_harms_nothing(store: Store, text: str) -> None:
    call = CallInfo(f"id {text[:50]}", text, text, text, 1.0)
    store.calls.begin(call, text, text)
    store.steps.log(call.call_id, LogStep(1, text, text, text, text, 1.0, 2.0, text, text, text, text))
    message_id = store.messages.keep(KeepMessage(text, text, 1, text), call, 1.0)
    store.recordings.keep(KeepRecording(text, text, 1), call.call_id, 1.0)
    store.counters.add(text, 1, 1.0)
    store.alarms.raise_(RaiseAlarm(text, text, text), 1.0)
    store.overrides.set(text, text, "permanent", None, text, 1.0)
    store.flow_versions.keep(text, text, 1.0)
    store.runs.save(call.call_id, {"name": text}, 1.0).wait()
    clean = storable(text)
    assert store.calls.get(call.call_id[:20] if text.startswith("x") else storable(call.call_id)).name == clean
    assert store.steps.of_call(call.call_id)[0].detail == clean
    assert store.messages.get(message_id.wait()).callback_number == clean
    assert store.recordings.of_call(call.call_id)[0].name == clean
    assert store.counters.value(text) == 1
    assert store.alarms.recent()[0].sentence == clean
    assert store.overrides.in_force(2.0)[clean].set_by == clean
    assert store.flow_versions.text(text) == clean
    assert store.runs.all()[0].record == {"name": text}  # JSON: even the surrogates come back
    assert [found.call_id for found in store.calls.recent(number=text)] == [storable(call.call_id)]


@given(st.text(alphabet=st.characters(codec=None), max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_any_text_at_all_is_storable(store: Store, text: str) -> None:
    store.counters.add(text, 1, 1.0).wait()
    assert store.counters.value(text) >= 1
    storable(text).encode("utf-8")


# -- messages and recordings ---------------------------------------------------------------------------------------------


def keep_message(store: Store, directory: Path, name: str, box: str = "complaints", at: float = 1000.0) -> str:
    path = directory / f"{name}.wav"
    path.write_bytes(b"RIFF")
    return store.messages.keep(KeepMessage(box, str(path), 5000, "02912345678", urgent=True), CALL, at).wait()


def test_a_message_is_kept_heard_and_deleted_with_its_file(store: Store, tmp_path: Path) -> None:
    message_id = keep_message(store, tmp_path, "one")
    message = store.messages.get(message_id[:8])
    assert (message.number, message.name, message.callback_number, message.call_id) == (
        "13800138000",
        "Li Lei",
        "02912345678",
        CALL.call_id,
    )
    assert (message.box, message.duration_ms, message.urgent, message.heard_at, message.deleted_at) == (
        "complaints",
        5000,
        1,
        None,
        None,
    )
    store.messages.mark_heard(message_id, 1100.0)
    store.messages.mark_heard(message_id, 1200.0).wait()
    assert store.messages.get(message_id).heard_at == 1100.0
    assert Path(message.path).exists()
    deleted = store.messages.delete(message_id[:8], 1300.0)
    assert deleted.deleted_at == 1300.0 and not Path(message.path).exists()
    assert store.messages.in_box() == []
    assert [one.message_id for one in store.messages.in_box(deleted=True)] == [message_id]


def test_a_deletion_that_was_cut_off_is_finished_by_repeating_it(store: Store, tmp_path: Path) -> None:
    message_id = keep_message(store, tmp_path, "one")
    store.messages.delete(message_id, 1300.0)
    (tmp_path / "one.wav").write_bytes(b"as if the engine had died between row and file")
    assert store.messages.delete(message_id, 1400.0).deleted_at == 1300.0
    assert not (tmp_path / "one.wav").exists()


def test_a_file_that_can_not_be_removed_is_told(store: Store, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    message_id = store.messages.keep(KeepMessage("b", str(tmp_path / "directory"), 1), CALL, 1.0).wait()
    with pytest.raises(StorageError, match="can't be removed"):
        store.messages.delete(message_id, 2.0)


def test_boxes_list_their_own_messages_the_newest_first(store: Store, tmp_path: Path) -> None:
    first = keep_message(store, tmp_path, "one", at=1000.0)
    second = keep_message(store, tmp_path, "two", at=2000.0)
    other = keep_message(store, tmp_path, "three", box="delivery", at=3000.0)
    assert [m.message_id for m in store.messages.in_box("complaints")] == [second, first]
    assert [m.message_id for m in store.messages.in_box()] == [other, second, first]
    store.messages.mark_heard(second, 1.0).wait()
    assert [m.message_id for m in store.messages.in_box("complaints", unheard_only=True)] == [first]
    assert [m.message_id for m in store.messages.in_box(limit=1)] == [other]


def test_a_message_that_is_kept_again_after_a_restart_stays_one(store: Store, tmp_path: Path) -> None:
    assert keep_message(store, tmp_path, "one") == keep_message(store, tmp_path, "one")
    assert len(store.messages.in_box()) == 1


def test_recordings_are_linked_to_their_call_and_dropped_with_their_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    path.write_bytes(b"RIFF")
    first = store.recordings.keep(KeepRecording("complaint", str(path), 3000), CALL.call_id, 1.0).wait()
    assert store.recordings.keep(KeepRecording("complaint", str(path), 3000), CALL.call_id, 2.0).wait() == first
    (recording,) = store.recordings.of_call(CALL.call_id)
    assert (recording.recording_id, recording.name, recording.path, recording.duration_ms) == (
        first,
        "complaint",
        str(path),
        3000,
    )
    store.recordings.drop(str(path))
    store.recordings.drop(str(path))
    assert store.recordings.of_call(CALL.call_id) == [] and not path.exists()


def test_a_message_that_its_caller_throws_away_after_a_restart_is_gone(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "m.wav"
    path.write_bytes(b"RIFF")
    store.messages.keep(KeepMessage("office", str(path), 3000), CALL, 1.0).wait()
    store.recordings.drop(str(path))
    assert store.messages.in_box() == [] and not path.exists()


# -- runs, versions, counters, alarms -----------------------------------------------------------------------------------


def test_a_run_is_replaced_at_each_wait_and_loaded_as_it_was(store: Store) -> None:
    run = Run(CALL, [Frame("hotline", "v1", "greet")], "zh-CN", variables={"a": "\udce9", "n": 1.5})
    store.runs.save(CALL.call_id, run.to_record(), 1001.0)
    record = run.to_record()
    record["language"] = "en-US"
    ticket = store.runs.save(CALL.call_id, record, 1002.0)
    record["language"] = "changed after the save"
    ticket.wait()
    (saved,) = store.runs.all()
    assert (saved.call_id, saved.saved_at, saved.record["language"]) == (CALL.call_id, 1002.0, "en-US")
    assert Run.from_record(saved.record).variables == {"a": "\udce9", "n": 1.5}
    store.runs.delete(CALL.call_id).wait()
    assert store.runs.all() == []


def test_a_run_that_can_not_be_read_does_not_keep_the_others_from_their_callers(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.runs.save("good", {"format": 1}, 2.0)
    store.database.write(lambda db: db.execute("INSERT INTO runs (call_id, record, saved_at) VALUES ('bad', '{', 1)"))
    assert [run.call_id for run in store.runs.all()] == ["good"]
    assert "the saved run of call bad can't be read" in caplog.text


def test_a_version_of_the_flows_never_changes(store: Store) -> None:
    text = "flow: hotline\n" * 10_000
    store.flow_versions.keep("hash", text, 1.0)
    store.flow_versions.keep("hash", text, 2.0).wait()
    with pytest.raises(StorageError, match="a version never changes"):
        store.flow_versions.keep("hash", "flow: other", 3.0).wait()
    assert store.flow_versions.text("hash") == text
    with pytest.raises(NoSuchRecord, match="no flows of version 'none'"):
        store.flow_versions.text("none")


def test_the_last_publication_is_in_force(store: Store) -> None:
    assert store.publications.current() is None
    for at, version in enumerate(["one", "two", "two", "one"]):
        store.publications.publish(version, float(at), "user mary", f"comment {at}").wait()
    current = store.publications.current()
    assert current == Publication(3, "one", 3.0, "user mary", "comment 3")
    assert [each.version for each in store.publications.recent()] == ["one", "two", "one"]
    assert store.publications.get(2).comment == "comment 1", "publishing what is in force already changes nothing"
    for unknown in (0, 9, -1, 10**30):
        with pytest.raises(NoSuchRecord, match="there is no publication"):
            store.publications.get(unknown)


def test_a_publication_leaves_its_row_in_the_audit_trail(store: Store) -> None:
    for version in ("one", "two"):
        store.publications.publish(version, 5.0, "user mary", "why").wait()
    newest, first = store.audit.recent(target="flows")
    assert (first.who, first.verb, first.before) == ("user mary", "publish_flows", "")
    assert "one" in newest.before and "two" in newest.after and "why" in newest.after


def test_nobody_publishes_over_what_they_have_not_seen(store: Store) -> None:
    publish = store.publications.publish
    publish("one", 1.0, "user mary", after=0).wait()
    with pytest.raises(Overtaken, match="publication 1 by user mary came between"):
        publish("two", 2.0, "user john", after=0).wait()
    publish("two", 2.0, "user john", after=1).wait()
    with pytest.raises(Overtaken, match="publication 2 by user john"):
        publish("one", 2.0, "user mary", after=1).wait()
    assert len(store.publications.recent()) == 2


def test_counters_count(store: Store) -> None:
    store.counters.add("sales", 1, 1.0)
    store.counters.add("sales", 4, 2.0)
    assert store.counters.add("sales", -2, 3.0).wait() == 3
    store.counters.add("faults", 1, 3.0).wait()
    assert store.counters.all() == {"faults": 1, "sales": 3}
    assert store.counters.value("never") == 0


def test_the_same_alarm_is_one_row_with_a_count(store: Store) -> None:
    for at in (1.0, 2.0, 3.0):
        store.alarms.raise_(RaiseAlarm("prompt_failed", f"sentence {at}", "hotline:menu"), at)
    store.alarms.raise_(RaiseAlarm("prompt_failed", "elsewhere", "hotline:greet"), 9.0).wait()
    elsewhere, alarm = store.alarms.recent()
    assert (elsewhere.place, elsewhere.count) == ("hotline:greet", 1)
    assert (alarm.sentence, alarm.first_at, alarm.last_at, alarm.count) == ("sentence 3.0", 1.0, 3.0, 3)
    assert store.alarms.recent(since=5.0) == [elsewhere]


# -- overrides of the hours ----------------------------------------------------------------------------------------------


def test_an_override_is_in_force_until_its_time_and_its_history_is_kept(store: Store) -> None:
    before = store.overrides.revision()
    set_ = store.overrides.set("office", "closed", "until", 2000.0, "wang", 1000.0).wait()
    assert store.overrides.in_force(1999.0) == {"office": set_}
    assert store.overrides.in_force(2000.0) == {}
    assert store.overrides.history("office") == [set_]
    assert store.overrides.revision() != before


def test_a_new_override_ends_the_one_before_it_and_clearing_returns_to_the_calendar(store: Store) -> None:
    store.overrides.set("office", "closed", "permanent", None, "wang", 1000.0)
    store.overrides.set("plant", "open", "boundary", 5000.0, "li", 1000.0)
    second = store.overrides.set("office", "holiday", "permanent", None, "li", 1100.0).wait()
    assert store.overrides.in_force(1200.0)["office"] == second
    assert set(store.overrides.in_force(1200.0)) == {"office", "plant"}
    store.overrides.clear("office", "zhao", 1300.0).wait()
    assert set(store.overrides.in_force(1400.0)) == {"plant"}
    told = [(o.state, o.set_by, o.ended_by, o.ended_at) for o in store.overrides.history("office")]
    assert told == [("holiday", "li", "zhao", 1300.0), ("closed", "wang", "li", 1100.0)]
    assert len(store.overrides.history()) == 3
    with pytest.raises(NoSuchRecord, match="no override is in force for the calendar 'office'"):
        store.overrides.clear("office", "zhao", 1500.0).wait()


@pytest.mark.parametrize(("lasts", "until"), [("permanent", 2000.0), ("until", None), ("boundary", None), ("until", 1000.0)])
def test_an_override_whose_end_makes_no_sense_is_refused(store: Store, lasts: str, until: float | None) -> None:
    with pytest.raises(ValueError, match="override"):
        store.overrides.set("office", "closed", lasts, until, "wang", 1000.0)


def test_steps_are_counted_by_outcome_and_label(store: Store) -> None:
    for number, (flow, step, label, at) in enumerate(
        [("a", "main", "Complaint", 10.0), ("a", "main", "Complaint", 11.0), ("a", "main", "Sales", 12.0), ("a", "main", "Sales", 1.0),
         ("b", "main", "Sales", 12.0)]
    ):  # fmt: skip
        store.steps.log(f"c{number}", LogStep(0, flow, "v", step, "menu", at, at + 1, "choice", label, "1")).wait()
    assert store.steps.counts("a", 5.0) == [StepCount("main", "choice", "Complaint", 2), StepCount("main", "choice", "Sales", 1)]
    assert store.steps.counts("c", 0.0) == []
