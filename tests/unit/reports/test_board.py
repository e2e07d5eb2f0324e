"""The live board says what the rows say."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from ivrengine.acd.happenings import Terminal
from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules
from ivrengine.cli import board as board_command
from ivrengine.cli import figures as figures_command
from ivrengine.cli.board import picture, watch
from ivrengine.cli.figures import figures as queue_figures_command
from ivrengine.cli.figures import times
from ivrengine.config import Settings
from ivrengine.reports.agent_times import agent_times
from ivrengine.reports.board import AgentRow, board
from ivrengine.reports.day import today
from ivrengine.site.records import Agent, Site
from ivrengine.storage.store import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = 1_790_900_000.0
BEGAN, MIDNIGHT = today(NOW, SHANGHAI)
QUEUES = (QueueRules("delivery", "Delivery", service_level_seconds=15.0), QueueRules("news", "News [desk]"))
SITE = Site(
    reasons=(BreakReason("lunch", longest_seconds=1800.0), BreakReason("tea")),
    queues=QUEUES,
    agents=tuple(
        Agent(AgentRules(number, f"Agent {number}", "desk", queues={name: Membership() for name in names}))
        for number, names in (("1", ["delivery"]), ("2", ["delivery", "news"]), ("3", ["news"]), ("4", ["news"]), ("5", ["news"]))
    ),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(site=tmp_path, data=tmp_path / "data")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store(settings.database) as store:
        store.site.replace(SITE, "test", NOW).wait()
        yield store


def begin(store: Store, item_id: str, queue: str, queued_at: float, *, virtual: bool = False) -> None:
    store.segments.begin(item_id, item_id, item_id, item_id, queue, "13800138000", queued_at, virtual=virtual)


def state(store: Store, agent_id: str, intent: str, work: str, since: float, epoch: int, reason: str = "", **more: object) -> None:
    store.agent_states.log(agent_id, intent, work, reason, since, "", f"10{agent_id}", epoch, **more).wait()  # type: ignore[arg-type]


def a_day(store: Store, luck: Random) -> None:
    """Segments of today and of yesterday, with every terminal, some still waiting or talking."""
    for number in range(300):
        queue = luck.choice(["delivery", "news", "closed_down"])
        ended_at = luck.uniform(BEGAN - 7200.0, NOW)
        wait = round(luck.choice([luck.uniform(0, 40), 15.0, 20.0]), 3)
        terminal: Terminal = luck.choice([*get_args(Terminal), "answered", "answered", "abandoned"])
        item_id = f"i{number}"
        begin(store, item_id, queue, ended_at - wait)
        if luck.random() < 0.1:
            continue
        store.segments.ended(item_id, terminal, ended_at, wait, "1" if terminal == "answered" else "", f"{item_id}/1")
        if terminal == "answered" and luck.random() < 0.9:
            store.segments.talked(item_id, luck.uniform(10, 300), luck.uniform(0, 30), NOW)
            if luck.random() < 0.9:
                store.segments.wrapped_up(item_id, luck.uniform(0, 60), "")
    begin(store, "last", "news", NOW - 1)
    store.segments.moved("last", "news", 5.0).wait()


def test_the_board_is_what_the_segments_count_up_to(store: Store) -> None:
    a_day(store, Random(7))
    shown = board(store, NOW, SHANGHAI)
    assert [row.queue for row in shown.queues] == ["delivery", "news", "closed_down"]
    for row in shown.queues:
        level = {"delivery": 15.0}.get(row.queue, 20.0)
        today_, waits, talks = [], [], 0
        for number in range(300):
            segment = store.segments.get(f"i{number}")
            if segment.queue != row.queue:
                continue
            if not segment.terminal:
                waits.append(NOW - segment.queued_at)
            elif segment.terminal == "answered" and segment.talk_seconds is None:
                talks += 1
            if segment.terminal and segment.ended_at >= BEGAN:
                today_.append(segment)
        waits += [1.0] * (row.queue == "news")
        assert (row.waiting, row.longest_wait_seconds, row.talks) == (len(waits), pytest.approx(max(waits)), talks)

        offered = [each for each in today_ if not each.terminal.startswith("refused")]
        answered = [each for each in offered if each.terminal == "answered"]
        hung_up = [each for each in offered if each.terminal in ("abandoned", "short_abandon")]
        handled = [each for each in answered if each.talk_seconds is not None]
        a, b = (sum(each.wait_seconds <= level for each in some) for some in (answered, hung_up))
        figures = row.figures
        assert (figures.offered, figures.answered) == (len(offered), len(answered))
        assert figures.refused == len(today_) - len(offered)
        assert figures.abandoned == sum(each.terminal == "abandoned" for each in offered)
        assert figures.abandon_rate == pytest.approx(figures.abandoned / len(offered))
        assert figures.average_speed_of_answer == pytest.approx(sum(each.wait_seconds for each in answered) / len(answered))
        work = sum(each.talk_seconds + each.hold_seconds + (each.wrap_up_seconds or 0.0) for each in handled)
        assert figures.average_handling_time == pytest.approx(work / len(handled))
        assert figures.service_level_ignored == pytest.approx(a / (len(offered) - b))
        assert figures.service_level_negative == pytest.approx(a / len(offered))
        assert figures.service_level_positive == pytest.approx((a + b) / len(offered))
    assert shown.total.offered == sum(row.figures.offered for row in shown.queues)
    everybody = shown.everybody
    assert everybody.counters.answered == shown.total.answered
    assert (everybody.waiting, everybody.talks) == (sum(row.waiting for row in shown.queues), sum(row.talks for row in shown.queues))
    assert everybody.longest_wait_seconds == max(row.longest_wait_seconds for row in shown.queues)
    assert store.intervals.disagreements() == []


def test_where_nothing_has_happened_yet_nothing_is_claimed(store: Store) -> None:
    shown = board(store, NOW, SHANGHAI)
    assert [(row.waiting, row.longest_wait_seconds, row.agents) for row in shown.queues] == [(0, None, 0)] * 2
    assert shown.total.offered == 0
    assert shown.total.service_level_ignored is None
    assert {row.doing for row in shown.agents} == {"logged out"}


def test_agents_appear_with_what_they_do_and_since_when(store: Store) -> None:
    state(store, "1", "READY", "IDLE", NOW - 30.0, 1, calls=4, talk_seconds=400.0)
    state(store, "2", "NOT_READY", "TALKING", NOW - 60.0, 7)  # asked for a break, and still talks
    state(store, "3", "NOT_READY", "IDLE", NOW - 1900.0, 3, "lunch")
    state(store, "4", "READY", "WRAP_UP", NOW - 5.0, 9, wrap_up_queue="news")
    state(store, "9", "READY", "RINGING", NOW - 2.0, 1)  # gone from the site, and still logged in
    begin(store, "t", "news", NOW - 100.0)
    store.segments.ended("t", "answered", NOW - 60.0, 40.0, "2", "t/1").wait()
    shown = board(store, NOW, SHANGHAI)
    rows = {row.agent_id: row for row in shown.agents}
    assert rows["1"] == AgentRow(
        "1", "Agent 1", "desk", "101", "ready", "", 30.0, False, "", 4, 400.0, ("delivery",)
    )  # fmt: skip
    assert (rows["2"].doing, rows["2"].queue, rows["2"].seconds) == ("talking", "news", 60.0)
    assert (rows["3"].doing, rows["3"].reason, rows["3"].too_long) == ("away", "lunch", True)
    assert (rows["4"].doing, rows["4"].queue) == ("wrap-up", "news")
    assert (rows["5"].doing, rows["9"].doing, rows["9"].queues) == ("logged out", "ringing", ())
    delivery, news = shown.queues
    assert (delivery.agents, delivery.ready, delivery.talks, delivery.away) == (2, 1, 0, 0)
    assert (news.agents, news.ready, news.talks, news.wrap_up, news.away) == (3, 0, 1, 1, 1)
    everybody = shown.everybody  # agent 2 serves both queues and counts once, 9 none and counts too
    assert (everybody.agents, everybody.ready, everybody.ringing, everybody.wrap_up, everybody.away) == (5, 1, 1, 1, 1)


def test_callbacks_count_beside_the_callers(store: Store) -> None:
    begin(store, "c", "news", NOW - 500.0, virtual=True)
    begin(store, "d", "news", NOW - 20.0)
    store.callbacks.request("c", "news", "13800138000", NOW - 500.0)
    store.callbacks.request("e", "news", "13800138001", NOW - 400.0, not_before=MIDNIGHT - 60.0)
    store.callbacks.request("f", "news", "13800138002", NOW - 300.0, not_before=MIDNIGHT + 60.0).wait()
    _, news = board(store, NOW, SHANGHAI).queues
    assert (news.waiting, news.callbacks_waiting, news.callbacks_due, news.longest_wait_seconds) == (1, 1, 2, 20.0)


def test_the_time_of_agents_is_counted_within_the_bounds(store: Store) -> None:
    state(store, "1", "NOT_READY", "IDLE", NOW - 1000.0, 1)
    state(store, "1", "READY", "IDLE", NOW - 500.0, 2)
    state(store, "1", "READY", "RINGING", NOW - 300.0, 3)
    state(store, "1", "READY", "TALKING", NOW - 290.0, 4)
    state(store, "1", "READY", "WRAP_UP", NOW - 110.0, 5)
    state(store, "1", "LOGGED_OUT", "IDLE", NOW - 100.0, 6)
    state(store, "2", "READY", "IDLE", NOW - 50.0, 1)
    one, two = agent_times(store, NOW - 600.0, NOW + 900.0, NOW)
    counted = one.counters
    assert (counted.break_seconds, counted.ready_idle_seconds, counted.ring_seconds) == (100.0, 200.0, 10.0)
    assert (counted.talk_seconds, counted.wrap_up_seconds) == (180.0, 10.0)
    assert one.figures.occupancy == 0.5
    assert (two.counters.ready_idle_seconds, two.figures.occupancy) == (50.0, 0.0)
    [cut] = agent_times(store, NOW - 295.0, NOW - 285.0, NOW, "1")
    assert (cut.counters.ring_seconds, cut.counters.talk_seconds) == (5.0, 5.0)


def test_today_is_the_sites_own_day() -> None:
    assert (NOW - BEGAN) % 86400 == (NOW + 8 * 3600) % 86400
    assert MIDNIGHT - BEGAN == 86400
    summer = today(1_774_746_000.0, ZoneInfo("Europe/Berlin"))  # 29 March 2026: the clocks are put forward
    assert summer[1] - summer[0] == 23 * 3600


# -- in the terminal ---------------------------------------------------------------------------------------------------


def run(settings: Settings, *arguments: str) -> str:
    result = CliRunner().invoke(watch, list(arguments), obj=settings)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_terminal_shows_queues_and_agents(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_command.time, "time", lambda: NOW)
    store.site.save(replace(SITE.agents[0], rules=replace(SITE.agents[0].rules, name="Li\x1b[2J [red]")), "test", NOW)
    state(store, "1", "NOT_READY", "IDLE", NOW - 75.0, 3, "tea")
    begin(store, "d", "news", NOW - 83.0)
    store.segments.ended("gone", "answered", NOW, 1.0).wait()
    text = run(settings, "--once")
    for words in ("News [desk]", "1:23", "away (tea)", "1:15", "Li\ufffd[2J [red]", "4 logged out", "left out"):
        assert words in text, text
    assert "0 %" not in text  # nothing was offered yet
    assert "\x1b" not in text
    only = run(settings, "--once", "--no-agents", "delivery")
    assert "Delivery" in only
    assert "News" not in only
    assert "away (tea)" not in only


def test_programs_get_the_same_as_json(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_command.time, "time", lambda: NOW)
    begin(store, "d", "news", NOW - 83.0)
    state(store, "1", "READY", "IDLE", NOW - 75.0, 3)
    told = json.loads(run(settings, "--once", "--json", "news"))
    assert [(row["queue"], row["waiting"], row["longest_wait_seconds"]) for row in told["queues"]] == [("news", 1, 83.0)]
    assert told["queues"][0]["figures"]["service_level_ignored"] is None
    assert [row["agent_id"] for row in told["agents"]] == ["2", "3", "4", "5"]


def test_it_goes_on_until_somebody_stops_it(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(board_command.time, "sleep", sleep)
    lines = run(settings, "--json", "--every", "0.5").splitlines()
    assert len(lines) == 3
    assert slept == [0.5, 0.5, 0.5]
    slept.clear()
    run(settings)
    assert slept == [1.0, 1.0, 1.0]


def test_a_queue_that_does_not_exist_is_told(store: Store, settings: Settings) -> None:
    result = CliRunner().invoke(watch, ["--once", "nwes"], obj=settings)
    assert result.exit_code == 1
    assert "there is no queue 'nwes'" in result.output


def test_the_picture_fits_where_there_is_little_room(store: Store) -> None:
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(picture(board(store, NOW, SHANGHAI), SHANGHAI))
    assert all(len(line) <= 60 for line in console.export_text().splitlines())


def test_figures_of_the_day_with_their_formulas(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_command.time, "time", lambda: NOW)
    a_day(store, Random(7))
    text = CliRunner().invoke(queue_figures_command, ["--explain"], obj=settings).output
    assert "service_level_negative = answered_within / offered" in text
    told = json.loads(CliRunner().invoke(queue_figures_command, ["--json"], obj=settings).output)
    shown = board(store, NOW, SHANGHAI)
    assert [(row["queue"], row["figures"]["offered"]) for row in told] == [
        *sorted((row.queue, row.figures.offered) for row in shown.queues), ("", shown.total.offered),
    ]  # fmt: skip
    nothing = json.loads(
        CliRunner().invoke(queue_figures_command, ["--json", "--since", "2020-01-01", "--until", "2020-01-02"], obj=settings).output
    )
    assert [(row["queue"], row["figures"]["offered"], row["figures"]["abandon_rate"]) for row in nothing] == [("", 0, None)]


def test_times_of_agents_in_the_terminal(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_command.time, "time", lambda: NOW)
    state(store, "1", "READY", "IDLE", NOW - 400.0, 1)
    state(store, "1", "READY", "TALKING", NOW - 100.0, 2)
    text = CliRunner().invoke(times, ["--explain"], obj=settings).output
    for words in ("5:00", "1:40", "25 %", "occupancy = occupied_seconds / (occupied_seconds + ready_idle_seconds)"):
        assert words in text, text
    assert "Nobody was logged in." in CliRunner().invoke(times, ["9"], obj=settings).output


def test_every_option_has_help() -> None:
    for command in (watch, times, queue_figures_command):
        assert command.help
        assert all(option.help for option in command.params if isinstance(option, click.Option))
