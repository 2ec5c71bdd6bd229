"""An organization renamed, left and deleted: each announced before it happens, where it can hurt."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentUser, InContext, Look, Work
from backend.routes.pages.forms import BackTo, read_form
from backend.routes.pages.organizations import HERE, NameForm, Organization, address_of, at_the_desk, insist
from backend.routes.pages.questions import Question, ask, read_answer
from backend.routes.pages.rendering import go_saying, page
from backend.services import Services, reading
from backend.services.identity import Identity
from backend.services.organization_rights import Act

router = APIRouter(include_in_schema=False)


async def read_name(request: Request, caller: CurrentUser, organization: Organization, context: InContext) -> NameForm:
    """Read the form for another name; a refused one comes back."""
    async with reading(context) as look:
        about = await _about(look, caller, organization)
    return await read_form(request, NameForm, "organization_rename.html", about)


async def stay_here(request: Request, organization: Organization) -> None:
    """Come back to the organization's page with a notice when something is refused."""
    request.state.again = BackTo(address_of(organization))


async def read_end(request: Request, caller: CurrentUser, organization: Organization, context: InContext) -> None:
    """Read the page that deletes an organization, with its name.

    Raises:
        OrganizationNotFound, RoleRequired: it is not the caller's to delete.
        RequestValidationError: another name was typed.
    """
    async with reading(context) as look:
        question, about = await _end_of(look, caller, organization), await at_the_desk(look)
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
    return go_saying(request, address_of(organization), f"It is called {place.organization.name} now.")


@router.get("/organizations/{id}/leave")
async def show_leaving(request: Request, caller: CurrentUser, organization: Organization, look: Look) -> Response:
    """Say what leaving means, before one does."""
    place = await look.organizations.one(caller, organization)
    needed = await look.organizations.is_only_owner(caller, organization)
    question = Question(
        title=f"Leave {place.organization.name}?",
        consequences=(
            "You are a member no more, and see nothing of it from your next click on.",
            "Open invitations that you made are taken back.",
            "Your account and your files stay as they are.",
            "The others are not told. To come back, you have to be invited again.",
        ),
        label="Leave",
        path=f"{address_of(organization)}/leave",
        back=address_of(organization),
        back_to=place.organization.name,
        danger=True,
        instead=_NEEDED if needed else None,
    )
    return ask(request, question, await at_the_desk(look))


@router.post("/organizations/{id}/leave", dependencies=[Depends(stay_here)])
async def leave(request: Request, caller: CurrentUser, organization: Organization, work: Work) -> Response:
    """Leave an organization."""
    name = (await work.organizations.one(caller, organization)).organization.name
    await work.organizations.leave(caller, organization)
    return go_saying(request, HERE, f"You have left {name}.")


@router.get("/organizations/{id}/delete")
async def show_end(request: Request, caller: CurrentUser, organization: Organization, look: Look) -> Response:
    """Say what becomes of whom when an organization is deleted."""
    return ask(request, await _end_of(look, caller, organization), await at_the_desk(look))


@router.post("/organizations/{id}/delete", dependencies=[Depends(read_end)])
async def delete(request: Request, caller: CurrentUser, organization: Organization, work: Work) -> Response:
    """Delete an organization."""
    name = (await work.organizations.one(caller, organization)).organization.name
    await work.organizations.delete(caller, organization)
    return go_saying(request, HERE, f"{name} was deleted.")


_NEEDED: Final = (
    "You are its only owner with an open account, and an organization needs one. Hand it over on the page of another "
    "member, or delete it."
)


_TOLD: Final = "are told by mail, if this installation sends any."
_LOST: Final = {0: "Nobody else is in it.", 1: f"One other person loses it. They {_TOLD}"}


async def _end_of(look: Services, caller: Identity, organization: UUID) -> Question:
    place = await look.organizations.one(caller, organization)
    insist(place, caller, Act.DELETE)
    others = place.member_count - (place.role is not None)
    invited = len(await look.invitations.open(caller, organization))
    ends = [
        _LOST.get(others, f"{others:,} other people lose it. They {_TOLD}"),
        *([f"Its open invitations ({invited:,}) open nothing any more."] if invited else []),
        "Applications do not see it any more.",
        "The accounts of its members, and their files, stay as they are.",
        "There is no way back.",
    ]
    return Question(
        title=f"Delete {place.organization.name}?",
        consequences=ends,
        label="Delete",
        path=f"{address_of(organization)}/delete",
        back=address_of(organization),
        back_to=place.organization.name,
        danger=True,
        typed=place.organization.name,
    )


async def _about(look: Services, caller: Identity, organization: UUID) -> dict[str, Any]:
    place = await look.organizations.one(caller, organization)
    insist(place, caller, Act.RENAME)
    return {"place": place, **await at_the_desk(look)}
