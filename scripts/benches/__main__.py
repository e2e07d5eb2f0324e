"""``./scripts/bench NAME...``: runs each named bench and prints its figures, a JSON object a line.

A bench is a module beside this one with ``run()``, which yields dictionaries: ``figure``, ``value``, ``unit``, ``peer`` (what it is
measured against), ``peer_value``, ``ratio``; more keys where they help. One that can't run here yields ``figure`` and ``skipped``.
"""

from __future__ import annotations

import importlib
import json
import sys

NAMES = ("acd", "centre", "esl", "flow", "load", "offer", "switch", "web")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        print(f"usage: ./scripts/bench {'|'.join(NAMES)} ...", file=sys.stderr)
        return 2
    for name in names:
        for figure in importlib.import_module(f"scripts.benches.{name}").run():
            print(json.dumps(figure), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
