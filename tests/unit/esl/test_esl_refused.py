"""A switch that refuses our password is told of once, in the words that help, however often we knock."""

from __future__ import annotations

import logging
from pathlib import Path

import gevent

from ivrengine.esl.link import Link, Timing
from ivrengine.simswitch.server import SimSwitch


def test_a_refused_password_is_logged_once(tmp_path: Path, caplog) -> None:
    server = SimSwitch("127.0.0.1", 0, "the-right-one", sounds_dir=tmp_path, recordings_dir=tmp_path, numbers=["100"])
    server.start()
    knocks = []
    link = Link(
        server.host,
        server.port,
        "the-wrong-one",
        "ivr",
        on_event=lambda event: None,
        resynchronise=lambda connection: lambda: None,
        on_lost=knocks.append,
        timing=Timing(pause_first_seconds=0.01, pause_longest_seconds=0.01),
    )
    with caplog.at_level(logging.WARNING, "ivrengine.esl.link"):
        link.start()
        gevent.sleep(0.3)
        link.stop()
    server.stop()
    assert len(caplog.messages) == 1 and "refused our password" in caplog.messages[0] and "one" not in caplog.messages[0]
    assert "refused our password" in link.last_error and knocks == []
