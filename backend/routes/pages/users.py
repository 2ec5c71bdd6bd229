"""People: the list, one person, and what an administrator can do to an account."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.errors import UserNotFound
from backend.models import Status, User
from backend.routes.deps import CurrentAdmin, Look, Work
from backend.routes.pages.actions import ACTIONS, Action
from backend.routes.pages.forms import BackTo, Person, ReasonForm, read_reason
from backend.routes.pages.history import entries
from backend.routes.pages.rendering import go_saying, page

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 50


async def get_action(request: Request, action: str, target: Person) -> Action:
    """Return the action a path names; if it is refused, the person's page says why.

    Raises:
        UserNotFound: there is no such action.
    """
    if action not in ACTIONS:
        raise UserNotFound("There is no such action.")
    request.state.again = BackTo(f"/users/{target}")
    return ACTIONS[action]


Wanted = Annotated[Action, Depends(get_action)]


@router.get("/users")
async def show_users(
    request: Request,
    caller: CurrentAdmin,
    look: Look,
    cursor: str | None = None,
) -> Response:
    """Show the accounts, newest first."""
    newest, counts = await look.people.newest(cursor, _PER_PAGE), await look.people.counts()
    return page(
        request,
        "users.html",
        users=newest.rows,
        counts=counts,
        pending_count=counts.pending,
        next_cursor=newest.next_cursor,
        cursor=cursor,
        here="users",
    )


@router.get("/users/{id}")
async def show_user(request: Request, caller: CurrentAdmin, target: Person, look: Look) -> Response:
    """Show one account: what is known, what happened, what can be done."""
    user = await look.people.one(target)
    possible = [] if user.id == caller.id else [action for action in ACTIONS.values() if action.applies(user)]
    return page(
        request,
        "user.html",
        user=await _shown(look, user),
        actions=possible,
        oneself=user.id == caller.id,
        history=entries(await look.people.history(user.id)),
        pending_count=await look.people.waiting_count(),
        here="users",
    )


@router.get("/users/{id}/{action}")
async def show_confirmation(
    request: Request,
    caller: CurrentAdmin,
    target: Person,
    wanted: Wanted,
    look: Look,
) -> Response:
    """Say what will happen and to whom, before it happens."""
    user = await look.people.one(target)
    waiting = await look.people.waiting_count()
    return page(request, "confirm.html", user=user, action=_asked(wanted, user), pending_count=waiting, here="users")


@router.post("/users/{id}/{action}")
async def act(
    request: Request,
    caller: CurrentAdmin,
    target: Person,
    wanted: Wanted,
    body: Annotated[ReasonForm, Depends(read_reason)],
    work: Work,
) -> Response:
    """Do it."""
    done = await wanted.act(work, caller.id, target, body.reason)
    if done.temporary_password:
        return page(
            request,
            "temporary_password.html",
            user=done.user,
            password=done.temporary_password,
            pending_count=await work.people.waiting_count(),
            here="users",
        )
    gone = done.user.status is Status.DELETED
    return go_saying(request, "/users" if gone else f"/users/{target}", wanted.done.format(name=done.user.username))


def _asked(action: Action, user: User) -> Mapping[str, object]:
    return {**asdict(action), "title": action.question.format(name=user.username)}


async def _shown(look: Look, user: User) -> Mapping[str, object]:
    return {
        **user.model_dump(exclude={"hashed_password"}),
        "approved_by_name": await look.people.username(user.approved_by),
    }
