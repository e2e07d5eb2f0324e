"""The page of flows: what is shown, checked, saved, published and taken back, and what is refused with nothing lost."""

from __future__ import annotations

import re
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ivrengine.domain.commands import LogStep
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.runtime.library import Library
from ivrengine.runtime.publishing import set_version

FLOW = """\
flow: hotline
name: Hotline <b>
languages: [en-US]
numbers: [100]
start: main
steps:
  main:
    menu:
      prompt: [welcome]
      choices: {1: {label: Person, go: person}, 2: {label: Bye, go: bye}}
      no_input: bye
      no_match: bye
  person: {dial_extension: {extension: "8001", answered: bye, failed: bye}}
  bye: {hangup: }
"""
OTHER = FLOW.replace("8001", "8002")
BROKEN = FLOW.replace("go: person", "go: persn")
# An alias that stands for nine others, ten levels deep: a billion of them, were it expanded
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


class Calendars:
    def use_calendars(self, book: Any) -> None:
        pass


@pytest.fixture
def flows(engine: Any) -> Path:
    """The site's directory of flows, published; with a real library that follows."""
    site = engine.settings.site
    (site / "flows").mkdir()
    (site / "prompts" / "en-US").mkdir(parents=True)
    with wave.open(str(site / "prompts" / "en-US" / "welcome.wav"), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(b"\x00\x10" * 8000)
    (site / "flows" / "hotline.yml").write_text(FLOW)
    assert isinstance(engine.catalogue, Catalogue)
    engine.catalogue.reload()
    engine.library = Library(engine.publisher, engine.store, engine.world, Calendars())  # type: ignore[arg-type]
    assert [finding for finding in engine.library.start() if finding.severity == "error"] == []
    return site / "flows"


@pytest.fixture
def admin(client: Callable[[str], FlaskClient], flows: Path) -> FlaskClient:
    return client("admin")


def in_force(engine: Any) -> str:
    return engine.library.flows.flows["hotline"].steps["person"].spec.extension


def state(browser: FlaskClient, name: str = "hotline") -> dict[str, Any]:
    return browser.get(f"/flows/file/{name}/state").json


def save(browser: FlaskClient, text: Any, base: Any, name: str = "hotline") -> Any:
    return browser.post(f"/flows/file/{name}/save", json={"text": text, "base": base}, headers={"Accept": "application/json"})


def publish_form(browser: FlaskClient) -> dict[str, str]:
    page = browser.get("/flows/publish").text
    return dict(re.findall(r'<input type="hidden" name="(draft|after)" value="([^"]*)">', page))


# -- looking -----------------------------------------------------------------------------------------------------------


def test_the_list_tells_state_and_findings(admin: FlaskClient, flows: Path) -> None:
    page = admin.get("/flows/").text
    assert "flows/hotline.yml" in page and "Hotline &lt;b&gt;" in page and "The drafts are the same." in page
    (flows / "hotline.yml").write_text(BROKEN)
    (flows / "night.yml").write_text(FLOW.replace("hotline", "night").replace("[100]", "[200]"))
    page = admin.get("/flows/").text
    assert "draft differs" in page and "1 error" in page and "not published" in page and "Look and publish" in page
    (flows / "hotline.yml").unlink()
    assert "removed here, still published" in admin.get("/flows/").text


def test_the_state_of_a_file_has_text_findings_and_picture(admin: FlaskClient, flows: Path) -> None:
    told = state(admin)
    assert told["text"] == told["published"] == FLOW and told["flow"] == "hotline"
    assert told["findings"] == []
    assert {node["name"]: node["line"] for node in told["graph"]["nodes"] if node["line"]} == {"main": 7, "person": 13, "bye": 14}


def test_findings_are_those_of_the_linter_at_their_lines(admin: FlaskClient, flows: Path) -> None:
    (flows / "night.yml").write_text(BROKEN.replace("hotline", "night").replace("[100]", "[200]"))
    told = admin.post("/flows/file/hotline/check", json={"text": BROKEN + "more: 1\n"}).json
    assert [(finding["code"], finding["line"], finding["severity"]) for finding in told["findings"]] == [
        ("unknown_step", 10, "error"),
        ("unknown_field", 15, "error"),
    ]
    assert told["findings"][0]["fix"] == 'did you mean "person"?'
    (elsewhere,) = [finding for finding in told["elsewhere"] if finding["severity"] == "error"]
    assert elsewhere["address"] == "/flows/file/night#line-10"
    assert (flows / "hotline.yml").read_text() == FLOW, "checking saves nothing"


def test_a_bomb_is_told_and_does_not_explode(admin: FlaskClient, engine: Any) -> None:
    told = admin.post("/flows/file/hotline/check", json={"text": FLOW + BOMB}).json
    assert any("yaml" in finding["code"] for finding in told["findings"])
    base = state(admin)["base"]
    assert save(admin, BOMB, base).status_code == 200
    refused = admin.post("/flows/publish", data={"draft": set_version(engine.publisher.draft()), "after": "1"})
    assert refused.status_code == 422 and in_force(engine) == "8001"


def test_words_are_what_the_site_has(admin: FlaskClient, engine: Any) -> None:
    told = admin.get("/flows/words").json
    assert told["names"]["prompt"] == ["welcome"] and told["names"]["flow"] == ["hotline"]
    assert "menu" in told["vocabulary"]["root"]["fields"]["steps"]["schema"]["values"]["fields"]


def test_counts_are_of_today(admin: FlaskClient, engine: Any, clock: Any) -> None:
    for number, at in enumerate((clock.now - 2 * 86400, clock.now - 1, clock.now)):
        step = LogStep(0, "hotline", "v", "main", "menu", at, at + 1, "choice", "Person", "1")
        engine.store.steps.log(f"c{number}", step).wait()
    rows = admin.get("/flows/file/hotline/counts").json["counts"]
    assert rows == [{"step": "main", "outcome": "choice", "label": "Person", "count": 2}]


# -- saving ------------------------------------------------------------------------------------------------------------


def test_a_save_is_kept_audited_and_reaches_no_caller(admin: FlaskClient, flows: Path, engine: Any) -> None:
    answer = save(admin, OTHER, state(admin)["base"])
    assert answer.status_code == 200 and answer.json["base"] == state(admin)["base"]
    assert (flows / "hotline.yml").read_text() == OTHER and in_force(engine) == "8001"
    row = engine.store.audit.recent(target="draft hotline")[0]
    assert (row.who, row.verb) == ("user admin", "save_draft") and answer.json["base"] in row.after


def test_a_stale_save_overwrites_nothing_and_shows_both(admin: FlaskClient, flows: Path) -> None:
    base = state(admin)["base"]
    (flows / "hotline.yml").write_text(OTHER)
    answer = save(admin, BROKEN, base)
    assert answer.status_code == 409 and "changed by somebody else" in answer.json["error"]
    assert answer.json["theirs"]["text"] == OTHER == (flows / "hotline.yml").read_text()
    assert save(admin, BROKEN, answer.json["theirs"]["base"]).status_code == 200


def test_what_was_removed_meanwhile_can_be_made_again(admin: FlaskClient, flows: Path) -> None:
    base = state(admin)["base"]
    (flows / "hotline.yml").unlink()
    answer = save(admin, OTHER, base)
    assert (answer.status_code, answer.json["theirs"]) == (409, None)
    assert save(admin, OTHER, "").status_code == 200 and (flows / "hotline.yml").read_text() == OTHER


@pytest.mark.parametrize(
    ("text", "base", "code", "sentence"),
    [
        ("x" * 300_000, None, 422, "250000 are the most"),
        ("x" * 1_100_000, None, 413, "more than the page takes"),
        ("a\ud800", None, 422, "can't be written"),
        (None, None, 400, "no text to save"),
        (["x"], None, 400, "no text to save"),
        (FLOW, 7, 400, "no text to save"),
        (FLOW, "", 422, "already"),
    ],
)
def test_what_cannot_be_saved_is_refused_with_a_sentence(
    admin: FlaskClient, flows: Path, text: Any, base: Any, code: int, sentence: str
) -> None:
    answer = save(admin, text, state(admin)["base"] if base is None else base)
    assert answer.status_code == code and sentence in answer.json["error"]
    assert (flows / "hotline.yml").read_text() == FLOW


@pytest.mark.parametrize("name", ["..%2Fsecret", "%2e%2e%2fsecret", "..", "nothing", ".hidden", "hotline.yml", "a%00b", "x" * 3000])
def test_no_name_leads_out_of_the_directory(admin: FlaskClient, flows: Path, name: str) -> None:
    for place in (flows.parent / "secret.yml", flows / ".hidden.yml"):
        place.write_text("secret: words")
    for answer in (
        admin.get(f"/flows/file/{name}", follow_redirects=True),
        admin.get(f"/flows/file/{name}/state"),
        admin.post(f"/flows/file/{name}/check", json={"text": "x"}),
        save(admin, "x", "x", name),
        save(admin, "x", "", name) if name != "nothing" else None,
        admin.post(f"/flows/file/{name}/remove", data={"base": "x"}, follow_redirects=True),
    ):
        assert answer is None or (answer.status_code in (200, 404, 405, 409, 422) and "secret: words" not in answer.text)
    assert (flows.parent / "secret.yml").read_text() == "secret: words" == (flows / ".hidden.yml").read_text()
    assert sorted(path.name for path in flows.iterdir()) == [".hidden.yml", "hotline.yml"]


def test_a_new_flow_is_begun_without_errors_and_removed(admin: FlaskClient, flows: Path, engine: Any) -> None:
    assert admin.post("/flows/new", data={"name": "night"}).headers["Location"] == "/flows/file/night"
    assert [finding for finding in state(admin, "night")["findings"] if finding["severity"] == "error"] == []
    for name in ("night", "../night", "Night", "", "a b"):
        refused = admin.post("/flows/new", data={"name": name}, follow_redirects=True)
        assert 'class="flash error"' in refused.text
    assert sorted(path.name for path in flows.iterdir()) == ["hotline.yml", "night.yml"]
    admin.post("/flows/file/night/remove", data={"base": "stale"})
    assert (flows / "night.yml").exists()
    admin.post("/flows/file/night/remove", data={"base": state(admin, "night")["base"]})
    assert not (flows / "night.yml").exists()
    assert [row.verb for row in engine.store.audit.recent(target="draft night")] == ["remove_draft", "new_draft"]


# -- publishing --------------------------------------------------------------------------------------------------------


def test_publish_with_comment_then_roll_back(admin: FlaskClient, flows: Path, engine: Any) -> None:
    (flows / "hotline.yml").write_text(OTHER)
    page = admin.get("/flows/publish").text
    assert "8002" in page and 'class="more"' in page and 'class="less"' in page
    answer = admin.post("/flows/publish", data={**publish_form(admin), "comment": "<script>why"}, follow_redirects=True)
    assert "Published as 2" in answer.text and "&lt;script&gt;why" in answer.text and "<script>why" not in answer.text
    assert in_force(engine) == "8002"
    newest = engine.store.publications.current()
    assert (newest.author, newest.comment) == ("user admin", "<script>why")
    compared = admin.get("/flows/compare?before=1&after=2").text
    assert "8001" in compared and "8002" in compared
    back = admin.post("/flows/roll-back", data={"publication": "1", "after": "2"}, follow_redirects=True)
    assert "Rolled back" in back.text and "The drafts differ" in back.text
    assert in_force(engine) == "8001" and (flows / "hotline.yml").read_text() == OTHER


def test_errors_are_shown_and_nothing_is_published(admin: FlaskClient, flows: Path, engine: Any) -> None:
    (flows / "hotline.yml").write_text(BROKEN)
    page = admin.get("/flows/publish").text
    assert "there is no step &#34;persn&#34;" in page and "/flows/file/hotline#line-10" in page
    assert '<button class="main">' not in page
    refused = admin.post("/flows/publish", data={"draft": set_version(engine.publisher.draft()), "after": "1"})
    assert refused.status_code == 422 and "1 error must be mended first" in refused.text
    assert engine.store.publications.current().publication_id == 1 and in_force(engine) == "8001"


def test_only_what_was_shown_is_published(admin: FlaskClient, flows: Path, engine: Any) -> None:
    (flows / "hotline.yml").write_text(OTHER)
    form = publish_form(admin)
    (flows / "hotline.yml").write_text(OTHER.replace("8002", "8003"))
    refused = admin.post("/flows/publish", data={**form, "comment": "my words"})
    assert refused.status_code == 409 and "changed meanwhile" in refused.text and 'value="my words"' in refused.text
    (flows / "hotline.yml").write_text(OTHER)
    engine.publisher.publish("john")
    (flows / "hotline.yml").write_text(FLOW.replace("8001", "8004"))
    refused = admin.post("/flows/publish", data={"draft": set_version(engine.publisher.draft()), "after": form["after"]})
    assert refused.status_code == 409 and "by john came between" in refused.text


def test_a_comment_that_is_too_long_is_refused(admin: FlaskClient, flows: Path) -> None:
    (flows / "hotline.yml").write_text(OTHER)
    refused = admin.post("/flows/publish", data={**publish_form(admin), "comment": "x" * 501})
    assert refused.status_code == 422 and "longer than 500" in refused.text


@pytest.mark.parametrize(
    "form", [{"publication": "9"}, {"publication": "-1"}, {"publication": "x" * 100}, {}, {"publication": "1", "after": "7"}]
)
def test_a_roll_back_to_nothing_or_over_something_unseen_is_refused(admin: FlaskClient, engine: Any, form: dict[str, str]) -> None:
    page = admin.post("/flows/roll-back", data=form, follow_redirects=True).text
    assert 'class="flash error"' in page and len(engine.store.publications.recent()) == 1


@pytest.mark.parametrize("pair", ["before=9", "before=x&after=draft", "after=99999999999999999999", "before=%00"])
def test_an_unknown_publication_cannot_be_compared(admin: FlaskClient, pair: str) -> None:
    assert admin.get(f"/flows/compare?{pair}").status_code == 404


# -- who may -----------------------------------------------------------------------------------------------------------


def test_a_supervisor_looks_and_changes_nothing(client: Callable[[str], FlaskClient], flows: Path, engine: Any) -> None:
    browser = client("supervisor")
    (flows / "hotline.yml").write_text(OTHER)
    assert 'data-may-edit=""' in browser.get("/flows/file/hotline").text and "Save the draft" not in browser.get("/flows/file/hotline").text
    assert "A new flow" not in browser.get("/flows/").text and "Roll back" not in browser.get("/flows/history").text
    assert save(browser, FLOW, state(browser)["base"]).status_code == 403
    assert browser.post("/flows/publish", data={}).status_code == 403
    assert (flows / "hotline.yml").read_text() == OTHER and in_force(engine) == "8001"


def test_without_the_token_nothing_is_done(admin: FlaskClient, app: Flask, flows: Path, engine: Any) -> None:
    base = state(admin)["base"]
    app.config["WTF_CSRF_ENABLED"] = True
    (flows / "hotline.yml").write_text(OTHER)
    for answer in (
        save(admin, BROKEN, base),
        admin.post("/flows/publish", data={"draft": set_version(engine.publisher.draft()), "after": "1"}),
        admin.post("/flows/roll-back", data={"publication": "1"}),
        admin.post("/flows/new", data={"name": "night"}),
    ):
        assert answer.status_code == 400 and "grown too old" in answer.text
    token = re.search(r'name="csrf-token" content="([^"]+)"', admin.get("/flows/").text)
    assert token is not None
    answer = admin.post("/flows/file/hotline/check", json={"text": FLOW}, headers={"X-CSRFToken": token[1]})
    assert answer.status_code == 200 and (flows / "hotline.yml").read_text() == OTHER


def test_the_editors_policy_takes_styles_by_its_nonce_only(admin: FlaskClient) -> None:
    answer = admin.get("/flows/file/hotline")
    nonce = re.search(r'data-nonce="([^"]+)"', answer.text)
    assert nonce and f"style-src 'self' 'nonce-{nonce[1]}'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
