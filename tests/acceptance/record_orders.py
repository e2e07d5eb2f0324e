"""Records ``tests/streams/orders.json``: starts a FreeSWITCH that calls itself, and runs ``tests/unit/simswitch/scenarios.py`` on it.

    python -m tests.acceptance.record_orders [scenario ...] > tests/streams/orders.json

With names only those scenarios are run; the others are kept from the file as it is.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit/simswitch"))

import scenarios  # noqa: E402 - it lies beside the tests of the embedded switch
import simclient  # noqa: E402

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


if __name__ == "__main__":
    known = json.loads((ROOT / "tests/streams/orders.json").read_text())
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ivrengine-orders-") as directory, real_world(Path(directory)) as world:
        found = {**known, **{name: getattr(scenarios, name)(world) for name in wanted}} if wanted else scenarios.run_all(world)
    print(json.dumps(found, indent=1))
