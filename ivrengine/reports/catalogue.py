"""Which reports there are, in the order they are shown."""

from __future__ import annotations

from collections.abc import Callable

from ivrengine.storage.store import Store

from .agents import agents
from .callbacks import callbacks
from .dispositions import dispositions
from .periods import Period
from .queues import queues
from .survey import survey
from .table import Table
from .traffic import traffic

Report = Callable[[Store, Period, float, str], tuple[Table, ...]]

REPORTS: dict[str, Report] = {
    "traffic": traffic,
    "queues": queues,
    "agents": agents,
    "dispositions": dispositions,
    "survey": survey,
    "callbacks": callbacks,
}
