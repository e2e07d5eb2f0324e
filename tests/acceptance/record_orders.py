"""Records ``tests/streams/orders.json``: starts a FreeSWITCH that calls itself, and runs ``tests/unit/simswitch/sim_scenarios.py`` on it.

    python -m tests.acceptance.record_orders [scenario ...] > tests/streams/orders.json
    python -m tests.acceptance.record_orders --bytes FILE.bin scenario ...

With names only those scenarios are run; the others are kept from the file as it is. With ``--bytes`` it writes what an engine's event
connection gets meanwhile, byte for byte.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit/simswitch"))

import sim_scenarios as scenarios  # noqa: E402 - it lies beside the tests of the embedded switch
import simclient  # noqa: E402

from ivrengine.esl.calls import CALL_EVENTS  # noqa: E402
from ivrengine.esl.link import LEG_EVENTS  # noqa: E402

from . import audio  # noqa: E402
from .switch import FreeSwitch, free_port  # noqa: E402

PROFILE = """<profile name="test">
  <settings>
    <param name="sip-ip" value="127.0.0.1"/>
    <param name="rtp-ip" value="127.0.0.1"/>
    <param name="sip-port" value="{port}"/>
    <param name="dialplan" value="XML"/>
    <param name="context" value="ivr"/>
    <param name="auth-calls" value="false"/>
    <param name="rtp-timer-name" value="soft"/>
    <param name="inbound-codec-prefs" value="PCMA"/>
    <param name="outbound-codec-prefs" value="PCMA"/>
    <param name="manage-presence" value="false"/>
    <param name="hold-music" value="local_stream://moh"/>
  </settings>
</profile>
"""
# What a phone does that is rung; each is a channel of the same FreeSWITCH.
PHONES = {
    "9001": [("ring_ready", ""), ("sleep", "300"), ("answer", ""), ("sleep", "700"), ("hangup", "")],
    "9002": [("hangup", "USER_BUSY")],
    "9003": [("ring_ready", ""), ("sleep", "60000")],
    "9006": [("ring_ready", ""), ("sleep", "300"), ("answer", ""), ("park", "")],
    "colleague": [
        ("multiset", "hangup_after_bridge=true force_transfer_context=transfer"),
        ("bridge", "{presence_data=ivr-phone}user/9006@ivr.local"),
    ],
    "caller": [("answer", ""), ("park", "")],
}


def contexts(extensions: Mapping[str, list[tuple[str, str | None]]], name: str, port: int) -> str:
    text = ""
    for number, actions in extensions.items():
        text += f'<extension name="{number}">\n<condition field="destination_number" expression="^{number}$">\n'
        for application, data in actions:
            text += f'<action application="{application}" data="{(data or "").replace("{port}", str(port))}"/>\n'
        text += "</condition>\n</extension>\n"
    return f'<context name="{name}">\n{text}</context>\n'


@contextmanager
def real_world(work: Path) -> Iterator[scenarios.RealWorld]:
    switch = FreeSwitch(work / "site", work / "freeswitch", numbers=["1"], phones=tuple(number for number in PHONES if number.isdigit()))
    switch.render()
    sip_port = free_port()
    domain = switch.conf / "directory/domain.xml"
    registered = "${sofia_contact(phones/${dialed_user}@${dialed_domain})}"
    domain.write_text(domain.read_text().replace(registered, f"sofia/test/${{dialed_user}}@127.0.0.1:{sip_port}"))
    (switch.conf / "sip_profiles/test.xml").write_text(PROFILE.format(port=sip_port))
    rendered = switch.conf / "dialplan/contexts.xml"
    rendered.write_text(contexts({**PHONES, "5[0-9]{3}": scenarios.HAND_OVER}, "ivr", sip_port)
                        + contexts({".*": scenarios.HAND_OVER}, "transfer", sip_port))
    sounds, recordings = work / "sounds", work / "recordings"
    for directory in (sounds, recordings):
        directory.mkdir(parents=True)
    for name, seconds in (("short", 0.5), ("long", 30.0)):
        audio.write(sounds / f"{name}.wav", audio.tone(440, seconds))
    switch.start()
    simclient.PASSWORD = switch.password
    client = simclient.Client(switch.esl_port)
    try:
        client.reply("event plain ALL")
        yield scenarios.RealWorld(client, sip_port, sounds, recordings)
    finally:
        client.close()
        switch.stop()


class Listener:
    """An event connection as ``ivrengine/esl/link.py`` makes it, whose bytes are kept."""

    FILTERS = ("Channel-Presence-Data ivr", "Channel-Presence-Data ivr-leg", "Application -set", "Application -unset",
               "Application -multiset", "Application -sched_transfer", "Application -sched_cancel", "Application -park")

    def __init__(self, port: int, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        names = " ".join((*CALL_EVENTS, *LEG_EVENTS))
        for line in (f"auth {password}", *(f"filter {entry}" for entry in self.FILTERS), f"event plain {names} BACKGROUND_JOB"):
            self._socket.sendall(line.encode() + b"\n\n")
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while data := self._socket.recv(65536):
            self._kept += data

    def finish(self) -> bytes:
        self._socket.sendall(b"exit\n\n")
        self._thread.join(10)
        return bytes(self._kept)


def record_bytes(path: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="ivrengine-orders-") as directory, real_world(Path(directory)) as world:
        listener = Listener(world.client.sock.getpeername()[1], simclient.PASSWORD)
        for name in names:
            getattr(scenarios, name)(world)
        path.write_bytes(listener.finish())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--bytes"]:
        record_bytes(Path(sys.argv[2]), sys.argv[3:])
        sys.exit()
    known = json.loads((ROOT / "tests/streams/orders.json").read_text())
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ivrengine-orders-") as directory, real_world(Path(directory)) as world:
        found = {**known, **{name: getattr(scenarios, name)(world) for name in wanted}} if wanted else scenarios.run_all(world)
    print(json.dumps(found, indent=1))
