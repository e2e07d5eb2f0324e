"""Prompts made of what people bring, by page or by phone: each in its turn, in a process of its own, following what others have made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gevent.lock import BoundedSemaphore

from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.catalogue_file import Source
from ivrengine.prompts.errors import PromptError
from ivrengine.prompts.job import load_apart
from ivrengine.prompts.load import Loaded

from .publishing import apart

JOBS_AT_ONCE = 2
TURN_SECONDS = 30.0  # for one's turn

T = TypeVar("T")


class NoTurn(PromptError):
    """Other prompts are being made; try again in a moment."""


class PromptWork:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._turns = BoundedSemaphore(JOBS_AT_ONCE)

    def in_turn(self, work: Callable[[], T]) -> T:
        """Raises NoTurn when it does not come within TURN_SECONDS."""
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise NoTurn
        try:
            return work()
        finally:
            self._turns.release()

    def bring_in(
        self, file: Path, language: str, folder: str = "", *, source: Source = "imported", keep_silence_ms: int | None = None
    ) -> Loaded:
        """Make one file a prompt, named by it; ``folder`` is put before the name. What it replaces is kept. Raises PromptError."""
        prefix = f"{folder}/" if folder else ""
        (loaded,) = self.in_turn(
            lambda: load_apart(self._catalogue.root, file, language, prefix, source=source, keep_silence_ms=keep_silence_ms)
        )
        self.follow()
        return loaded

    def follow(self) -> None:
        """Hear of what another process has made."""
        apart(self._catalogue.reload)

    def state(self, name: str, language: str) -> dict[str, Any]:
        """What the prompt is now, for the audit trail; empty where there is none."""
        catalogue = self._catalogue
        if name not in catalogue.names(language):
            return {}
        entry = catalogue.entry(name, language)
        length = None if catalogue.problem(name, language) else catalogue.duration_ms(name, language)
        return {"language": language, "text": entry.text, "source": entry.source, "sha256": entry.sha256, "duration_ms": length}
