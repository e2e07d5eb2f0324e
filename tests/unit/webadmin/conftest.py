"""As much of an engine as the pages look at, with real records, and clients who are logged in by role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from pages_house import AGENT_ID, KEY, PASSWORD, Clock

from ivrengine.app import Engine
from ivrengine.config import load_settings
from ivrengine.esl.errors import SwitchRefused
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.world import World
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.runtime.drafts import Drafts
from ivrengine.runtime.news import News
from ivrengine.runtime.prompt_work import PromptWork
from ivrengine.runtime.publishing import Publisher
from webadmin import create_app
from webadmin.auth import KEY_COOKIE


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Hashed with as little work as argon2 allows, for every test logs somebody in; what it costs in earnest is test_users.py's."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _refuse(command: str) -> str:
    raise SwitchRefused(f"-ERR {command} Command not found!")


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Any]:
    """The call centre is the real one, with no site and no link; nothing of it is started."""
    settings = load_settings(tmp_path, {})
    whole = Engine(settings, clock)
    whole.call_centre.recovery.done = True
    with whole.store as store:
        catalogue = Catalogue(settings.prompts)
        voice = Voice(catalogue, settings.languages[0], settings.languages[1:])
        flow = SimpleNamespace(name="line", title="line", file="flows/line.yml", numbers=("100",))
        yield SimpleNamespace(
            settings=settings,
            catalogue=catalogue,
            voice=voice,
            prompt_work=PromptWork(catalogue),
            world=World(hours=HoursBook({})),
            drafts=Drafts(settings.flows),
            publisher=Publisher(settings.flows, store, catalogue, voice, (), clock),
            store=store,
            clock=clock,
            switch=SimpleNamespace(connected=True, core_uuid="core", api=_refuse),
            reception=SimpleNamespace(sessions={}, draining=False),
            call_centre=whole.call_centre,
            workplace=whole.workplace,
            crew=whole.crew,
            news=News(),
            library=SimpleNamespace(flows=SimpleNamespace(flows={"line": flow}), follow=lambda: None),
        )
        whole.crew.stop_repeating()


@pytest.fixture
def app(engine: Any) -> Flask:
    """With CSRF's check switched off; ``test_csrf`` has it on."""
    app = create_app(engine, KEY, simulated=True)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return app


@pytest.fixture
def client(app: Flask, engine: Any, password_hash: str, clock: Clock) -> Callable[[str], FlaskClient]:
    """``client(role)``: a browser of its own. ``public`` is nobody; ``board`` and ``visitor`` came by a link with a key; users are named
    like their role, and the agent is agent 1001."""

    def log_in(role: str) -> FlaskClient:
        browser = app.test_client()
        if role == "public":
            return browser
        if role in ("board", "visitor"):
            browser.set_cookie(KEY_COOKIE, KEY if role == "visitor" else engine.store.users.key("wallboard"))
            return browser
        users = engine.store.users
        if users.get(role) is None:
            users.add(role, role, AGENT_ID if role == "agent" else "", password_hash, "tests", clock()).wait()
            users.set_password(role, password_hash, "tests", clock(), must_change=False).wait()
        answer = browser.post("/log-in", data={"name": role, "password": PASSWORD})
        assert answer.status_code == 302, answer.text
        return browser

    return log_in
