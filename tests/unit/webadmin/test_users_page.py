"""An admin adds, changes, unlocks and removes users; the audit trail and the log of log-ins tell it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AGENT_ID, PASSWORD

from ivrengine.acd.rules import AgentRules
from ivrengine.site.records import Agent
from ivrengine.storage.log_ins import TRIES_LIMIT

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def admin(client: Callable[[str], FlaskClient], engine: Any) -> FlaskClient:
    engine.store.site.save(Agent(AgentRules(AGENT_ID, HOSTILE)), "tests", 1.0).wait()
    return client("admin")


def add(admin: FlaskClient, name: str = "li", **fields: str) -> Any:
    return admin.post("/users/", data={"name": name, "role": "agent", "agent_id": AGENT_ID, **fields})


def change(admin: FlaskClient, name: str, **fields: str) -> Any:
    """As the form on the user's page does."""
    version = re.search(r'name="version" value="([^"]+)"', admin.get(f"/users/{name}").text)
    assert version
    return admin.post(f"/users/{name}", data={"version": version[1], **fields})


def test_a_change_on_top_of_another_is_refused_with_both(admin: FlaskClient, engine: Any) -> None:
    add(admin)
    version = re.search(r'name="version" value="([^"]+)"', admin.get("/users/li").text)
    assert version and change(admin, "li", role="supervisor", agent_id="").status_code == 302
    answer = admin.post("/users/li", data={"version": version[1], "role": "admin", "agent_id": ""})
    assert answer.status_code == 409 and "<dd>Supervisor, no agent</dd>" in answer.text and "<dd>Admin, no agent</dd>" in answer.text
    assert engine.store.users.get("li").role == "supervisor"


def password_in(page: str) -> str:
    found = re.search(r"<code>([^<]+)</code>", page)
    assert found
    return found[1]


def test_a_new_user_logs_in_with_the_password_that_is_shown_once(admin: FlaskClient, app: Flask, engine: Any) -> None:
    page = add(admin, "Li.Wei")
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    password = password_in(page.text)
    assert password not in admin.get("/users/").text + admin.get("/users/li.wei").text
    browser = app.test_client()
    assert browser.post("/log-in", data={"name": "li.wei", "password": password}).status_code == 302
    assert browser.get("/calls/").headers["Location"] == "/account/password"
    user = engine.store.users.get("li.wei")
    assert user.role == "agent" and user.agent_id == AGENT_ID and user.created_by == "user admin"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "This can&#39;t be the name"), ({"name": HOSTILE}, "This can&#39;t be the name"),
        ({"name": "ADMIN"}, "This can&#39;t be the name"), ({"role": "owner"}, "Choose a role."), ({"agent_id": "9999"}, "no such agent"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(admin: FlaskClient, engine: Any, fields: Any, sentence: str) -> None:
    answer = add(admin, **{"name": "li", **fields})
    assert answer.status_code == 422 and sentence in answer.text and 'aria-invalid="true"' in answer.text
    assert HOSTILE not in answer.text
    assert [user.name for user in engine.store.users.all()] == ["admin"]


def test_a_change_is_told_in_the_audit_trail_with_before_and_after(admin: FlaskClient, engine: Any) -> None:
    add(admin)
    assert change(admin, "li", role="supervisor", agent_id="", disabled="on").status_code == 302
    user = engine.store.users.get("li")
    assert user.role == "supervisor" and user.agent_id == "" and user.disabled
    assert "disabled" in admin.get("/users/").text
    trail = admin.get("/audit/?target=user+li").text
    assert "user admin" in trail and "changed a user" in trail
    value = "(?:<{0}><span[^>]*>[^<]*</span>([^<]*)</{0}>)?"
    changes = re.findall(rf"<b>(\w+)</b>: {value.format('del')} *{value.format('ins')}", trail)
    assert ("role", "agent", "supervisor") in changes and ("agent", AGENT_ID, "") in changes and ("disabled", "false", "true") in changes


def test_another_password_ends_sessions_and_is_one_time(admin: FlaskClient, client: Callable[[str], FlaskClient], app: Flask) -> None:
    browser = client("agent")
    password = password_in(admin.post("/users/agent/password").text)
    assert browser.get("/calls/").headers["Location"].startswith("/log-in")
    other = app.test_client()
    assert other.post("/log-in", data={"name": "agent", "password": PASSWORD}).status_code == 403
    assert other.post("/log-in", data={"name": "agent", "password": password}).status_code == 302


def test_a_lock_out_is_shown_and_ended(admin: FlaskClient, client: Callable[[str], FlaskClient], engine: Any, clock: Any) -> None:
    client("agent")
    for _ in range(TRIES_LIMIT):
        engine.store.log_ins.log_in("agent", "no", clock())
    assert "locked out" in admin.get("/users/").text and "Unlock" in admin.get("/users/agent").text
    assert admin.post("/users/agent/unlock").status_code == 302
    assert engine.store.log_ins.log_in("agent", PASSWORD, clock()).result == "ok"


def test_who_is_removed_is_gone_and_oneself_and_the_last_admin_stay(admin: FlaskClient, engine: Any) -> None:
    add(admin)
    assert admin.post("/users/li/remove", follow_redirects=True).status_code == 200
    assert engine.store.users.get("li") is None and admin.get("/users/li").status_code == 404
    assert "remove yourself" in admin.post("/users/admin/remove", follow_redirects=True).text
    answer = change(admin, "admin", role="agent", agent_id="")
    assert answer.status_code == 422 and "last admin" in answer.text
    assert engine.store.users.get("admin").role == "admin"


@pytest.mark.parametrize("path", ["/users/nobody", "/users/%00", "/users/" + "x" * 3000, "/users/..%2f..%2fetc", "/users/" + HOSTILE])
def test_an_unknown_user_is_not_found(admin: FlaskClient, path: str) -> None:
    answer = admin.get(path)
    assert answer.status_code == 404 and HOSTILE not in answer.text


def test_the_trail_is_paged_filtered_and_harmless(admin: FlaskClient, engine: Any, clock: Any) -> None:
    for count in range(60):
        engine.store.audit.add("user li", "change", f"agent {count}", {"name": HOSTILE}, '{"cut": "off', clock() + count)
    engine.store.audit.add("user wu", "change", HOSTILE, "before", None, clock() + 86_400 * 3).wait()
    page = admin.get("/audit/?who=user+li").text
    assert HOSTILE not in page and "agent 59" in page and ">agent 9<" not in page and "user wu" not in page
    older = re.search(r'href="([^"]+)">Older', page)
    assert older and ">agent 9<" in admin.get(older[1].replace("&amp;", "&")).text
    assert "user wu" in admin.get("/audit/").text
    for odd in ("day=2026-13-45", "day=9999-12-31", "before=-1", "before=x", "before=" + "9" * 30, "who=%00", "day=0001-01-01"):
        assert admin.get(f"/audit/?{odd}").status_code == 200


def test_a_day_is_that_of_the_site(admin: FlaskClient, engine: Any) -> None:
    engine.store.audit.add("li", "change", "at midnight", "", "", 1_789_920_000.0).wait()  # 2026-09-21 00:00 in Shanghai
    assert "at midnight" in admin.get("/audit/?day=2026-09-21").text
    assert "at midnight" not in admin.get("/audit/?day=2026-09-20").text


def test_log_ins_are_told_with_what_became_of_them(admin: FlaskClient, engine: Any, clock: Any) -> None:
    engine.store.log_ins.log_in(HOSTILE, "no", clock(), "10.0.0.7", HOSTILE)
    page = admin.get("/audit/log-ins").text
    assert HOSTILE not in page and "unknown name" in page and "10.0.0.7" in page and "logged in" in page
    assert "10.0.0.7" not in admin.get("/audit/log-ins?name=admin").text
