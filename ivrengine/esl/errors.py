"""What can go wrong at the switch's edge: the switch's faults and ours are different types, and all are errors that a person may read.

No gevent.Timeout (a BaseException) ever leaves this package. No message holds the password.
"""

from __future__ import annotations

from ivrengine.errors import IvrEngineError


class EslError(IvrEngineError):
    """Something went wrong between the engine and the switch."""


class SwitchUnavailable(EslError):
    """The switch is not connected, or the connection was lost before it answered."""


class SwitchRejectedUs(SwitchUnavailable):
    """The switch answered but won't have us: a wrong password, or an access list. Trying again won't help; a person must."""


class SwitchRefused(EslError):
    """The switch understood a command and refused it (its answer began with -ERR or -USAGE)."""


class SwitchTimeout(EslError):
    """The switch is connected but did not answer in time."""


class ProtocolError(EslError):
    """The switch sent bytes that are no event-socket frame."""


class UnsafeCommand(EslError, ValueError):
    """Our own mistake: a command held a line break or another character that would change its meaning."""
