"""What can go wrong with stored records. Each class's docstring is the default sentence."""

from __future__ import annotations

from ivrengine.errors import IvrEngineError


class StorageError(IvrEngineError):
    """The database could not do what was asked."""


class StorageClosed(StorageError):
    """The database is not open."""


class StorageOverloaded(StorageError):
    """Too much is waiting for the database already; this was refused and has not been kept."""


class StorageTimeout(StorageError):
    """The database did not answer in time; whether this was kept is not known."""


class NotKept(StorageError):
    """The database could not commit; nothing of this has been kept."""


class UnknownDatabase(StorageError):
    """The database was made by another version of the engine."""


class NoSuchRecord(StorageError):
    """There is no such record."""


class AmbiguousRecord(StorageError):
    """More than one record begins so; give more of its id."""


class SiteChanged(StorageError):
    """Somebody else has changed the site meanwhile."""


class StaleRecord(StorageError):
    """Somebody else has changed this meanwhile."""

    def __init__(self, stands: object = None) -> None:
        """``stands``: the record as it is kept now; None when it is gone."""
        super().__init__()
        self.stands = stands


class StillNeeded(StorageError):
    """Another record names it."""
