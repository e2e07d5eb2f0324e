"""The bench with a real FreeSWITCH: callers are sipp, phones are baresip, sound is sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from . import audio
from .baresip import ANSWER_SECONDS, BaresipPhone
from .engine import EngineProcess
from .kept_switch import KeptSwitch
from .sipp import SippCall
from .switch import PHONES_RTP_PORTS, FreeSwitch, free_pair, free_port

PHONE_RTP_PORTS = 22


class FreeSwitchCall(SippCall):
    def has_heard(self, prompt: Path | str) -> bool:
        return audio.heard_prompt(self.heard(), prompt) is not None


class FreeSwitchPhone(BaresipPhone):
    def wait_ringing(self, timeout: float = 15.0) -> None:
        self._wait(lambda: self.calls("CALL_INCOMING") - self.calls("CALL_ESTABLISHED"), timeout, "did not ring")

    def wait_talking(self, timeout: float = 15.0) -> None:
        self._wait(lambda: self.calls("CALL_ESTABLISHED"), timeout, "did not talk")

    def wait_idle(self, timeout: float = 15.0) -> None:
        self._wait(lambda: not self.calls("CALL_INCOMING", "CALL_OUTGOING", "CALL_ESTABLISHED"), timeout, "was not idle")

    def join(self) -> None:
        # The other side is off the hook before this phone knows of it; until then it would pass on a call that rings.
        self._wait(lambda: len(self.calls("CALL_ESTABLISHED")) > 1, ANSWER_SECONDS, "did not have two calls")
        first = next(event["id"] for event in self.events if event.get("id") in self.calls("CALL_ESTABLISHED"))
        self.transfer(self.extension, replaces=first)  # the number does not matter where a call is named

    def join_ringing(self) -> None:
        up = self.calls("CALL_ESTABLISHED")
        self._wait(lambda: self.calls("CALL_RINGING") - up, ANSWER_SECONDS, "heard no other phone ring")
        (first,) = up
        (second,) = self.calls("CALL_RINGING") - up
        self.choose(first)
        self.transfer(self.extension, replaces=second)

    def has_heard(self, prompt: Path | str) -> bool:
        return audio.heard_prompt(self.heard(), prompt) is not None


class FreeSwitchBench:
    """``work`` gets everything: the site, FreeSWITCH's files, one directory for each caller and phone. With ``kept`` the switch is one
    that others have used before, and will after."""

    name = "freeswitch"

    def __init__(
        self, work: Path, numbers: Sequence[str] | None = None, settings: str = "", kept: KeptSwitch | None = None
    ) -> None:
        assert kept is None or (numbers is None and not settings), "a kept switch is set up as all who use it need it"
        self.work = work
        self.site = work / "site"
        self.engine = EngineProcess(self.site, warm=True)
        self._kept = kept
        self._own = None if kept else FreeSwitch(self.site, work / "freeswitch", numbers=numbers, settings=settings)
        self._taken: FreeSwitch | None = None
        self._calls: list[FreeSwitchCall] = []
        self._phones: list[FreeSwitchPhone] = []

    @property
    def switch(self) -> FreeSwitch:
        switch = self._own or self._taken
        assert switch is not None, "the bench is not started"
        return switch

    @property
    def switch_logs(self) -> list[Path]:
        """All that the switch has written down."""
        return list(self.switch.logs.iterdir())

    def start(self) -> Self:
        if self._kept is not None:
            self._taken = self._kept.take(self.site, self.work.parent)
        else:
            self.switch.render()
            self.switch.start()
        return self

    def stop(self) -> None:
        for call in self._calls:
            call.stop()
        for phone in self._phones:
            phone.stop()
        self.engine.kill()
        if self._kept is not None:
            self._kept.give_back()
        else:
            self.switch.stop()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def call(
        self, number: str, from_: str = "13800138000", name: str = "", script: Sequence[Any] = (), dtmf: str = "rfc2833",
        *, give_up_seconds: float | None = None,
    ) -> FreeSwitchCall:  # fmt: skip
        call = FreeSwitchCall(
            self.work / f"call-{len(self._calls) + 1}", self.switch.trunk_port, number, from_, name, script, dtmf,
            give_up_seconds, lambda: self._records(from_),
        )  # fmt: skip
        self._calls.append(call)
        call.start()
        return call

    def phone(
        self, extension: str, behaviour: str = "answer",
        *, after_seconds: float = 0.5, talk_seconds: float | None = None, speaks: Path | None = None,
        pretends: str = "",
    ) -> FreeSwitchPhone:  # fmt: skip
        known = next((phone for phone in self._phones if phone.extension == extension and phone.running), None)
        if known is not None and not (speaks or pretends or known.pretends):
            known.behaviour, known.after_seconds, known.talk_seconds = behaviour, after_seconds, talk_seconds
            return known
        assert (len(self._phones) + 1) * PHONE_RTP_PORTS <= PHONES_RTP_PORTS, "the next phone would have another switch's ports"
        first_rtp = self.switch.first_phone_rtp + PHONE_RTP_PORTS * len(self._phones)
        phone = FreeSwitchPhone(
            self.work / f"phone-{extension}-{len(self._phones) + 1}", self.switch.phones_port, extension,
            self.switch.phone_password(extension), (free_pair(), free_port(), first_rtp),
            behaviour=behaviour, after_seconds=after_seconds, talk_seconds=talk_seconds, speaks=speaks,
            pretends=pretends,
        )  # fmt: skip
        self._phones.append(phone)
        phone.start()
        return phone

    def api(self, command: str) -> str:
        return self.switch.api(command)

    @property
    def unclaimed_messages(self) -> Path:
        return self.site / "data/voicemail/unclaimed"

    def _records(self, caller: str) -> bool:
        rows = json.loads(self.switch.api("show channels as json")).get("rows", [])
        return any(row["cid_num"] == caller and row["application"] == "record" for row in rows)
