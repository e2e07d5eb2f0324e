"""What the commands that drive a running engine share: placing an order, waiting for what became of it, saying it."""

from __future__ import annotations

import time
from typing import Any

import click

from ..config import Settings
from ..storage.errors import StorageTimeout
from .records import myself, opened, shown

WAIT_SECONDS = 8.0  # the engine looks four times a second
NO_ENGINE = "no running engine took this within {:g} s; is `ivrengine serve` (or `demo`) up on this site? Nothing was done."


def ask_engine(settings: Settings, verb: str, **arguments: str) -> Any:
    """Have the running engine do ``verb``; gives (sentence, data). Ends the command when it refuses or when none is running."""
    with opened(settings) as store:
        order_id = store.orders.place(verb, arguments, myself(), time.time()).wait()
        try:
            order = store.orders.result(order_id, WAIT_SECONDS)
        except StorageTimeout as error:
            # Nobody shall find it later: what is wanted now may be wrong in a minute.
            withdrawn = store.orders.withdraw(order_id, time.time()).wait()
            raise click.ClickException(NO_ENGINE.format(WAIT_SECONDS) if withdrawn else str(error)) from error
    if not order.ok:
        raise click.ClickException(shown(order.sentence))
    return order.sentence, order.answer


def order(settings: Settings, verb: str, **arguments: str) -> None:
    """``ask_engine``, and print the sentence."""
    sentence, _ = ask_engine(settings, verb, **arguments)
    click.echo(shown(sentence[:1].upper() + sentence[1:]))
