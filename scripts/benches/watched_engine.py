"""The engine with a greenlet beside it that tells how late the hub is: ``python -m scripts.benches.watched_engine FILE ...``.

FILE holds the longest lateness so far in ms; it is written anew whenever that grows. The other arguments are those of ``ivrengine``.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

from ivrengine.cli.main import main  # noqa: E402

EVERY_SECONDS = 0.02


def watch(path: Path) -> None:
    longest = 0.0
    while True:
        before = time.monotonic()
        gevent.sleep(EVERY_SECONDS)
        late = (time.monotonic() - before - EVERY_SECONDS) * 1000
        if late > longest:
            longest = late
            path.write_text(f"{longest:.1f}")


if __name__ == "__main__":
    gevent.spawn(watch, Path(sys.argv.pop(1)))
    main()
