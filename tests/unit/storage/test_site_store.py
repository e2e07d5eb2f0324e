"""The site's parts as kept, and who may log in."""

from __future__ import annotations

import dataclasses

import gevent
import pytest

from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, Team
from ivrengine.site.pin_form import is_pin_hash
from ivrengine.site.records import Agent, Disposition, Site, Skill
from ivrengine.storage import pin_checks
from ivrengine.storage.errors import NoSuchRecord, SiteChanged, StillNeeded
from ivrengine.storage.pins import BadPin, make_hash
from ivrengine.storage.store import Store

ANN = Agent(AgentRules("1001", "Ann", "day", {"english": 7}, {"delivery": Membership(1, 2)}), extension="8001", supervisor=True)
SITE = Site(
    skills=(Skill("english", "English"),),
    teams=(Team("day", "Day shift", 2),),
    reasons=(BreakReason("rest", "Rest", 600.0), BreakReason("meal", "Meal", 1800.0, approval=True)),
    dispositions=(Disposition("11", "Late paper", ("delivery",)), Disposition("99", "Other")),
    queues=(QueueRules("delivery", "投递", strategy="ring_all", record=False), QueueRules("circulation")),
    agents=(ANN, Agent(AgentRules("1002", "Bo"), greeting_path="/greetings/1002.wav")),
)


def test_a_site_comes_back_as_it_was_given_and_in_its_order(store: Store) -> None:
    assert store.site.load() == Site()
    store.site.replace(SITE, "wang", 1.0).wait()
    assert store.site.load() == SITE
    happening = store.site.load().happening()
    assert [agent.agent_id for agent in happening.agents] == ["1001", "1002"]
    assert [queue.name for queue in happening.queues] == ["delivery", "circulation"]


def test_a_site_is_made_once_and_anew_after_a_change_by_whomever(store: Store) -> None:
    store.site.replace(SITE, "wang", 1.0).wait()
    assert store.site.load() is store.site.load()
    with Store(store.database.path) as beside:
        beside.site.save(QueueRules("delivery", "Delivery"), "li", 2.0).wait()
    changed = store.site.load().queue("delivery")
    assert changed is not None and changed.title == "Delivery"
    store.site.set_pin("1001", "4711", "li", 3.0)
    agent = store.site.load().agent("1001")
    assert agent is not None and store.site.fits("4711", agent.pin_hash)


def test_every_change_moves_the_revision_and_has_its_row_of_the_audit_trail(store: Store) -> None:
    seen = [store.site.revision()]

    def moved() -> bool:
        seen.append(store.site.revision())
        return seen[-1] != seen[-2]

    store.site.replace(SITE, "wang", 1.0).wait()
    assert moved()
    store.site.save(QueueRules("delivery", "Delivery"), "li", 2.0).wait()
    assert moved()
    store.site.save(QueueRules("delivery", "Delivery"), "li", 3.0).wait()
    assert not moved()
    store.site.remove("agents", "1002", "li", 4.0).wait()
    assert moved()
    store.site.set_pin("1001", "4711", "li", 5.0)
    assert moved()
    rows = store.audit.recent(who="li")
    assert [(row.verb, row.target) for row in rows] == [
        ("set_pin", "agent 1001"),
        ("remove", "agent 1002"),
        ("change", "queue delivery"),
    ]
    assert "投递" in rows[2].before and '"title": "Delivery"' in rows[2].after
    assert all("4711" not in row.after + row.before and "scrypt" not in row.after + row.before for row in store.audit.recent())


def test_a_replaced_site_keeps_the_pins_of_agents_who_stay_and_forgets_those_who_go(store: Store) -> None:
    store.site.replace(SITE, "wang", 1.0).wait()
    store.site.set_pin("1001", "4711", "wang", 1.0)
    store.site.set_pin("1002", "4712", "wang", 1.0)
    store.site.replace(Site(agents=(ANN,)), "wang", 2.0).wait()
    store.site.replace(SITE, "wang", 3.0).wait()
    assert store.site.check_pin("1001", "4711", 4.0) == "ok"
    assert store.site.check_pin("1002", "4712", 4.0) == "unknown"
    kept = store.site.load().agent("1001")
    assert kept is not None and is_pin_hash(kept.pin_hash) and kept.pin_hash not in repr(kept)


def test_replacing_a_site_by_itself_changes_nothing_and_another_order_does(store: Store) -> None:
    store.site.replace(SITE, "wang", 1.0).wait()
    revision, rows = store.site.revision(), len(store.audit.recent())
    store.site.replace(SITE, "wang", 2.0).wait()
    assert (store.site.revision(), len(store.audit.recent())) == (revision, rows)
    other = dataclasses.replace(SITE, reasons=SITE.reasons[::-1])
    store.site.replace(other, "wang", 3.0).wait()
    assert store.site.load() == other
    assert store.site.revision() != revision
    row = store.audit.recent()[0]
    assert (row.verb, row.target, row.before, row.after) == ("order", "break reasons", "rest meal", "meal rest")


def test_a_site_that_was_changed_meanwhile_is_not_replaced(store: Store) -> None:
    seen = store.site.revision()
    store.site.save(QueueRules("delivery"), "li", 1.0).wait()
    with pytest.raises(SiteChanged, match="meanwhile"):
        store.site.replace(SITE, "wang", 2.0, expected_revision=seen).wait()
    assert store.site.load() == Site(queues=(QueueRules("delivery"),))
    store.site.replace(SITE, "wang", 3.0, expected_revision=store.site.revision()).wait()
    assert store.site.load() == SITE


def test_who_has_a_pin_already_keeps_its_hash(store: Store) -> None:
    store.site.replace(SITE, "wang", 1.0).wait()
    once = store.site.with_pins(SITE, {"1001": "4711"})
    store.site.replace(once, "wang", 2.0).wait()
    again = store.site.with_pins(SITE, {"1001": "4711", "1002": "4712"})
    assert again.agents[0] == once.agents[0]
    assert is_pin_hash(again.agents[1].pin_hash)
    assert store.site.with_pins(SITE, {"1001": "4799"}).agents[0] != once.agents[0]


def test_who_changes_an_agent_does_not_bring_back_an_older_pin(store: Store) -> None:
    store.site.save(dataclasses.replace(ANN, pin_hash=store.site.hash_pin("4711")), "li", 1.0).wait()
    seen = store.site.load().agent("1001")
    assert seen is not None
    store.site.set_pin("1001", "8888", "wang", 2.0)
    store.site.save(dataclasses.replace(seen, extension="8002"), "li", 3.0).wait()
    assert store.site.check_pin("1001", "8888", 4.0) == "ok"
    now = store.site.load().agent("1001")
    assert now is not None and now.extension == "8002"


def test_what_is_not_there_can_t_be_removed_or_given_a_pin(store: Store) -> None:
    with pytest.raises(NoSuchRecord, match="no queue 'nowhere'"):
        store.site.remove("queues", "nowhere", "li", 1.0).wait()
    with pytest.raises(NoSuchRecord, match="no agent '1009'"):
        store.site.set_pin("1009", "4711", "li", 1.0)
    assert store.audit.recent() == []


def test_what_others_name_can_t_be_removed_before_them(store: Store) -> None:
    store.site.replace(SITE, "wang", 1.0).wait()
    for part, name, holder in (("queues", "delivery", "disposition 11, agent 1001"), ("teams", "day", "agent 1001"),
                               ("skills", "english", "agent 1001")):  # fmt: skip
        with pytest.raises(StillNeeded, match=f"{name!r} is still named by {holder}$"):
            store.site.remove(part, name, "li", 2.0).wait()  # type: ignore[arg-type]
    store.site.remove("dispositions", "11", "li", 3.0)
    store.site.remove("agents", "1001", "li", 3.0)
    store.site.remove("queues", "delivery", "li", 3.0).wait()
    assert [queue.name for queue in store.site.load().queues] == ["circulation"]


@pytest.mark.parametrize("pin", ["123", "1234567890123", "12a4", "１２３４", "12 34"])
def test_a_pin_that_can_t_be_keyed_is_refused_without_telling_it(store: Store, pin: str) -> None:
    store.site.save(ANN, "li", 1.0).wait()
    with pytest.raises(BadPin) as caught:
        store.site.set_pin("1001", pin, "li", 1.0)
    assert pin not in str(caught.value)


def test_a_record_of_a_newer_engine_is_read_as_far_as_it_is_known_and_a_broken_one_is_left_out(store: Store) -> None:
    store.site.save(ANN, "li", 1.0).wait()
    store.database.write(
        lambda db: db.conn.executemany(
            "INSERT INTO site (part, name, place, record, changed_at) VALUES (?, ?, 9, ?, 1)",
            [("teams", "night", '{"name": "night", "moon": true}'), ("teams", "x", "[]"), ("planets", "mars", "{}")],
        )
    )
    assert store.site.load() == Site(agents=(ANN,), teams=(Team("night"),))


# -- log-in --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def staffed(store: Store) -> Store:
    store.site.save(ANN, "li", 1.0).wait()
    store.site.set_pin("1001", "4711", "li", 1.0)
    return store


def test_five_wrong_pins_lock_the_agent_until_they_are_old(staffed: Store) -> None:
    for second in range(pin_checks.TRIES_LIMIT):
        assert staffed.site.check_pin("1001", "0000", 100.0 + second) == "wrong"
    assert staffed.site.check_pin("1001", "4711", 110.0) == "locked"
    assert staffed.site.check_pin("1001", "4711", 99.0 + pin_checks.TRIES_SECONDS) == "locked"
    assert staffed.site.check_pin("1001", "4711", 104.0 + pin_checks.TRIES_SECONDS) == "ok"


def test_a_right_pin_forgets_the_wrong_ones_and_a_supervisor_can_too(staffed: Store) -> None:
    for _ in range(3):
        for _ in range(pin_checks.TRIES_LIMIT - 1):
            assert staffed.site.check_pin("1001", "0000", 100.0) == "wrong"
        assert staffed.site.check_pin("1001", "4711", 100.0) == "ok"
    for _ in range(pin_checks.TRIES_LIMIT):
        staffed.site.check_pin("1001", "0000", 100.0)
    staffed.site.unlock_pin("1001", "boss", 101.0).wait()
    assert staffed.site.check_pin("1001", "4711", 102.0) == "ok"
    assert staffed.audit.recent(who="boss")[0].verb == "unlock_pin"


def test_the_lock_survives_a_restart(staffed: Store) -> None:
    for _ in range(pin_checks.TRIES_LIMIT):
        staffed.site.check_pin("1001", "0000", 100.0)
    staffed.close()
    with Store(staffed.database.path) as again:
        assert again.site.check_pin("1001", "4711", 101.0) == "locked"
    staffed.open()


def test_many_phones_at_once_have_no_more_tries_than_one(staffed: Store) -> None:
    guesses = [gevent.spawn(staffed.site.check_pin, "1001", f"{number:04}", 100.0) for number in range(12)]
    gevent.joinall(guesses)
    verdicts = [guess.get() for guess in guesses]
    assert verdicts.count("wrong") == pin_checks.TRIES_LIMIT
    assert verdicts.count("locked") == 12 - pin_checks.TRIES_LIMIT


def test_a_try_counts_before_the_pin_is_looked_at(staffed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(*_: object) -> bool:
        raise OSError("killed here")

    monkeypatch.setattr(pin_checks.pins, "matches", dying)
    for _ in range(pin_checks.TRIES_LIMIT):
        with pytest.raises(OSError, match="killed here"):
            staffed.site.check_pin("1001", "0000", 100.0)
    monkeypatch.undo()
    assert staffed.site.check_pin("1001", "4711", 100.0) == "locked"


def test_nobody_s_pin_is_hashed_and_written_like_everybody_s(staffed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(pin_checks.pins, "matches", lambda pin, pin_hash: hashed.append(pin_hash) or False)
    for _ in range(pin_checks.TRIES_LIMIT + 3):
        staffed.site.check_pin("1001", "0000", 100.0)
    for agent_id in ("1099", "1002", ""):
        assert staffed.site.check_pin(agent_id, "4711", 100.0) == "unknown"
    assert len(hashed) == pin_checks.TRIES_LIMIT + 6
    assert {pin_hash.split("$")[1] for pin_hash in hashed} == {"16384"}
    # tries of nobody and of the locked leave one row, however many there are
    assert staffed.database.read(lambda db: db.execute("SELECT count(*) FROM pin_tries WHERE agent_id = ''").fetchone()) == (1,)


def test_hashes_have_salts_and_only_bearable_ones_are_hashes() -> None:
    one, other = make_hash("4711"), make_hash("4711")
    assert one != other and is_pin_hash(one) and is_pin_hash(other)
    for bad in ("", "4711", one.replace("16384", "16383"), one.replace("16384", "524288"), one[:-5], one.replace("scrypt", "md5")):
        assert not is_pin_hash(bad)
