"""Trying out in the page, down to the embedded switch: calls, phones in hand, what is heard, and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient

from ivrengine.esl.errors import SwitchRefused
from ivrengine.storage.passwords import make_hash
from webadmin import create_app
from webadmin.pages import try_out_stage, try_out_trials
from webadmin.pages.try_out_trials import EXTENSION, Trials

from .conftest import FLOW, House, eventually, write_tone

PASSWORD = "a password of tests"
CALENDAR = "office:\n  zone: Asia/Shanghai\n  weekly:\n    mon-fri: {open: 09:00-17:00}\n    sat-sun: closed\n"
HOURS = """
flow: hours
languages: [zh-CN]
numbers: ["700"]
start: ask
steps:
  ask: {by_hours: {calendar: office, open: greet, closed: sorry}}
  greet: {play: {prompt: [welcome], next: pin}}
  sorry: {hangup: {prompt: [sorry]}}
  pin: {collect: {variable: pin, secret: true, prompt: [main], digits: 4, next: bye, no_input: bye, no_match: bye}}
  bye: {play: {prompt: [long], next: gone}}
  gone: {hangup: }
"""


class Page:
    """A browser of an admin."""

    def __init__(self, app: Any, name: str) -> None:
        self.browser: FlaskClient = app.test_client()
        assert self.browser.post("/log-in", data={"name": name, "password": PASSWORD}).status_code == 302
        self._app = app

    def post(self, path: str, **data: Any) -> tuple[int, dict[str, Any]]:
        answer = self.browser.post(f"/try/{path}", json=data, headers={"Accept": "application/json"})
        return answer.status_code, answer.json

    def say(self, path: str, data: bytes, name: str = "a.wav") -> tuple[int, dict[str, Any]]:
        answer = self.browser.post(f"/try/{path}/speak", data={"sound": (io.BytesIO(data), name)})
        return answer.status_code, answer.json

    def call(self, number: str = "100", **more: Any) -> str:
        code, told = self.post("call", number=number, caller="13800138000", **more)
        assert code == 200, told
        return told["call"]

    @property
    def trials(self) -> Trials:
        return self._app.extensions[EXTENSION]

    def entries(self, call_id: str) -> list[dict[str, Any]]:
        return self.trials._trials[call_id].snapshot()["entries"]

    def told(self, call_id: str, what: str) -> dict[str, Any]:
        """The newest entry of this kind, as soon as there is one."""
        return eventually(lambda: [entry for entry in self.entries(call_id) if entry["what"] == what], what)[-1]

    def state(self, call_id: str) -> dict[str, Any]:
        return self.trials._trials[call_id].snapshot()["state"]


@pytest.fixture
def app(house: House) -> Iterator[Any]:
    (house.site / "flows" / "calendars.yml").write_text(CALENDAR, encoding="utf-8")
    (house.site / "flows" / "hours.yml").write_text(HOURS, encoding="utf-8")
    engine = house.start_engine()
    app = create_app(engine, simulated=True)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    hashed = make_hash(PASSWORD)
    for name in ("anna", "ben"):
        engine.store.users.add(name, "admin", "", hashed, "tests", engine.clock()).wait()
        engine.store.users.set_password(name, hashed, "tests", engine.clock(), must_change=False).wait()
    yield app


@pytest.fixture
def page(app: Any) -> Page:
    page = Page(app, "anna")
    assert page.browser.get("/try/").status_code == 200
    return page


@pytest.fixture
def words(tmp_path: Path) -> bytes:
    return write_tone(tmp_path / "words.wav", 2.0).read_bytes()


def test_a_call_is_heard_keyed_and_shown(house: House, page: Page) -> None:
    call_id = page.call(name="<i>Li</i>")
    heard = page.told(call_id, "hears")
    sound = page.browser.get(f"/try/call/{call_id}/sound/{heard['parts'][0]['token']}")
    names = [part["name"] for entry in page.entries(call_id) if entry["what"] == "hears" for part in entry["parts"]]
    assert names[0] == "welcome" and sound.mimetype == "audio/wav"
    assert sound.data in [path.read_bytes() for path in (house.site / "prompts" / "zh-CN").glob("*.wav")]
    house.in_step(call_id, "main")
    eventually(lambda: page.state(call_id).get("step") == "main")
    graph = page.browser.get(f"/try/call/{call_id}/flow/line").json["graph"]
    assert "step_main" in [node["id"] for node in graph["nodes"]]
    page.post(f"call/{call_id}/press", keys="1")
    eventually(lambda: page.state(call_id)["step"] == "info")
    page.post(f"call/{call_id}/hang-up")
    assert page.told(call_id, "ended")["outcome"] == "caller_hung_up"
    assert [entry["key"] for entry in page.entries(call_id) if entry["what"] == "key"] == ["1"]
    assert "silence" in [entry["what"] for entry in page.entries(call_id)]
    assert house.ended(call_id).name == "<i>Li</i>"
    assert not page.state(call_id)["up"]


def test_a_message_is_spoken(house: House, page: Page, words: bytes) -> None:
    call_id = page.call()
    house.in_step(call_id, "main")
    page.post(f"call/{call_id}/press", keys="2")
    house.in_step(call_id, "message")
    gevent.sleep(1.0)  # the beep
    assert page.say(f"call/{call_id}", words) == (200, {"done": True})
    page.told(call_id, "ended")
    (message,) = house.engine.store.messages.of_call(call_id)
    assert message.duration_ms >= 1900
    assert page.told(call_id, "says")["seconds"] == 2.0


def test_the_calendars_are_asked_for_the_chosen_moment(house: House, page: Page) -> None:
    for at, label in (("2026-09-22T12:00", "open"), ("2026-09-20T12:00", "closed")):
        call_id = page.call("700", at=at)
        page.told(call_id, "hears")
        step = next(entry for entry in page.entries(call_id) if entry["what"] == "step")
        assert (step["step"], step["outcome"]) == ("ask", label)
        page.post(f"call/{call_id}/hang-up")
        page.told(call_id, "ended")


def test_a_secret_is_shown_nowhere(house: House, page: Page) -> None:
    call_id = page.call("700", at="2026-09-22T12:00")
    house.in_step(call_id, "pin")
    eventually(lambda: page.state(call_id)["secret"])
    page.post(f"call/{call_id}/press", keys="4711")
    eventually(lambda: page.state(call_id).get("step") == "bye")
    eventually(lambda: page.state(call_id)["variables"])
    told = json.dumps(page.trials._trials[call_id].snapshot())
    assert "4711" not in told and ["pin", "\u2022" * 4] in page.state(call_id)["variables"]
    assert [entry["key"] for entry in page.entries(call_id) if entry["what"] == "key"] == ["\u2022"] * 4


def test_a_draft_is_tried_and_not_published(house: House, page: Page) -> None:
    (house.site / "flows" / "line.yml").write_text(FLOW.replace('["100"]', '["100", "333"]').replace("1: {label: Inf", "7: {label: Inf"))
    assert page.post("call", number="333")[0] == 422
    call_id = page.call("333", draft=True)
    house.in_step(call_id, "main")
    page.post(f"call/{call_id}/press", keys="7")
    house.in_step(call_id, "info")
    version = house.engine.store.calls.get(call_id).flow_version
    assert "333" in house.engine.store.flow_versions.text(version)
    (house.site / "flows" / "line.yml").write_text(FLOW.replace("next: screen", "next: nowhere"))
    code, told = page.post("call", number="100", draft=True)
    assert code == 422 and "nowhere" in told["error"]


@pytest.mark.parametrize(
    "asked",
    [
        {"number": ""}, {"number": "12\n34"}, {"number": "${x}"}, {"number": "1" * 41}, {"number": 100}, {"number": "55555"},
        {"number": "*90"}, {"number": "100", "caller": "1;2"}, {"number": "100", "name": "x" * 81}, {"number": "100", "at": "soon"},
        {"number": "100", "at": "9999-12-31T23:59"}, {"number": "100", "at": "2026-01-01T00:00Z"}, [1], None, "x",
    ],
)  # fmt: skip
def test_what_cant_be_called_is_refused(page: Page, asked: Any) -> None:
    answer = page.browser.post("/try/call", json=asked, headers={"Accept": "application/json"})
    assert answer.status_code in (400, 422) and answer.json["error"] and page.trials._trials == {}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<script>alert(1)</script>", b"RIFF\xff\xff\xff\xffWAVE", b"#EXTM3U\nfile:///etc/passwd", b"\x00" * 100_000,
        b"RIFF$\x00\x00\x80WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x80",
    ],
)  # fmt: skip
def test_what_is_no_sound_is_not_said(house: House, page: Page, data: bytes) -> None:
    call_id = page.call()
    code, told = page.say(f"call/{call_id}", data, "../../../x.wav")
    assert code == 422 and "no sound" in told["error"] and str(house.site) not in told["error"]
    assert not list(house.site.rglob("tried/*/*"))


def test_too_much_and_too_long_is_not_said(page: Page, tmp_path: Path) -> None:
    call_id = page.call()
    assert page.say(f"call/{call_id}", b"x" * 10_100_000)[0] == 413
    assert page.say(f"call/{call_id}", write_tone(tmp_path / "l.wav", 121).read_bytes())[0] == 422
    assert page.post(f"call/{call_id}/speak")[0] == 422


@pytest.mark.parametrize("keys", ["", "x", "1 2", "1\n2", "1" * 41, "${1}", 1, None, ["1"]])
def test_what_is_no_key_is_refused(page: Page, keys: Any) -> None:
    call_id = page.call()
    assert page.post(f"call/{call_id}/press", keys=keys)[0] in (400, 422)


def test_nobody_elses_call_or_file_is_found(house: House, app: Any, page: Page) -> None:
    call_id, other = page.call(), Page(app, "ben")
    token = page.told(call_id, "hears")["parts"][0]["token"]
    for path in (f"call/{call_id}/events", f"call/{call_id}/sound/{token}", f"call/{call_id}/flow/line"):
        assert other.browser.get(f"/try/{path}").status_code == 404
    assert other.post(f"call/{call_id}/press", keys="1")[0] == 404
    for token in ("..", "%2e%2e%2fline.wav", "/etc/passwd", "x" * 3000):
        assert page.browser.get(f"/try/call/{call_id}/sound/{token}").status_code == 404
    sounds = page.trials._trials[call_id].sounds
    for path in ("/etc/passwd", f"{house.site}/ivrengine.toml", f"{house.site}/prompts/../ivrengine.toml", "/dev/zero"):
        assert "token" not in sounds.part(path)
    (house.site / "prompts" / "link.wav").symlink_to(house.site / "ivrengine.toml")
    assert "token" not in sounds.part(f"{house.site}/prompts/link.wav")


def test_so_many_calls_at_once_and_no_more(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [page.call() for _ in range(try_out_trials.CALLS_OF_USER)]
    assert page.post("call", number="100")[0] == 429
    page.post(f"call/{calls[0]}/hang-up")
    page.told(calls[0], "ended")
    page.call()


def test_a_call_that_nobody_looks_at_ends_and_leaves_nothing(house: House, page: Page, words: bytes, monkeypatch: Any) -> None:
    monkeypatch.setattr(try_out_stage, "UNWATCHED_SECONDS", 0.5)
    call_id = page.call()
    page.say(f"call/{call_id}", words)
    page.told(call_id, "ended")
    house.ended(call_id)
    monkeypatch.setattr(try_out_trials, "KEPT_SECONDS", -1.0)
    page.trials._forget()
    assert page.trials._trials == {} and not list(house.site.rglob("tried/*/*"))


def test_a_phone_rings_is_answered_and_hears_the_caller(house: House, page: Page, words: bytes) -> None:
    assert page.browser.get("/try/phone").status_code == 200
    assert page.post("phone/8001/take", agent="")[0] == 200
    assert json.loads(house.sim("by_hand")) == ["8001"]
    call_id = page.call()
    house.in_step(call_id, "main")
    page.post(f"call/{call_id}/press", keys="3")
    phone = page.trials._phones["8001"]

    def told(what: str) -> list[dict[str, Any]]:
        return [entry for entry in phone.snapshot()["entries"] if entry["what"] == what]

    assert "13800138000" in eventually(lambda: told("rings"))[0]["number"]
    assert page.post("phone/8001/answer")[0] == 200
    eventually(lambda: phone.snapshot()["state"]["calls"][0]["talking"])
    page.say(f"call/{call_id}", words)
    parts = eventually(lambda: told("told"))[0]["parts"]
    assert page.browser.get(f"/try/phone/8001/sound/{parts[0]['token']}").status_code == 200
    page.say("phone/8001", words)
    assert page.told(call_id, "told")["parts"][0]["token"]
    assert page.state(call_id)["talking"] == "?"
    page.post("phone/8001/hang-up")
    page.told(call_id, "ended")
    assert page.post("phone/8001/give-back")[0] == 200
    assert json.loads(house.sim("by_hand")) == []
    assert page.post("phone/8001/answer")[0] == 409


def test_a_phone_rejects_dials_and_is_one_persons(house: House, app: Any, page: Page) -> None:
    page.post("phone/8001/take")
    code, told = Page(app, "ben").post("phone/8001/take")
    assert code == 409 and "anna" in told["error"]
    call_id = page.call()
    house.in_step(call_id, "main")
    page.post(f"call/{call_id}/press", keys="3")
    eventually(lambda: page.post("phone/8001/reject")[0] == 200)
    house.in_step(call_id, "main")
    eventually(lambda: page.post("phone/8001/dial", number="100")[0] == 200)
    eventually(lambda: [entry for entry in page.trials._phones["8001"].snapshot()["entries"] if entry["what"] == "hears"])
    assert page.post("phone/8001/dial", number="100")[0] == 409
    for extension, code in (("9001", 422), ("80011", 422), ("8001x", 422), ("8002/x", 404)):
        assert page.post(f"phone/{extension}/take")[0] == code
    assert page.post("phone/8002/answer")[0] == 404
    assert page.post("phone/8001/explode")[0] == 404
    assert page.post("phone/8003/take", agent="9999")[0] == 409
    assert json.loads(house.sim("by_hand")) == ["8001"]


def test_on_a_real_switch_the_flow_is_rehearsed(house: House, page: Page, words: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: str, *args: Any) -> str:
        raise SwitchRefused(f"-ERR {command} Command not found!")

    monkeypatch.setattr(house.engine.switch, "api", refuse)
    house.engine.switch.core_uuid = "another"
    assert "real switch" in page.browser.get("/try/").text and page.post("phone/8001/take")[0] == 422
    assert "simulated switch" in page.browser.get("/try/phone").text
    call_id = page.call("100", at="2026-09-20T12:00")
    eventually(lambda: page.state(call_id).get("step") == "main")
    page.post(f"call/{call_id}/press", keys="1")
    eventually(lambda: page.state(call_id)["step"] == "info")
    page.post(f"call/{call_id}/press", keys="2")
    page.told(call_id, "silence")
    eventually(lambda: page.state(call_id)["recording"])
    page.say(f"call/{call_id}", words)
    note = page.told(call_id, "note")
    assert (note["about"], note["value"]) == ("message", "office")
    page.told(call_id, "ended")
    assert house.engine.store.calls.recent() == []
    secret = page.call("700", at="2026-09-22T12:00")
    eventually(lambda: page.state(secret).get("secret"))
    page.post(f"call/{secret}/press", keys="4711")
    eventually(lambda: page.state(secret)["step"] == "bye")
    assert "4711" not in json.dumps(page.trials._trials[secret].snapshot())
