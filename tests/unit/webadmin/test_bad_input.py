"""What strangers and mishaps send: every page refuses it or shows it as text, and nothing that somebody typed is lost.

Corpora against all endpoints at once; what only one page has stands in that page's own tests.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import soundfile
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AT, KEY, PASSWORD, Clock
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.routing import Rule

from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules
from ivrengine.domain.blacklist import BlacklistEntry
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage, LogStep, RaiseAlarm
from ivrengine.domain.sentence import Sentence
from ivrengine.site.records import Agent, Disposition, Site
from ivrengine.storage.announcements import Notice
from ivrengine.storage.customers import read_customer
from webadmin.auth import SESSION_COOKIE
from webadmin.kept_forms import AGE_SECONDS
from webadmin.rights import RIGHTS

Client = Callable[[str], FlaskClient]

SCRIPT = "<script>alert(1)</script>"
HOSTILE = f'{SCRIPT}"\'><img src=x onerror=alert(1)>{{{{7*7}}}}\nevent: evil\ndata: {{}}\n\n%(name)s=HYPERLINK("x")'
ONE_LINE = HOSTILE.replace("\n", " ")
# Names that want to leave their directory, break a header or a database's text, or are just very long
NAMES = (
    "../../../../etc/passwd", "..", "/etc/passwd", "\\..\\..\\x", "a\x00b", "a\r\nSet-Cookie: evil=1", 'a"; evil="1', "\u202egnp.exe",
    "\ud800", "%2e%2e%2f", "x" * 3000, SCRIPT, "' OR 1=1 --",
)  # fmt: skip


def token_of(browser: FlaskClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', browser.get("/log-in").text)
    assert found
    return found[1]


def rules(app: Flask, *, unsafe: bool) -> Iterator[Rule]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        if ("POST" in rule.methods) if unsafe else ("GET" in rule.methods):
            yield rule


def address(app: Flask, rule: Rule, value: str) -> str:
    with app.test_request_context():
        values = dict.fromkeys(rule.arguments, 1 if "int:" in rule.rule else value)
        return app.url_for(rule.endpoint, **values) if not rule.defaults else rule.rule


# -- forged requests ---------------------------------------------------------------------------------------------------


def test_no_endpoint_does_anything_without_the_token(app: Flask, client: Client) -> None:
    admin, stranger = client("admin"), app.test_client()
    app.config["WTF_CSRF_ENABLED"] = True
    others = token_of(stranger)
    tried = 0
    for rule in rules(app, unsafe=True):
        where = address(app, rule, "nothing")
        for headers in ({}, {"X-CSRFToken": others}):
            answer = admin.post(where, json={"verb": "x"}, headers={"Accept": "application/json", **headers})
            assert (answer.status_code, answer.json.get("reason")) == (400, "token"), rule.rule
        tried += 1
    assert tried > 60


def test_no_page_changes_anything_when_it_is_only_looked_at(app: Flask, client: Client, engine: Any) -> None:
    admin = client("admin")
    before = [row.audit_id for row in engine.store.audit.recent()]
    for rule in rules(app, unsafe=False):
        admin.get(address(app, rule, "nothing"), buffered=False).close()
    assert [row.audit_id for row in engine.store.audit.recent()] == before


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_name_in_an_address_leads_anywhere(app: Flask, client: Client, engine: Any, method: str) -> None:
    admin = client("admin")
    tried = 0
    for rule in rules(app, unsafe=method == "POST"):
        if not rule.arguments or rule.endpoint == "static":
            continue
        for name in NAMES:
            where = rule.rule
            for argument in rule.arguments:
                where = re.sub(
                    rf"<[^>]*\b{argument}>", "1" if "int:" in rule.rule else quote(name.encode("utf-8", "replace"), safe=""), where
                )
            answer = admin.open(where, method=method, json={} if method == "POST" else None, buffered=False)
            status = answer.status_code
            assert status < 500 or status == 503, f"{method} {rule.rule} {name[:40]!r}: {status}"
            assert "evil" not in answer.headers.get("Set-Cookie", "") and not any("\n" in value for value in answer.headers.values())
            if "text/event-stream" not in answer.content_type:
                body = answer.get_data()
                assert b"root:x:0" not in body and SCRIPT.encode() not in body, f"{rule.rule} {name[:40]!r}"
            answer.close()
            tried += 1
    assert tried > 300


def test_files_have_harmless_names(client: Client, engine: Any) -> None:
    supervisor = client("supervisor")
    for name in NAMES:
        for path in ("/reports/{}/csv", "/reports/behind/{}/csv", "/recordings/{}/download", "/reports/traffic/{}"):
            answer = supervisor.get(path.format(quote(name.encode("utf-8", "replace"), safe="")))
            told = answer.headers.get("Content-Disposition", "")
            assert answer.status_code < 500 and re.fullmatch(r"(attachment; filename=\"?[\w.-]+\"?)?", told), (path, name)


# -- strangers' text on every page -------------------------------------------------------------------------------------


@pytest.fixture
def hostile_house(engine: Any, tmp_path: Path) -> Any:
    """Every text that a stranger or a careless colleague may have given is HOSTILE."""
    store, name = engine.store, HOSTILE
    agent = Agent(AgentRules("1001", name, "desk", queues={"sales": Membership()}))
    site = Site(
        queues=(QueueRules("sales", name),), agents=(agent,), reasons=(BreakReason("lunch", name),), dispositions=(Disposition("1", name),),
    )  # fmt: skip
    store.site.replace(site, name, AT).wait()
    engine.call_centre.director.site.site = site
    call = CallInfo("c1", "100", "13800138000", name, AT - 60)
    store.calls.begin(call, "line", "v1").wait()
    store.steps.log("c1", LogStep(0, "line", "v1", name, name, AT, AT + 1, name, name, name)).wait()
    store.segments.begin("c1", "c1", "c1", name, "sales", "13800138000", AT - 50)
    store.attempts.begin("a1", "c1", "1001", "801", "l1", AT - 40)
    store.attempts.ended("a1", name, AT - 30)
    store.segments.ended("c1", "answered", AT - 30, 20.0, "1001", "a1")
    store.segments.talked("c1", 20.0, 0.0, AT - 10)
    store.segments.wrapped_up("c1", 5.0, "1")
    store.segments.recording("c1", str(tmp_path / "x.wav"), 1000)
    store.talk_recordings.mark("c1", name, 3, name, AT).wait()
    store.callbacks.request("k1", "sales", "13800138000", AT)
    store.customers.add(read_customer(ONE_LINE, "vip", name, ["13800138000"]), name, AT).wait()
    store.alarms.raise_(RaiseAlarm("prompt_failed", Sentence("a prompt could not be played: %(reason)s", reason=name), name), AT).wait()
    store.alarms.raise_(RaiseAlarm("of a stranger", name, "place"), AT).wait()
    store.messages.keep(KeepMessage("general", str(tmp_path / "m.wav"), 1000, "13800138000"), call, AT).wait()
    store.audit.add(name, name, name, {name: name}, name, AT).wait()
    store.blacklist.add(BlacklistEntry("13999999999", name), name, AT).wait()
    store.announcements.add(Notice(ONE_LINE[:100], name, AT - 9, important=True), name, AT).wait()
    frame = SimpleNamespace(flow="line", step=name)
    run = SimpleNamespace(frames=[frame], frame=frame)
    engine.reception.sessions["c2"] = SimpleNamespace(call=CallInfo("c2", "100", "13911112222", name, AT), run=run)
    store.database.write(lambda db: None, "a pause")
    return engine


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_strangers_text_is_text_on_every_page_and_stream(app: Flask, client: Client, hostile_house: Any, language: str) -> None:
    shown = 0
    for role in ("admin", "agent"):
        browser = client(role)
        browser.set_cookie("ivrengine_language", language)
        addresses = {address(app, rule, value) for rule in rules(app, unsafe=False) for value in ("c1", "1001", "line", "sales", "m1")}
        addresses |= {
            "/alarms/?show=all",
            f"/alarms/one?code=prompt_failed&place={quote(HOSTILE)}",
            "/site/agents/one/1001",
            "/site/queues/one/sales",
            "/site/queues/",
            "/site/agents/",
        }
        pages = ("/audit/", "/recordings/", "/reports/traffic", "/log-in", "/try/", "/prompts/")
        asked = ("who", "number", "from", "next", "q", "language", "new_name")
        addresses |= {f"{path}?{name}={quote(HOSTILE)}" for path in pages for name in asked}
        for where in sorted(addresses):
            answer = browser.get(where, buffered=False)
            if "text/event-stream" in answer.content_type:
                body = next(iter(answer.response)).decode() if answer.status_code == 200 else ""
                lines = [line for line in body.splitlines() if line.startswith("event:")]
                assert lines in ([], ["event: snapshot"]), where
            else:
                body = answer.get_data(as_text=True)
                assert answer.status_code < 500, f"{where}: {body[:300]}"
            answer.close()
            if "json" not in answer.content_type and "event-stream" not in answer.content_type and "csv" not in answer.content_type:
                assert SCRIPT not in body and "onerror=alert(1)>" not in body and "49%(name)s" not in body, (
                    where
                )
            shown += "alert(1)" in body
    assert shown > 20, "the corpus must be on the pages that this test is about"


def test_scripts_put_no_strangers_text_into_html() -> None:
    """``innerHTML`` only takes what the server has drawn and escaped."""
    static = Path(__file__).parents[3] / "webadmin" / "static"
    pattern = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|new Function|\beval\(")
    found = [
        f"{path.relative_to(static)}: {line.strip()}"
        for path in sorted(static.rglob("*.js")) if "vendor" not in path.parts
        for line in path.read_text("utf-8").splitlines() if pattern.search(line)
    ]  # fmt: skip
    assert found == ["calls.js: place.innerHTML = lists;"], "draw with textContent and elements"


def test_no_label_of_the_metrics_becomes_a_metric(client: Client, engine: Any) -> None:
    name = 'a"} 1\nevil_metric{x="\\'
    engine.store.site.replace(Site(queues=(QueueRules(name, HOSTILE),)), "tests", AT).wait()
    text = client("board").get("/metrics").text
    families = list(text_string_to_metric_families(text))
    assert not any("evil" in family.name for family in families)
    assert name in {sample.labels.get("queue") for family in families for sample in family.samples}


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_what_was_typed_when_the_session_ended_is_sent_after_the_log_in(app: Flask, client: Client, clock: Clock, engine: Any) -> None:
    admin = client("admin")
    app.config["WTF_CSRF_ENABLED"] = True
    fields = {
        "name": "li",
        "role": "supervisor",
        "agent_id": "",
        "password": "not to be kept",
        "note": HOSTILE,
        "csrf_token": token_of(admin),
    }
    clock.now += 30 * 86_400
    answer = admin.post("/users/", data=fields)
    assert answer.status_code == 401 and "Your session has ended" in answer.text and engine.store.users.get("li") is None
    kept = re.search(r'name="kept" value="([^"]+)"', answer.text)
    assert kept and "not to be kept" not in answer.text and SCRIPT not in answer.text
    wrong = admin.post("/log-in", data={"name": "admin", "password": "wrong", "kept": kept[1], "csrf_token": token_of(admin)})
    assert kept[1] in wrong.text, "a wrong password loses it neither"
    offered = admin.post("/log-in", data={"name": "admin", "password": PASSWORD, "kept": kept[1], "csrf_token": token_of(admin)})
    assert offered.status_code == 200 and "Not saved yet" in offered.text and SCRIPT not in offered.text
    assert engine.store.users.get("li") is None, "nothing is done without a click"
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', offered.text))
    where = re.search(r'<form method="post" action="([^"]+)" class="card"', offered.text)
    assert where and where[1] == "/users/" and "password" not in form and form["csrf_token"] != fields["csrf_token"]
    assert admin.post(where[1], data=form).status_code in (200, 302) and engine.store.users.get("li") is not None


def test_a_form_that_others_made_up_is_not_offered(app: Flask, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, stranger = client("admin"), app.test_client()
    app.config["WTF_CSRF_ENABLED"] = True
    clock.now += 30 * 86_400
    fields = {"name": "evil", "role": "admin"}
    for token in ("", token_of(stranger), "x"):
        answer = admin.post("/users/", data={**fields, "csrf_token": token})
        assert answer.status_code == 302 and "kept" not in answer.text
    mine = re.search(r'name="kept" value="([^"]+)"', admin.post("/users/", data={**fields, "csrf_token": token_of(admin)}).text)
    assert mine
    monkeypatch.setattr("webadmin.kept_forms.AGE_SECONDS", -1)
    for kept in ("x", mine[1][:-2] + "xx", "." * 1000, mine[1]):
        browser = app.test_client()
        answer = browser.post("/log-in", data={"name": "admin", "password": PASSWORD, "kept": kept, "csrf_token": token_of(browser)})
        assert answer.status_code == 302 and "Not saved yet" not in answer.text
    assert AGE_SECONDS > 0


def test_who_gave_somebody_a_session_does_not_share_the_log_in(app: Flask, client: Client) -> None:
    attacker, victim = app.test_client(), app.test_client()
    client("admin")
    attacker.get("/log-in")
    planted = attacker.get_cookie(SESSION_COOKIE)
    victim.set_cookie(SESSION_COOKIE, planted.value if planted else "")
    assert victim.post("/log-in", data={"name": "admin", "password": PASSWORD}).status_code == 302
    own = victim.get_cookie(SESSION_COOKIE)
    assert own and (planted is None or own.value != planted.value)
    assert victim.get("/users/").status_code == 200 and attacker.get("/users/").status_code == 302


def test_the_wallboards_key_is_told_nowhere(app: Flask, client: Client, engine: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key, browser = engine.store.users.key("wallboard"), app.test_client()
    for path in (f"/board/?key={key}", f"/nowhere?key={key}", f"/?key={key}", f"/metrics?key={key}", f"/log-in?key={key}"):
        answer = browser.get(path)
        assert answer.status_code == 302 and key not in answer.headers["Location"] and key not in answer.text
        assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    for path in ("/board/", "/nowhere", "/log-in"):
        assert key not in browser.get(path).text and KEY not in browser.get(path).text
    for role in ("agent", "supervisor"):
        for path in ("/board/", "/board/settings", "/"):
            assert role == "supervisor" or key not in client(role).get(path, follow_redirects=True).text
    assert key not in caplog.text


# -- bombs -------------------------------------------------------------------------------------------------------------

LAUGHS = "\n".join(["a0: &a0 lol", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))])
BOMBS = (
    LAUGHS,
    "[" * 5000,
    "{a: " * 5000,
    "x: " + "a" * 900_000,
    "\n".join(f"k{n}: v" for n in range(60_000)),
    "!!python/object/apply:os.system [id]",
)


@pytest.mark.parametrize("name", ["line", "calendars"])
@pytest.mark.parametrize("bomb", BOMBS, ids=["laughs", "lists", "maps", "long", "many", "tag"])
def test_no_yaml_explodes_in_the_editor(client: Client, engine: Any, name: str, bomb: str) -> None:
    admin = client("admin")
    engine.settings.flows.mkdir(exist_ok=True)
    (engine.settings.flows / f"{name}.yml").write_text("", "utf-8")
    answer = admin.post(f"/flows/file/{name}/check", json={"text": bomb})
    assert answer.status_code in (200, 413)
    if answer.status_code == 200:
        assert any(finding["severity"] == "error" for finding in answer.json["findings"]) and len(answer.data) < 2_000_000


@pytest.mark.parametrize("bomb", [LAUGHS, "- a\n- b", "}: {", "*alias", "!!python/none x", "\x00", "x" * 100_000])
def test_a_field_of_the_site_is_text_whatever_it_looks_like(client: Client, engine: Any, bomb: str) -> None:
    admin = client("admin")
    answer = admin.post("/site/skills/add", data={"name": "chinese", "title": bomb})
    kept = engine.store.site.load().skills
    assert answer.status_code in (302, 422) and (answer.status_code == 302) == bool(kept)
    assert all(skill.title == bomb.strip() for skill in kept)


def test_hours_of_silence_in_a_few_bytes_are_no_prompt(client: Client, engine: Any) -> None:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 8000, 1, format="FLAC", subtype="PCM_16") as sound:
        for _ in range(90):
            sound.write(np.zeros(8000 * 60, np.int16))
    data = file.getvalue()
    assert len(data) < 1_000_000
    admin = client("admin")
    admin.post("/prompts/upload", data={"language": "zh-CN", "files": (io.BytesIO(data), "bomb.flac")})
    assert "minutes" in admin.get("/prompts/").text and not engine.catalogue.has("bomb", "zh-CN")


@pytest.mark.parametrize(
    "body", [b"[" * 900_000, b'{"text": ' * 50_000, b"\xff\xfe", b"null", b"1e999999", json.dumps({"text": {"$ne": 1}}).encode()]
)
def test_json_that_is_none_or_too_deep_does_nothing(app: Flask, client: Client, engine: Any, body: bytes) -> None:
    admin = client("admin")
    for rule in rules(app, unsafe=True):
        if rule.endpoint.split(".")[0] in ("flows", "try_out", "console", "supervisor") and rule.endpoint not in ("log_in.log_out",):
            answer = admin.post(address(app, rule, "line"), data=body, content_type="application/json")
            assert answer.status_code < 500 or answer.status_code == 503, f"{rule.rule}: {answer.status_code}"
    assert RIGHTS
