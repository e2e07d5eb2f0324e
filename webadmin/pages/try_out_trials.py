"""All calls that are tried out and all phones in hand, with their limits: they live in this process and nowhere else."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import replace

from flask import current_app

from ivrengine.domain.sentence import Sentence
from ivrengine.esl.errors import EslError, SwitchRefused
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.finding import Finding, errors
from ivrengine.flow.world import World
from ivrengine.runtime.arranged_call import DialledFlows, DraftFlows
from ivrengine.runtime.news import CallBegun, Item

from ..context import Web, web
from .try_out_live import LiveTrial
from .try_out_phone import PhoneInHand
from .try_out_stage import TooMuch
from .try_out_trial import Trial, Wish
from .try_out_virtual import VirtualTrial

CALLS_OF_USER = 3  # up at once
CALLS_LIMIT = 20
PHONES_OF_USER = 4
KEPT_SECONDS = 600.0  # after a call, for the page that still shows it
KEPT_LIMIT = 200  # calls that are over
LOOK_SECONDS = 10.0
EXTENSION = "try_out"  # of the Flask application


class NotYours(TooMuch):
    """Somebody else has the phone in hand."""


class DraftHasErrors(TooMuch):
    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(Sentence("the draft has errors"))
        self.findings = findings


class Trials:
    def __init__(self, pages: Web) -> None:
        self._web = pages
        self._engine = pages.engine
        self._trials: dict[str, Trial] = {}
        self._phones: dict[str, PhoneInHand] = {}
        self._spoken = (pages.engine.settings.data / "tried").resolve()
        self._asked_of, self._simulated = "", False
        shutil.rmtree(self._spoken, ignore_errors=True)  # of a process before
        self._engine.news.watch(self._on_news)
        self._engine.crew.repeat(self._forget, LOOK_SECONDS)

    def on_simulated_switch(self) -> bool:
        """Whether simulated people can dial. Asked once of each switch."""
        switch = self._engine.switch
        if not switch.connected:
            return False
        if self._asked_of != switch.core_uuid:
            try:
                switch.api("sim speed")
                self._simulated = True
            except SwitchRefused:
                self._simulated = False
            except EslError:
                return False
            self._asked_of = switch.core_uuid
        return self._simulated

    # -- flows

    def flows(self, *, draft: bool) -> tuple[DialledFlows, World]:
        """What is tried: the published flows with the world as it is, or the files with their own calendars and lists.

        Raises DraftHasErrors."""
        world = self._engine.world
        if not draft:
            return self._engine.library, world
        site = self._engine.publisher.draft()
        checked = self._engine.publisher.check(site)
        if errors(checked.findings):
            raise DraftHasErrors(errors(checked.findings))
        # A killed engine finds the texts of the calls it picks up again by their versions.
        keep, now = self._engine.store.flow_versions.keep, self._web.now()
        for ticket in [keep(flow.version, site.texts[flow.file], now) for flow in checked.flows.flows.values()]:
            ticket.wait()
        hours = HoursBook.from_text(site.calendars_text)
        hours.overrides = getattr(world.hours, "overrides", {})
        return DraftFlows(checked.flows.flows.values(), self._engine.library), replace(world, hours=hours, lists=site.lists)

    # -- calls

    def begin(self, owner: str, wish: Wish) -> Trial:
        """Place a call. Raises TooMuch or EslError."""
        up = [trial for trial in self._trials.values() if not trial.over]
        if len(up) >= CALLS_LIMIT or sum(trial.owner == owner for trial in up) >= CALLS_OF_USER:
            raise TooMuch(Sentence("too many calls are being tried at once; hang up first"))
        kind = LiveTrial if self.on_simulated_switch() else VirtualTrial
        trial = kind(self._web, str(uuid.uuid4()), owner, self._spoken, wish)
        self._trials[trial.name] = trial
        try:
            trial.place()
        except BaseException:
            del self._trials[trial.name]
            raise
        return trial

    def trial(self, name: str, owner: str) -> Trial | None:
        found = self._trials.get(name)
        return found if found is not None and found.owner == owner else None

    # -- phones

    def take_phone(self, extension: str, owner: str) -> PhoneInHand:
        """Raises TooMuch, NotYours or EslError."""
        held = self._phones.get(extension)
        if held is not None and not held.over:
            if held.owner != owner:
                raise NotYours(Sentence("the phone %(extension)s is in the hand of %(owner)s", extension=extension, owner=held.owner))
            return held
        if sum(phone.owner == owner and not phone.over for phone in self._phones.values()) >= PHONES_OF_USER:
            raise TooMuch(Sentence("too many phones are in your hand; give one back first"))
        phone = PhoneInHand(self._web, extension, owner, self._spoken)
        self._phones[extension] = phone
        try:
            phone.take()
        except BaseException:
            del self._phones[extension]
            raise
        return phone

    def phone(self, extension: str, owner: str) -> PhoneInHand | None:
        found = self._phones.get(extension)
        return found if found is not None and found.owner == owner else None

    # -- what happens

    def _on_news(self, item: Item) -> None:
        trial = self._trials.get(item.call.call_id if isinstance(item, CallBegun) else item.call_id)
        if isinstance(trial, LiveTrial) and not trial.over:
            trial.on_news(item)

    def _forget(self) -> None:
        before = self._web.now() - KEPT_SECONDS
        for book in (self._trials, self._phones):
            ended = [stage for stage in book.values() if stage.ended_at is not None]
            surplus = ended[: max(0, len(ended) - KEPT_LIMIT)]
            for stage in [*surplus, *(each for each in ended[len(surplus) :] if (each.ended_at or 0.0) < before)]:
                del book[stage.name]
                stage.clean_up()


def trials() -> Trials:
    """Those of this application; made when the page is asked for the first time."""
    extensions = current_app.extensions
    if EXTENSION not in extensions:
        extensions[EXTENSION] = Trials(web())
    return extensions[EXTENSION]
