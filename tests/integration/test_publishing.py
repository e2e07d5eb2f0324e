"""Publishing from another process beside a running engine, as ``ivrengine flow publish`` does it."""

from __future__ import annotations

from click.testing import CliRunner

from ivrengine.cli.flow import flow
from ivrengine.config import load_settings

from .conftest import FLOW, House, eventually


def test_a_publication_of_the_command_line_is_followed_and_calls_finish_on_theirs(house: House) -> None:
    engine = house.start_engine()
    settings = load_settings(house.site, {})
    staying = house.call()
    house.in_step(staying, "main")
    (house.site / "flows" / "line.yml").write_text(FLOW.replace("Goodbye", "Farewell"), encoding="utf-8")
    published = CliRunner().invoke(flow, ["publish", "-m", "kinder"], obj=settings)
    assert published.exit_code == 0, published.output
    eventually(lambda: engine.library.publication.comment == "kinder", "the publication")
    later = house.call({"press_after_prompt": "9"})
    house.ended(later)
    assert ("main", "choice", "Farewell") in house.steps(later)
    back = CliRunner().invoke(flow, ["rollback", "1"], obj=settings)
    assert back.exit_code == 0, back.output
    eventually(lambda: engine.library.publication.publication_id == 3, "the way back")
    house.sim(f"press {staying} 9")
    house.ended(staying)
    assert ("main", "choice", "Goodbye") in house.steps(staying)
    last = house.call({"press_after_prompt": "9"})
    house.ended(last)
    assert ("main", "choice", "Goodbye") in house.steps(last)
