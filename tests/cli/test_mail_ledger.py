"""`mail list` and `mail again`."""

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
async def applicants(terminal: Terminal) -> list[str]:
    """Somebody who administers and somebody who waits, each with mails that are due."""
    await terminal.sign_up("ana", "ben")
    return ["ana", "ben"]


def test_mails_are_listed_and_sent_again(terminal: Terminal, applicants: list[str]) -> None:
    listed = terminal.run("mail", "list", "--user", applicants[1], "--json").json["messages"]
    assert [(mail["to"], mail["purpose"], mail["state"]) for mail in listed] == [("ben", "verify_email", "due")]
    again = terminal.run("mail", "again", listed[0]["id"])
    assert (again.code, again.out) == (0, "verify_email to ben is now due.\n")
    table = terminal.run("mail", "list", "--state", "due")
    assert table.out.splitlines()[0].split("\t")[:4] == ["id", "type", "to", "status"]
    assert table.out.count("verify_email") == 2


def test_what_is_not_there_is_said(terminal: Terminal, applicants: list[str]) -> None:
    nothing = terminal.run("mail", "list", "--state", "failed")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "No mails found.\n")
    unknown = terminal.run("mail", "again", "01a1ff2c-de6a-71c7-ba48-51f9f979b062")
    assert (unknown.code, unknown.err) == (1, "Message not found\n")
    assert terminal.run("mail", "list", "--user", "nobody").code == 1
    assert terminal.run("mail", "again", applicants[0]).code == 2
