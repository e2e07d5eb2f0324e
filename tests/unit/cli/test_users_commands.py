"""``ivrengine users`` as a person at a terminal uses it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivrengine.acd.rules import AgentRules
from ivrengine.cli.users import users
from ivrengine.config import Settings
from ivrengine.site.records import Agent
from ivrengine.storage.log_ins import TRIES_LIMIT
from ivrengine.storage.store import Store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(site=tmp_path, data=tmp_path / "data")


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(users, arguments, obj=settings)


def one_time(result: Result) -> str:
    assert result.exit_code == 0, result.output
    found = re.search(r"one-time password: (\S+)", result.output, re.IGNORECASE)
    assert found
    return found[1]


def log_in(settings: Settings, name: str, password: str) -> str:
    with Store(settings.database) as store:
        return store.log_ins.log_in(name, password, time.time()).result


def listed(settings: Settings) -> dict[str, tuple[str, str, str]]:
    result = run(settings, "list", "--json")
    assert result.exit_code == 0, result.output
    return {row["name"]: (row["role"], row["agent"], row["state"]) for row in json.loads(result.output)}


def test_from_the_first_user_to_the_last(settings: Settings) -> None:
    password = one_time(run(settings, "add", "Boss", "--role", "admin"))
    one_time(run(settings, "add", "li", "--role", "agent"))
    assert log_in(settings, "boss", password) == "ok"
    assert listed(settings) == {"boss": ("admin", "", ""), "li": ("agent", "", "")}
    assert "one-time" in run(settings, "list").output
    for _ in range(TRIES_LIMIT):
        log_in(settings, "li", "no")
    assert listed(settings)["li"][2] == "locked out"
    assert run(settings, "unlock", "li").exit_code == 0
    assert listed(settings)["li"][2] == ""
    other = one_time(run(settings, "password", "boss"))
    assert (log_in(settings, "boss", password), log_in(settings, "boss", other)) == ("wrong", "ok")
    assert run(settings, "remove", "li", "--yes").exit_code == 0
    assert set(listed(settings)) == {"boss"}


def test_a_user_may_be_an_agent_of_the_site_and_no_other(settings: Settings) -> None:
    with Store(settings.database) as store:
        store.site.save(Agent(AgentRules("1001")), "tests", 1.0).wait()
    one_time(run(settings, "add", "li", "--role", "agent", "--agent", "1001"))
    assert listed(settings)["li"] == ("agent", "1001", "")
    refused = run(settings, "add", "wu", "--role", "agent", "--agent", "1010")
    assert refused.exit_code == 2 and "no agent '1010'" in refused.output and set(listed(settings)) == {"li"}


@pytest.mark.parametrize("words", [["unlock", "li"], ["password", "li"], ["remove", "li", "--yes"]])
def test_somebody_unknown_is_told_as_such(settings: Settings, words: list[str]) -> None:
    one_time(run(settings, "add", "boss", "--role", "admin"))
    refused = run(settings, *words)
    assert refused.exit_code == 1 and "there is no user 'li'" in refused.output


def test_the_last_admin_stays_and_nobody_is_there_twice(settings: Settings) -> None:
    one_time(run(settings, "add", "boss", "--role", "admin"))
    assert "needs one admin" in run(settings, "remove", "boss", "--yes").output
    assert "already" in run(settings, "add", "BOSS", "--role", "agent").output
    assert set(listed(settings)) == {"boss"}


def test_the_wallboards_key_stays_until_it_is_renewed(settings: Settings) -> None:
    first = run(settings, "key").output.strip()
    assert len(first) > 30 and run(settings, "key").output.strip() == first
    other = run(settings, "key", "--renew").output.strip()
    assert other != first and run(settings, "key").output.strip() == other
