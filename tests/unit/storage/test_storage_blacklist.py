from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ivrengine.domain.blacklist import BadPattern, BlacklistEntry
from ivrengine.storage import table_text
from ivrengine.storage.blacklist_import import BadExpiry, parse, parse_expiry
from ivrengine.storage.errors import NoSuchRecord, StorageError
from ivrengine.storage.store import Store
from ivrengine.storage.table_text import Problem

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=SHANGHAI).timestamp()


def test_entries_are_added_found_by_the_snapshot_and_removed(store: Store) -> None:
    store.blacklist.add(BlacklistEntry("138 0013 8000", "nuisance", NOW + 60), "wang", NOW)
    store.blacklist.add(BlacklistEntry("0085*", "abroad"), "li", NOW + 1).wait()
    snapshot = store.blacklist.snapshot()
    assert snapshot.match("+13800138000", NOW) == BlacklistEntry("13800138000", "nuisance", NOW + 60)
    assert snapshot.match("13800138000", NOW + 60) is None
    assert snapshot.match("0085212345678", NOW) == BlacklistEntry("0085*", "abroad")
    assert [(e.pattern, e.created_by, e.hits, e.last_hit_at) for e in store.blacklist.entries()] == [
        ("0085*", "li", 0, None),
        ("13800138000", "wang", 0, None),
    ]
    store.blacklist.remove("13800138000").wait()
    assert store.blacklist.snapshot().match("13800138000", NOW) is None
    with pytest.raises(NoSuchRecord, match="13800138000 is not on the blacklist"):
        store.blacklist.remove("13800138000").wait()
    with pytest.raises(BadPattern):
        store.blacklist.add(BlacklistEntry("*"), "li", NOW)


def test_hits_are_counted_and_survive_another_reason(store: Store) -> None:
    store.blacklist.add(BlacklistEntry("138*", "old"), "wang", NOW)
    store.blacklist.hit("138*", NOW + 5)
    store.blacklist.hit("138*", NOW + 6)
    store.blacklist.hit("removed meanwhile", NOW + 6)
    store.blacklist.add(BlacklistEntry("138*", "new"), "li", NOW + 7).wait()
    (entry,) = store.blacklist.entries()
    assert (entry.reason, entry.hits, entry.last_hit_at, entry.created_by) == ("new", 2, NOW + 6, "li")


def test_the_revision_moves_with_what_is_refused_and_not_with_hits(store: Store) -> None:
    revisions = [store.blacklist.revision()]
    store.blacklist.add(BlacklistEntry("1"), "x", NOW).wait()
    revisions.append(store.blacklist.revision())
    store.blacklist.remove("1").wait()
    revisions.append(store.blacklist.revision())
    assert len(set(revisions)) == 3
    store.blacklist.add(BlacklistEntry("1"), "x", NOW).wait()
    before = store.blacklist.revision()
    store.blacklist.hit("1", NOW).wait()
    assert store.blacklist.revision() == before


def test_many_are_added_all_or_none(store: Store) -> None:
    with pytest.raises(BadPattern):
        store.blacklist.add_all([BlacklistEntry("123"), BlacklistEntry("1*3")], "x", NOW)
    assert store.blacklist.entries() == []
    store.blacklist.add_all([BlacklistEntry(str(n)) for n in range(5000)], "x", NOW).wait()
    assert len(store.blacklist.snapshot()) == 5000


# -- import --------------------------------------------------------------------------------------------------------------


def test_a_list_of_numbers_is_read_and_every_bad_line_told() -> None:
    text = """# nuisance callers

13800138000
 029-8888 0001 , shouts; at staff, 2026-12-31
0085* ; "sells, loudly; and long" ; 2026-11-22 18:00
12*34
notanumber!
13900139000, reason, next year
13900139000, reason, 2020-01-01
13700137000, "forgotten quote
13800138000, again
1.38E+10
*
13600136000, x, 2026-02-30
#31#*
"""
    parsed = parse(text.encode(), SHANGHAI, NOW)
    end_of_year = datetime(2027, 1, 1, tzinfo=SHANGHAI).timestamp()
    this_evening = datetime(2026, 11, 22, 18, tzinfo=SHANGHAI).timestamp()
    assert parsed.records == [
        BlacklistEntry("13800138000"),
        BlacklistEntry("02988880001", "shouts; at staff", end_of_year),
        BlacklistEntry("0085*", "sells, loudly; and long", this_evening),
        BlacklistEntry("#31#*"),
    ]
    assert [problem.line for problem in parsed.problems] == [6, 7, 8, 9, 10, 11, 12, 13, 14]
    told = {problem.line: problem.sentence for problem in parsed.problems}
    assert (
        "in the middle" in told[6] and "neither a number" in told[7] and "not a date" in told[8] and "passed already" in told[9]
    )
    assert (
        "broken quotes" in told[10]
        and "in line 3 already" in told[11]
        and "every caller" in told[13]
        and "no such date" in told[14]
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_tables_as_spreadsheets_save_them(encoding: str, newline: str) -> None:
    text = newline.join(["原因,号码,多余,有效期", "骚扰电话,13800138000,x,", "诈骗,400*,,2026-12-31", ""])
    parsed = parse(text.encode(encoding), SHANGHAI, NOW)
    assert [(e.pattern, e.reason) for e in parsed.records] == [("13800138000", "骚扰电话"), ("400*", "诈骗")]
    assert parsed.records[1].expires_at == datetime(2027, 1, 1, tzinfo=SHANGHAI).timestamp()
    assert parsed.problems == []


@pytest.mark.parametrize("data", [b"\x00\x01\x02\xff" * 100, b"RIFF\xff\xff\x00\x00WAVE", b"13800138000\x00\n"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(StorageError, match="not a text"):
        parse(data, SHANGHAI, NOW)


def test_lists_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_text, "LINE_LIMIT", 3)
    monkeypatch.setattr(table_text, "SIZE_LIMIT", 40)
    monkeypatch.setattr(table_text, "PROBLEM_LIMIT", 1)
    with pytest.raises(StorageError, match="4 lines; a list has at most 3"):
        parse(b"1\n2\n3\n4\n", SHANGHAI, NOW)
    with pytest.raises(StorageError, match="50 bytes"):
        parse(b"1" * 50, SHANGHAI, NOW)
    with pytest.raises(StorageError, match="no list of numbers: more than 1 lines"):
        parse(b"?\n?\n", SHANGHAI, NOW)
    assert parse(b"?\n1\n", SHANGHAI, NOW).problems == [
        Problem(1, "'?' is neither a number such as 13800138000 nor a prefix such as 0085*")
    ]


def test_an_empty_list_is_no_error() -> None:
    assert parse(b"", SHANGHAI, NOW) == parse(b"\n \n# nothing\n", SHANGHAI, NOW)


def test_expiry_is_in_the_given_zone_and_bounded() -> None:
    assert parse_expiry(" ", SHANGHAI, NOW) is None
    assert parse_expiry("2026-11-22", SHANGHAI, NOW) == datetime(2026, 11, 23, tzinfo=SHANGHAI).timestamp()
    for text in ("9999-12-31 99:00", "2026-13-01", "9999-12-31", "tomorrow", "2026-12-31T", "0000-01-01"):
        with pytest.raises(BadExpiry):
            parse_expiry(text, SHANGHAI, NOW)
