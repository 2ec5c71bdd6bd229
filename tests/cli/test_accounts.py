"""Accounts by command: made, decided about, and locked out."""

from datetime import datetime

import pytest

from backend.errors import SessionRevoked
from backend.services import Origin, unit_of_work
from backend.services.grants import BearerGrant
from backend.services.identity import Identity, Kind, identify
from tests.cli.terminal import PASSWORD, Terminal


async def _sign_in(terminal: Terminal, name: str) -> BearerGrant:
    async with terminal.context() as context, unit_of_work(context) as services:
        user = await services.authentication.check_password(name, PASSWORD)
        return await services.sessions.open_bearer(user)


async def _answer(terminal: Terminal, grant: BearerGrant) -> Identity:
    async with terminal.context() as context:
        return await identify(context, Kind.ACCESS_TOKEN, grant.access_token, Origin())


def test_demo_accounts_are_made_once_and_active_even_where_registration_is_closed(terminal: Terminal) -> None:
    first = terminal.run("demo", "--only-accounts", REGISTRATION="closed")
    again = terminal.run("demo", "--only-accounts", "--json")

    assert (first.code, again.code) == (0, 0)
    assert "admin123" in first.out
    assert "user123" in first.out
    assert [(one["created"], one["password"]) for one in again.json["accounts"]] == [(False, None)] * 2
    found = [(one["user"]["username"], one["user"]["role"], one["user"]["status"]) for one in again.json["accounts"]]
    assert found == [("admin", "admin", "active"), ("user", "user", "active")]


async def test_applicants_are_listed_approved_and_turned_away(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana", "ben")

    waiting = terminal.run("users", "list", "--status", "pending", "--json")
    approved = terminal.run("users", "approve", "ana", "nobody", "--reason", "known from the lab")
    rejected = terminal.run("users", "reject", waiting.json["users"][1]["id"], "--json")
    shown = terminal.run("users", "show", "ANA@example.org", "--json")

    assert [user["username"] for user in waiting.json["users"]] == ["ana", "ben"]
    assert (approved.code, approved.out, approved.err) == (1, "ana: approved\n", "nobody: User not found\n")
    assert rejected.code == 0
    assert (rejected.json["succeeded"], rejected.json["results"][0]["user"]["status"]) == (1, "rejected")
    assert (shown.json["status"], shown.json["decision_reason"]) == ("active", "known from the lab")
    assert shown.json["approved_at"].endswith("Z")
    assert datetime.fromisoformat(shown.json["approved_at"]).tzinfo
    last = shown.json["history"][0]
    assert (last["action"], last["actor"], last["user_agent"]) == ("admin_user_approved", None, "command line")


async def test_somebody_is_locked_out_and_given_a_new_password(terminal: Terminal) -> None:
    await terminal.sign_up("boss")
    grant = await _sign_in(terminal, "boss")

    revoked = terminal.run("sessions", "revoke", "--user", "boss")
    reset = terminal.run("users", "reset-password", "boss", "--json")

    assert (revoked.code, revoked.out) == (0, "boss: all sessions ended\n")
    with pytest.raises(SessionRevoked):
        await _answer(terminal, grant)
    assert reset.json["results"][0]["temp_password"]
    assert reset.json["results"][0]["user"]["must_change_password"] is True


async def test_everybody_is_signed_out_if_somebody_means_it(terminal: Terminal) -> None:
    await terminal.sign_up("boss")
    grant = await _sign_in(terminal, "boss")

    asked = terminal.run("sessions", "revoke", "--all")
    alive = await _answer(terminal, grant)
    done = terminal.run("sessions", "revoke", "--all", "--yes", "--json")

    assert (asked.code, alive.username) == (2, "boss")
    assert (done.code, done.json) == (0, {"ended": 1})
    with pytest.raises(SessionRevoked):
        await _answer(terminal, grant)


def test_an_administrator_is_made_with_a_password_shown_once(terminal: Terminal) -> None:
    who = ("admin", "create", "--username", "root", "--email", "root@example.org")
    made = terminal.run(*who, "--json")
    again = terminal.run(*who, "--json")

    assert made.json["user"]["role"] == "admin"
    assert made.json["generated_password"]
    assert (again.code, again.out) == (1, "")
    assert '"error_code": "AUTH_EMAIL_EXISTS"' in again.err
