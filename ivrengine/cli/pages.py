"""The pages in a browser, for the commands that run the engine: the port is taken before the engine starts, the pages open after it."""

from __future__ import annotations

import click

from ivrengine.app import Engine
from ivrengine.storage.users import FIRST_ADMIN


class Pages:
    """The server of ``webadmin``. Raises SettingsError when the address can't be used."""

    def __init__(self, host: str, port: int) -> None:
        # Flask and all that: not for every command, and not while calls are up.
        from webadmin import create_app
        from webadmin.server import Server

        self._create_app = create_app
        self._server = Server(host, port)

    @property
    def address(self) -> str:
        return self._server.address

    def open(self, engine: Engine, key: str = "", *, simulated: bool = False) -> None:
        """Serve; on a site without users make the first admin and print the one-time password, which goes to no log."""
        password = engine.store.users.first_admin(engine.clock())
        self._server.start(self._create_app(engine, key, simulated=simulated))
        click.echo(f"The pages in a browser:  {self.address}/" + (f"?key={key}" if key else ""))
        if password is not None:
            click.echo(f"Log in there as {FIRST_ADMIN} with the one-time password {password} and choose your own.")

    def close(self) -> None:
        self._server.stop()
