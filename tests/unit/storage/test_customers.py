"""Customers: found by any spelling of their number, chosen once per contact, imported from tables as people save them."""

from __future__ import annotations

import pytest

from ivrengine.storage.customers import BadCustomer, clean, read_customer
from ivrengine.storage.customers_import import parse
from ivrengine.storage.errors import NoSuchRecord, StorageError
from ivrengine.storage.store import Store

HOSTILE = "<script>alert(1)</script>"


def add(store: Store, name: str, *numbers: str, level: str = "", notes: str = "") -> str:
    return store.customers.add(read_customer(name, level, notes, numbers), "tests", 1.0).wait()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("138 0013-8000", "13800138000"), ("+86 138 0013 8000", "8613800138000"), ("(029) 8765.4321", "02987654321"),
        ("", ""), ("anonymous", ""), ("1", ""), ("１３８", ""), ("12;rm", ""), ("1" * 41, ""),
    ],
)  # fmt: skip
def test_a_number_has_one_spelling(given: str, kept: str) -> None:
    assert clean(given) == kept


def test_found_by_every_number_however_it_is_written(store: Store) -> None:
    one = add(store, "Li Lei", "138 0013 8000", "+8629 8765 4321", level="gold", notes="likes\nmornings")
    for number in ("13800138000", "+13800138000", "862987654321"):
        assert [each.customer_id for each in store.customers.of_number(number)] == [one]
    found = store.customers.get(one[:8])
    assert (found.name, found.level, found.notes) == ("Li Lei", "gold", "likes\nmornings")
    assert found.numbers == ("13800138000", "862987654321")
    assert store.customers.of_number("anonymous") == [] == store.customers.of_number("")


def test_several_share_a_number_and_one_is_chosen_for_the_contact(store: Store) -> None:
    one, other = add(store, "A", "100200"), add(store, "B", "100200")
    assert [each.name for each in store.customers.of_number("100200")] == ["A", "B"]
    assert store.customers.chosen("call-1") is None
    store.customers.choose("call-1", other).wait()
    assert store.customers.chosen("call-1").customer_id == other
    store.customers.choose("call-1", one).wait()
    assert store.customers.chosen("call-1").customer_id == one and store.customers.chosen("call-2") is None
    store.customers.choose("call-1", "").wait()
    assert store.customers.chosen("call-1") is None
    with pytest.raises(NoSuchRecord):
        store.customers.choose("call-1", "nobody").wait()


def test_changed_and_audited_with_what_was_before(store: Store) -> None:
    one = add(store, "Li", "100200")
    store.customers.change(one, read_customer("Li Lei", "gold", "", ["300400"]), "user a", 2.0).wait()
    assert store.customers.of_number("100200") == []
    assert store.customers.of_number("300400")[0].changed_by == "user a"
    row = store.audit.recent(target=f"customer {one}")[0]
    assert (row.verb, row.who) == ("change_customer", "user a") and "100200" in row.before and "300400" in row.after
    with pytest.raises(NoSuchRecord):
        store.customers.change("nobody", read_customer("x", "", "", []), "user a", 2.0).wait()


@pytest.mark.parametrize(
    ("name", "level", "notes", "numbers", "field"),
    [
        ("", "", "", [], "name"), (" \n\x00 ", "", "", [], ""), ("a", "l" * 21, "", [], "level"), ("a", "", "n" * 4001, [], "notes"),
        ("a", "", "", ["call me"], "numbers"), ("a", "", "", [str(100 + n) for n in range(21)], "numbers"),
    ],
)  # fmt: skip
def test_what_is_no_customer_is_refused_at_its_field(name: str, level: str, notes: str, numbers: list[str], field: str) -> None:
    if not field:  # a NUL becomes a mark that can be kept
        assert read_customer(name, level, notes, numbers).name
        return
    with pytest.raises(BadCustomer) as refusal:
        read_customer(name, level, notes, numbers)
    assert refusal.value.field == field


def test_strangers_text_is_kept_as_text(store: Store) -> None:
    one = add(store, f"{HOSTILE}\r\nX: y", "100200", notes="a\x07b")
    found = store.customers.get(one)
    assert found.name == f"{HOSTILE} X: y" and found.notes == "a b"


def test_searched_by_a_part_of_the_name_or_the_beginning_of_a_number(store: Store) -> None:
    add(store, "Li Lei", "13800138000")
    add(store, "Han Meimei", "13900139000")
    for text, names in (("", ["Han Meimei", "Li Lei"]), ("lei", ["Li Lei"]), ("1390", ["Han Meimei"]), ("%", []), ("' or 1", [])):
        assert [each.name for each in store.customers.search(text)] == names


def test_a_table_is_read_in_the_order_of_its_headings_and_bad_lines_are_told() -> None:
    parsed = parse("级别;姓名;电话\ngold;李雷;13800138000 / 029-87654321\n;;1\n;韩;call me\n".encode("gb18030"))
    assert [(each.name, each.level, each.numbers) for each in parsed.records] == [("李雷", "gold", ("13800138000", "02987654321"))]
    assert [problem.line for problem in parsed.problems] == [3, 4]
    assert parse(b"Li,100200\n").records[0].numbers == ("100200",)
    with pytest.raises(StorageError):
        parse(b"\x00\x01\x02")


def test_an_import_brings_known_customers_up_to_date(store: Store) -> None:
    one = add(store, "Li", "100200")
    new = store.customers.add_all(parse(b"Li,100200 300400,gold\nHan,100200\n").records, "tests", 2.0).wait()
    assert new == 1
    found = store.customers.get(one)
    assert (found.level, found.numbers) == ("gold", ("100200", "300400"))
    assert [each.name for each in store.customers.of_number("100200")] == ["Han", "Li"]


def test_notes_are_only_taken_from_whose_talk_it_was_and_the_missed_are_listed(store: Store) -> None:
    store.segments.begin("i1", "c1", "c1", "t", "sales", "100200", 1.0)
    store.attempts.begin("a0", "i1", "102", "8002", "leg0", 1.0)
    store.attempts.ended("a0", "no_answer", 5.0)
    store.attempts.begin("a1", "i1", "101", "8001", "leg", 6.0)
    store.segments.ended("i1", "answered", 8.0, 7.0, "101", "a1").wait()
    assert store.segments.noted("i1", "101", "wants a refund").wait() is True
    assert store.segments.noted("i1", "102", "mine").wait() is False
    assert store.segments.get("i1").notes == "wants a refund"
    assert [each.item_id for each in store.segments.of_agent("101", 0.0)] == ["i1"] and store.segments.of_agent("101", 9.0) == []
    [missed] = store.attempts.missed("102", 0.0)
    assert (missed.number, missed.queue, missed.answered_by, missed.outcome) == ("100200", "sales", "101", "no_answer")
    assert store.attempts.missed("101", 0.0) == []
