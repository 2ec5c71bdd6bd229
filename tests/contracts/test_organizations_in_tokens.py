"""ORGANIZATIONS_IN_TOKEN: access tokens that say in which organizations somebody is, and as what."""

import base64
import json
from typing import Any

import pytest

from backend.models import Membership
from tests.application import Application
from tests.contracts.dialect_c import bearer, refresh, sign_in, state
from tests.contracts.in_organizations import at, brought_in, founded, held
from tests.factories import People

ON = pytest.mark.settings(organizations_in_token=True)


def claims(token: str) -> dict[str, Any]:
    """What an access token says, as an app on another origin reads it."""
    payload = token.split(".")[1]
    assert not {"-", "_"} & set(payload)  # which `atob` cannot read
    found: dict[str, Any] = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4)))
    return found


async def test_tokens_say_nothing_of_organizations_unless_told_to(running: Application, people: People) -> None:
    owner = await people.active()
    await founded(owner)
    assert "organizations" not in claims((await sign_in(running.client, owner))["access_token"])


@ON
async def test_every_new_token_says_what_is_so_when_it_is_made(running: Application, people: People) -> None:
    owner, guest = await people.active(), await people.active()
    token = await sign_in(running.client, guest)
    assert claims(token["access_token"])["organizations"] == {}
    one, two = await founded(owner, "Hall"), await founded(guest, "Own")
    await brought_in(owner, one, guest, "admin")
    token = await refresh(running.client, token["refresh_token"])
    said = claims(token["access_token"])
    assert said["organizations"] == {one: "admin", two: "owner"}
    assert said.keys() == {"sub", "sid", "session_id", "jti", "iat", "exp", "iss", "aud", "organizations"}
    form = {"username": guest.username, "password": guest.password}
    for door in ("/api/auth/jwt/login", "/api/v1/auth/login"):
        made = (await running.client.post(door, data=form)).json()["access_token"]
        assert claims(made)["organizations"] == said["organizations"], door

    held(await owner.delete(at(one, "members", guest.id)))
    assert await state(running.client, token["access_token"]) == "alive"  # and says what it said until it ends
    assert (await running.client.get(at(one), headers=bearer(token["access_token"]))).status_code == 404
    token = await refresh(running.client, token["refresh_token"])
    assert claims(token["access_token"])["organizations"] == {two: "owner"}


@ON
async def test_organizations_that_do_not_work_are_in_no_token(running: Application, people: People) -> None:
    owner, guest = await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, guest)
    async with people.work() as work:
        await work.closing.suspend(None, owner.id)
    assert claims((await sign_in(running.client, guest))["access_token"])["organizations"] == {}


@ON
@pytest.mark.settings(public_url=f"https://{'n' * 60}.{'e' * 60}.example.org")
async def test_a_token_holds_as_many_as_one_can_be_in(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    async with people.work() as work:
        founder, guest = await work.people.one(other.id), await work.people.one(person.id)
        for number in range(40):
            made = await work.organizations.founding.found(founder, f"number {number}")
            place = Membership(user_id=guest.id, organization_id=made.id, created_at=running.clock.now())
            await work.organizations.entry.memberships.add(place)
    token = (await sign_in(running.client, person))["access_token"]
    assert set(claims(token)["organizations"].values()) == {"member"}
    assert (len(claims(token)["organizations"]), len(token) <= 4096) == (40, True)
    assert await state(running.client, token) == "alive"
