"""A prompt recorded by phone, on paper: every way it can go, who may begin one, and that nothing is kept that nobody kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from paper_floor import Floor

from ivrengine.domain.legs import LegAnswered, LegDigit, LegEvent, LegGone, LegPlayed, LegRecorded
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.runtime.outcome import Who
from ivrengine.runtime.phone_take import TakeParts
from ivrengine.runtime.phone_takes import PhoneTakes
from ivrengine.runtime.prompt_work import PromptWork
from ivrengine.runtime.side_legs import SideLegs
from ivrengine.storage.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "prompts"))
from prompt_sounds import tone, write_wav

ADMIN = Who("user admin", "", "en-US")
OTHER = Who("user other", "", "en-US")


class House:
    """Recordings by phone on paper legs; the test is the phone."""

    def __init__(self, tmp_path: Path, store: Store) -> None:
        self.store = store
        self.floor = Floor(store)
        self.root = tmp_path / "prompts"
        (self.root / "zh-CN").mkdir(parents=True)
        for name in ("speak", "nothing", "choices", "kept", "discarded", "failed"):
            write_wav(self.root / f"en-US/record/{name}.wav", tone(0.2))
        self.catalogue = Catalogue(self.root)
        directory = tmp_path / "takes"
        directory.mkdir()
        sides = SideLegs(self.floor.legs, self.floor, self.floor, self.floor.crew)
        self.takes = PhoneTakes(
            self.floor.legs, sides, Voice(self.catalogue, "zh-CN", ["en-US"]), PromptWork(self.catalogue), store, directory,
            ["zh-CN", "en-US"], self.floor.crew, self.floor.clock,
        )  # fmt: skip

    def begin(self, name: str = "hello", phone: str = "8001", who: Who = ADMIN) -> Any:
        outcome = self.takes.begin("zh-CN", name, phone, who)
        _settle()
        return outcome

    def tell(self, *events: LegEvent, phone: str = "8001") -> None:
        for event in events:
            self.floor.owners[self.floor.legs.dialled[phone]](event)
            _settle()

    def played(self) -> None:
        self.tell(LegPlayed(self.last("play")[2], "played"))

    def recorded(self, seconds: float = 2.0, amplitude: float = 0.3) -> None:
        """The phone says something and presses #."""
        _name, _leg, token, path, _most, keys = self.last("record")
        assert keys == "#"
        write_wav(Path(path), tone(seconds, 8000, amplitude))
        self.tell(LegDigit("#"), LegRecorded(token))

    def last(self, name: str) -> tuple:
        return [each for each in self.floor.legs.asked if each[0] == name][-1]

    def heard(self) -> list[str]:
        """Names of what the phone was made to hear last."""
        return [Path(path).stem if path.startswith("/") else path.partition(":")[0] for path in self.last("play")[3]]

    @property
    def state(self) -> str:
        return self.takes.of(ADMIN.name)["state"]

    def up_to_review(self) -> None:
        self.begin()
        self.tell(LegAnswered())
        self.played()
        self.recorded()

    def left(self) -> list[Path]:
        return list(self.takes.directory.iterdir())


def _settle() -> None:
    for _ in range(12):
        gevent.sleep(0)


def _until(condition: Any) -> None:
    with gevent.Timeout(20):
        while not condition():
            gevent.sleep(0.01)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr("ivrengine.runtime.phone_takes.apart", lambda work, *args: work(*args))
    with Store(tmp_path / "a.db") as store:
        yield House(tmp_path, store)


def test_it_rings_tells_records_is_heard_again_and_kept_with_its_row(house: House) -> None:
    write_wav(house.root / "zh-CN/hello.wav", tone(1.0))
    house.catalogue.reload()
    assert house.begin().ok and house.state == "RINGING"
    house.tell(LegAnswered())
    assert house.state == "INSTRUCTING" and house.heard() == ["speak", "tone_stream"]
    house.tell(LegDigit("1"))  # too early to mean anything
    house.played()
    assert house.state == "RECORDING"
    house.recorded()
    assert house.state == "REVIEWING" and house.heard()[-1] == "choices" and house.takes.of(ADMIN.name)["spoken_ms"] == 2000
    path = house.takes.sound(ADMIN.name, house.takes.of(ADMIN.name)["take"])
    assert path is not None and path.is_file() and house.takes.sound(OTHER.name, house.takes.of(ADMIN.name)["take"]) is None
    house.tell(LegDigit("1"))
    house.played()
    _until(lambda: house.state == "KEPT")
    _settle()
    assert house.heard() == ["kept"]
    assert house.catalogue.duration_ms("hello", "zh-CN") == 2000 and house.catalogue.entry("hello", "zh-CN").source == "recorded"
    assert len(list((house.root / "zh-CN/.former/hello").glob("*.wav"))) == 1
    house.played()
    assert house.last("kill")
    house.tell(LegGone("hung_up"))
    kept, begun = house.store.audit.recent(target="prompt hello")
    assert (begun.verb, begun.who, kept.verb) == ("record_by_phone", "user admin", "record_prompt")
    assert '"duration_ms": 1000' in kept.before and '"duration_ms": 2000' in kept.after
    assert house.left() == []


def test_spoken_again_then_discarded_changes_nothing(house: House) -> None:
    house.up_to_review()
    house.tell(LegDigit("2"))
    house.played()
    assert house.state == "INSTRUCTING"
    house.played()
    house.recorded(3.0)
    assert house.takes.of(ADMIN.name)["spoken_ms"] == 3000
    house.tell(LegDigit("3"))
    house.played()
    assert house.state == "DISCARDED" and house.heard() == ["discarded"] and house.left() == []
    assert not (house.root / "zh-CN/hello.wav").exists()


@pytest.mark.parametrize("why", ["no_answer", "busy", "rejected", "unregistered", "failed"])
def test_nobody_answers(house: House, why: Any) -> None:
    house.begin()
    house.tell(LegGone(why))
    assert house.state == "NOT_REACHED" and house.takes.of(ADMIN.name)["why"] == why
    assert house.begin().ok  # and the next one may begin


def test_who_hangs_up_before_speaking_has_said_nothing(house: House) -> None:
    house.begin()
    house.tell(LegAnswered(), LegGone("hung_up"))
    assert house.state == "SILENT"
    house.begin()
    house.tell(LegAnswered())
    house.played()
    house.tell(LegGone("hung_up"))
    assert house.state == "SILENT" and house.left() == []


def test_silence_is_told_and_tried_again(house: House) -> None:
    house.begin()
    house.tell(LegAnswered())
    house.played()
    house.recorded(2.0, 0.0)
    assert house.state == "INSTRUCTING" and house.heard() == ["nothing", "speak", "tone_stream"]


def test_who_hangs_up_after_speaking_decides_in_the_page(house: House) -> None:
    house.begin()
    house.tell(LegAnswered())
    house.played()
    write_wav(Path(house.last("record")[3]), tone(2.0))
    house.tell(LegGone("hung_up"))
    assert house.state == "WAITING"
    take = house.takes.of(ADMIN.name)["take"]
    assert not house.takes.press(take, "1", OTHER).ok and not house.takes.press("another", "1", ADMIN).ok
    assert not house.takes.press(take, "9", ADMIN).ok
    assert house.takes.press(take, "1", ADMIN).ok
    _until(lambda: house.state == "KEPT")
    assert house.catalogue.has("hello", "zh-CN")
    _settle()
    assert house.takes.press(take, "1", ADMIN).code == "over"


def test_nobody_decides(house: House) -> None:
    house.takes._parts = TakeParts(**{**_fields(house.takes._parts), "waiting_seconds": 0.0})
    house.begin()
    house.tell(LegAnswered())
    house.played()
    write_wav(Path(house.last("record")[3]), tone(2.0))
    house.tell(LegGone("hung_up"))
    assert house.state == "DISCARDED" and house.takes.of(ADMIN.name)["why"] == "late" and house.left() == []


def test_without_a_key_it_is_heard_three_times_then_the_page_decides(house: House) -> None:
    house.takes._parts = TakeParts(**{**_fields(house.takes._parts), "key_seconds": 0.0})
    house.up_to_review()
    for _ in range(3):
        assert house.state == "REVIEWING"
        house.played()
    assert house.last("kill")
    house.takes.press(house.takes.of(ADMIN.name)["take"], "3", ADMIN)  # while it is being hung up
    house.tell(LegGone("hung_up"))
    assert house.state == "DISCARDED" and house.takes.of(ADMIN.name)["why"] == ""


def test_the_page_ends_it_while_it_rings_or_records(house: House) -> None:
    house.begin()
    assert house.takes.press(house.takes.of(ADMIN.name)["take"], "3", ADMIN).ok
    _settle()
    assert house.state == "DISCARDED" and house.last("kill")
    house.tell(LegGone("withdrawn"))
    house.begin()
    house.tell(LegAnswered())
    house.played()
    house.takes.press(house.takes.of(ADMIN.name)["take"], "3", ADMIN)
    _settle()
    assert house.state == "DISCARDED"
    house.tell(LegGone("hung_up"))
    assert house.left() == []


def test_what_can_not_be_kept_is_told_and_the_prompt_stays(house: House) -> None:
    write_wav(house.root / "zh-CN/hello.wav", tone(1.0))
    house.catalogue.reload()
    house.up_to_review()
    (house.root / "zh-CN/catalogue.yml").write_text("[", "utf-8")
    house.tell(LegDigit("1"))
    house.played()
    _until(lambda: house.state == "FAILED")
    _settle()
    assert house.heard() == ["failed"] and "not valid YAML" in house.takes.of(ADMIN.name)["sentence"]


def test_who_may_not_begin_is_told_why_and_nothing_rings(house: House) -> None:
    for name, phone, code in (
        ("../x", "8001", "bad_name"), ("hello", "", "no_phone"), ("hello", "8001@x", "no_phone"), ("hello", "+8613800138000", "no_phone"),
        ("hello", "13800138000", "unregistered"), ("hello", "1" * 21, "no_phone"),
    ):  # fmt: skip
        assert house.begin(name, phone).code == code
    assert house.takes.begin("../zh", "hello", "8001", ADMIN).code == "bad_language"
    assert not house.floor.legs.dialled
    assert house.begin().ok
    assert house.begin("other", "8002").code == "recording"
    assert house.begin("other", "8001", OTHER).code == "phone_busy"
    assert [each for each in house.floor.legs.asked if each[0] == "originate"] == [("originate", "extension", "8001")]
    house.takes.directory.rename(house.takes.directory.with_name("away"))
    assert house.begin("other", "8002", OTHER).code == "no_room"


def test_what_a_dead_engine_has_left_is_swept(house: House) -> None:
    house.up_to_review()
    left = write_wav(house.takes.directory / "left.wav", tone(1.0))
    house.takes.sweep()
    assert not left.exists() and len(house.left()) == 1


def test_the_command_line_begins_one_and_asks_how_far_it_is(house: House) -> None:
    asked = {"name": "hello", "language": "zh-CN", "phone": "8001", "take": "the-id"}
    assert house.takes.do("record", asked, Who("root")).ok
    assert house.takes.one({"take": "the-id"})["state"] == "RINGING"
    assert house.takes.one({}) is None and not house.takes.do("sing", {}, Who("root")).ok


def _fields(parts: TakeParts) -> dict[str, Any]:
    return {name: getattr(parts, name) for name in TakeParts.__dataclass_fields__}
