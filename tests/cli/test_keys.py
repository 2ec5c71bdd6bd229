"""Signing keys by command: listed, rotated, retired."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.keys import PUBLISHED_BEFORE_SIGNING
from tests.cli.terminal import Finished, Terminal

SECRET = "a secret of thirty-two bytes or more"


def _states(listed: Finished) -> dict[str, str]:
    return {key["kid"]: key["state"] for key in listed.json["keys"]}


def test_a_new_key_waits_until_everybody_knows_it(terminal: Terminal) -> None:
    (old,) = _states(terminal.run("keys", "list", "--json"))
    before = datetime.now(UTC)
    rotated = terminal.run("keys", "rotate", "--json")
    listed = terminal.run("keys", "list", "--json")
    table = terminal.run("keys", "list")

    new = rotated.json["kid"]
    begin = datetime.fromisoformat(rotated.json["signs_from"])
    assert (rotated.code, rotated.json["state"], rotated.json["algorithm"]) == (0, "next", "ES256")
    assert timedelta(0) < begin - before - PUBLISHED_BEFORE_SIGNING < timedelta(minutes=10)
    assert _states(listed) == {old: "signs", new: "next"}
    assert listed.json["keys"][1] == rotated.json
    assert [line.split("\t")[:3] for line in table.out.splitlines()] == [
        ["kid", "algorithm", "state"],
        [old, "ES256", "signs"],
        [new, "ES256", "next"],
    ]
    assert f"{begin:%Y-%m-%d %H:%M} UTC" in table.out
    assert "PRIVATE" not in rotated.out + listed.out + table.out


def test_a_leaked_key_is_replaced_and_forgotten_at_once(terminal: Terminal) -> None:
    (old,) = _states(terminal.run("keys", "list", "--json"))
    refused = terminal.run("keys", "retire", old, "--yes")
    rotated = terminal.run("keys", "rotate", "--at-once")
    between = _states(terminal.run("keys", "list", "--json"))
    retired = terminal.run("keys", "retire", old, "--yes")
    again = terminal.run("keys", "retire", old, "--yes", "--json")

    assert (refused.code, refused.err) == (
        1,
        "This key is in use. Rotate first, and retire it once the next key signs.\n",
    )
    assert (rotated.code, retired.code) == (0, 0)
    (new,) = _states(terminal.run("keys", "list", "--json"))
    assert between == {old: "believed", new: "signs"}
    assert rotated.out.startswith(f"Key {new} is published and signs now.")
    assert retired.out == f"Key {old} was retired. Its tokens are refused.\n"
    assert (again.code, again.out, '"error_code": "KEY_NOT_FOUND"' in again.err) == (1, "", True)


def test_nobody_retires_a_key_without_being_asked(terminal: Terminal) -> None:
    (old,) = _states(terminal.run("keys", "list", "--json"))
    terminal.run("keys", "rotate", "--at-once")
    refused = terminal.run("keys", "retire", old)

    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    assert _states(terminal.run("keys", "list", "--json"))[old] == "believed"


def test_retiring_answers_programs_too(terminal: Terminal) -> None:
    key = terminal.run("keys", "rotate", "--json").json["kid"]

    assert terminal.run("keys", "retire", key, "--yes", "--json").json == {"kid": key, "retired": True}


@pytest.mark.parametrize("command", [("rotate",), ("retire", "any", "--yes")], ids=["rotate", "retire"])
def test_a_shared_secret_is_changed_by_its_setting(terminal: Terminal, command: tuple[str, ...]) -> None:
    settings = {"JWT_ALGORITHM": "HS256", "SECRET_KEY": SECRET}
    listed = terminal.run("keys", "list", "--json", **settings)
    refused = terminal.run("keys", *command, **settings)

    (key,) = listed.json["keys"]
    assert (key["state"], key["signs_from"]) == ("signs", None)
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert "VESTIBULE_SECRET_KEY" in refused.err
    assert SECRET not in refused.err
