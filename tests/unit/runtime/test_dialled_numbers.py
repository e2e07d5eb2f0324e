"""What leads where: as the flows that callers walk decide it, with the place in the drafts and what is wrong there."""

from __future__ import annotations

import itertools

import pytest

from ivrengine.flow.compile import load_flows
from ivrengine.runtime.dialled_numbers import entered, numbers_of
from ivrengine.runtime.site_files import SiteFiles


def flow(name: str, *numbers: str) -> str:
    written = f"numbers: [{', '.join(f'{each!r}' for each in numbers)}]\n" if numbers else ""
    return f"flow: {name}\nlanguages: [en-US]\n{written}start: bye\nsteps:\n  bye: {{hangup: }}\n"


def site(**flows: tuple[str, ...]) -> SiteFiles:
    return SiteFiles({f"flows/{name}.yml": flow(name, *numbers) for name, numbers in flows.items()})


PATTERNS = {"all": ("*",), "city": ("02*",), "town": ("029*",), "house": ("0291", "+86*"), "code": ("*9*",)}


@pytest.mark.parametrize("dialled", ["0291", "02911", "0299", "021", "1", "+8613", "*91", "", "0", "029"])
def test_a_number_is_answered_as_the_flows_themselves_decide(dialled: str) -> None:
    for count in range(1, len(PATTERNS) + 1):
        for chosen in itertools.combinations(PATTERNS, count):
            files = site(**{name: PATTERNS[name] for name in chosen})
            flows = load_flows(files.texts).flows
            found = entered(dialled, [number for name in chosen for number in PATTERNS[name]])
            walked = flows.for_number(dialled)
            assert (found in walked.numbers) if walked else found == ""


def test_published_and_drafted_stand_beside_each_other() -> None:
    published = site(one=("1", "2"), two=("3",))
    draft = site(one=("1",), two=("3", "2"), new=("4*",))
    found = numbers_of(published, draft, [("1", 3), ("41", 2), ("42", 1), ("9", 5)])
    told = {
        row.number: (row.published and row.published.name, row.drafted and row.drafted.name, row.differs, row.calls) for row in found.rows
    }
    assert told == {
        "1": ("one", "one", False, 3), "2": ("one", "two", True, 0), "3": ("two", "two", False, 0), "4*": (None, "new", True, 3)
    }  # fmt: skip
    assert found.unknown == (("9", 5),)
    assert [str(place) for place in next(row for row in found.rows if row.number == "2").places] == ["flows/two.yml:3:16"]
    assert [each.name for each in found.flows] == ["new", "one", "two"]


def test_two_flows_with_one_number_are_a_conflict_with_both_places() -> None:
    (row,) = numbers_of(SiteFiles(), site(one=("1",), two=("1",))).rows
    assert row.conflict and [place.file for place in row.places] == ["flows/one.yml", "flows/two.yml"]
    (row,) = numbers_of(SiteFiles({"flows/x.yml": "["}), site(one=("1",))).rows  # what can't be read has no numbers
    assert not row.conflict and row.published is None
