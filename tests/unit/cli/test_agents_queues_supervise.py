"""The commands on agents, queues, supervising and callbacks: what is kept by them, what is ordered, what is refused before that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ivrengine.acd.rules import AgentRules, Membership, QueueRules, Team
from ivrengine.cli import engine_orders
from ivrengine.cli.agents import agents
from ivrengine.cli.callbacks import callbacks
from ivrengine.cli.queues import queues
from ivrengine.cli.supervise import supervise
from ivrengine.config import Settings
from ivrengine.site.records import Agent, Site, Skill
from ivrengine.storage.store import Store

SITE = Site(
    skills=(Skill("english"), Skill("sales")),
    teams=(Team("day"),),
    queues=(QueueRules("support", "Support", number="6001"), QueueRules("other")),
    agents=(Agent(AgentRules("101", "Li", "day", {"english": 7}, {"support": Membership()})),),
)


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    settings = Settings(site=tmp_path, data=tmp_path / "data")
    with Store(settings.database) as store:
        store.site.replace(SITE, "test", 1.0).wait()
    return settings


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """Orders as an engine gets them; it answers each at once."""
    found: list[tuple[str, dict[str, str]]] = []
    answers = {
        "agents.states": [
            {
                "agent": "101", "name": "Li", "phone": "8001", "reachable": False, "state": "talking (ready)", "since": 1000.0,
                "calls": 3, "asks": "lunch",
            }
        ],
        "queues.waiting": [
            {
                "queue": "support", "position": 1, "item": "c:1", "number": "138", "queued_at": 1000.0, "state": "queued",
                "boost_seconds": 0.0,
            }
        ],
    }  # fmt: skip

    def ask(settings: Settings, verb: str, **arguments: str) -> Any:
        found.append((verb, arguments))
        return "it is done.", answers.get(verb)

    for module in ("engine_orders", "agents", "queues", "supervise"):
        monkeypatch.setattr(f"ivrengine.cli.{module}.ask_engine", ask)
    return found


def run(site: Settings, group: click.Group, *arguments: str, text: str | None = None, code: int = 0) -> Result:
    result = CliRunner().invoke(group, list(arguments), obj=site, input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def agent(site: Settings, number: str = "101") -> Agent:
    with Store(site.database) as store:
        found = store.site.load().agent(number)
    assert found is not None
    return found


# -- agents ----------------------------------------------------------------------------------------------------------------


def test_an_agent_is_added_with_a_pin_that_is_asked_for(site: Settings) -> None:
    run(site, agents, "add", "102", "--name", "Wang", "--team", "day", "--skill", "sales=9", "--queue", "support:2:10", text="4711\n")
    added = agent(site, "102")
    assert added.rules == AgentRules("102", "Wang", "day", {"sales": 9}, {"support": Membership(2, 10)})
    with Store(site.database) as store:
        assert store.site.check_pin("102", "4711", 2.0) == "ok"
        assert "4711" not in repr(store.audit.recent()) + repr(added)
    shown = run(site, agents, "list").output
    assert "Wang" in shown and "support (tier 2)" in shown and "sales 9" in shown
    assert added.pin_hash not in shown


def test_no_command_takes_a_pin_as_an_argument() -> None:
    for command in agents.commands.values():
        assert not [each.name for each in command.params if each.name in ("pin", "password", "secret")]


def test_what_no_option_names_stays(site: Settings) -> None:
    run(site, agents, "set", "101", "--skill", "sales=3", "--queue", "other", "--supervisor", "--extension", "8003")
    run(site, agents, "set", "101", "--drop-skill", "english", "--no-record")
    changed = agent(site)
    assert (changed.rules.skills, list(changed.rules.queues)) == ({"sales": 3}, ["support", "other"])
    assert (changed.rules.name, changed.rules.record, changed.supervisor, changed.extension) == ("Li", False, True, "8003")


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "101", "--without-pin"), ("add", "1O1", "--without-pin"), ("add", "", "--without-pin"), ("add", "102"),
        ("set", "999", "--name", "x"), ("set", "101", "--skill", "english"), ("set", "101", "--skill", "english=11"),
        ("set", "101", "--skill", "french=5"), ("set", "101", "--queue", "suport"), ("set", "101", "--queue", "support:x"),
        ("set", "101", "--team", "night"), ("set", "101", "--extension", "80;1"), ("set", "101", "--drop-skill", "sales"),
        ("set", "101", "--drop-queue", "other"), ("pin", "999"), ("pin", "101", "--none", "--unlock"), ("remove", "999", "--yes"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_and_changes_nothing(site: Settings, arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(agents, list(arguments), obj=site, input="")
    assert result.exit_code in (1, 2) and isinstance(result.exception, SystemExit), result.output
    with Store(site.database) as store:
        assert store.site.load() == SITE


def test_a_mistyped_name_is_put_right(site: Settings) -> None:
    assert "support" in run(site, agents, "set", "101", "--queue", "suport", code=2).output


def test_a_pin_is_set_taken_away_and_unlocked(site: Settings) -> None:
    run(site, agents, "pin", "101", text="4711\n")
    with Store(site.database) as store:
        for _ in range(6):
            store.site.check_pin("101", "0000", 2.0)
        assert store.site.check_pin("101", "4711", 2.0) == "locked"
    run(site, agents, "pin", "101", "--unlock")
    with Store(site.database) as store:
        assert store.site.check_pin("101", "4711", 2.0) == "ok"
    run(site, agents, "pin", "101", "--none")
    assert agent(site).pin_hash == ""


def test_an_agent_is_removed_only_after_asking(site: Settings) -> None:
    run(site, agents, "remove", "101", text="n\n", code=1)
    agent(site)
    run(site, agents, "remove", "101", text="y\n")
    assert "no agents" in run(site, agents, "list").output


# -- what is ordered from the engine -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "arguments", "verb", "wanted"),
    [
        (agents, ("log-in", "101", "--phone", "8001"), "agents.log_in", {"agent": "101", "phone": "8001"}),
        (agents, ("log-out", "101"), "agents.log_out", {"agent": "101"}),
        (agents, ("ready", "101"), "agents.ready", {"agent": "101"}),
        (agents, ("break", "101", "lunch"), "agents.break", {"agent": "101", "reason": "lunch"}),
        (supervise, ("listen", "101", "--phone", "8003"), "supervise.listen", {"agent": "101", "phone": "8003"}),
        (supervise, ("whisper", "101", "--phone", "8003"), "supervise.whisper", {"agent": "101", "phone": "8003"}),
        (supervise, ("barge", "101", "--phone", "8003"), "supervise.barge", {"agent": "101", "phone": "8003"}),
        (supervise, ("take-over", "101", "--by", "102"), "supervise.take_over", {"agent": "101", "by": "102"}),
        (supervise, ("disconnect", "101"), "supervise.disconnect", {"agent": "101"}),
        (supervise, ("force", "101", "log-out"), "supervise.force_log_out", {"agent": "101", "reason": ""}),
        (supervise, ("force", "101", "break", "--reason", "tea"), "supervise.force_break", {"agent": "101", "reason": "tea"}),
        (supervise, ("move", "c:1", "other"), "supervise.move", {"item": "c:1", "queue": "other"}),
        (supervise, ("raise", "c:1", "60"), "supervise.raise", {"item": "c:1", "seconds": "60"}),
        (supervise, ("pick-up", "c:1", "101"), "supervise.pick_up", {"item": "c:1", "agent": "101"}),
        (supervise, ("breaks", "--allow", "101"), "supervise.allow_break", {"agent": "101"}),
        (supervise, ("breaks", "--refuse", "101"), "supervise.refuse_break", {"agent": "101"}),
        (callbacks, ("add", "support", "139", "--name", "Li"), "callbacks.add", {"queue": "support", "number": "139", "name": "Li"}),
        (callbacks, ("cancel", "abc"), "callbacks.cancel", {"callback": "abc"}),
    ],
)
def test_live_verbs_are_ordered(site: Settings, ordered: list, group: click.Group, arguments, verb: str, wanted) -> None:
    assert run(site, group, *arguments).output == "It is done.\n"
    assert ordered == [(verb, wanted)]


@pytest.mark.parametrize("arguments", [("101", "break"), ("101", "ready", "--reason", "tea"), ("101", "asleep")])
def test_a_state_that_does_not_fit_is_not_ordered(site: Settings, ordered: list, arguments: tuple[str, ...]) -> None:
    run(site, supervise, "force", *arguments, code=2)
    assert ordered == []


def test_live_rows_are_shown(site: Settings, ordered: list) -> None:
    shown = run(site, agents, "states").output
    assert "8001 (not registered)" in shown and "talking (ready)" in shown and "lunch" in shown
    assert "lunch" in run(site, supervise, "breaks").output
    assert "c:1" in run(site, queues, "waiting", "support").output
    assert json.loads(run(site, queues, "waiting", "--json").output)[0]["item"] == "c:1"
    run(site, queues, "waiting", "nowhere", code=1)


def test_without_an_engine_the_order_is_withdrawn_and_said_so(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_orders, "WAIT_SECONDS", 0.2)
    result = run(site, agents, "ready", "101", code=1)
    assert "no running engine" in result.output and "Nothing was done" in result.output
    with Store(site.database) as store:
        assert store.orders.next_open(10.0) is None


def test_a_refusal_of_the_engine_ends_the_command_with_its_sentence(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from ivrengine.storage.orders import Orders

    result = Orders.result

    def refuse(self: Orders, order_id: str, timeout_seconds: float, **more: Any) -> Any:
        self.next_open(1.0)
        self.done(order_id, False, "101 is on no call\x1b[2J", 1.0).wait()
        return result(self, order_id, timeout_seconds, **more)

    monkeypatch.setattr(Orders, "result", refuse)
    output = run(site, supervise, "disconnect", "101", code=1).output
    assert "101 is on no call" in output and "\x1b" not in output


# -- queues, callbacks -----------------------------------------------------------------------------------------------------


def test_queues_are_listed_and_shown(site: Settings) -> None:
    shown = run(site, queues, "list").output
    assert "Support" in shown and "6001" in shown
    assert [each["name"] for each in json.loads(run(site, queues, "list", "--json").output)] == ["support", "other"]
    shown = run(site, queues, "show", "support").output
    assert "longest_idle" in shown and "Li" in shown and "english 7" in shown
    assert "support" in run(site, queues, "show", "suport", code=1).output
    assert "watch" in queues.commands


def test_callbacks_are_listed_by_their_places(site: Settings) -> None:
    assert "Nobody waits" in run(site, callbacks, "list").output
    with Store(site.database) as store:
        store.callbacks.request("b" * 8, "support", "13900139000", 20.0, name="Li\x1b[2J").wait()
        store.callbacks.request("a" * 8, "other", "13800138000", 10.0).wait()
    shown = run(site, callbacks, "list").output
    assert shown.index("13800138000") < shown.index("13900139000") and "\x1b" not in shown
    assert "13800138000" not in run(site, callbacks, "list", "--queue", "support").output
