"""Who may do what in an organization: every act for everybody, on whom, and at the moment of the act."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NoReturn
from uuid import UUID

import pytest

from backend.errors import AdminRequired, MemberNotFound, OrganizationNotFound, RoleRequired, SessionRevoked
from backend.models import MembershipRole
from backend.services import Origin, Services, unit_of_work
from backend.services.identity import Identity, Kind, identify
from backend.services.organization_rights import OVER, WHO_MAY, Act
from tests.application import Application
from tests.factories import People, Person

OWNER, ADMIN, MEMBER = MembershipRole.OWNER, MembershipRole.ADMIN, MembershipRole.MEMBER
WHO: Final = ("owner", "admin", "member", "root", "stranger")
Do = Callable[[Services, Identity, UUID, Mapping[str, UUID]], Awaitable[object]]


def _remove(kind: str) -> Do:
    return lambda work, by, one, ids: work.members.remove(by, one, ids[kind])


def _change(kind: str, role: MembershipRole) -> Do:
    return lambda work, by, one, ids: work.members.change_role(by, one, ids[kind], role)


GRID: Final[Mapping[str, tuple[str, Act | None, Do]]] = {
    "list": ("root", Act.LIST, lambda work, by, _, __: work.organizations.all(by, None, 10)),
    "see": ("owner admin member root", Act.SEE, lambda work, by, one, _: work.organizations.one(by, one)),
    "see members": (
        "owner admin member root",
        Act.SEE,
        lambda work, by, one, _: work.members.page(by, one, None, 10),
    ),
    "leave": ("owner admin member", None, lambda work, by, one, _: work.members.leave(by, one)),
    "rename": ("owner admin root", Act.RENAME, lambda work, by, one, _: work.organizations.rename(by, one, "New")),
    "see invitations": (
        "owner admin root",
        Act.SEE_INVITATIONS,
        lambda work, by, one, _: work.invitations.open(by, one),
    ),
    "invite a member": ("owner admin", Act.INVITE, lambda work, by, one, _: work.invitations.invite(by, one, MEMBER)),
    "invite an admin": ("owner", Act.INVITE, lambda work, by, one, _: work.invitations.invite(by, one, ADMIN)),
    "make a member's link": (
        "owner admin",
        Act.INVITE,
        lambda work, by, one, ids: work.invitations.link(by, one, ids["member's"]),
    ),
    "make an admin's link": (
        "owner",
        Act.INVITE,
        lambda work, by, one, ids: work.invitations.link(by, one, ids["admin's"]),
    ),
    "revoke a member's": (
        "owner admin root",
        Act.REMOVE,
        lambda work, by, one, ids: work.invitations.revoke(by, one, ids["member's"]),
    ),
    "revoke an admin's": (
        "owner root",
        Act.REMOVE,
        lambda work, by, one, ids: work.invitations.revoke(by, one, ids["admin's"]),
    ),
    "remove another member": ("owner admin root", Act.REMOVE, _remove("member")),
    "remove another admin": ("owner root", Act.REMOVE, _remove("admin")),
    "remove another owner": ("owner root", Act.REMOVE, _remove("owner")),
    **{
        f"let another {kind} be {role}": ("owner root", Act.CHANGE_ROLE, _change(kind, role))
        for kind in ("member", "admin", "owner")
        for role in MembershipRole
    },
    "transfer": (
        "owner root",
        Act.TRANSFER,
        lambda work, by, one, ids: work.members.transfer(by, one, ids["member"]),
    ),
    "delete": ("owner root", Act.DELETE, lambda work, by, one, _: work.organizations.delete(by, one)),
}
"""What is done, who may, by which act of the table, and how."""


class _UndoneError(Exception):
    """Ends a transaction without a trace."""


def _undo() -> NoReturn:
    raise _UndoneError


async def _known(people: People, person: Person) -> Identity:
    return await identify(people.context, Kind.ACCESS_TOKEN, str(person.token), Origin())


async def _refusal(running: Application, do: Do, by: Identity, one: UUID, ids: Mapping[str, UUID]) -> type | None:
    """By what somebody is refused; None if they are not. Nothing stays as the act would leave it."""
    try:
        async with unit_of_work(running.context) as work:
            await do(work, by, one, ids)
            _undo()
    except _UndoneError:
        return None
    except (AdminRequired, MemberNotFound, OrganizationNotFound, RoleRequired, SessionRevoked) as refused:
        return type(refused)


async def _cast(people: People) -> tuple[UUID, dict[str, Identity], dict[str, UUID]]:
    """An organization with two of every kind, one who acts and another one, and an invitation as either."""
    persons = {who: await (people.admin() if who == "root" else people.active()) for who in WHO}
    others = {role.value: await people.active() for role in MembershipRole}
    identities = {who: await _known(people, person) for who, person in persons.items()}
    joining = [persons["admin"], persons["member"], *others.values()]
    arriving = {person.id: await _known(people, person) for person in joining}
    async with people.work() as work:
        owner = identities["owner"]
        one = (await work.organizations.create(owner, "Hall")).organization.id
        for person, role in zip(joining, (ADMIN, MEMBER, *MembershipRole), strict=True):
            invited = await work.invitations.invite(owner, one, MEMBER)
            await work.offers.accept(arriving[person.id], str(invited.link).partition("=")[2])
            await work.members.change_role(owner, one, person.id, role)
        ids = {kind: person.id for kind, person in others.items()}
        for role in (MEMBER, ADMIN):
            ids[f"{role}'s"] = (await work.invitations.invite(owner, one, role)).invitation.id
    return one, identities, ids


def test_every_act_and_role_is_in_the_tables() -> None:
    assert WHO_MAY.keys() == set(Act) == {act for _, act, _ in GRID.values() if act}
    assert {OWNER: {OWNER, ADMIN, MEMBER}, ADMIN: {MEMBER}, MEMBER: set()} == OVER


@pytest.mark.settings(rate_limits=False)
async def test_everybody_may_do_what_the_grid_says_and_nothing_else(running: Application, people: People) -> None:
    one, cast, ids = await _cast(people)
    wrong = []
    for what, (allowed, _, do) in GRID.items():
        for who, by in cast.items():
            refused = await _refusal(running, do, by, one, ids)
            expected: type | None = OrganizationNotFound if who == "stranger" else RoleRequired
            if what == "list":
                expected = AdminRequired
            if what == "leave" and who == "root":
                expected = MemberNotFound
            if refused is not (None if who in allowed.split() else expected):
                wrong.append((what, who, refused))
    assert wrong == []


@pytest.mark.settings(rate_limits=False)
async def test_rights_are_asked_again_at_the_moment_of_the_act(running: Application, people: People) -> None:
    one, cast, ids = await _cast(people)
    async with people.work() as work:
        await work.roles.demote(None, cast["root"].id)
        await work.members.change_role(cast["owner"], one, cast["admin"].id, MEMBER)
        await work.closing.suspend(None, ids["owner"])
        await work.closing.suspend(None, cast["member"].id)
    writing = [do for _, act, do in GRID.values() if act not in {Act.LIST, Act.SEE, Act.SEE_INVITATIONS, None}]
    for do in writing:
        assert await _refusal(running, do, cast["root"], one, ids) is OrganizationNotFound
        assert await _refusal(running, do, cast["admin"], one, ids) is RoleRequired
        assert await _refusal(running, do, cast["member"], one, ids) is SessionRevoked
