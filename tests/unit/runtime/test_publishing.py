"""Publishing: only sets without errors, only what was looked at, back again; and the library follows whoever publishes."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ivrengine.acd.rules import QueueRules
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.world import World
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.runtime.drafts import TEXT_LIMIT, BadDraft, Drafts, NoSuchDraft, StaleDraft
from ivrengine.runtime.flow_changes import ChangedLine
from ivrengine.runtime.library import FIRST_START, RELOAD, Library, NothingToServe
from ivrengine.runtime.publishing import NotPublished, Publisher, set_version
from ivrengine.storage.errors import NoSuchRecord
from ivrengine.storage.publications import Overtaken
from ivrengine.storage.store import Store

FLOW = """\
flow: hotline
languages: [en-US]
numbers: [100]
start: hello
steps:
  hello: {play: {prompt: [welcome], next: person}}
  person: {dial_extension: {extension: "8001", answered: bye, failed: bye}}
  bye: {hangup: }
"""
OTHER = FLOW.replace("8001", "8002")
BROKEN = FLOW.replace("next: person", "next: persn")


class House:
    """A site, what publishes its flows, and an engine's library."""

    def __init__(self, site: Path, store: Store) -> None:
        self.flows = site / "flows"
        self.store = store
        self.catalogue = catalogue = Catalogue(site / "prompts")
        self.now = 1_790_000_000.0
        self.publisher = Publisher(self.flows, store, catalogue, Voice(catalogue, "en-US", []), (), lambda: self.now)
        self.world = World(hours=HoursBook({}))
        self.calendars: list[HoursBook] = []
        self.library = self.new_library()

    def new_library(self) -> Library:
        return Library(self.publisher, self.store, self.world, SimpleNamespace(use_calendars=self.calendars.append))  # type: ignore[arg-type]

    def write(self, text: str, name: str = "hotline") -> None:
        (self.flows / f"{name}.yml").write_text(text, encoding="utf-8")

    def in_force(self) -> str:
        return self.library.flows.flows["hotline"].steps["person"].spec.extension


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    (tmp_path / "flows" / "lists").mkdir(parents=True)
    (tmp_path / "prompts" / "en-US").mkdir(parents=True)
    with wave.open(str(tmp_path / "prompts" / "en-US" / "welcome.wav"), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(b"\x00\x10" * 8000)
    with Store(tmp_path / "a.db") as store:
        house = House(tmp_path, store)
        house.write(FLOW)
        yield house


# -- what callers walk -------------------------------------------------------------------------------------------------


def test_the_first_start_publishes_the_files(house: House) -> None:
    assert house.library.start() == []
    assert house.in_force() == "8001"
    first = house.store.publications.current()
    assert first is not None and (first.publication_id, first.author) == (1, FIRST_START)


def test_a_site_whose_first_files_have_errors_serves_nothing(house: House) -> None:
    house.write(BROKEN)
    with pytest.raises(NothingToServe, match="persn"):
        house.library.start()
    assert house.store.publications.current() is None


def test_files_that_were_edited_reach_nobody_by_a_restart(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.library.start()
    house.write(OTHER)
    house.library = house.new_library()
    with caplog.at_level("WARNING"):
        house.library.start()
    assert house.in_force() == "8001" and "the files are not what is published" in caplog.text
    assert len(house.store.publications.recent()) == 1


def test_a_reload_publishes_and_with_errors_changes_nothing(house: House) -> None:
    house.library.start()
    house.write(BROKEN)
    assert [finding.code for finding in house.library.reload()] == ["unknown_step"]
    assert house.in_force() == "8001"
    house.write(OTHER)
    assert house.library.reload() == [] and house.in_force() == "8002"
    current = house.store.publications.current()
    assert current is not None and (current.publication_id, current.author) == (2, RELOAD)


def test_the_library_follows_and_keeps_what_calls_are_on(house: House) -> None:
    house.library.start()
    old = house.library.flows.flows["hotline"]
    house.write(OTHER)
    done = house.publisher.publish("mary", "another phone")
    assert house.in_force() == "8001"
    house.library.follow()
    assert house.in_force() == "8002" and house.library.publication == done
    assert house.library.get("hotline", old.version) is old and len(house.calendars) == 2
    house.library.follow()
    assert len(house.calendars) == 2, "what is in force already is not put in force again"


def test_a_prompt_that_was_lost_since_turns_nobody_away(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.library.start()
    (house.flows.parent / "prompts" / "en-US" / "welcome.wav").unlink()
    house.catalogue.reload()
    house.library = house.new_library()
    assert [finding.code for finding in house.library.start()] == ["prompt"]
    assert house.in_force() == "8001" and "missing" in caplog.text


def test_a_publication_that_cannot_be_used_is_told_once_and_the_set_before_stays(house: House, caplog) -> None:
    house.library.start()
    house.store.flow_versions.keep("fromlater", '{"flows": {"flows/a.yml": "flow: ["}, "calendars": null, "lists": {}}', 1.0).wait()
    house.store.publications.publish("fromlater", 2.0, "a later version").wait()
    house.library.follow()
    house.library.follow()
    assert house.in_force() == "8001" and caplog.text.count("a publication can't be used") == 1


def test_a_database_that_does_not_answer_is_told_once(house: House, caplog, monkeypatch: pytest.MonkeyPatch) -> None:
    house.library.start()
    house.store.close()
    house.library.follow()
    house.library.follow()
    assert house.in_force() == "8001" and caplog.text.count("publications can't be read") == 1


# -- publishing --------------------------------------------------------------------------------------------------------


def test_errors_are_refused_with_all_findings(house: House) -> None:
    house.write(BROKEN.replace("[welcome]", "[welcom]"))
    with pytest.raises(NotPublished, match="2 errors must be mended first") as refusal:
        house.publisher.publish("mary")
    assert {finding.code for finding in refusal.value.findings} == {"unknown_step", "prompt"}
    assert house.store.publications.current() is None


def test_queues_that_the_site_does_not_have_are_errors(house: House) -> None:
    house.write(FLOW.replace("person: {dial_extension: {extension: \"8001\", answered: bye, failed: bye}}",
                             "person: {queue: {queue: sales, failed: bye}}"))  # fmt: skip
    house.store.site.save(QueueRules("repairs"), "tests", 1.0).wait()
    with pytest.raises(NotPublished) as refusal:
        house.publisher.publish("mary")
    assert [finding.code for finding in refusal.value.findings] == ["unknown_queue"]


def test_nothing_is_published_twice(house: House) -> None:
    house.publisher.publish("mary")
    with pytest.raises(NotPublished, match="exactly these flows already"):
        house.publisher.publish("mary")


def test_an_empty_directory_is_not_published(house: House) -> None:
    (house.flows / "hotline.yml").unlink()
    with pytest.raises(NotPublished, match="there is no flow in"):
        house.publisher.publish("mary")


def test_only_what_the_author_has_looked_at_is_published(house: House) -> None:
    looked_at = set_version(house.publisher.draft())
    house.write(OTHER)
    with pytest.raises(Overtaken, match="changed meanwhile"):
        house.publisher.publish("mary", draft=looked_at)
    house.publisher.publish("john", draft=set_version(house.publisher.draft()), after=0)
    house.write(FLOW)
    with pytest.raises(Overtaken, match="publication 1 by john"):
        house.publisher.publish("mary", draft=looked_at, after=0)


def test_rolling_back_is_another_publication_and_leaves_the_files(house: House) -> None:
    first = house.publisher.publish("mary", "the first")
    house.write(OTHER)
    house.publisher.publish("mary", "the second")
    back = house.publisher.roll_back(first.publication_id, "john")
    assert (back.publication_id, back.version, back.comment) == (3, first.version, "back to publication 1")
    house.library.start()
    assert house.in_force() == "8001" and (house.flows / "hotline.yml").read_text() == OTHER
    with pytest.raises(NotPublished, match="exactly these flows already"):
        house.publisher.roll_back(3, "john")
    with pytest.raises(NoSuchRecord):
        house.publisher.roll_back(7, "john")


def test_rolling_back_to_what_has_errors_by_now_is_refused(house: House) -> None:
    house.publisher.publish("mary")
    (house.flows.parent / "prompts" / "en-US" / "welcome.wav").rename(house.flows.parent / "prompts" / "en-US" / "hello.wav")
    house.catalogue.reload()
    house.write(OTHER.replace("welcome", "hello"))
    house.publisher.publish("mary")
    with pytest.raises(NotPublished) as refusal:
        house.publisher.roll_back(1, "mary")
    assert [finding.code for finding in refusal.value.findings] == ["prompt"]


def test_changes_tell_files_and_lines(house: House) -> None:
    house.publisher.publish("mary")
    house.write(OTHER)
    house.write("# nothing yet\n", "new")
    (house.flows / "lists" / "vip.txt").write_text("200 # one\n100\n")
    (house.flows / "calendars.yml").write_text("office: {zone: UTC, weekly: {mon-sun: open}}\n")
    found = house.publisher.changes(house.publisher.published(), house.publisher.draft())
    assert [(change.file, change.kind, change.added, change.removed) for change in found] == [
        ("flows/calendars.yml", "add", 1, 0),
        ("flows/hotline.yml", "change", 1, 1),
        ("flows/lists/vip.txt", "add", 2, 0),
        ("flows/new.yml", "add", 1, 0),
    ]
    assert ChangedLine("+", '  person: {dial_extension: {extension: "8002", answered: bye, failed: bye}}') in found[1].lines
    back = house.publisher.changes(house.publisher.draft(), house.publisher.published())
    assert {change.kind for change in back} == {"remove", "change"}


# -- drafts ------------------------------------------------------------------------------------------------------------


def test_a_draft_is_saved_on_what_it_began_with(house: House) -> None:
    drafts = Drafts(house.flows)
    (house.flows / "hotline.yml").chmod(0o640)
    draft = drafts.read("hotline")
    saved = drafts.save("hotline", "问候\n", draft.base)
    assert (house.flows / "hotline.yml").read_text(encoding="utf-8") == "问候\n" == drafts.read("hotline").text
    assert saved.base == drafts.read("hotline").base != draft.base
    assert (house.flows / "hotline.yml").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in house.flows.iterdir() if path.name.startswith(".")] == []


def test_a_stale_save_overwrites_nothing_and_tells_what_is_there(house: House) -> None:
    drafts = Drafts(house.flows)
    draft = drafts.read("hotline")
    house.write(OTHER)
    with pytest.raises(StaleDraft, match="changed by somebody else") as refusal:
        drafts.save("hotline", BROKEN, draft.base)
    theirs = refusal.value.theirs
    assert theirs is not None and theirs.text == OTHER == (house.flows / "hotline.yml").read_text()
    drafts.save("hotline", BROKEN, theirs.base)
    with pytest.raises(StaleDraft):
        drafts.remove("hotline", theirs.base)
    (house.flows / "hotline.yml").unlink()
    with pytest.raises(StaleDraft, match="removed by somebody else"):
        drafts.save("hotline", FLOW, theirs.base)


@pytest.mark.parametrize("name", ["../a", "..", "", "lists/vip", "/etc/passwd", "hotline.yml", ".hidden", "a\x00b", "x" * 5000, "HOTLINE"])
def test_no_name_leads_out_of_the_directory(house: House, name: str) -> None:
    (house.flows.parent / "a.yml").write_text("secret")
    (house.flows / ".hidden.yml").write_text("secret")
    drafts = Drafts(house.flows)
    for verb in (lambda: drafts.read(name), lambda: drafts.remove(name, "")):
        with pytest.raises(NoSuchDraft, match="there is no file"):
            verb()
    with pytest.raises(BadDraft):
        drafts.save(name, "x", "")
    with pytest.raises(BadDraft, match="small letters"):
        drafts.create(name, "x")
    assert (house.flows.parent / "a.yml").read_text() == "secret"


def test_a_new_draft_and_its_end(house: House) -> None:
    drafts = Drafts(house.flows)
    made = drafts.create("night", "flow: night\n")
    assert drafts.names() == ["hotline", "night"]
    with pytest.raises(BadDraft, match="already"):
        drafts.create("night", "")
    drafts.remove("night", made.base)
    assert drafts.names() == ["hotline"]


def test_what_cannot_be_written_leaves_the_file(house: House) -> None:
    drafts = Drafts(house.flows)
    draft = drafts.read("hotline")
    for text, sentence in (("x" * (TEXT_LIMIT + 1), "250000 are the most"), ("a\ud800", "can't be written")):
        with pytest.raises(BadDraft, match=sentence):
            drafts.save("hotline", text, draft.base)
    assert drafts.read("hotline") == draft
