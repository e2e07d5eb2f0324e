"""All records of one site together: the database and one object per kind of record."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from .agent_states import AgentStates
from .alarms import Alarms
from .announcements import Announcements
from .attempts import Attempts
from .audit import Audit
from .blacklist import Blacklist
from .board_limits import BoardLimits
from .callbacks import Callbacks
from .calls import Calls
from .contacts import Contacts
from .counters import Counters
from .customers import Customers
from .database import Database
from .flow_versions import FlowVersions
from .intervals import Intervals
from .log_ins import LogIns
from .marks import Marks
from .messages import Messages
from .orders import Orders
from .overrides import Overrides
from .own_phones import OwnPhones
from .period_lists import PeriodLists
from .publications import Publications
from .recordings import Recordings
from .runs import Runs
from .segments import Segments
from .site import Sites
from .slow_work import SlowWork
from .steps import Steps
from .talk_recordings import TalkRecordings
from .totals import Totals
from .users import Users


class Store:
    """What is kept in the file ``path``. Usable between ``open`` and ``close``, or as a context manager."""

    def __init__(self, path: Path | str) -> None:
        self.database = Database(path)
        self.calls = Calls(self.database)
        self.steps = Steps(self.database)
        self.runs = Runs(self.database)
        self.messages = Messages(self.database)
        self.recordings = Recordings(self.database)
        self.blacklist = Blacklist(self.database)
        self.overrides = Overrides(self.database)
        self.counters = Counters(self.database)
        self.flow_versions = FlowVersions(self.database)
        self.publications = Publications(self.database)
        self.alarms = Alarms(self.database)
        self.announcements = Announcements(self.database)
        self.board_limits = BoardLimits(self.database)
        self.own_phones = OwnPhones(self.database)
        self.talk_recordings = TalkRecordings(self.database)
        self.site = Sites(self.database)
        self.audit = Audit(self.database)
        self.contacts = Contacts(self.database)
        self.customers = Customers(self.database)
        self.segments = Segments(self.database)
        self.intervals = Intervals(self.database)
        self.callbacks = Callbacks(self.database)
        self.marks = Marks(self.database)
        self.attempts = Attempts(self.database)
        self.agent_states = AgentStates(self.database)
        self.orders = Orders(self.database)
        self.totals = Totals(self.database)
        self.period_lists = PeriodLists(self.database)
        passwords = SlowWork("passwords")
        self.users = Users(self.database, passwords)
        self.log_ins = LogIns(self.database, passwords)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def open(self) -> None:
        """Open, or make, the file. Raises StorageError."""
        self.database.open()

    def close(self) -> None:
        """Everything submitted reaches the disk first."""
        self.database.close()
