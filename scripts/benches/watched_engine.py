"""The engine with a greenlet beside it that tells how late the hub is: ``python -m scripts.benches.watched_engine FILE ...``.

FILE holds the longest lateness so far in ms; it is written anew whenever that grows, and begins anew when somebody takes it away.
FILE.late gets a line for each that is worth a look: when it was over, how long it was, and how much of it the hub itself has computed,
in ms; the rest its own threads or other programs have taken from it. The other arguments are those of ``ivrengine``.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

from ivrengine.cli.main import main  # noqa: E402

EVERY_SECONDS = 0.02
NOTED_MS = 30.0


def watch(path: Path) -> None:
    longest = 0.0
    late_path = path.with_name(f"{path.name}.late")
    while True:
        before, computed = time.monotonic(), time.thread_time()
        gevent.sleep(EVERY_SECONDS)
        late = (time.monotonic() - before - EVERY_SECONDS) * 1000
        if late > NOTED_MS:
            with late_path.open("a") as file:
                file.write(f"{time.time():.3f} {late:.1f} {(time.thread_time() - computed) * 1000:.1f}\n")
        if not path.exists():
            longest = 0.0
        if late > longest:
            longest = late
            path.write_text(f"{longest:.1f}")


if __name__ == "__main__":
    gevent.spawn(watch, Path(sys.argv.pop(1)))
    main()
