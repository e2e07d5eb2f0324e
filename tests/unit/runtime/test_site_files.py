"""The files of a site: what is read, what is refused with its place, and that a record gives the same site back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivrengine.flow.finding import errors
from ivrengine.flow.number_lists import load_list
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.runtime.site_files import FILE_LIMIT, SiteFiles, check_site, read_site

FLOW = """\
flow: hotline
languages: [zh-CN]
numbers: [100]
start: who
steps:
  who: {by_caller: {rules: [{list: customers, go: hours}], otherwise: bye}}
  hours: {by_hours: {calendar: office, open: person, closed: bye}}
  person: {dial_extension: {extension: "8001", answered: bye, failed: bye}}
  bye: {hangup: }
"""


class Prompts:
    def names(self, language: str) -> list[str]:
        return []

    def problem(self, name: str, language: str) -> None:
        return None

    def duration_ms(self, name: str, language: str) -> int:
        return 1000

    def speech_problem(self, kind: str, language: str) -> None:
        return None


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    directory = tmp_path / "flows"
    (directory / "lists").mkdir(parents=True)
    (directory / "hotline.yml").write_text(FLOW)
    (directory / "calendars.yml").write_text("office:\n  zone: Asia/Shanghai\n  weekly: {mon-fri: {open: 08:30-17:30}}\n")
    (directory / "lists" / "customers.txt").write_text("# our best\n029 8888-0001   # Mr Wang\n+8613*\n\n")
    return directory


def check(site: SiteFiles):
    return check_site(site, Prompts(), Prompts(), [], 1_790_000_000.0)


def test_a_sound_site_is_read_and_passes(flows):
    site = read_site(flows)
    assert set(site.texts) == {"flows/hotline.yml"} and site.lists == {"customers": frozenset({"02988880001", "+8613*"})}
    checked = check(site)
    assert checked.findings == [] and set(checked.flows.flows) == {"hotline"}
    assert site.texts[checked.flows.flows["hotline"].file] == FLOW


def test_a_record_gives_the_same_site_back(flows):
    site = read_site(flows)
    again = SiteFiles.from_record(json.loads(json.dumps(site.to_record())))
    assert (again.texts, again.calendars_text, again.lists) == (site.texts, site.calendars_text, site.lists)
    assert check(again).findings == []


def test_what_cannot_be_read_is_a_finding_and_leaves_the_rest(flows):
    (flows / "bytes.yml").write_bytes("flow: 热线".encode("gb18030"))
    (flows / "large.yml").write_bytes(b"#" * (FILE_LIMIT + 1))
    (flows / "folder.yml").mkdir()
    (flows / "gone.yml").symlink_to(flows / "nowhere")
    (flows / "other.yaml").write_text(FLOW)
    (flows / ".hidden.yml").write_text("{")
    (flows / "lists" / "bad.txt").write_text("029*\nxyz\n")
    checked = check(read_site(flows))
    assert [(f.code, f.severity, str(f.place)) for f in checked.findings] == [
        ("yaml_encoding", "error", "flows/bytes.yml:1:1"),
        ("unreadable", "error", "flows/folder.yml:1:1"),
        ("unreadable", "error", "flows/gone.yml:1:1"),
        ("file_too_large", "error", "flows/large.yml:1:1"),
        ("bad_number", "error", "flows/lists/bad.txt:2:1"),
        ("file_name", "warning", "flows/other.yaml:1:1"),
    ]
    assert set(checked.flows.flows) == {"hotline"}


def test_a_missing_directory_is_a_finding(tmp_path):
    found = check(read_site(tmp_path / "flows")).findings
    assert [f.code for f in found] == ["unreadable"] and "there is no directory" in found[0].sentence


def test_a_broken_calendar_is_told_where_it_stands_and_once(flows):
    (flows / "calendars.yml").write_text("office:\n  zone: Asia/Shangai\n  weekly: {mon: open}\n")
    found = check(read_site(flows)).findings
    assert [(f.code, str(f.place)) for f in found] == [("unknown_zone", "flows/calendars.yml:2:9")]


def test_lines_of_a_list():
    numbers, findings = load_list("\ufeff13800138000\n  +86 138-0013* # all of them\n*\nabc\n029**\n#only\n", "l.txt")
    assert numbers == {"13800138000", "+861380013*"}
    assert [finding.place.line for finding in findings] == [3, 4, 5]


def test_the_shipped_flows_have_no_errors():
    root = Path(__file__).parents[3]
    catalogue = Catalogue(root / "prompts")
    checked = check_site(read_site(root / "flows"), catalogue, Voice(catalogue, "zh-CN"), ["*"], 1_790_000_000.0)
    assert [str(finding) for finding in errors(checked.findings)] == []
    assert checked.flows.flows


def test_a_directory_that_may_not_be_read_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows" / "lists").mkdir(parents=True)
    monkeypatch.setattr("ivrengine.runtime.site_files.os.access", lambda path, mode: False)  # root may read everything
    (finding,) = read_site(tmp_path / "flows").findings
    assert finding.severity == "error" and "can't be read" in finding.sentence
