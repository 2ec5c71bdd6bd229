"""An organization renamed, left and deleted: each announced before it happens, where it can hurt."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentUser, InContext, Look, Work
from backend.routes.pages.forms import read_form
from backend.routes.pages.organizations import HERE, NameForm, Organization, Stay, address_of, insist
from backend.routes.pages.questions import Question, ask, read_answer
from backend.routes.pages.rendering import at_the_desk, go_saying, page
from backend.services import Services, reading
from backend.services.identity import Identity
from backend.services.organization_rights import Act

router = APIRouter(include_in_schema=False)


async def read_name(request: Request, caller: CurrentUser, organization: Organization, context: InContext) -> NameForm:
    """Read the form for another name; a refused one comes back."""
    async with reading(context) as look:
        about = await _about(look, caller, organization)
    return await read_form(request, NameForm, "organization_rename.html", about)


async def read_end(request: Request, caller: CurrentUser, organization: Organization, context: InContext) -> None:
    """Read the page that deletes an organization, with its name.

    Raises:
        OrganizationNotFound, RoleRequired: it is not the caller's to delete.
        RequestValidationError: another name was typed.
    """
    async with reading(context) as look:
        question, about = await _end_of(look, caller, organization), await at_the_desk(look, "organizations")
    await read_answer(request, question, about)


@router.get("/organizations/{id}/rename")
async def show_rename(request: Request, caller: CurrentUser, organization: Organization, look: Look) -> Response:
    """Show the form for another name."""
    return page(request, "organization_rename.html", **await _about(look, caller, organization))


@router.post("/organizations/{id}/rename")
async def rename(
    request: Request,
    caller: CurrentUser,
    organization: Organization,
    body: Annotated[NameForm, Depends(read_name)],
    work: Work,
) -> Response:
    """Give an organization another name."""
    place = await work.organizations.rename(caller, organization, body.name)
    return go_saying(request, address_of(organization), f"The organization was renamed to {place.organization.name}.")


@router.get("/organizations/{id}/leave")
async def show_leaving(request: Request, caller: CurrentUser, organization: Organization, look: Look) -> Response:
    """Say what leaving means, before one does."""
    place = await look.organizations.one(caller, organization)
    needed = await look.members.is_only_owner(caller, organization)
    question = Question(
        title=f"Leave {place.organization.name}?",
        consequences=(
            "You lose access to the organization immediately.",
            "Open invitations that you sent are revoked.",
            "Your account and your files do not change.",
            "The other members are not notified. To come back, you have to be invited again.",
        ),
        label="Leave organization",
        path=f"{address_of(organization)}/leave",
        back=address_of(organization),
        back_to=place.organization.name,
        danger=True,
        instead=_NEEDED if needed else None,
    )
    return ask(request, question, await at_the_desk(look, "organizations"))


@router.post("/organizations/{id}/leave", dependencies=[Stay])
async def leave(request: Request, caller: CurrentUser, organization: Organization, work: Work) -> Response:
    """Leave an organization."""
    name = (await work.organizations.one(caller, organization)).organization.name
    await work.members.leave(caller, organization)
    return go_saying(request, HERE, f"You have left {name}.")


@router.get("/organizations/{id}/delete")
async def show_end(request: Request, caller: CurrentUser, organization: Organization, look: Look) -> Response:
    """Say what becomes of whom when an organization is deleted."""
    return ask(request, await _end_of(look, caller, organization), await at_the_desk(look, "organizations"))


@router.post("/organizations/{id}/delete", dependencies=[Depends(read_end)])
async def delete(request: Request, caller: CurrentUser, organization: Organization, work: Work) -> Response:
    """Delete an organization."""
    name = (await work.organizations.one(caller, organization)).organization.name
    await work.organizations.delete(caller, organization)
    return go_saying(request, HERE, f"{name} was deleted.")


_NEEDED: Final = (
    "You are its only owner with an active account, and an organization needs one. Transfer ownership on the page of "
    "another member, or delete the organization."
)


_TOLD: Final = "are notified by mail, if this server sends mail."
_LOST: Final = {0: "It has no other members.", 1: f"One other member loses access. They {_TOLD}"}


async def _end_of(look: Services, caller: Identity, organization: UUID) -> Question:
    place = await look.organizations.one(caller, organization)
    insist(place, caller, Act.DELETE)
    others = place.member_count - (place.role is not None)
    invited = len(await look.invitations.open(caller, organization))
    ends = [
        _LOST.get(others, f"{others:,} other members lose access. They {_TOLD}"),
        *([f"Its open invitations ({invited:,}) stop working."] if invited else []),
        "Applications no longer see it.",
        "The accounts of its members and their files do not change.",
        "This cannot be undone.",
    ]
    return Question(
        title=f"Delete {place.organization.name}?",
        consequences=ends,
        label="Delete organization",
        path=f"{address_of(organization)}/delete",
        back=address_of(organization),
        back_to=place.organization.name,
        danger=True,
        typed=place.organization.name,
    )


async def _about(look: Services, caller: Identity, organization: UUID) -> dict[str, Any]:
    place = await look.organizations.one(caller, organization)
    insist(place, caller, Act.RENAME)
    return {"place": place, **await at_the_desk(look, "organizations")}
