"""The composition root: builds everything by constructor, and knows the order of starting and stopping.

Start: database, prompts, flows, then what an earlier process left behind, then the link to the switch. Stop: no new calls,
wait for those up, leave the rest to the switch, then the database last, so that every row is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from ivrengine.config import Settings
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.domain.sentence import Sentence
from ivrengine.errors import SettingsError
from ivrengine.esl.switch import Switch
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.finding import Finding
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.world import World
from ivrengine.log import note
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.runtime.call_centre import CallCentre
from ivrengine.runtime.clock import WatchedClock
from ivrengine.runtime.deadman import LOOK_SECONDS as DEADMAN_LOOK_SECONDS
from ivrengine.runtime.deadman import DeadMan
from ivrengine.runtime.drafts import Drafts
from ivrengine.runtime.greenlets import Crew
from ivrengine.runtime.library import FOLLOW_SECONDS, Library
from ivrengine.runtime.news import News
from ivrengine.runtime.prompt_work import PromptWork
from ivrengine.runtime.publishing import Publisher
from ivrengine.runtime.reception import Reception
from ivrengine.runtime.recorder import SAVE_SECONDS, Recorder
from ivrengine.runtime.recovery import Recovery
from ivrengine.runtime.surroundings import Surroundings
from ivrengine.runtime.workplace import Workplace
from ivrengine.runtime.world_feed import CALENDAR_SECONDS, LOOK_SECONDS, WorldFeed
from ivrengine.storage.store import Store

LET_GO_SECONDS = 5.0  # for calls that are let go of: a recording is cut first, and what was said is kept

log = logging.getLogger(__name__)


class Engine:
    """The engine of one site against one switch."""

    def __init__(self, settings: Settings, wall: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.clock = clock = WatchedClock(wall)
        clock.on_jump = self._clock_was_set
        self.crew = Crew()
        self.news = News()
        self.store = Store(settings.database)
        self.catalogue = Catalogue(settings.prompts)
        self.voice = Voice(self.catalogue, settings.languages[0], settings.languages[1:])
        self.prompt_work = PromptWork(self.catalogue)
        self.world = World(hours=HoursBook({}), outside_numbers=tuple(settings.engine.outside_numbers))
        self.recorder = Recorder(self.store, clock)
        self.feed = WorldFeed(self.store, self.world, clock, self.recorder.alarm)
        self.drafts = Drafts(settings.flows)
        self.publisher = Publisher(settings.flows, self.store, self.catalogue, self.voice, self.world.outside_numbers, clock)
        self.library = Library(self.publisher, self.store, self.world, self.feed)
        self.reception = Reception(self.library, self.crew, settings.engine.max_calls, clock)
        switch = settings.switch
        self.switch = Switch(
            switch.host,
            switch.port,
            settings.switch_password(),
            self.reception,
            switch.shard,
            clock=clock,
            context=switch.context,
            dial_strings={"extension": f"user/{{number}}@{switch.domain}", "outside": "sofia/gateway/trunk/{number}"},
            deadman_seconds=settings.engine.deadman_seconds,
        )
        self.recovery = Recovery(self.reception, self.recorder, self.switch, settings.recordings, clock)
        self.deadman = DeadMan(self.switch, self.reception, settings.engine.deadman_seconds)
        self.call_centre = CallCentre(
            self.store,
            self.switch.legs,
            self.reception,
            self.deadman,
            self.catalogue,
            self.voice,
            settings.languages[0],
            settings.recordings / "talks",
            lambda: self.recovery.alive,
            self.crew,
            clock,
            self.recorder.alarm,
        )
        self.workplace = Workplace(
            self.call_centre,
            self.reception,
            self.switch,
            self.store,
            self.world,
            self.catalogue,
            self.voice,
            self.crew,
            self.recorder.alarm,
            ZoneInfo(settings.engine.timezone),
            settings.languages,
            self.prompt_work,
            settings.recordings / "takes",
            settings.engine.outbound_number,
        )
        self.world.queues = self.call_centre.director.board
        self.recovery.switch_restarted = self.call_centre.recovery.switch_restarted
        self.reception.resynchronise = self.recovery.resynchronise
        self.reception.taken = self.deadman.arm
        self.reception.open(
            Surroundings(
                interpreter=Interpreter(self.library, self.world),
                switch=self.switch,
                voice=self.voice,
                recorder=self.recorder,
                news=self.news,
                recordings=settings.recordings,
                clock=clock,
                max_call_seconds=settings.engine.max_call_seconds,
                call_centre=self.call_centre,
            )
        )

    def start(self) -> list[Finding]:
        """Take calls. Returns the linter's findings; raises SettingsError, StorageError or NothingToServe."""
        takes = self.workplace.phone_takes.directory
        for directory in (self.settings.recordings, self.call_centre.recordings.directory, takes, self.settings.voicemail):
            try:
                directory.mkdir(parents=True, exist_ok=True, mode=0o770)
            except OSError as error:
                raise SettingsError(f"{directory} can't be made: {error.strerror}") from error
        self.store.open()
        findings = self.library.start()
        self.recovery.load()
        self.library.recall(self.recovery.pinned_versions())
        self.call_centre.load(self.recovery.waiting_tokens())
        self.call_centre.start()
        self.workplace.start()
        self.crew.repeat(self.recorder.save_runs, SAVE_SECONDS)
        self.crew.repeat(self.library.follow, FOLLOW_SECONDS)
        self.crew.repeat(self.feed.look, LOOK_SECONDS)
        self.crew.repeat(self.feed.check_calendars, CALENDAR_SECONDS)
        self.crew.repeat(self.deadman.move_on, DEADMAN_LOOK_SECONDS)
        self.switch.start()
        return findings

    def _clock_was_set(self, seconds: float) -> None:
        self.call_centre.clock.was_set(seconds)
        for session in self.reception.sessions.values():
            session.clock_was_set(seconds)
        sentence = (
            Sentence("the computer's clock was put forward by %(seconds).0f s", seconds=seconds)
            if seconds > 0
            else Sentence("the computer's clock was put back by %(seconds).0f s", seconds=-seconds)
        )
        self.recorder.alarm(RaiseAlarm("clock_was_set", sentence))

    def reload(self) -> list[Finding]:
        """Read the prompts again and publish the files of the flows; with errors the set in force stays. Calls go on meanwhile."""
        self.catalogue.reload()
        return self.library.reload()

    def stop(self, drain_seconds: float | None = None) -> int:
        """Drain and stop; gives the process's exit code: 1 when anything crashed on the way."""
        seconds = self.settings.engine.drain_seconds if drain_seconds is None else drain_seconds
        left = self.reception.drain(seconds)
        if left:
            note(log, "the time to finish is over; the calls still up go to the switch's fallback", calls=left)
            self.reception.let_go()
            self.reception.drain(LET_GO_SECONDS)
        self.workplace.phone_takes.stop()
        self.switch.stop()
        self.call_centre.stop()
        self.crew.stop_repeating()
        self.recorder.save_runs()
        self.store.close()
        return 1 if self.crew.crashes else 0
