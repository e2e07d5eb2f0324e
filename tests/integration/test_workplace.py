"""Agents and supervisors at work, through a whole engine on the embedded switch: phones, codes, transfers, orders, callbacks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from click.testing import CliRunner

from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules
from ivrengine.cli.main import cli
from ivrengine.site.records import Agent, Disposition, Site

from .conftest import House, eventually, make_site
from .queue_house import AGENT_RULES, QUEUE_FLOW, RULES, keep_site, seat, segment, until_works, works

ROOT = Path(__file__).parents[2]
DESK_FLOW = """
flow: desk
languages: [zh-CN]
numbers: ["*90", "*92", "*93", "*95*", "*97"]
start: which
steps:
  which:
    branch:
      cases:
        - {when: 'dialled == "*90"', label: in, go: log_in}
        - {when: 'dialled == "*92"', label: ready, go: ready}
        - {when: 'dialled == "*93"', label: break, go: rest}
        - {when: 'dialled == "*97"', label: pick up, go: pick_up}
      otherwise: disposition
  log_in:
    desk:
      verb: log_in
      ask: [{name: agent, prompt: [main], digits: 1-10}, {name: pin, prompt: [main], digits: 4-12, secret: true}]
      done: bye
      refused: bye
      outside: bye
  ready: {desk: {verb: ready, done: bye, refused: bye, outside: bye}}
  rest: {desk: {verb: break, given: {reason: '"1"'}, done: bye, refused: bye, outside: bye}}
  pick_up: {desk: {verb: pick_up, done: bye, refused: bye, outside: bye}}
  disposition:
    desk: {verb: disposition, given: {code: 'right(dialled, length(dialled) - 3)'}, done: bye, refused: bye, outside: bye}
  bye: {hangup: {prompt: [bye]}}
"""


CALL_ME = """
flow: call_me
languages: [zh-CN]
start: ask
steps:
  ask:
    callback: {prompt: [main], before: [main], keep: 1, change: 2, accepted: done, failed: sorry}
  done: {return: {label: accepted}}
  sorry: {return: {label: failed}}
"""


def work_site(**rules: Any) -> Site:
    """The queues ``news`` and ``other``; 101 and 102 serve both, 103 supervises."""
    both = {"news": Membership(), "other": Membership()}
    return Site(
        reasons=(BreakReason("tea"),),
        dispositions=(Disposition("7", "Bought"),),
        queues=(QueueRules("news", **{**RULES, **rules}), QueueRules("other", number="71", **{**RULES, **rules})),
        agents=(
            Agent(AgentRules("101", queues=both, **AGENT_RULES)),
            Agent(AgentRules("102", queues=both, **AGENT_RULES)),
            Agent(AgentRules("103", **AGENT_RULES), supervisor=True),
        ),
    )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(make_site(tmp_path / "site", QUEUE_FLOW))
    (house.site / "flows" / "desk.yml").write_text(DESK_FLOW, encoding="utf-8")
    keep_site(house, work_site())
    yield house
    engine = house.engine
    for call_id in list(engine.reception.sessions):
        house.switch.core.person(call_id).hang_up()
    eventually(lambda: not engine.reception.sessions, "the end of all calls")
    assert engine.crew.crashes == 0
    house.close()


def phone(house: House, extension: str, **behaviour: Any) -> None:
    house.sim("phone", {"extension": extension, "behaviour": "answer", "after": 0.1, **behaviour})


def talking(house: House, agent_id: str = "101", **script: Any) -> str:
    """A caller who talks with the agent; gives the call."""
    phone(house, str(8000 + int(agent_id) - 100), **script)
    seat(house.engine, agent_id)
    call_id = house.call()
    until_works(house.engine, agent_id, "TALKING")
    return call_id


def talk_of(house: House, agent_id: str = "101") -> Any:
    return house.engine.call_centre.director.talk_of(agent_id)


def key(house: House, keys: str, agent_id: str = "101") -> None:
    house.switch.core.person(talk_of(house, agent_id).leg_id).press(keys)


def partner(house: House, channel_id: str) -> str:
    channel = house.switch.core.channels.get(channel_id)
    return channel.partner.uuid if channel is not None and channel.partner is not None else ""


def with_colleague(house: House, leg_id: str, call_id: str) -> str:
    """The one whom the agent speaks with instead of the caller."""

    def other() -> str:
        found = partner(house, leg_id)
        return "" if found == call_id else found

    return eventually(other, "agent and colleague together")


def run(house: House, *words: str, code: int = 0) -> str:
    """A command of another process, while the engine of this one answers it."""
    settings = house.engine.settings
    done = gevent.get_hub().threadpool.spawn(
        lambda: CliRunner().invoke(cli, ["--site", str(settings.site), *words], env={"COLUMNS": "200"})
    )
    result = done.get(timeout=30)
    assert result.exit_code == code, result.output
    return result.output


# -- the desk --------------------------------------------------------------------------------------------------------------


def test_an_agent_logs_in_is_ready_and_gets_a_call_with_nothing_but_a_phone(house: House) -> None:
    engine = house.start_engine()
    engine.store.site.set_pin("101", "4711", "test", 1.0)
    script = [{"press_after_prompt": "101#"}, {"press_after_prompt": "4711#"}]
    house.sim("dial", {"extension": "8001", "number": "*90", "script": script})
    eventually(lambda: engine.call_centre.director.dispatcher.agent("101").intent == "NOT_READY", "the log-in")
    assert engine.call_centre.director.dispatcher.agent("101").phone == "8001"
    eventually(lambda: not engine.reception.sessions, "the end of the call")
    house.sim("dial", {"extension": "8001", "number": "*92"})
    eventually(lambda: engine.call_centre.director.dispatcher.agent("101").intent == "READY", "ready")
    phone(house, "8001", talk=0.3)
    call_id = house.call()
    house.ended(call_id)
    assert segment(engine, call_id).agent_id == "101"
    house.sim("dial", {"extension": "8001", "number": "*957"})
    eventually(lambda: segment(engine, call_id).disposition == "7", "the disposition")
    rows = engine.store.audit.recent(who="agent 101")
    assert {"log_in", "ready", "disposition"} <= {row.verb for row in rows}
    assert "4711" not in repr(rows) + repr(engine.store.steps.of_call(call_id))


def test_a_caller_from_outside_reaches_no_feature_code_whatever_number_they_show(house: House) -> None:
    engine = house.start_engine()
    seat(engine, "101")
    call_id = house.call(number="*93", caller="8001")
    eventually(lambda: call_id not in house.switch.core.channels, "the refusal")
    assert engine.call_centre.director.dispatcher.agent("101").intent == "READY"


# -- passing on ------------------------------------------------------------------------------------------------------------


def test_a_code_passes_the_caller_to_a_queue_where_another_agent_takes_them(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    phone(house, "8002", talk=0.5)
    seat(engine, "102")
    key(house, "*271#")
    until_works(engine, "102", "TALKING")
    house.ended(call_id)
    first, second = engine.store.segments.of_contact(call_id)
    assert (first.queue, first.agent_id, first.terminal) == ("news", "101", "answered")
    assert (second.queue, second.agent_id, second.terminal) == ("other", "102", "answered")
    assert house.heard(call_id)[-2:] == ["thanks", "bye"]


def test_a_code_passes_the_caller_to_a_phone_and_frees_the_agent(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    phone(house, "8009", talk=1.0)
    key(house, "*28009#")
    until_works(engine, "101", "WRAP_UP")
    eventually(lambda: partner(house, call_id), "the colleague")
    house.ended(call_id)
    assert ("person", "answered", "") in house.steps(call_id)
    assert house.heard(call_id)[-2:] == ["thanks", "bye"]
    assert not list(engine.call_centre.director.room)


def test_who_is_not_taken_at_a_phone_is_back_with_the_agent(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    house.sim("phone", {"extension": "8009", "behaviour": "busy", "after": 0.1})
    key(house, "*28009#")
    eventually(lambda: len(engine.store.segments.of_contact(call_id)) == 2, "the second waiting")
    until_works(engine, "101", "TALKING")
    assert talk_of(house).call_id == call_id


def test_consult_and_complete(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    leg_id = talk_of(house).leg_id
    phone(house, "8009")
    key(house, "*38009#")
    until_works(engine, "101", "CONSULT")
    colleague = with_colleague(house, leg_id, call_id)
    assert not partner(house, call_id)
    key(house, "*4")
    eventually(lambda: partner(house, call_id) == colleague, "caller and colleague together")
    until_works(engine, "101", "IDLE")
    gevent.sleep(1.2)  # the music does not come back
    assert partner(house, call_id) == colleague
    house.switch.core.person(colleague).hang_up()
    house.ended(call_id)
    assert house.heard(call_id)[-2:] == ["thanks", "bye"]


def test_consult_and_take_back(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    leg_id = talk_of(house).leg_id
    phone(house, "8009")
    key(house, "*38009#")
    colleague = with_colleague(house, leg_id, call_id)
    key(house, "*1")
    eventually(lambda: partner(house, leg_id) == call_id, "agent and caller together again")
    until_works(engine, "101", "TALKING")
    assert colleague not in house.switch.core.channels
    gevent.sleep(1.2)
    assert partner(house, leg_id) == call_id


def test_a_colleague_who_hangs_up_gives_the_caller_back(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    leg_id = talk_of(house).leg_id
    phone(house, "8009", talk=0.5)
    key(house, "*38009#")
    with_colleague(house, leg_id, call_id)
    eventually(lambda: partner(house, leg_id) == call_id, "agent and caller together again")
    until_works(engine, "101", "TALKING")


def test_an_agent_who_hangs_up_while_consulting_leaves_the_caller_with_the_colleague(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    leg_id = talk_of(house).leg_id
    phone(house, "8009")
    key(house, "*38009#")
    colleague = with_colleague(house, leg_id, call_id)
    house.switch.core.person(leg_id).hang_up()
    eventually(lambda: partner(house, call_id) == colleague, "caller and colleague together")
    until_works(engine, "101", "IDLE")


def test_three_at_once(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    leg_id = talk_of(house).leg_id
    phone(house, "8009")
    key(house, "*38009#")
    colleague = with_colleague(house, leg_id, call_id)
    key(house, "*5")
    until_works(engine, "101", "CONFERENCE")
    assert partner(house, leg_id) == call_id
    house.switch.core.person(leg_id).hang_up()  # and the two who are left go on
    eventually(lambda: partner(house, call_id) == colleague, "caller and colleague together")


def test_a_caller_who_hangs_up_while_the_agent_consults_leaves_no_leg(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    leg_id = talk_of(house).leg_id
    phone(house, "8009")
    key(house, "*38009#")
    with_colleague(house, leg_id, call_id)
    house.switch.core.person(call_id).hang_up()
    house.ended(call_id)
    eventually(lambda: not house.switch.core.channels, "the end of all legs")
    until_works(engine, "101", "IDLE")


def test_the_callers_own_keys_are_no_codes(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    house.switch.core.person(call_id).press("*28009#")
    gevent.sleep(0.5)
    assert works(engine, "101") == "TALKING" and partner(house, call_id) == talk_of(house).leg_id


# -- supervising, by the command line --------------------------------------------------------------------------------------


def test_the_command_line_drives_the_engine(house: House) -> None:
    engine = house.start_engine()
    phone(house, "8001")
    assert "is logged in at 8001" in run(house, "agents", "log-in", "101", "--phone", "8001")
    assert "Ready in news and other" in run(house, "agents", "ready", "101")
    assert works(engine, "101") == "IDLE"
    call_id = house.call()
    until_works(engine, "101", "TALKING")
    assert "talking (ready)" in run(house, "agents", "states")
    phone(house, "8003")
    assert "rings" in run(house, "supervise", "listen", "101", "--phone", "8003")
    boss = eventually(
        lambda: next((c for c in house.switch.core.channels.values() if c.uuid not in (call_id, talk_of(house).leg_id)), None), "the phone"
    )
    second = house.call()
    eventually(lambda: "13800138000" in run(house, "queues", "waiting"), "the second caller")
    item = engine.call_centre.director.dispatcher.items()[0].item_id
    assert "waits in other" in run(house, "supervise", "move", item, "other")
    assert "place 1" in run(house, "supervise", "raise", item, "60")
    assert "there is no queue" in run(house, "supervise", "move", item, "nowhere", code=1)
    assert "is ended" in run(house, "supervise", "disconnect", "101")
    house.ended(call_id)
    eventually(lambda: boss.uuid not in house.switch.core.channels, "the end of listening")
    until_works(engine, "101", "TALKING")
    assert talk_of(house).call_id == second
    run(house, "supervise", "force", "101", "log-out")
    verbs = [row.verb for row in engine.store.audit.recent()]
    assert {"supervise listen", "supervise move", "supervise raise", "supervise disconnect", "supervise force_log_out"} <= set(verbs)


def test_taking_over_gives_the_caller_to_the_other_agent(house: House) -> None:
    engine = house.start_engine()
    call_id = talking(house)
    phone(house, "8002", talk=0.5)
    seat(engine, "102")
    assert "comes to 102" in run(house, "supervise", "take-over", "101", "--by", "102")
    house.ended(call_id)
    assert [each.agent_id for each in engine.store.segments.of_contact(call_id)] == ["101", "102"]


# -- callbacks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["agent", "customer"])
def test_a_callback_is_made_when_its_turn_comes(house: House, first: str) -> None:
    keep_site(house, work_site(callback_first=first))
    engine = house.start_engine(outside_numbers=["139*"])
    phone(house, "8001", talk=1.0)
    phone(house, "13900139000")
    assert "will be called back" in run(house, "callbacks", "add", "news", "13900139000")
    assert "already" in run(house, "callbacks", "add", "news", "13900139000", code=1)
    assert "may not go" in run(house, "callbacks", "add", "news", "13100000000", code=1)
    seat(engine, "101")
    until_works(engine, "101", "TALKING")
    customer = partner(house, talk_of(house).leg_id)
    assert customer
    eventually(lambda: not engine.store.callbacks.open(), "the callback to be done")
    until_works(engine, "101", "IDLE")
    eventually(lambda: not house.switch.core.channels, "the end of both legs")
    (kept,) = engine.store.callbacks.recent()
    assert (kept.outcome, kept.agent_id) == ("talked", "101")
    kept = engine.store.segments.get(kept.callback_id)
    assert (kept.terminal, kept.agent_id, kept.virtual) == ("answered", "101", True)


@pytest.mark.parametrize("first", ["agent", "customer"])
def test_a_customer_who_is_busy_is_tried_again_and_then_no_more(house: House, first: str) -> None:
    rules = {"callback_first": first, "callback_tries": 2, "callback_pause_seconds": 0.5}
    keep_site(house, work_site(**rules))
    engine = house.start_engine(outside_numbers=["139*"])
    phone(house, "8001")
    house.sim("phone", {"extension": "13900139000", "behaviour": "busy", "after": 0.1})
    run(house, "callbacks", "add", "news", "13900139000")
    seat(engine, "101")
    eventually(lambda: engine.store.callbacks.recent()[0].ended_at, "the last try")
    (kept,) = engine.store.callbacks.recent()
    assert (kept.outcome, kept.attempts) == ("busy", 2)
    until_works(engine, "101", "IDLE")
    assert engine.call_centre.director.dispatcher.agent("101").intent == "READY", "it cost the agent nothing"
    eventually(lambda: not house.switch.core.channels, "the end of all legs")


def test_a_callback_never_jumps_a_caller_who_came_before_it(house: House) -> None:
    engine = house.start_engine(outside_numbers=["139*"])
    call_id = house.call()
    eventually(lambda: engine.call_centre.director.dispatcher.items(), "the caller in line")
    run(house, "callbacks", "add", "news", "13900139000")
    eventually(lambda: len(engine.call_centre.director.dispatcher.items()) == 2, "the callback in line")
    assert "callback" in run(house, "queues", "waiting", "news")
    phone(house, "8001", talk=0.3)
    seat(engine, "101")
    until_works(engine, "101", "TALKING")
    assert talk_of(house).call_id == call_id
    eventually(lambda: not engine.store.callbacks.open(), "the callback after them")


def test_who_gave_up_waiting_is_called_back_where_the_queue_is_set_so(house: House) -> None:
    keep_site(house, work_site(callback_from_abandoned=True))
    engine = house.start_engine(outside_numbers=["138*"])
    call_id = house.call({"wait": 0.5}, {"hangup": True})
    house.ended(call_id)
    (kept,) = eventually(lambda: engine.store.callbacks.open(), "the callback")
    assert (kept.number, kept.source, kept.call_id) == ("13800138000", "abandoned", call_id)


def test_a_callback_survives_the_engine(house: House) -> None:
    engine = house.start_engine(outside_numbers=["139*"])
    run(house, "callbacks", "add", "news", "13900139000")
    eventually(lambda: engine.call_centre.director.dispatcher.items(), "the callback in line")
    engine.stop(drain_seconds=0.0)
    engine = house.start_engine(outside_numbers=["139*"])
    eventually(lambda: engine.call_centre.director.dispatcher.items(), "the callback in line again")
    phone(house, "8001", talk=0.5)
    phone(house, "13900139000")
    seat(engine, "101")
    eventually(lambda: not engine.store.callbacks.open(), "the callback to be done")


def test_a_cancelled_callback_is_not_made(house: House) -> None:
    engine = house.start_engine(outside_numbers=["139*"])
    run(house, "callbacks", "add", "news", "13900139000")
    eventually(lambda: engine.call_centre.director.dispatcher.items(), "the callback in line")
    callback_id = engine.store.callbacks.open()[0].callback_id
    assert "Nobody is called" in run(house, "callbacks", "cancel", callback_id[:8])
    assert not engine.call_centre.director.dispatcher.items()
    assert "over already" in run(house, "callbacks", "cancel", callback_id[:8], code=1)


def test_a_caller_hands_the_place_in_line_over_to_a_callback_and_is_called_back(house: House) -> None:
    flow = QUEUE_FLOW.replace("1: {label: Leave, go: bye}", "1: {label: Call back, do: inform, flow: call_me}")
    flow = flow.replace("      failed: sorry\n", "      failed: sorry\n      callback_requested: thanks\n", 1)
    (house.site / "flows" / "line.yml").write_text(flow, encoding="utf-8")
    (house.site / "flows" / "call_me.yml").write_text(CALL_ME, encoding="utf-8")
    shutil.copytree(ROOT / "prompts" / "zh-CN" / "speech", house.site / "prompts" / "zh-CN" / "speech")  # the number is spoken
    engine = house.start_engine(outside_numbers=["138*"])
    call_id = house.call({"wait": 0.5}, {"press": "1"}, {"wait": 1.0}, {"press": "1"})
    house.ended(call_id)
    kept = segment(engine, call_id)
    assert kept.terminal == "callback_requested"
    (callback,) = engine.store.callbacks.open()
    assert (callback.number, callback.queued_at, callback.queue) == ("13800138000", kept.queued_at, "news")
    phone(house, "8001", talk=0.5)
    phone(house, "13800138000")
    seat(engine, "101")
    eventually(lambda: not engine.store.callbacks.open(), "the callback")
    assert engine.store.callbacks.recent()[0].outcome == "talked"
