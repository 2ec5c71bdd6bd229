"""One thing done to many people: chosen in a list, announced on a page, and done once."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from backend.models import Role
from backend.routes.deps import CurrentAdmin, FromOrigin, InContext, Look
from backend.routes.pages.failures import in_words
from backend.routes.pages.forms import BackTo, check, refuse, typed
from backend.routes.pages.rendering import go_saying, own_path, page
from backend.schemas.types import Reason, Text
from backend.services import bulk
from backend.services.bulk import Operation

router = APIRouter(include_in_schema=False)

_LISTS: Final = ("/users", "/approvals")
_MOST: Final = 100
"""Accounts in one go; a page of a list has half as many."""
_LEFT_ALONE: Final = "Whoever this does not fit is left alone, and you are told whom and why."
_READ_BY_THEM: Final = "They will read this, and it is kept in the history of each account."
_SIGNED_OUT: Final = "All their sessions and tokens end at once."


@dataclass(frozen=True)
class Many:
    """One thing that can be done to many, as the list and the confirmation page tell it."""

    key: str
    label: str
    operation: Operation
    one: str
    """What is true of one person then."""
    more: str
    consequences: tuple[str, ...]
    role: Role | None = None
    danger: bool = False
    reason_hint: str = "It is kept in the history of each account."


_APPROVE: Final = Many(
    "approve",
    "Let in",
    Operation.APPROVE,
    "has been let in",
    "have been let in",
    (
        "They can sign in with the password they have, if they have one.",
        "They are told by mail, if this installation sends any.",
    ),
    reason_hint=_READ_BY_THEM,
)
_REJECT: Final = Many(
    "reject",
    "Turn down",
    Operation.REJECT,
    "has been turned down",
    "have been turned down",
    ("They cannot sign in.", "Where they wait, they see the reason you give.", "You can let them in later."),
    danger=True,
    reason_hint=_READ_BY_THEM,
)
OF_APPLICANTS: Final = (_APPROVE, _REJECT)
"""What can be done to many who wait."""
OF_PEOPLE: Final = (
    Many(
        "deactivate",
        "Suspend",
        Operation.DEACTIVATE,
        "is suspended",
        "are suspended",
        (
            _SIGNED_OUT,
            "They cannot sign in until somebody opens their accounts again.",
            "Where they try to, they see the reason you give.",
            "Their files stay as they are.",
        ),
        danger=True,
        reason_hint=_READ_BY_THEM,
    ),
    Many(
        "activate",
        "Open again",
        Operation.ACTIVATE,
        "can use their account again",
        "can use their accounts again",
        (
            "Accounts that were suspended or closed, or whose access had ended, can be used again.",
            "They can sign in with the passwords they had.",
        ),
    ),
    _APPROVE,
    _REJECT,
    Many(
        "admin",
        "Make administrators",
        Operation.UPDATE_ROLE,
        "is an administrator now",
        "are administrators now",
        (
            "They can decide about applicants, change and delete every account, and make others administrators.",
            "Their access has no end any more.",
        ),
        Role.ADMIN,
    ),
    Many(
        "approver",
        "Make approvers",
        Operation.UPDATE_ROLE,
        "is an approver now",
        "are approvers now",
        ("They can decide about applicants, and change nothing else.",),
        Role.APPROVER,
    ),
    Many(
        "user",
        "Make plain members",
        Operation.UPDATE_ROLE,
        "is a plain member now",
        "are plain members now",
        ("They keep their accounts and their files, and can decide and administer no more.",),
        Role.USER,
    ),
    Many(
        "delete",
        "Delete",
        Operation.DELETE,
        "was deleted",
        "were deleted",
        (
            _SIGNED_OUT,
            "They disappear from every list but that of the deleted. Their usernames and email addresses stay theirs.",
            "Each can be restored from its page for a while.",
        ),
        danger=True,
    ),
)
_BY_KEY: Final[Mapping[str, Many]] = {many.key: many for many in OF_PEOPLE}


class ManyForm(BaseModel):
    """What the confirmation page sends beside whom it is about."""

    reason: Reason = None
    key: Annotated[Text, StringConstraints(min_length=1, max_length=100)]


@dataclass(frozen=True)
class Chosen:
    """What is to be done, to whom, and the list one comes from."""

    many: Many
    ids: Sequence[str]
    back: str


async def read_chosen(request: Request, caller: CurrentAdmin) -> Chosen:
    """Read what was chosen in a list, from the address of the confirmation page or from its form.

    Raises:
        RequestValidationError: nobody was chosen, or nothing to do to them.
    """
    sent = request.query_params if request.method == "GET" else await request.form()
    back = own_path(str(sent.get("then", "")))
    back = back if back.startswith(_LISTS) else _LISTS[0]
    request.state.again = BackTo(back)
    ids = list(dict.fromkeys(str(value) for value in sent.getlist("chosen")))
    many = _BY_KEY.get(str(sent.get("operation", "")))
    if not ids:
        refuse("chosen", "Choose the people first, by the boxes beside their names.")
    if len(ids) > _MOST:
        refuse("chosen", f"Choose at most {_MOST} people at once.")
    if many is None:
        refuse("operation", "Choose what is to be done to them.")
    return Chosen(many, ids, back)


async def read_call(
    request: Request, caller: CurrentAdmin, chosen: Annotated[Chosen, Depends(read_chosen)]
) -> bulk.Call:
    """Read the form of the confirmation page into a call that can be made again without being done again.

    Raises:
        RequestValidationError: the reason breaks the rule for texts.
    """
    form = check(ManyForm, await typed(request))
    return bulk.Call(chosen.many.operation, chosen.ids, chosen.many.role, form.reason, form.key)


@router.get("/users/bulk")
async def show_confirmation(
    request: Request, caller: CurrentAdmin, chosen: Annotated[Chosen, Depends(read_chosen)], look: Look
) -> Response:
    """Say what will happen and to whom, before it happens."""
    return page(
        request,
        "bulk.html",
        chosen=chosen,
        people=await look.people.chosen(chosen.ids),
        key=secrets.token_urlsafe(16),
        left_alone=_LEFT_ALONE,
        **await _at_the_desk(look, chosen),
    )


@router.post("/users/bulk")
async def act(
    request: Request,
    caller: CurrentAdmin,
    chosen: Annotated[Chosen, Depends(read_chosen)],
    call: Annotated[bulk.Call, Depends(read_call)],
    context: InContext,
    origin: FromOrigin,
    look: Look,
) -> Response:
    """Do it, and tell about whoever was left alone."""
    outcome = await bulk.run(context, caller.id, call, origin)
    if not outcome.errors:
        return go_saying(request, chosen.back, f"{_done(chosen.many, outcome.succeeded)}.")
    return page(
        request,
        "bulk_done.html",
        chosen=chosen,
        people=await look.people.chosen(list(outcome.errors)),
        outcome=outcome,
        why={id_: in_words(code, sentence) for id_, (code, sentence) in outcome.errors.items()},
        said=_done(chosen.many, outcome.succeeded) if outcome.succeeded else "Nobody was changed",
        **await _at_the_desk(look, chosen),
    )


def _done(many: Many, count: int) -> str:
    return f"1 person {many.one}" if count == 1 else f"{count} people {many.more}"


async def _at_the_desk(look: Look, chosen: Chosen) -> Mapping[str, Any]:
    here = "approvals" if chosen.back.startswith("/approvals") else "users"
    return {"pending_count": await look.people.waiting_count(), "here": here}
