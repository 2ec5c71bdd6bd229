"""`/api/v1/organizations/…/invitations`: how people come in, once, and only those who are meant."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from backend.models import Invitation, MailPurpose
from backend.services import retention
from tests.application import Application
from tests.contracts.answers import TIME, code, refusal, token_in
from tests.contracts.in_organizations import (
    ACCEPT,
    DECLINE,
    LOOK,
    at,
    brought_in,
    founded,
    held,
    invited,
    members,
    standing,
)
from tests.factories import People

INVALID = (400, "INVITATION_INVALID", "This invitation is no longer valid. Please ask for a new one.")
MAIL = pytest.mark.settings(smtp_url=SecretStr("smtp://mail.example.org"), mail_from="hall@example.org")


async def test_whoever_brings_a_link_comes_in_once(running: Application, people: People) -> None:
    owner, guest, late = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    invitation, token = await invited(owner, one, role="admin")
    offer = held(await running.client.post(LOOK, json={"token": token}))
    assert TIME.fullmatch(offer.pop("expires_at"))
    expected = {"organization_id": one, "organization": "Hall", "role": "admin"}
    assert offer == {**expected, "inviter": owner.username, "email": None}
    (shown,) = held(await owner.get(at(one, "invitations")))
    assert {**shown, "id": invitation, "role": "admin", "email": None, "invited_by": owner.username} == shown

    place = held(await guest.post(ACCEPT, {"token": token}))
    assert (place["id"], place["role"], place["member_count"]) == (one, "admin", 2)
    for answer in (
        await late.post(ACCEPT, {"token": token}),
        await late.post(ACCEPT, {"token": "unknown"}),
        await running.client.post(LOOK, json={"token": token}),
        await running.client.post(DECLINE, json={"token": token}),
    ):
        assert refusal(answer) == INVALID
    assert held(await owner.get(at(one, "invitations"))) == []
    assert await members(guest, one) == {owner.username: "owner", guest.username: "admin"}
    (event,) = await people.audit("invitation_accepted")
    assert (event.actor_id, event.details["invitation_id"]) == (guest.id, invitation)


async def test_of_many_who_use_an_invitation_at_once_one_comes_in(people: People) -> None:
    owner = await people.active()
    one, guests = await founded(owner), [await people.active() for _ in range(4)]
    invitation, token = await invited(owner, one)
    another = held(await owner.post(at(one, "invitations", invitation, "link")), 201)["link"].partition("=")[2]
    answers = await asyncio.gather(
        *(guest.post(ACCEPT, {"token": token if n % 2 else another}) for n, guest in enumerate(guests))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert len(await members(owner, one)) == 2
    _, token = await invited(owner, one)
    (twice, *_) = [guest for guest in guests if not await standing(guest)]
    answers = await asyncio.gather(*(twice.post(ACCEPT, {"token": token}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]


async def test_an_invitation_by_mail_is_for_its_address_alone(running: Application, people: People) -> None:
    owner, guest, other = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    body = held(await owner.post(at(one, "invitations"), {"email": guest.email.upper()}), 201)
    assert (body["role"], body["email"].lower()) == ("member", guest.email)
    (mail,) = await running.mails(MailPurpose.ORGANIZATION_INVITATION)
    token = token_in(mail)
    assert mail.to.lower() == guest.email
    assert held(await running.client.post(LOOK, json={"token": token}))["email"] == body["email"]
    answer = await other.post(ACCEPT, {"token": token})
    assert code(answer) == (403, "INVITATION_FOR_ANOTHER")
    assert guest.email not in answer.text.lower()
    again = await owner.post(at(one, "invitations"), {"email": guest.email, "role": "admin"})
    assert code(again) == (409, "ALREADY_INVITED")
    held(await owner.post(at(one, "invitations", body["id"], "again")))
    newer = token_in((await running.mails(MailPurpose.ORGANIZATION_INVITATION))[-1])
    assert newer != token
    assert held(await guest.post(ACCEPT, {"token": newer}))["role"] == "member"
    assert refusal(await guest.post(ACCEPT, {"token": token})) == INVALID
    member = await owner.post(at(one, "invitations"), {"email": guest.email})
    assert code(member) == (409, "ALREADY_MEMBER")


@MAIL
async def test_where_mail_works_links_reach_their_address_and_nobody_else(people: People) -> None:
    owner = await people.active()
    one = await founded(owner)
    invitation = held(await owner.post(at(one, "invitations"), {"email": "guest@example.org"}), 201)
    assert invitation["link"] is None
    answer = await owner.post(at(one, "invitations", invitation["id"], "link"))
    assert code(answer) == (400, "EMAIL_FEATURES_ENABLED")
    by_link, _ = await invited(owner, one)
    assert code(await owner.post(at(one, "invitations", by_link, "again"))) == (400, "NO_ADDRESS")
    for path in ("link", "again"):
        answer = await owner.post(at(one, "invitations", uuid4(), path))
        assert code(answer) == (404, "INVITATION_NOT_FOUND")


async def test_invitations_end_by_time_by_being_taken_back_and_by_being_turned_down(
    running: Application, people: People
) -> None:
    owner, guest = await people.active(), await people.active()
    one = await founded(owner)
    (taken, first), (_, second), (old, third) = [await invited(owner, one) for _ in range(3)]
    held(await owner.delete(at(one, "invitations", taken)))
    held(await running.client.post(f"{DECLINE}/", json={"token": second}))
    assert [row["id"] for row in held(await owner.get(at(one, "invitations")))] == [old]
    running.clock.move(days=14)
    await people.signed_in(guest)
    await people.signed_in(owner)
    for token in (first, second, third):
        assert refusal(await guest.post(ACCEPT, {"token": token})) == INVALID
    for call in (
        owner.delete(at(one, "invitations", old)),
        owner.delete(at(one, "invitations", taken)),
        owner.post(at(one, "invitations", old, "link")),
    ):
        assert code(await call) == (404, "INVITATION_NOT_FOUND")
    assert await members(owner, one) == {owner.username: "owner"}
    assert len(await people.audit("invitation_revoked", "invitation_declined")) == 2

    running.clock.move(days=29)
    assert (await retention.clean_up(running.context)).invitations == 2  # which were over before the third
    running.clock.move(days=2)
    assert (await retention.clean_up(running.context)).invitations == 1


async def test_a_mail_that_would_open_nothing_is_not_sent(running: Application, people: People) -> None:
    owner, admin = await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, admin, "admin")
    taken = held(await admin.post(at(one, "invitations"), {"email": "taken@example.org"}), 201)
    held(await admin.delete(at(one, "invitations", taken["id"])))
    assert await running.mails(MailPurpose.ORGANIZATION_INVITATION) == []
    held(await admin.post(at(one, "invitations"), {"email": "late@example.org"}), 201)
    async with people.work() as work:
        await work.closing.suspend(None, owner.id)
    assert await running.mails(MailPurpose.ORGANIZATION_INVITATION) == []


async def test_who_is_in_already_leaves_the_invitation_for_others(people: People) -> None:
    owner, guest = await people.active(), await people.active()
    one = await founded(owner)
    _, token = await invited(owner, one)
    assert code(await owner.post(ACCEPT, {"token": token})) == (409, "ALREADY_MEMBER")
    held(await guest.post(ACCEPT, {"token": token}))
    _, token = await invited(owner, one)
    async with people.work() as work:
        await work.deletion.delete(None, owner.id)
    assert held(await guest.post(LOOK, {"token": token}))["inviter"] is None  # who is not to be found any more


async def test_who_leaves_or_loses_rights_leaves_no_way_in_behind(people: People) -> None:
    owner, admin, guest = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, admin, "admin")
    held(await owner.patch(at(one, "members", admin.id), {"role": "owner"}))
    _, as_admin = await invited(admin, one, role="admin")
    _, as_member = await invited(admin, one)
    held(await owner.patch(at(one, "members", admin.id), {"role": "admin"}))
    assert refusal(await guest.post(ACCEPT, {"token": as_admin})) == INVALID
    held(await guest.post(ACCEPT, {"token": as_member}))
    _, own_way_back = await invited(admin, one)
    held(await owner.delete(at(one, "members", admin.id)))
    assert refusal(await admin.post(ACCEPT, {"token": own_way_back})) == INVALID
    assert len(await people.audit("invitation_revoked")) == 2


async def test_nobody_invites_above_themselves_or_in_a_strange_way(running: Application, people: People) -> None:
    owner, admin = await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, admin, "admin")
    for by in (owner, admin):
        assert code(await by.post(at(one, "invitations"), {"role": "owner"})) == (422, "INVALID_INVITATION")
    higher, _ = await invited(owner, one, role="admin")
    assert code(await admin.post(at(one, "invitations"), {"role": "admin"})) == (403, "ORGANIZATION_ROLE_REQUIRED")
    for call in (
        admin.delete(at(one, "invitations", higher)),
        admin.post(at(one, "invitations", higher, "link")),
    ):
        assert code(await call) == (403, "ORGANIZATION_ROLE_REQUIRED")
    bodies: list[Any] = [{"role": "root"}, {"email": "no address"}, {"email": ""}, {"email": "n" * 10_000}, {"x": 1}]
    for body in bodies:
        assert (await owner.post(at(one, "invitations"), body)).status_code == 422, body
    for token in ("", "x" * 4096, "\0", "\ud7ff", None, 5, ["x"]):
        for path in (LOOK, DECLINE, ACCEPT):
            assert (await owner.post(path, {"token": token})).status_code in {400, 422}, (path, token)
    assert code(await running.client.post(ACCEPT, json={"token": "x"})) == (401, "NOT_AUTHENTICATED")


async def test_there_are_limits_of_invitations(running: Application, people: People) -> None:
    owner, other = await people.active(), await people.active()
    one, two = await founded(owner), await founded(other)
    for name in ("Guest", "guest+a", "guest+b"):
        held(await owner.post(at(one, "invitations"), {"email": f"{name}@example.org"}), 201)
    answer = await other.post(at(two, "invitations"), {"email": "guest+c@example.org"})
    assert (code(answer), answer.json()["limit"]) == ((429, "RATE_LIMITED"), 3)
    told = {(await owner.post(at(one, "invitations"), {})).status_code for _ in range(47)}
    answer = await owner.post(at(one, "invitations"), {})
    assert (told, code(answer), answer.json()["limit"]) == ({201}, (429, "RATE_LIMITED"), 50)
    assert len(held(await owner.get(at(one, "invitations")))) == 50
    assert len(await running.mails(MailPurpose.ORGANIZATION_INVITATION)) == 3


@pytest.mark.settings(rate_limits=False)
async def test_two_hundred_invitations_are_open_at_most(people: People) -> None:
    owner = await people.active()
    one = await founded(owner)
    first, _ = await invited(owner, one)
    async with people.work() as work:
        (row,) = await work.invitation_store.open_in(UUID(one), people.context.clock.now())
        for _ in range(199):
            values = row.model_dump(exclude={"id"})
            await work.invitation_store.add(Invitation(**values))
    assert code(await owner.post(at(one, "invitations"), {})) == (409, "TOO_MANY_INVITATIONS")
    held(await owner.delete(at(one, "invitations", first)))
    held(await owner.post(at(one, "invitations"), {}), 201)
