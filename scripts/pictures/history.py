"""A week of a newspaper's hot lines in the records: callers who come by the hour of the day, agents who serve them one after the other.

Nothing here is random from run to run: the dice have a seed, so that two sets of pictures can be compared.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ivrengine.domain.blacklist import BlacklistEntry
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMark, KeepMessage, LogStep, RaiseAlarm
from ivrengine.domain.sentence import Sentence
from ivrengine.storage.board_limits import BoardLimit
from ivrengine.storage.customers import read_customer
from ivrengine.storage.database import Ticket
from ivrengine.storage.store import Store

DAYS = 7
VERSION = "5f0c2a9be41d7730"  # of the flows in those days
OPEN, CLOSED = 8.0, 18.0  # hours
# callers of an hour, by the hour of the day
BUSY = {8: 18, 9: 52, 10: 68, 11: 45, 12: 17, 13: 20, 14: 55, 15: 62, 16: 48, 17: 25}
# queue -> flow, number, share of the callers, agents, mean talk, (key, label) pairs of the main menu, dispositions
LINES = {
    "circulation": ("circulation", "02988880001", 5, ("1001", "1002", "1003", "1005"), 150, (("1", "投诉"), ("2", "订报订奶")),
                    ("11", "12", "12", "13", "14", "15", "99")),
    "delivery": ("delivery", "02988880002", 3, ("1004", "1006"), 110, (("1", "漏投"), ("2", "迟投")), ("21", "21", "22", "23")),
    "property": ("property", "02988880003", 2, ("1007", "1008"), 130, (("1", "报修"), ("2", "费用")), ("31", "31", "32")),
}  # fmt: skip
WRITES_AT_ONCE = 200  # calls, of some ten rows each
PATIENCE_SECONDS = (15.0, 140.0)
NAMES = ("李雷", "韩梅梅", "赵敏", "钱伟", "孙晓红", "周建国", "吴秀英", "郑凯", "冯丽", "陈志强", "褚芳", "卫东")
NOTES = (
    "订户搬家, 从下月起改投新地址", "连续两天没有收到报纸, 已通知投递站", "想换订晚报, 周末再联系", "发票抬头写公司名称", "",
    "对投递员很满意", "", "催问奶卡何时寄到",
)  # fmt: skip


@dataclass
class Desk:
    """One agent's day. ``states``: intent, work, since, attempt, reason; a log is written in the order of time."""

    agent_id: str
    free_at: float
    states: list[tuple[str, str, float, str, str]] = field(default_factory=list)

    def state(self, intent: str, work: str, at: float, attempt: str = "", reason: str = "") -> None:
        self.states.append((intent, work, at, attempt, reason))

    @property
    def phone(self) -> str:
        return self.agent_id.replace("1", "8", 1)


def numbers(dice: random.Random) -> Iterator[str]:
    while True:
        yield f"1{dice.choice((38, 39, 50, 58, 86, 89))}{dice.randrange(10**8):08}"


def number_of(customer: int) -> str:
    """Of the customer at this place in NAMES."""
    return f"138001380{customer:02}"


def write(store: Store, zone: ZoneInfo, now: float) -> None:
    """The last days until ``now``: today's are the board's figures."""
    dice = random.Random(4711)
    today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(DAYS - 1, -1, -1):
        midnight = (today - timedelta(days=back)).timestamp()
        _day(store, dice, midnight, min(now - 300.0, midnight + CLOSED * 3600), share=(0.9, 0.75, 1.0, 1.1, 0.8, 0.35, 0.3)[back])
    _around(store, dice, now)


def _day(store: Store, dice: random.Random, midnight: float, until: float, share: float) -> None:
    desks = {agent: Desk(agent, midnight + OPEN * 3600 - dice.uniform(0, 600)) for line in LINES.values() for agent in line[3]}
    for desk in desks.values():
        desk.state("READY", "IDLE", desk.free_at)
    arrivals = sorted(
        midnight + hour * 3600 + dice.uniform(0, 3600) for hour, count in BUSY.items() for _ in range(int(count * share))
    )
    who = numbers(dice)
    for count, at in enumerate(each for each in arrivals if each < until - 240):
        queue = dice.choices(list(LINES), [line[2] for line in LINES.values()])[0]
        last = _call(store, dice, f"day-{midnight:.0f}-{count:04}", queue, next(who), at, desks)
        if count % WRITES_AT_ONCE == 0:
            last.wait()
    for desk in desks.values():
        desk.state("LOGGED_OUT", "IDLE", max(until, desk.free_at) + 1)
        for intent, work, since, attempt, reason in desk.states:
            phone = "" if intent == "LOGGED_OUT" else desk.phone
            state = store.agent_states.log(desk.agent_id, intent, work, reason, since, attempt, phone, int(since))
        state.wait()


def _call(store: Store, dice: random.Random, item: str, queue: str, number: str, at: float, desks: dict[str, Desk]) -> Ticket[None]:
    """The ticket of the last write."""
    flow, dialled, _, agents, talk_mean, keys, dispositions = LINES[queue]
    store.calls.begin(CallInfo(item, dialled, number, dice.choice(NAMES) if dice.random() < 0.3 else "", at), flow, VERSION)
    store.calls.answered(item, at + 0.1)
    key, label = dice.choice(keys)
    store.steps.log(item, LogStep(0, flow, VERSION, "welcome_open", "play", at, at + 6, "next"))
    store.steps.log(item, LogStep(1, flow, VERSION, "main", "menu", at + 6, at + 14, "choice", label, key))
    if dice.random() < 0.16:  # informed, and content
        return store.calls.end(item, at + dice.uniform(30, 70), "caller", "NORMAL_CLEARING", "caller_hung_up")
    queued = at + 20
    store.segments.begin(item, item, item, "t", queue, number, queued)
    desk = min((desks[agent] for agent in agents), key=lambda each: each.free_at)
    patience = dice.uniform(*PATIENCE_SECONDS)
    offered = max(queued + 0.3, desk.free_at)
    if offered - queued > patience:
        store.segments.ended(item, "abandoned", queued + patience, patience)
        return store.calls.end(item, queued + patience, "caller", "ORIGINATOR_CANCEL", "caller_hung_up")
    desk.state("READY", "RINGING", offered, f"{item}/0")
    attempt = f"{item}/1"
    if dice.random() < 0.04:  # nobody there, then elsewhere or the same again
        store.attempts.begin(f"{item}/0", item, desk.agent_id, desk.phone, f"{item}-x", offered)
        store.attempts.ended(f"{item}/0", "no_answer", offered + 12)
        offered += 12
    talks = offered + dice.uniform(1.5, 6)
    talk = min(900.0, dice.expovariate(1 / talk_mean) + 20)
    wrap_up = dice.uniform(6, 35)
    store.attempts.begin(attempt, item, desk.agent_id, desk.phone, f"{item}-leg", offered)
    store.attempts.bridged(attempt, talks)
    store.segments.ended(item, "answered", talks, talks - queued, desk.agent_id, attempt)
    store.segments.talked(item, talk, dice.choice((0.0, 0.0, 8.0)), talks + talk)
    store.attempts.ended(attempt, "talked", talks + talk)
    store.segments.wrapped_up(item, wrap_up, dice.choice(dispositions), notes=dice.choice(NOTES))
    desk.state("READY", "TALKING", talks, attempt)
    desk.state("READY", "WRAP_UP", talks + talk, attempt)
    desk.state("READY", "IDLE", talks + talk + wrap_up)
    desk.free_at = talks + talk + wrap_up + 1
    if dice.random() < 0.06:
        desk.state("NOT_READY", "IDLE", desk.free_at, reason=dice.choice(("meal", "rest")))
        desk.free_at += dice.uniform(300, 1500)
        desk.state("READY", "IDLE", desk.free_at)
    if dice.random() < 0.45:
        mark = dice.choices("123", (7, 2, 1))[0]
        store.marks.keep(KeepMark(queue, "service", mark, {"1": "满意", "2": "一般", "3": "不满意"}[mark]), item, talks + talk + 8)
    return store.calls.end(item, talks + talk + 20, "engine", "NORMAL_CLEARING", "completed")


def _around(store: Store, dice: random.Random, now: float) -> None:
    """Customers, callers who are refused, callbacks, alarms."""
    who = numbers(dice)
    for count, name in enumerate(NAMES):
        customer = read_customer(name, ("gold", "", "silver", "")[count % 4], NOTES[count % len(NOTES)], [number_of(count)])
        store.customers.add(customer, "user admin", now - 86400 * count).wait()
    for pattern, reason, days in (("01058*", "推销", 90), ("13077776666", "骚扰电话, 多次辱骂", None), ("4008*", "机器人外呼", 30)):
        entry = BlacklistEntry(pattern, reason, None if days is None else now + days * 86400)
        store.blacklist.add(entry, "user admin", now - 5 * 86400).wait()
    store.blacklist.hit("01058*", now - 7200)
    for count in range(5):
        at = now - 5400 + count * 900
        store.callbacks.request(f"callback-{count}", ("circulation", "delivery")[count % 2], next(who), at, name=NAMES[count])
        store.callbacks.tried(f"callback-{count}", "no_answer", now + 3600 + 600 * count).wait()  # none of them is due yet
    store.callbacks.done("callback-2", "talked", now - 600, "1003")
    for queue in LINES:
        limits = [BoardLimit(queue, "waiting", 2, 4, False), BoardLimit(queue, "longest_wait_seconds", 30, 90, False)]
        store.board_limits.replace(queue, limits, "user admin", now).wait()
    reason = "hours/holiday (zh-CN): FILE NOT FOUND"
    unplayed = RaiseAlarm("prompt_failed", Sentence("a prompt could not be played: %(reason)s", reason=reason), "delivery:welcome_holiday")
    for hours in (30, 6, 5, 2):
        store.alarms.raise_(unplayed, now - hours * 3600).wait()


def leave_messages(store: Store, directory: str, now: float, sound: bytes) -> None:
    """Messages in the boxes, of which some are heard."""
    dice = random.Random(8)
    who = numbers(dice)
    for count in range(6):
        path = f"{directory}/message-{count}.wav"
        with open(path, "wb") as file:
            file.write(sound)
        number, at = next(who), now - 9000 + count * 1300
        call = CallInfo(f"message-call-{count}", "02988880001", number, NAMES[count + 3], at)
        box = ("circulation", "delivery", "circulation", "property", "delivery", "circulation")[count]
        message = store.messages.keep(KeepMessage(box, path, 6000 + 900 * count, number, urgent=count == 4), call, at).wait()
        if count < 2:
            store.messages.mark_heard(message, at + 600).wait()

