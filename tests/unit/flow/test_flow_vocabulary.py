"""What an editor offers is what the schemas take."""

from __future__ import annotations

import json

from ivrengine.flow.step import REGISTRY
from ivrengine.flow.types import KeyAction
from ivrengine.flow.vocabulary import KEY_VERBS, vocabulary

TREE = vocabulary()
STEPS = TREE["root"]["fields"]["steps"]["schema"]["values"]["fields"]


def test_every_step_and_every_field_is_offered_with_a_word_about_it() -> None:
    assert set(STEPS) == set(REGISTRY)
    for verb, step in REGISTRY.items():
        assert STEPS[verb]["what"], verb
        named = {field.alias or name for name, field in step.Spec.model_fields.items()}
        assert set(STEPS[verb]["schema"]["fields"]) == named
    assert {"flow", "languages", "numbers", "start", "keys"} <= set(TREE["root"]["fields"])
    assert json.loads(json.dumps(TREE)) == TREE


def test_names_say_what_they_refer_to() -> None:
    queue = STEPS["queue"]["schema"]["fields"]
    assert queue["queue"]["schema"] == {"refers_to": "queue"}
    assert queue["music"]["schema"]["any_of"][1]["items"]["any_of"][0] == {"refers_to": "prompt"}
    assert STEPS["by_hours"]["schema"]["fields"]["calendar"]["schema"] == {"refers_to": "calendar"}
    assert STEPS["by_hours"]["schema"]["values"] == {"see": "branch"}, "labels of calendars are branches"
    assert STEPS["menu"]["schema"]["fields"]["choices"]["schema"]["values"] == {"see": "key_action"}
    assert STEPS["sub_flow"]["schema"]["fields"]["flow"]["schema"] == {"refers_to": "flow"}
    assert TREE["common"]["branch"]["any_of"][0] == {"refers_to": "step"}


def test_what_a_key_may_do_is_what_the_schema_takes() -> None:
    for verb in KEY_VERBS:
        KeyAction(label="x", do=verb)
    assert TREE["common"]["key_action"]["fields"]["do"]["schema"] == {"words": list(KEY_VERBS)}
