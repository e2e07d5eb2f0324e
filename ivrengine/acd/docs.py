"""The page on the dispatcher as Markdown, made from its own tables, docstrings and limits, so that it can't be out of date.

``python -m ivrengine.acd.docs`` prints the page that ``scripts/docs`` puts into ``ivrengine/acd/README.md``.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module

from . import lanes, limits, transitions, wrap_up
from .strategies import STRATEGIES

_DOUBLE = re.compile("(?<!`)``(?!`)")  # code in the manner of reStructuredText
_LIMIT = re.compile(r"^([A-Z_]+) = ([\d._]+)  # (.+)$", re.MULTILINE)

_HEAD = """\
# Matching callers and agents

This page is generated from the dispatcher's own tables by `./scripts/docs`; change them, not it.

`Dispatcher.feed(happening, now)` takes what happened and returns what is to be done; `expire(now)` does the same for the time that
has passed. Both are pure: no clock, no chance but the seed, no database, no switch. So the same code runs live, in tests against a
slow judge, and over the log of a day.

Read in this order: `happenings.py`, `decisions.py`, `rules.py` (what is told, decided, and set by the site); `transitions.py` (the
states); `model.py` (what is live); `lanes.py` (who takes whom); `floor.py` (the moves that keep it all consistent); `callers.py`,
`offers.py`, `agents.py`, `wrap_up.py`, `site.py` (the rules); `dispatcher.py` (the door).

"""

_RULES = """
## Who takes whom

{lanes}

Declared holds, during which a waiting call and an idle agent may stand side by side: the agent cools down after an offer that
failed (by cause); the call excludes the agent who refused or missed it, for the queue's time; the call waits for one agent alone
(sticky, or picked up for them), for a time; the agent's phone is unreachable or in use; a cancelled offer's leg is not gone yet. The
last holds the agent, and where the two were being connected (BRIDGING) the call as well: a second agent must not win what the first
may still get.

Rules that others may decide otherwise, and how they are here:

- **Capacity** counts callers who wait, also while an agent's phone rings for them. What was let in once (a restart, a move by a
  supervisor) and callbacks are never refused.
- **The longest wait** counts from `queued_at`. When it is over while a phone rings, that offer may still be answered; if it fails,
  the wait is over. A queue's own longest wait is for people on the line: a callback has one only if it was given its own.
- **No agent** is judged for each caller: nobody is logged in who serves the queue and meets what the caller needs when the needs are fully
  relaxed. A call that comes then is refused where the queue says so; a waiting call ends so long after the last such agent logged out, or
  after it came if that was later. Exclusions and the same agent as last time count for nothing here, since both pass. An
  agent on a break is logged in.
- **Callbacks never jump the living.** A virtual item stands in line by the same key as a caller; at the same key the caller is first; and
  no agent takes one while a caller whom this agent might serve has waited as long or longer, however cheap the callback. Each
  holds one agent from the offer on (also where the queue rings all), so that callbacks never outnumber idle agents.
- **The same agent as last time** is asked for alone only if logged in, and allowed to serve the call in its present ring; on log-out or
  after a refusal the call goes on at once. The time counts from when the call came to the dispatcher.
- **Picked up** (`Assigned`): before everybody else and against skill, break and cool-down, since a person wanted it. The call waits
  for the agent's phone a short while, then for everybody again.
- **Wishes** (ready, break, log-out) are applied when work is IDLE. A break that needs a supervisor's word is asked for, whichever way it is
  told; a team's cap counts who is away and who has been granted a break that has not begun.
- **Idle age** begins at log-in, after a wrap-up, a long break or a long call of one's own. Missed calls and short breaks keep it.
- **A failed offer** is charged first (cool-down, exclusion), then frees the call, then the agent. A caller who left and an offer that
  was taken back cost the agent nothing.
- **Ring all**: the phones that ring are chosen when the call is offered; a phone that becomes free later takes another call.

{wrap_up}
"""


def page() -> str:
    return "".join(_page())


def _page() -> Iterator[str]:
    yield _HEAD
    yield f"## States\n\n{_docstring(transitions, 'Theory of operation')}\n"
    yield "\n### An agent's work\n\n"
    yield from _machine(transitions.AGENT_WORK)
    yield "\n### An agent's intent\n\n"
    yield from _machine(transitions.AGENT_INTENT)
    yield "\n### An item\n\n"
    yield from _machine(transitions.ITEM_STATE)
    yield _RULES.format(lanes=_docstring(lanes), wrap_up=_docstring(wrap_up))
    yield "\n## Strategies\n\nAmong idle agents of the same cost:\n\n| strategy | who is asked first |\n|---|---|\n"
    for name, strategy in STRATEGIES.items():
        text = " ".join(_docstring(import_module(strategy.rank.__module__)).split())
        yield f"| `{name}` | {text} |\n"
    yield "\n## The dispatcher's own times and sizes\n\n| name | value | what |\n|---|---|---|\n"
    for name, value, what in _LIMIT.findall(inspect.getsource(limits)):
        yield f"| `{name}` | {float(value.replace('_', '')):g} | {what} |\n"


def _machine(table: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """A Mermaid diagram of a table. Ways between the same two states share an arrow."""
    yield f"```mermaid\nstateDiagram-v2\n  [*] --> {next(iter(table))}\n"
    for state, row in table.items():
        ways: dict[str, list[str]] = {}
        for event, new in row.items():
            ways.setdefault(new, []).append(event)
        for new, events in ways.items():
            yield f"  {state} --> {new}: {', '.join(events)}\n"
    yield "```\n"


def _docstring(module: object, after: str = "") -> str:
    """A module's docstring, or what follows a heading in it."""
    text = inspect.cleandoc(getattr(module, "__doc__", None) or "")
    if after:
        text = text.partition(after)[2].lstrip("\n-")
    return _DOUBLE.sub("`", text).strip()


if __name__ == "__main__":
    sys.stdout.write(page())
