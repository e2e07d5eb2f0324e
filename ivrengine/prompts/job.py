"""Prompts made in a process of their own: what decodes a stranger's sound must not slow calls down, nor fell the engine.

`load_apart` and `say_apart` are `load` and `say_missing` at a distance; the process takes one order as JSON and prints what became
of each name. Refuses to wait longer than JOB_SECONDS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ivrengine.domain.sentence import Sentence, packed, unpacked

from .catalogue import Catalogue
from .catalogue_file import Source
from .errors import PromptError
from .load import Loaded, load
from .tts import Said, say_missing

JOB_SECONDS = 150.0  # a long recording takes seconds; ffmpeg and espeak-ng have limits of their own within
NICENESS = 10  # calls come first
_PACKAGE = Path(__file__).parents[2]


class JobFailed(PromptError):
    """The process that makes prompts has failed."""


def load_apart(
    root: Path, file: Path, language: str, prefix: str = "", *, source: Source = "imported", keep_silence_ms: int | None = None
) -> list[Loaded]:
    """Bring ``file`` in. Raises PromptError. The caller's catalogue does not know of it before its next ``reload``."""
    options = {"prefix": prefix, "noted_as": source, "keep_silence_ms": keep_silence_ms}
    rows = _order({"do": "load", "root": str(root), "source": str(file), "language": language, "options": options})
    return [Loaded(**{**row, "warnings": tuple(row["warnings"])}) for row in rows]


def say_apart(root: Path, language: str, names: Sequence[str], *, again: bool = False) -> list[Said]:
    """Make prompts from their texts. Raises PromptError."""
    return [Said(**row) for row in _order({"do": "say", "root": str(root), "language": language, "names": list(names), "again": again})]


def _order(order: dict[str, Any]) -> list[dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH", "")]))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ivrengine.prompts.job"], input=json.dumps(order).encode(), capture_output=True,
            timeout=JOB_SECONDS, check=False, env=environment,
        )  # fmt: skip
        answer = unpacked(json.loads(done.stdout)) if done.returncode == 0 else {"error": ""}
    except subprocess.TimeoutExpired:
        raise JobFailed(Sentence("making the prompt took longer than %(seconds).0f s; nothing was changed", seconds=JOB_SECONDS)) from None
    except (OSError, ValueError) as error:
        raise JobFailed(Sentence("the process that makes prompts could not work: %(error)s", error=error)) from error
    if isinstance(answer, dict):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise JobFailed(answer["error"] or Sentence("the process that makes prompts has failed: %(line)s", line=lines[-1][:200]))
    return answer


def main() -> None:
    os.nice(NICENESS)
    order = json.load(sys.stdin)
    try:
        catalogue = Catalogue(Path(order["root"]))
        if order["do"] == "load":
            results: list[Any] = list(load(catalogue, Path(order["source"]), order["language"], **order["options"]))
        else:
            results = list(say_missing(catalogue, order["language"], order["names"], again=order["again"]))
    except PromptError as error:
        json.dump({"error": packed(str(error))}, sys.stdout)
    else:
        json.dump([packed(asdict(result)) for result in results], sys.stdout)


if __name__ == "__main__":
    main()
