"""Under which lease a row was written."""

from __future__ import annotations

FENCE = 1  # on a single machine always this
