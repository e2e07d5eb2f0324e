"""The rendering of FreeSWITCH's configuration: what is filled in, what is refused, and what is never overwritten."""

from __future__ import annotations

import itertools
import json
import re
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from ivrengine.cli import freeswitch_conf
from ivrengine.cli.freeswitch_conf import (
    Passwords,
    RenderError,
    feature_codes_expression,
    fill,
    numbers_expression,
    phones_expression,
    render,
)
from ivrengine.cli.fs import fs, numbers_of_flows
from ivrengine.config import Settings, load_settings

PASSWORDS = Passwords("secret-of-the-socket", {"8001": "secret-of-8001", "8002": "secret-of-8002", "8003": "secret-of-8003"})


def run(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        fs, ["render", "--out", str(site / "fs"), "--numbers", "02988880001", *arguments], obj=load_settings(site, {})
    )


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def matches(expression: str, number: str) -> bool:
    return re.fullmatch(expression, number) is not None


@pytest.mark.parametrize(
    ("numbers", "number", "served"),
    [
        (["02988880001"], "02988880001", True),
        (["02988880001"], "029888800012", False),
        (["4008*"], "4008", True),
        (["4008*"], "4008123", True),
        (["4008*"], "4008a", False),
        (["4008*"], "14008", False),
        (["+8629*"], "+862988", True),
        (["+8629*"], "8862988", False),
        (["*"], "12345", True),
        (["110", "120"], "120", True),
    ],
)
def test_numbers_become_an_expression(numbers: list[str], number: str, served: bool) -> None:
    assert matches(numbers_expression(numbers), number) is served


@pytest.mark.parametrize(
    "number", ["", "+", "4*8", "40.8", "4008)", "4008|.*", "${x}", "4008\n", "12345678901234567890123", "**", "*9a"]
)
def test_what_is_no_number_is_refused_by_name(number: str) -> None:
    with pytest.raises(RenderError, match="is not a number"):
        numbers_expression([number])


@pytest.mark.parametrize(
    ("numbers", "number", "served"),
    [
        ([], "*90", True),
        ([], "*921", True),
        ([], "*958001", True),
        ([], "*9", False),
        ([], "*80", False),
        ([], "90", False),
        (["*80"], "*80", True),
        (["*80"], "*801", False),
        (["*80*"], "*801", True),
        (["4008*"], "4008", False),
        (["*"], "1", False),
    ],
)
def test_feature_codes_become_an_expression_of_their_own(numbers: list[str], number: str, served: bool) -> None:
    assert matches(feature_codes_expression(numbers), number) is served


def test_a_caller_from_outside_never_reaches_a_feature_code_whatever_the_flows_list(tmp_path: Path) -> None:
    contexts = render(Settings(tmp_path), ["02988880001", "*90", "*9*", "*"], PASSWORDS)["dialplan/contexts.xml"].decode()
    tree = ElementTree.fromstring(f"<all>{contexts}</all>")
    reached = {
        context.get("name"): [c.get("expression") or ".*" for c in context.iter("condition") if c.get("field") == "destination_number"]
        for context in tree.iter("context")
    }
    for number in ("*90", "*91", "*9", "*", "#1"):
        assert not any(matches(expression, number) for expression in reached["public"]), number
    assert any(matches(expression, "*90") for expression in reached["phones"])


def test_only_calls_of_phones_say_which_phone_they_are(tmp_path: Path) -> None:
    contexts = render(Settings(tmp_path), ["1"], PASSWORDS)["dialplan/contexts.xml"].decode()
    for context in ElementTree.fromstring(f"<all>{contexts}</all>").iter("context"):
        actions = [action.get("data") or "" for action in context.iter("action")]
        assert any("ivr_phone" in data for data in actions) == (context.get("name") == "phones")


def test_no_numbers_are_refused() -> None:
    with pytest.raises(RenderError, match="no flow says which numbers"):
        numbers_expression([])
    with pytest.raises(RenderError, match="no flow says which numbers"):
        numbers_expression(["*90"])


def test_without_phones_nothing_matches() -> None:
    assert not matches(phones_expression([]), "")
    assert matches(phones_expression(["8001", "8002"]), "8002")


@pytest.mark.parametrize("phones", [["8001", "8001"], ["80a1"], ["../8001"], ["8"]])
def test_bad_phones_are_refused(phones: list[str]) -> None:
    with pytest.raises(RenderError):
        phones_expression(phones)


def test_values_are_escaped_for_xml_and_for_the_preprocessor() -> None:
    filled = fill('<param value="{{x}}"/>', {"x": "\"><x a='b'/>&$${conf_dir}"}, "t")
    assert "$${" not in filled
    assert ElementTree.fromstring(filled).get("value") == "\"><x a='b'/>&$${conf_dir}"


def test_unknown_placeholders_are_refused() -> None:
    with pytest.raises(RenderError, match="unknown placeholder 'nothing'"):
        fill("{{nothing}}", {}, "t")


def test_an_include_tag_must_stand_alone_because_the_preprocessor_drops_its_line() -> None:
    assert fill("  <include>\n<a/>\n</include>\n", {}, "t")
    with pytest.raises(RenderError, match="t:2: <include> must stand on a line of its own"):
        fill("<a/>\n<include><b/>\n</include>", {}, "t")


def test_every_rendered_file_is_well_formed_and_complete(tmp_path: Path) -> None:
    files = render(Settings(tmp_path), ["02988880001", "4008*"], PASSWORDS)
    for name, content in files.items():
        if name.endswith((".xml", ".inc")):
            assert b"{{" not in content, name
            lines = [line for line in content.decode().splitlines() if not line.startswith("<?xml")]
            ElementTree.fromstring("\n".join(["<all>", *lines, "</all>"]))
    assert {"directory/phones/8001.xml", "directory/phones/8003.xml", "dialplan/hand_over.inc"} <= files.keys()
    assert "directory/phones/phone.xml" not in files
    assert "sip_profiles/gateways/trunk.xml" not in files  # only where a proxy is set
    assert b"secret-of-the-socket" in files["autoload_configs/event_socket.conf.xml"]
    assert b"secret-of-8001" in files["directory/phones/8001.xml"]


def test_the_hand_over_is_as_the_engine_expects_it(tmp_path: Path) -> None:
    text = render(Settings(tmp_path), ["1"], PASSWORDS)["dialplan/hand_over.inc"].decode()
    conditions = list(ElementTree.fromstring(f"<all>{text}</all>").iter("condition"))
    commands = [condition.get("field") for condition in conditions]
    assert commands[0] == "${sched_transfer(+5 ${uuid} fallback XML ivr)}"
    assert "=" not in commands[1]  # only takes variables off
    assert commands[2].split("(", 1)[1].split()[1:] == [
        "playback_terminators=none;", "park_after_bridge=true;", "continue_on_fail=true;", "force_transfer_context=transfer;",
        "presence_data=ivr)}",
    ]  # fmt: skip
    assert all(condition.get("expression") == "" for condition in conditions), "always met"
    assert [[action.get("application") for action in condition] for condition in conditions] == [[], [], ["park"]]


def test_a_gateway_is_rendered_where_a_proxy_is_set(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.freeswitch.trunk_proxy = "sip.example.org:5060"
    assert b'value="sip.example.org:5060"' in render(settings, ["1"], PASSWORDS)["sip_profiles/gateways/trunk.xml"]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("freeswitch", "message_directory", "/tmp/two words"),
        ("freeswitch", "message_directory", "/tmp/${uuid}"),
        ("freeswitch", "sip_ip", "localhost"),
        ("freeswitch", "trunk_addresses", ["10.0.0.0/33"]),
        ("freeswitch", "trunk_proxy", "a b"),
        ("freeswitch", "trunk_port", 5060),
        ("freeswitch", "phones_port", 20000),
        ("freeswitch", "rtp_last_port", 70000),
        ("freeswitch", "rtp_last_port", 16385),
        ("switch", "domain", 'x"/>'),
        ("switch", "context", "public"),
        ("switch", "context", "transfer"),
        ("switch", "shard", "a b"),
    ],
)
def test_values_that_freeswitch_would_misread_are_refused(tmp_path: Path, section: str, key: str, value: object) -> None:
    settings = Settings(tmp_path)
    setattr(getattr(settings, section), key, value)
    with pytest.raises(RenderError):
        render(settings, ["1"], PASSWORDS)


def test_a_second_rendering_keeps_the_passwords_and_changes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path).exit_code == 0
    before = contents(tmp_path)
    result = run(tmp_path)
    assert result.exit_code == 0 and "0 files written" in result.output
    assert contents(tmp_path) == before


def test_two_sites_have_different_passwords_and_none_is_shown(tmp_path: Path) -> None:
    sites = [tmp_path / "a", tmp_path / "b"]
    secrets = set()
    for site in sites:
        site.mkdir()
        result = run(site)
        password = (site / "fs/passwords/event-socket").read_text().strip()
        assert len(password) == 24 and password not in result.output
        secrets |= {password, *((site / f"fs/passwords/phone-{phone}").read_text() for phone in ("8001", "8002"))}
    assert len(secrets) == 6


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    run(tmp_path)
    out = tmp_path / "fs"
    secret = [
        "autoload_configs/event_socket.conf.xml",
        "directory/phones/8001.xml",
        "passwords/event-socket",
        "passwords/phone-8001",
    ]
    for name in secret:
        assert stat.S_IMODE((out / name).stat().st_mode) == 0o600, name
    passwords = [path.read_bytes().strip() for path in (out / "passwords").iterdir()]
    for name, content in contents(out).items():
        if name not in secret and not name.startswith(("passwords/", "directory/phones/")):
            assert not any(password in content for password in passwords), name


def test_the_engine_finds_the_password_where_the_command_says(tmp_path: Path) -> None:
    result = run(tmp_path)
    lines = [line.strip() for line in result.output.splitlines()]
    wanted = [line for line in lines if line.startswith(("port =", "password_file ="))]
    (tmp_path / "ivrengine.toml").write_text("\n".join(["[switch]", *wanted]))
    assert load_settings(tmp_path, {}).switch_password() == (tmp_path / "fs/passwords/event-socket").read_text().strip()
    assert run(tmp_path).exit_code == 0


def test_new_options_update_what_was_written(tmp_path: Path) -> None:
    run(tmp_path)
    assert run(tmp_path, "--trunk-port", "5090", "--esl-port", "8031", "--rtp", "30000-30100").exit_code == 0
    assert 'value="5090"' in (tmp_path / "fs/sip_profiles/trunk.xml").read_text()
    assert 'value="8031"' in (tmp_path / "fs/autoload_configs/event_socket.conf.xml").read_text()
    assert 'value="30100"' in (tmp_path / "fs/autoload_configs/switch.conf.xml").read_text()


def test_a_file_that_somebody_changed_stops_everything(tmp_path: Path) -> None:
    run(tmp_path)
    changed = tmp_path / "fs/sip_profiles/trunk.xml"
    changed.write_text("<!-- mine -->")
    before = contents(tmp_path)
    result = run(tmp_path, "--esl-port", "8031", "--trunk-port", "5090")
    assert result.exit_code == 1
    assert f"{changed}: was changed since it was written" in result.output and "Nothing was written" in result.output
    assert contents(tmp_path) == before


def test_a_file_that_somebody_else_wrote_stops_everything(tmp_path: Path) -> None:
    own = tmp_path / "fs/freeswitch.xml"
    own.parent.mkdir()
    own.write_text("<document/>")
    result = run(tmp_path)
    assert result.exit_code == 1 and f"{own}: was not written by this command" in result.output
    assert contents(tmp_path) == {"fs/freeswitch.xml": b"<document/>"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs/dialplan").symlink_to(elsewhere)
    assert run(tmp_path).exit_code == 1
    assert contents(elsewhere) == {}


def test_the_file_of_a_phone_that_is_gone_is_removed_unless_changed(tmp_path: Path) -> None:
    run(tmp_path)
    gone = tmp_path / "fs/directory/phones/8003.xml"
    assert run(tmp_path, "--phones", "8001,8002").exit_code == 0
    assert not gone.exists() and not (tmp_path / "fs/passwords/phone-8003").exists()
    run(tmp_path)
    gone.write_text("<user/>")
    result = run(tmp_path, "--phones", "8001,8002")
    assert result.exit_code == 1 and "is needed no more, but was changed" in result.output and gone.exists()


@pytest.mark.parametrize("password", ["ClueCon", "short", 'quote"in-it', "a" * 81])
def test_weak_or_unsafe_passwords_are_refused(tmp_path: Path, password: str) -> None:
    (tmp_path / "fs/passwords").mkdir(parents=True)
    (tmp_path / "fs/passwords/event-socket").write_text(password)
    result = run(tmp_path)
    assert result.exit_code == 1 and "password" in result.output


@pytest.mark.parametrize("manifest", ["{", "[]", '{"files": {"../../etc/passwd": "x"}}', '{"files": {"a": 1}}'])
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs" / freeswitch_conf.MANIFEST).write_text(manifest)
    assert run(tmp_path).exit_code == 1


def test_the_manifest_names_every_file(tmp_path: Path) -> None:
    run(tmp_path)
    listed = json.loads((tmp_path / "fs" / freeswitch_conf.MANIFEST).read_text())["files"]
    assert listed.keys() | {freeswitch_conf.MANIFEST} == contents(tmp_path / "fs").keys()


def test_messages_have_a_directory(tmp_path: Path) -> None:
    run(tmp_path)
    assert (tmp_path / "data/voicemail/unclaimed").is_dir()


def test_numbers_come_from_the_flows(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "a.yml").write_text("flow: a\nnumbers: [02988880001, '4008*']\n")
    (flows / "b.yml").write_text("flow: b\n")
    (flows / "calendars.yml").write_text("- not a flow\n")
    assert numbers_of_flows(flows) == ["02988880001", "4008*"]
    result = CliRunner().invoke(fs, ["render", "--out", str(tmp_path / "fs")], obj=load_settings(tmp_path, {}))
    assert result.exit_code == 0, result.output
    assert "^(02988880001|4008[0-9]*)$" in (tmp_path / "fs/dialplan/contexts.xml").read_text()


def test_broken_flows_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("numbers: [1\n")
    with pytest.raises(RenderError, match=r"bad\.yml"):
        numbers_of_flows(tmp_path)
    (tmp_path / "bad.yml").write_text("numbers: {a: b}\n")
    with pytest.raises(RenderError, match="must be a list of numbers"):
        numbers_of_flows(tmp_path)


def test_every_shipped_module_says_why_it_is_loaded() -> None:
    lines = (freeswitch_conf.TEMPLATES / "autoload_configs/modules.conf.xml").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if "<load" in line:
            assert before.strip().startswith("<!--"), line


def test_the_readme_speaks_of_every_file_and_module() -> None:
    readme = (freeswitch_conf.TEMPLATES / "README.md").read_text()
    for path in freeswitch_conf.TEMPLATES.rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert f"`{path.relative_to(freeswitch_conf.TEMPLATES)}`" in readme, path
