"""Legs beside the offers: what the switch refuses is an error of ours to who dials, and costs the leg, never the engine."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest
from paper_floor import Floor

from ivrengine.domain.legs import LegAnswered, LegDigit, LegGone
from ivrengine.errors import IvrEngineError
from ivrengine.esl.errors import SwitchRefused, SwitchUnavailable
from ivrengine.runtime.side_legs import SideLegs, Wishes
from ivrengine.storage.store import Store


def _settle() -> None:
    for _ in range(4):
        gevent.sleep(0)


def test_a_switch_that_is_away_is_told_to_who_dials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path / "a.db") as store:
        floor, gone = Floor(store), []

        def away(*what: object, **options: object) -> None:
            raise SwitchUnavailable("down")

        monkeypatch.setattr(floor.legs, "originate", away)
        sides = SideLegs(floor.legs, floor, floor, floor.crew)
        with pytest.raises(IvrEngineError, match="down"):
            sides.dial("extension", "8001", 5.0, Wishes(lambda leg: None, lambda leg, why: gone.append(why)), purpose="test")
        _settle()
        assert gone == ["failed"] and floor.crew.crashes == 0 and not floor.busy_phones


def test_what_the_switch_refuses_on_a_leg_ends_the_leg_and_crashes_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store:
        floor, happened = Floor(store), []

        def refuse(leg_id: str) -> None:
            raise SwitchRefused("-ERR no")

        sides = SideLegs(floor.legs, floor, floor, floor.crew)
        wishes = Wishes(refuse, lambda leg, why: happened.append(why), happened=lambda leg, event: happened.append(event))
        leg_id = sides.dial("extension", "8001", 5.0, wishes, purpose="test")
        for event in (LegAnswered(), LegDigit("1"), LegGone("hung_up")):
            floor.owners[leg_id](event)
        _settle()
        assert ("kill", leg_id) in floor.legs.asked and happened == [LegDigit("1"), "hung_up"] and floor.crew.crashes == 0
