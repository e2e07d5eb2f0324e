"""Everything here needs a real FreeSWITCH, sipp and baresip; where they are missing, the tests say so and are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from .switch import why_not

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_not()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.acceptance)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))
