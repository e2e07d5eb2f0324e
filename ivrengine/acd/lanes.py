"""Finding the item for an agent and the agent for an item without searching: an index over what waits and who is idle.

All items age at the same rate, so their order never changes: key = queued_at - boost. A *lane* holds the items that the same agents
may serve: those of one queue in the same cumulative ring of needs, living or virtual; or those of one queue that ask for one agent alone.
An item is in one lane at a time. Each lane keeps its items and its idle agents in order; each agent keeps a bit mask of the lanes it may
serve, and those lanes in groups from cheap to dear.

Which item a free agent takes: of the cheapest group that has any, the oldest by key less the queue's weight, then by item_id. The
lanes of a queue that goes by age count as cheapest for all its agents. A virtual item (a callback) is taken only when no caller whom
the agent might serve has waited longer. Which agent an item takes: the least (cost, strategy's rank, agent_id).

The index holds nothing that can't be built anew from items and agents; it decides nothing about states.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter

from .model import Agent, Item, Place, Queue
from .rules import AgentRules
from .strategies import STRATEGIES, Strategy

MOST_LANES = 1024  # then empty ones are given up before new ones are made
STALE_ALLOWED = 32  # dead entries among a lane's idle, beyond as many as the lane has agents
TIER, PENALTY = 10**8, 10**4  # how a cost is made of tier, penalty, and distance from the needs, in this order of weight
MOST_PENALTY = TIER // PENALTY - 1
CHEAPEST = TIER  # tier 1, nothing else
NOBODY: tuple[float, str] = (inf, "")

Needs = tuple[tuple[str, int], ...]
LaneKey = tuple[str, bool, str, tuple[Needs, ...]]  # queue, virtual, the only agent or "", rings of needs


@dataclass(slots=True, eq=False)
class Lane:
    """``rings``: the needs that were tried so far; an agent who meets any of them may serve. ``line``, ``idle``: in order."""

    key: LaneKey
    index: int
    bit: int
    queue: Queue
    rings: tuple[Needs, ...]
    skills: tuple[str, ...]  # that the first ring names
    virtual: bool
    only: str  # agent_id, or "" for everybody
    strategy: Strategy
    line: list[Place] = field(default_factory=list)
    idle: list[tuple[int, float, str, int, Agent]] = field(default_factory=list)  # cost, rank, agent_id, stint, agent
    members: int = 0


@dataclass(slots=True, eq=False)
class Group:
    """Lanes that cost an agent the same. ``cost`` is only what the agent chooses by."""

    cost: int
    mask: int
    indexes: list[int]


def cost_of(rules: AgentRules, queue: str, rings: tuple[Needs, ...]) -> int | None:
    """What it costs that this agent serves: tier, then penalty, then how far the agent's levels fall short of the first ring.
    None: may not serve at all."""
    membership = rules.queues.get(queue)
    if membership is None:
        return None
    skills = rules.skills
    for needs in reversed(rings):  # the widest first
        if _shortfall(skills, needs) == 0:
            break
    else:
        return None
    distance = _shortfall(skills, rings[0])
    return membership.tier * TIER + min(membership.penalty, MOST_PENALTY) * PENALTY + distance


_cost = attrgetter("cost")


def _shortfall(skills: dict[str, int], needs: Needs) -> int:
    """By how many levels the agent misses these needs, all skills together."""
    missing = 0
    for skill, least in needs:
        level = skills.get(skill, 0)
        if level < least:
            missing += least - level
    return missing


class Lanes:
    def __init__(self, agents: Iterable[Agent] = ()) -> None:
        self._lanes: dict[LaneKey, Lane] = {}
        self._by_index: list[Lane | None] = []
        self._free_indexes: list[int] = []
        self._heads: list[tuple[float, str]] = []  # by index: key less weight, and item_id, of the first in line
        self._callers_wait = 0  # bits of lanes that are not empty
        self._callbacks_wait = 0
        self._members: dict[str, list[Agent]] = {}
        self._agents: dict[str, Agent] = {}
        for agent in agents:
            self._agents[agent.agent_id] = agent
            agent.mask, agent.costs, agent.choices, agent.callbacks = 0, {}, [], []
            agent.stint += 1
            agent.available = False
            for name in agent.rules.queues:
                self._members.setdefault(name, []).append(agent)

    def __len__(self) -> int:
        return len(self._lanes)

    def members(self, queue: str) -> list[Agent]:
        """Whoever may serve the queue at all, logged in or not."""
        return self._members.get(queue, [])

    def may_serve(self, agent: Agent, item: Item) -> bool:
        """By membership and skill, in the ring that the item has come to."""
        return cost_of(agent.rules, item.queue.rules.name, item.needs) is not None

    # -- lines ---------------------------------------------------------------------------------------------------------

    def join(self, item: Item, only: str = "") -> None:
        """Put the item into the lane of its queue and ring, or into the one of a single agent."""
        key = (item.queue.rules.name, item.virtual, only, item.needs)
        lane = self._lanes.get(key) or self._open(key, item.queue)
        item.lane = lane
        line = lane.line
        insort(line, item.place)
        if line[0] is item.place:
            self._head(lane)

    def leave(self, item: Item) -> None:
        lane = item.lane
        assert lane is not None
        item.lane = None
        line = lane.line
        position = bisect_left(line, item.place)
        del line[position]
        if position == 0:
            self._head(lane)

    def private_items(self, agent: Agent) -> list[Item]:
        """Those that ask for this agent alone."""
        return [place[3] for lane in agent.costs if lane.only for place in lane.line]

    def _head(self, lane: Lane) -> None:
        """The lane's first place has changed."""
        if lane.line:
            key, _, item_id, _ = lane.line[0]
            self._heads[lane.index] = (key - lane.queue.rules.weight_seconds, item_id)
            if lane.virtual:
                self._callbacks_wait |= lane.bit
            else:
                self._callers_wait |= lane.bit
            return
        self._heads[lane.index] = NOBODY
        self._callers_wait &= ~lane.bit
        self._callbacks_wait &= ~lane.bit
        if lane.only:
            self._close(lane)

    # -- who takes whom ------------------------------------------------------------------------------------------------

    def item_for(self, agent: Agent) -> Item | None:
        """What this agent serves next."""
        callers = agent.mask & self._callers_wait
        callbacks = agent.mask & self._callbacks_wait
        if not callers and not callbacks:
            return None
        head = self._head_for(agent) if agent.excluded_from else self._heads.__getitem__
        cost, first = self._cheapest(agent.choices, callers, head)
        if callbacks:
            callback_cost, callback = self._cheapest(agent.callbacks, callbacks, head)
            if callback is not None:
                oldest = min((head(i) for group in agent.choices for i in group.indexes), default=NOBODY)
                age = head(callback)
                if first is None or (age[0] < oldest[0] and (callback_cost, age) < (cost, head(first))):
                    first = callback
        if first is None:
            return None
        lane = self._by_index[first]
        assert lane is not None
        if not agent.excluded_from:
            return lane.line[0][3]
        return next(place[3] for place in lane.line if place[2] not in agent.excluded_from)

    @staticmethod
    def _cheapest(
        groups: list[Group], waiting: int, head: Callable[[int], tuple[float, str]]
    ) -> tuple[int, int | None]:
        """Cost and lane of the first in line of the cheapest group that has any."""
        if waiting:
            for group in groups:
                if group.mask & waiting:
                    index = min(group.indexes, key=head)
                    if head(index) is not NOBODY:
                        return group.cost, index
        return 0, None

    def _head_for(self, agent: Agent) -> Callable[[int], tuple[float, str]]:
        """Heads of lines as an agent sees them whom some items exclude."""
        by_index, excluded = self._by_index, agent.excluded_from

        def head(index: int) -> tuple[float, str]:
            lane = by_index[index]
            assert lane is not None
            for key, _, item_id, _ in lane.line:
                if item_id not in excluded:
                    return (key - lane.queue.rules.weight_seconds, item_id)
            return NOBODY

        return head

    def agents_for(self, item: Item, draw: Callable[[int], int]) -> list[Agent]:
        """Whom to ask for this item, best first: one, or several where the queue rings them all. ``draw(n)``: a number below n."""
        lane = item.lane
        assert lane is not None
        strategy, idle, excluded = lane.strategy, lane.idle, item.excluded
        wanted = 1
        if strategy.by_chance:
            wanted = len(idle)
        elif strategy.all_at_once and not item.virtual:
            wanted = max(1, lane.queue.rules.ring_all_limit)
        found: list[Agent] = []
        cost = 0
        position = 0
        while position < len(idle) and len(found) < wanted:
            entry = idle[position]
            agent = entry[4]
            if entry[3] != agent.stint:
                del idle[position]
                continue
            position += 1
            if agent.agent_id in excluded:
                continue
            if strategy.by_chance and found and entry[0] != cost:
                break
            cost = entry[0]
            found.append(agent)
        if strategy.by_chance and found:
            return [found[draw(len(found))]]
        return found

    def add_idle(self, agent: Agent) -> None:
        """From now on items find this agent, until its stint changes."""
        stint, agent_id = agent.stint, agent.agent_id
        for lane, cost in agent.costs.items():
            insort(lane.idle, (cost, lane.strategy.rank(agent, lane), agent_id, stint, agent))
            if len(lane.idle) > 2 * lane.members + STALE_ALLOWED:
                lane.idle = [entry for entry in lane.idle if entry[3] == entry[4].stint]

    # -- lanes ---------------------------------------------------------------------------------------------------------

    def _open(self, key: LaneKey, queue: Queue) -> Lane:
        if len(self._lanes) >= MOST_LANES:
            for lane in [lane for lane in self._lanes.values() if not lane.line]:
                self._close(lane)
        index = self._free_indexes.pop() if self._free_indexes else len(self._by_index)
        if index == len(self._by_index):
            self._by_index.append(None)
            self._heads.append(NOBODY)
        name, virtual, only, rings = key
        skills = tuple(skill for skill, _ in rings[0])
        lane = Lane(key, index, 1 << index, queue, rings, skills, virtual, only, STRATEGIES[queue.rules.strategy])
        self._lanes[key] = lane
        self._by_index[index] = lane
        for agent in [self._agents[only]] if only else self.members(name):
            cost = cost_of(agent.rules, name, rings)
            if cost is not None:
                self._admit(agent, lane, cost)
        lane.idle.sort()
        return lane

    def _admit(self, agent: Agent, lane: Lane, cost: int) -> None:
        lane.members += 1
        agent.costs[lane] = cost
        agent.mask |= lane.bit
        groups = agent.callbacks if lane.virtual else agent.choices
        chosen_by = cost if lane.queue.rules.order == "cost" else CHEAPEST
        for group in groups:
            if group.cost == chosen_by:
                break
        else:
            group = Group(chosen_by, 0, [])
            groups.append(group)
            groups.sort(key=_cost)
        group.mask |= lane.bit
        group.indexes.append(lane.index)
        if agent.available:
            lane.idle.append((cost, lane.strategy.rank(agent, lane), agent.agent_id, agent.stint, agent))

    def _close(self, lane: Lane) -> None:
        del self._lanes[lane.key]
        self._by_index[lane.index] = None
        self._free_indexes.append(lane.index)
        for agent in [self._agents[lane.only]] if lane.only else self.members(lane.queue.rules.name):
            if agent.costs.pop(lane, None) is None:
                continue
            agent.mask &= ~lane.bit
            groups = agent.callbacks if lane.virtual else agent.choices
            for group in groups:
                if group.mask & lane.bit:
                    group.mask &= ~lane.bit
                    group.indexes.remove(lane.index)
            groups[:] = [group for group in groups if group.mask]
