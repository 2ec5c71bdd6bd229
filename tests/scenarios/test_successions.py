"""What becomes of organizations when their people go: deleted for a while, or erased for good."""

import asyncio
import io
import json
import zipfile
from uuid import UUID

import pytest

from backend.models import MailPurpose
from tests.application import Application
from tests.contracts.answers import TIME, code
from tests.contracts.in_organizations import ACCEPT, HERE, at, brought_in, founded, held, invited, members, standing
from tests.factories import PASSWORD, People, Person

pytestmark = pytest.mark.settings(rate_limits=False)


async def erased(people: People, person: Person) -> None:
    """Somebody is erased by the command line's service."""
    async with people.work() as work:
        await work.erasure.anonymize(None, person.id)


async def test_a_deleted_owner_comes_back_to_what_they_had(people: People) -> None:
    owner, admin = await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, admin, "admin")
    async with people.work() as work:
        await work.deletion.delete(None, owner.id)
    shown = held(await admin.get(at(one)))
    assert (shown["is_active"], shown["member_count"]) == (False, 1)
    async with people.work() as work:
        await work.deletion.restore(None, owner.id)
    assert held(await admin.get(at(one)))["is_active"] is True
    assert await standing(await people.signed_in(owner)) == {"Hall": "owner"}


async def test_the_longest_serving_admin_follows_then_the_longest_serving_member(
    running: Application, people: People
) -> None:
    owner, away, member, early, late = [await people.active() for _ in range(5)]
    one = await founded(owner)
    for person, role in ((away, "admin"), (member, "member"), (early, "admin"), (late, "admin")):
        await brought_in(owner, one, person, role)
        running.clock.move(seconds=1)
    async with people.work() as work:
        await work.closing.suspend(None, away.id)
    await erased(people, owner)
    expected = {away.username: "admin", member.username: "member", early.username: "owner", late.username: "admin"}
    assert await members(late, one) == expected
    assert held(await late.get(at(one)))["is_active"] is True
    for gone in (early, late):
        await erased(people, gone)
    assert await members(member, one) == {away.username: "admin", member.username: "owner"}
    mails = [mail.to for mail in await running.mails(MailPurpose.OWNERSHIP_RECEIVED)]
    assert mails == [member.email]  # those to the others went with their accounts
    await erased(people, member)
    assert held(await (await people.admin()).get(at(one)))["member_count"] == 1  # who is away, and can come back
    await erased(people, away)
    assert code(await (await people.admin()).get(at(one))) == (404, "ORGANIZATION_NOT_FOUND")
    inherited = [event.target_id for event in await people.audit("ownership_inherited")]
    assert inherited == [early.id, late.id, member.id, away.id]
    assert len(await people.audit("organization_deleted")) == 1


async def test_other_owners_stay_what_they_are(people: People) -> None:
    owner, other, admin = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, other, "owner")
    await brought_in(owner, one, admin, "admin")
    await erased(people, owner)
    assert await members(admin, one) == {other.username: "owner", admin.username: "admin"}
    assert await people.audit("ownership_inherited") == []


async def test_who_is_erased_while_they_act_leaves_nothing_behind(people: People) -> None:
    for _ in range(3):
        owner, heir, guest = await people.active(), await people.active(), await people.active()
        one = await founded(owner)
        await brought_in(owner, one, heir)
        _, token = await invited(owner, one)
        acts = guest.post(ACCEPT, {"token": token}), owner.post(at(one, "transfer"), {"user_id": str(heir.id)})
        one_told, other_told, *_ = await asyncio.gather(*acts, erased(people, guest), erased(people, owner))
        assert {one_told.status_code, other_told.status_code} <= {200, 400, 401}
        assert await members(heir, one) == {heir.username: "owner"}
        async with people.work() as work:
            assert [await work.organizations.mine(gone.id) for gone in (owner, guest)] == [[], []]


@pytest.mark.settings(registration="open")
async def test_nothing_in_organizations_tells_afterwards_who_somebody_was(people: People) -> None:
    root = await people.admin()
    body = {"email": "hannah@example.org", "password": PASSWORD, "full_name": "Hannah Arendt"}
    user = held(await people.client.post("/api/v1/auth/register", json=body), 201)
    hannah = Person(UUID(user["id"]), user["username"], body["email"], PASSWORD, people.client)
    await people.signed_in(hannah)
    heir, inviter = await people.active(), await people.active()
    (called_after_her,) = [one["id"] for one in user["organizations"]]
    await brought_in(hannah, called_after_her, heir)
    named_otherwise, theirs = await founded(hannah, "Hall"), await founded(inviter, "Other")
    await brought_in(hannah, named_otherwise, heir)
    _, left_behind = await invited(hannah, called_after_her)
    await invited(inviter, theirs, email="HANNAH@example.org")
    await erased(people, hannah)

    assert await standing(heir) == {"Organization": "owner", "Hall": "owner"}
    assert code(await inviter.post(ACCEPT, {"token": left_behind})) == (400, "INVITATION_INVALID")
    assert held(await inviter.get(at(theirs, "invitations"))) == []
    shown = (await root.get(HERE, params={"all": "true"})).text
    assert "hannah" not in shown.lower()


async def test_ones_own_data_tells_of_organizations_and_of_nobody_else(people: People) -> None:
    owner, guest = await people.active(), await people.active()
    one = await founded(owner)
    await invited(owner, one, email="third@example.org")
    _, token = await invited(owner, one, email=guest.email)
    held(await guest.post(ACCEPT, {"token": token}))
    told = {}
    for person in (owner, guest):
        answer = await person.get("/api/v1/users/me/export")
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        told[person.username] = [json.loads(archive.read(f"{name}.json")) for name in ("organizations", "invitations")]
        assert "third@example.org" not in archive.read("invitations.json").decode()
    (place,), sent = told[owner.username]
    assert TIME.fullmatch(place.pop("since"))
    assert place == {"id": one, "name": "Hall", "role": "owner"}
    assert [(row["made_by_you"], row["used_by_you"], "email" in row) for row in sent] == [(True, False, False)] * 2
    (place,), (received,) = told[guest.username]
    assert (place["role"], received["email"], received["used_by_you"]) == ("member", guest.email, True)
    assert received.keys().isdisjoint({"invited_by", "used_by", "email_key"})
