"""`/api/v1/organizations`: making them, being in them, handing them on and leaving them."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.models import MailPurpose
from tests.application import Application
from tests.contracts.answers import TIME, code
from tests.contracts.dialect_b import NO_IDS
from tests.contracts.in_organizations import HERE, at, brought_in, founded, held, invited, members, standing
from tests.factories import People, Person

NOT_FOUND = (404, "ORGANIZATION_NOT_FOUND")
NOT_ALLOWED = (403, "ORGANIZATION_ROLE_REQUIRED")
LAST_OWNER = (409, "LAST_OWNER")


async def test_somebody_makes_an_organization_and_owns_it(people: People) -> None:
    owner = await people.active()
    assert held(await owner.get(HERE)) == []
    made = held(await owner.post(f"{HERE}/", {"name": "  Hall & Söhne "}), 201)
    expected = {"name": "Hall & Söhne", "role": "owner", "is_active": True, "member_count": 1}
    assert {**made, **expected} == made
    assert made["since"] == made["created_at"]
    assert TIME.fullmatch(made["since"])
    assert held(await owner.get(HERE)) == [made]
    assert held(await owner.get(at(made["id"]))) == held(await owner.get(f"{at(made['id'])}/")) == made
    (member,) = held(await owner.get(at(made["id"], "members")))
    assert {**member, "user_id": str(owner.id), "username": owner.username, "role": "owner"} == member
    assert "email" not in member
    assert held(await owner.patch(at(made["id"].replace("-", "")), {"name": "Hall"}))["name"] == "Hall"
    (event,) = await people.audit("organization_renamed")
    assert (event.actor_id, event.details) == (owner.id, {"organization_id": made["id"]})


async def test_names_and_bodies_that_nobody_takes(people: People) -> None:
    owner = await people.active()
    one = await founded(owner)
    wrong: list[Any] = ["", " \t", "\u200b", "n" * 201, "n" * 10_000, "a\nb", "a\x1bb", "a\0b", "\u202eab", None, 7, []]
    bodies: list[Any] = [*({"name": name} for name in wrong), {}, {"name": "x", "id": one}, [], "name", None]
    for body in bodies:
        answers = [await owner.post(HERE, body), await owner.patch(at(one), body)]
        assert [answer.status_code for answer in answers] == [422, 422], body
    assert await standing(owner) == {"Hall": "owner"}
    for name in NO_IDS:
        answers = [await owner.get(at(name)), await owner.patch(at(one, "members", name), {"role": "admin"})]
        assert {answer.status_code for answer in answers} <= {404, 422}, name
    for role in ("root", "", None, 1, ["owner"], "OWNER"):
        assert code(await owner.patch(at(one, "members", owner.id), {"role": role})) == (422, "VALIDATION_ERROR")
    assert code(await owner.post(at(one, "transfer"), {"user_id": f"urn:uuid:{owner.id}"})) == (422, "VALIDATION_ERROR")
    assert code(await owner.get(HERE, params={"every": "x"})) == (422, "VALIDATION_ERROR")
    assert code(await owner.get(at(one, "members"), params={"cursor": "x"})) == (400, "INVALID_CURSOR")


async def test_strangers_learn_nothing_of_organizations(people: People) -> None:
    owner, stranger = await people.active(), await people.active()
    one = await founded(owner)
    invitation, _ = await invited(owner, one)
    for there in (one, str(uuid4())):
        asked: list[tuple[str, str, Any]] = [
            *(("GET", rest, None) for rest in ("", "members", "invitations")),
            *(("PATCH", "", {"name": "Mine"}), ("DELETE", "", None), ("POST", "leave", None)),
            *(("PATCH", f"members/{owner.id}", {"role": "member"}), ("DELETE", f"members/{owner.id}", None)),
            *(("DELETE", f"members/{stranger.id}", None), ("POST", "transfer", {"user_id": str(stranger.id)})),
            *(("POST", "invitations", {"role": "member"}), ("DELETE", f"invitations/{invitation}", None)),
            *(("POST", f"invitations/{invitation}/{word}", None) for word in ("link", "again")),
        ]
        for method, rest, body in asked:
            path = at(there, rest) if rest else at(there)
            answer = await stranger.client.request(method, path, json=body, headers=stranger.bearer)
            assert code(answer) == NOT_FOUND, (method, path)
    assert await members(owner, one) == {owner.username: "owner"}
    assert code(await stranger.get(HERE, params={"all": "true"})) == (403, "ADMIN_REQUIRED")


async def test_members_change_hands_and_nobody_promotes_themselves(running: Application, people: People) -> None:
    owner, admin, member = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, admin, "admin")
    await brought_in(admin, one, member)
    for climber in (admin, member):
        for role in ("owner", "admin"):
            assert code(await climber.patch(at(one, "members", climber.id), {"role": role})) == NOT_ALLOWED
    assert code(await admin.patch(at(one, "members", member.id), {"role": "admin"})) == NOT_ALLOWED
    assert code(await member.delete(at(one, "members", admin.id))) == NOT_ALLOWED
    assert code(await admin.delete(at(one, "members", owner.id))) == NOT_ALLOWED

    there = at(one, "members", member.id)
    assert held(await owner.patch(there, {"role": "admin"}))["role"] == "admin"
    assert held(await owner.patch(there, {"role": "admin"}))["role"] == "admin"
    assert code(await admin.delete(there)) == NOT_ALLOWED
    changed = [(event.target_id, event.details["became"]) for event in await people.audit("member_role_changed")]
    assert changed == [(member.id, "admin")]
    assert held(await owner.patch(there, {"role": "owner"}))["role"] == "owner"
    assert held(await owner.patch(at(one, "members", owner.id), {"role": "member"}))["role"] == "member"
    assert await members(member, one) == {owner.username: "member", admin.username: "admin", member.username: "owner"}
    assert code(await owner.patch(at(one, "members", owner.id), {"role": "owner"})) == NOT_ALLOWED
    held(await member.delete(at(one, "members", owner.id)))
    assert code(await owner.get(at(one))) == NOT_FOUND
    assert [mail.to for mail in await running.mails(MailPurpose.OWNERSHIP_RECEIVED)] == [member.email]
    assert [mail.to for mail in await running.mails(MailPurpose.MEMBERSHIP_ENDED)] == [owner.email]
    assert code(await member.delete(at(one, "members", owner.id))) == (404, "MEMBER_NOT_FOUND")


async def test_an_organization_is_handed_over_and_left(running: Application, people: People) -> None:
    owner, heir, away, other = [await people.active() for _ in range(4)]
    one = await founded(owner)
    for person, role in ((heir, "member"), (away, "member"), (other, "owner")):
        await brought_in(owner, one, person, role)
    async with people.work() as work:
        for person in (away, other):  # an owner too, who could not look after it
            await work.closing.suspend(None, person.id)
    for leaving in (
        await owner.post(at(one, "leave")),
        await owner.delete(at(one, "members", owner.id)),
        await owner.patch(at(one, "members", owner.id), {"role": "admin"}),
    ):
        assert code(leaving) == LAST_OWNER
    for whom, expected in (
        (away.id, (400, "NOT_ACTIVE")),
        (owner.id, (403, "OWN_ROLE")),
        (uuid4(), (404, "MEMBER_NOT_FOUND")),
    ):
        assert code(await owner.post(at(one, "transfer"), {"user_id": str(whom)})) == expected
    assert code(await owner.patch(at(one, "members", away.id), {"role": "owner"})) == (400, "NOT_ACTIVE")
    assert held(await owner.post(at(one, "transfer"), {"user_id": str(heir.id)}))["role"] == "admin"
    held(await owner.post(at(one, "leave")))
    assert await members(heir, one) == {heir.username: "owner", away.username: "member", other.username: "owner"}
    assert heir.email in {mail.to for mail in await running.mails(MailPurpose.OWNERSHIP_RECEIVED)}
    assert await running.mails(MailPurpose.MEMBERSHIP_ENDED) == []
    assert code(await owner.post(at(one, "leave"))) == NOT_FOUND
    (event,) = await people.audit("ownership_transferred")
    assert (event.actor_id, event.target_id) == (owner.id, heir.id)


async def _leave(owner: Person, _: Person, one: str) -> httpx.Response:
    return await owner.post(at(one, "leave"))


async def _step_down(owner: Person, _: Person, one: str) -> httpx.Response:
    return await owner.patch(at(one, "members", owner.id), {"role": "member"})


async def _remove_other(owner: Person, other: Person, one: str) -> httpx.Response:
    return await owner.delete(at(one, "members", other.id))


async def test_of_owners_who_leave_at_once_one_stays(people: People) -> None:
    owners = [await people.active() for _ in range(2)]
    for act, refused in (
        (_leave, LAST_OWNER),
        (_step_down, LAST_OWNER),
        (_remove_other, NOT_FOUND),
        (_leave, LAST_OWNER),
    ):
        one = await founded(owners[0])
        await brought_in(owners[0], one, owners[1], "owner")
        answers = await asyncio.gather(act(owners[0], owners[1], one), act(owners[1], owners[0], one))
        late, *_ = [answer for answer in answers if answer.is_error]
        assert ([answer.status_code for answer in answers].count(200), code(late)) == (1, refused)
        left = [owner for owner in owners if (await standing(owner)).get("Hall") == "owner"]
        assert len(left) == 1
        held(await left[0].delete(at(one)))


async def test_a_deleted_organization_is_gone_for_everybody_and_they_are_told(
    running: Application, people: People
) -> None:
    owner, admin, member = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, admin, "admin")
    await brought_in(owner, one, member)
    _, token = await invited(owner, one)
    for person in (admin, member):
        assert code(await person.delete(at(one))) == NOT_ALLOWED
    held(await owner.delete(at(one)))
    for person in (owner, admin, member):
        assert (code(await person.get(at(one))), await standing(person)) == (NOT_FOUND, {})
    told = {mail.to: mail.subject + mail.body for mail in await running.mails(MailPurpose.ORGANIZATION_DELETED)}
    assert told.keys() == {admin.email, member.email}
    answer = await member.post(f"{HERE}/invitations/accept", {"token": token})
    assert code(answer) == (400, "INVITATION_INVALID")
    (event,) = await people.audit("organization_deleted")
    assert (event.actor_id, event.details) == (owner.id, {"organization_id": one, "members": 2})


async def test_without_an_active_owner_nobody_comes_in_until_somebody_helps(people: People) -> None:
    root, owner, admin, member = [await people.admin(), *[await people.active() for _ in range(3)]]
    one = await founded(owner)
    await brought_in(owner, one, admin, "admin")
    await brought_in(owner, one, member)
    invitation, token = await invited(admin, one)
    async with people.work() as work:
        await work.closing.suspend(None, owner.id)
    shown = held(await admin.get(at(one)))
    assert (shown["is_active"], shown["member_count"], shown["role"]) == (False, 3, "admin")
    for path, body in (("invitations", {"role": "member"}), (f"invitations/{invitation}/link", None)):
        assert code(await admin.post(at(one, path), body)) == (409, "ORGANIZATION_INERT")
    newcomer = await people.active()
    assert code(await newcomer.post(f"{HERE}/invitations/accept", {"token": token})) == (409, "ORGANIZATION_INERT")
    held(await member.post(at(one, "leave")))

    (row,) = held(await root.get(HERE, params={"all": "true"}))
    assert (row["id"], row["owners"], row["role"], row["is_active"]) == (one, [owner.username], None, False)
    assert held(await root.get(at(one)))["since"] is None
    assert code(await root.post(at(one, "invitations"), {"role": "member"})) == NOT_ALLOWED
    assert code(await root.delete(at(one, "members", owner.id))) == LAST_OWNER
    assert held(await root.post(at(one, "transfer"), {"user_id": str(admin.id)}))["is_active"] is True
    assert await members(admin, one) == {owner.username: "owner", admin.username: "owner"}
    held(await newcomer.post(f"{HERE}/invitations/accept", {"token": token}))
    held(await root.delete(at(one, "members", owner.id)))
    held(await root.patch(at(one), {"name": "Helped"}))
    held(await root.delete(at(one)))
    assert await standing(admin) == {}


async def test_an_administrator_who_is_a_member_does_not_promote_themselves(people: People) -> None:
    root, owner = await people.admin(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, root)
    assert code(await root.patch(at(one, "members", root.id), {"role": "owner"})) == (403, "OWN_ROLE")
    assert code(await root.post(at(one, "transfer"), {"user_id": str(root.id)})) == (403, "OWN_ROLE")
    assert held(await root.get(at(one)))["role"] == "member"


@pytest.mark.settings(rate_limits=False)
async def test_lists_are_read_by_cursor_and_leave_out_deleted_accounts(people: People) -> None:
    root, owner, gone = await people.admin(), await people.active(), await people.active()
    ids = [await founded(owner, name) for name in ("b", "A", "c")]
    assert [one["name"] for one in held(await owner.get(HERE))] == ["A", "b", "c"]
    crowd = [await people.active() for _ in range(3)]
    for person in (*crowd, gone):
        await brought_in(owner, ids[0], person)
    async with people.work() as work:
        await work.deletion.delete(None, gone.id)
    assert held(await owner.get(at(ids[0])))["member_count"] == 4
    assert code(await owner.delete(at(ids[0], "members", gone.id))) == (404, "MEMBER_NOT_FOUND")
    assert await _walked(owner, at(ids[0], "members"), "username") == [one.username for one in (owner, *crowd)]
    assert await _walked(root, f"{HERE}?all=true", "id") == ids[::-1]


@pytest.mark.settings(rate_limits=False)
async def test_one_is_in_forty_organizations_at_most(people: People) -> None:
    person, owner = await people.active(), await people.active()
    _, token = await invited(owner, await founded(owner))
    async with people.work() as work:
        user = await work.people.one(person.id)
        for number in range(40):
            await work.organizations.founding.found(user, f"number {number}")
    assert code(await person.post(HERE, {"name": "one more"})) == (409, "TOO_MANY_ORGANIZATIONS")
    answer = await person.post(f"{HERE}/invitations/accept", {"token": token})
    assert code(answer) == (409, "TOO_MANY_ORGANIZATIONS")
    held(await person.delete(at(held(await person.get(HERE))[0]["id"])))
    held(await person.post(f"{HERE}/invitations/accept", {"token": token}))


async def _walked(person: Person, path: str, name: str) -> list[str]:
    found, cursor = [], ""
    mark = "&" if "?" in path else "?"
    while True:
        answer = await person.get(f"{path}{mark}items_per_page=2{cursor}")
        page = held(answer)
        found += [row[name] for row in page]
        if answer.json()["next_cursor"] is None:
            return found
        assert len(page) == 2
        cursor = f"&cursor={answer.json()['next_cursor']}"
