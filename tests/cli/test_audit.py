"""`audit list`."""

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
async def people(terminal: Terminal) -> list[str]:
    """Somebody who administers, and somebody who waits."""
    await terminal.sign_up("ana", "ben")
    return ["ana", "ben"]


def test_records_are_listed_and_found(terminal: Terminal, people: list[str]) -> None:
    terminal.run("users", "approve", "ben", "--reason", "known from the lab")
    table = terminal.run("audit", "list", "--target", "ben", "--action", "requests")
    newest, oldest = terminal.run("audit", "list", "--target", "BEN", "--action", "requests", "--json").json["records"]
    assert table.out.splitlines()[0].split("\t") == ["when", "what", "by", "about", "why", "changed", "from"]
    assert "admin_user_approved\tcommand line\tben\tknown from the lab" in table.out
    assert (newest["action"], newest["by"], newest["reason"]) == (
        "admin_user_approved",
        "command_line",
        "known from the lab",
    )
    assert (oldest["action"], oldest["by"], oldest["actor"]) == ("registered", "person", "ben")
    day = newest["at"][:10]
    found = ("audit", "list", "--actor", "ben", "--from", day, "--until", day, "--limit", "1", "--json")
    assert len(terminal.run(*found).json["records"]) == 1


def test_what_is_not_there_is_said(terminal: Terminal, people: list[str]) -> None:
    nothing = terminal.run("audit", "list", "--address", "203.0.113.7", "--action", "tiers")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "There are no such records.\n")
    assert terminal.run("audit", "list", "--actor", "nobody").code == 1
    for wrong in (("--action", "lost"), ("--address", "here"), ("--from", "yesterday"), ("--limit", "0")):
        assert terminal.run("audit", "list", *wrong).code == 2, wrong
