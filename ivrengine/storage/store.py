"""All records of one site together: the database and one object per kind of record."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from .alarms import Alarms
from .blacklist import Blacklist
from .calls import Calls
from .counters import Counters
from .database import Database
from .flow_versions import FlowVersions
from .messages import Messages
from .overrides import Overrides
from .publications import Publications
from .recordings import Recordings
from .runs import Runs
from .steps import Steps


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
