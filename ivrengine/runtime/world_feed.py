"""Keeps the flows' view of the world current: blacklist and overrides of hours as other processes change them.

The command line writes to the database; a look at its change counter every two seconds tells whether to read again.
"""

from __future__ import annotations
