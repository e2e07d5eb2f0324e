"""Every field of ``site.yml`` with what it means, read off the schemas: for the terminal and for the reference page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from ivrengine.flow.types import Seconds

from .records import PARTS
from .schema import KEYS, SPECS
from .writing import duration

_IS_DURATION = Seconds.__metadata__[0]  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class FieldOfSite:
    """``usual``: what holds where a record doesn't say it, as the file writes it."""

    part: str
    name: str
    usual: str
    meaning: str


def fields_of_site() -> Iterator[FieldOfSite]:
    """In the order of the file."""
    for part in PARTS:
        for name, info in SPECS[part].model_fields.items():
            yield FieldOfSite(KEYS[part], name, _usual(info), info.description or "")


def _usual(info: FieldInfo) -> str:
    if _IS_DURATION in info.metadata:
        return duration(info.default)
    if isinstance(info.default, bool):
        return str(info.default).lower()
    return "" if info.default in ("", (), {}) else str(info.default)
