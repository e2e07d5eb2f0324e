"""One table says who may call what; every endpoint is tried by every level, and what is not in the table is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from webadmin.rights import LEVELS, RIGHTS

# what an address is filled in with where a page needs something particular; anything else gets "nothing"
ARGUMENTS = {"filename": "frame.css"}
ENDS_AT_ONCE = ("log_in.log_out",)  # tried last: it takes the session away


def address(app: Flask, rule: Rule) -> str:
    with app.test_request_context():
        values = {name: 1 if "int:" in rule.rule else ARGUMENTS.get(name, "nothing") for name in rule.arguments}
        return app.url_for(rule.endpoint, **values) if not rule.defaults else rule.rule


def test_every_endpoint_is_in_the_table_and_every_row_is_an_endpoint(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(RIGHTS)


@pytest.mark.parametrize("level", LEVELS)
def test_every_endpoint_lets_in_whom_the_table_names_and_nobody_else(
    app: Flask, client: Callable[[str], FlaskClient], level: str
) -> None:
    browser = client(level)
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint in ENDS_AT_ONCE, rule.endpoint))
    for rule in rules:
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "DELETE", "PATCH"}):
            answer = browser.open(address(app, rule), method=method, headers={"Accept": "application/json"}, buffered=False)
            refused = answer.status_code in (401, 403)
            answer.close()
            may = LEVELS.index(level) >= LEVELS.index(RIGHTS[rule.endpoint])
            wrong_password = rule.endpoint == "log_in.form" and method == "POST"
            assert refused == (not may or wrong_password), f"{level} {method} {rule.rule}: {answer.status_code}"


def test_an_endpoint_that_nobody_registered_is_refused_to_an_admin(app: Flask, client: Callable[[str], FlaskClient]) -> None:
    browser = client("admin")
    app.view_functions["forgotten"] = lambda: "secret"
    app.url_map.add(Rule("/forgotten", endpoint="forgotten"))
    answer = browser.get("/forgotten")
    assert answer.status_code == 403 and "secret" not in answer.text
