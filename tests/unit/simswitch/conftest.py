from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
import soundfile
from simclient import PASSWORD, Client

from ivrengine.simswitch.server import SimSwitch

RATE = 8000


def tone(path: Path, seconds: float, frequency: float = 440.0, rate: int = RATE, channels: int = 1) -> Path:
    samples = (8000 * numpy.sin(2 * numpy.pi * frequency * numpy.arange(int(seconds * rate)) / rate)).astype(numpy.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples if channels == 1 else numpy.stack([samples] * channels, axis=1), rate, subtype="PCM_16")
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    tone(tmp_path / "sounds" / "short.wav", 0.5)
    tone(tmp_path / "sounds" / "long.wav", 30.0)
    tone(tmp_path / "sounds" / "other.wav", 1.0)
    tone(tmp_path / "speech.wav", 2.0, 300.0)
    (tmp_path / "recordings").mkdir()
    return tmp_path


def make_switch(site: Path, speed: float = 20.0) -> SimSwitch:
    switch = SimSwitch("127.0.0.1", 0, PASSWORD, sounds_dir=site / "sounds", recordings_dir=site / "recordings",
                       numbers=["2000", "4008*"], speed=speed)
    switch.start()
    return switch


@pytest.fixture
def switch(site: Path) -> Iterator[SimSwitch]:
    switch = make_switch(site)
    yield switch
    switch.stop()


@pytest.fixture
def client(switch: SimSwitch) -> Iterator[Client]:
    client = Client(switch.port)
    client.reply("event plain ALL")
    yield client
    client.close()


@pytest.fixture
def quiet(switch: SimSwitch) -> Iterator[Client]:
    """A second connection, for commands."""
    client = Client(switch.port)
    yield client
    client.close()


@pytest.fixture
def call(client: Client) -> str:
    """An answered, claimed, parked call."""
    uuid = client.call()
    client.wait("CHANNEL_PARK", uuid)
    assert client.api(f"sched_del {uuid}") == "+OK Deleted: 1\n"
    client.execute(uuid, "answer", token="answered")
    client.wait("CHANNEL_EXECUTE_COMPLETE", uuid, Application_UUID="answered")
    return uuid
