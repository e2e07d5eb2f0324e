"""Prompts directories to test with."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_sounds import tone, write_wav

from ivrengine.prompts.catalogue import Catalogue


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A prompts directory with `welcome` in both languages (1 s and 0.5 s) and a text for the Chinese one."""
    write_wav(tmp_path / "prompts/zh-CN/welcome.wav", tone(1.0))
    write_wav(tmp_path / "prompts/en-US/welcome.wav", tone(0.5))
    (tmp_path / "prompts/zh-CN/catalogue.yml").write_text("welcome: {text: 您好, source: recorded}\n", encoding="utf-8")
    return tmp_path / "prompts"


@pytest.fixture
def catalogue(root: Path) -> Catalogue:
    return Catalogue(root)
