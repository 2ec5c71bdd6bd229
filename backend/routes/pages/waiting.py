"""The waiting room: where somebody without a session stands, and what they can do about their own request."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend import tokens
from backend.errors import NotAuthenticated
from backend.models import Status
from backend.routes.cookies import drop_cookie, read_cookie
from backend.routes.deps import InContext, Look, Work
from backend.routes.pages.failures import APPLICANT
from backend.routes.pages.forms import BackTo, read_form
from backend.routes.pages.rendering import go, go_saying, page
from backend.schemas.types import Institution, Note, Text
from backend.services import Services, reading
from backend.services.own_request import Words
from backend.services.people import Rewritten

router = APIRouter(include_in_schema=False)

_HERE: Final = "/waiting"
_REQUEST: Final = "request.html"
_WITHDRAW: Final = "request_withdraw.html"
_WORDS: Final = {"WRONG_CURRENT_PASSWORD": "This is not the password you chose. Please try again."}


class RequestForm(BaseModel):
    """What an applicant says for themselves, and the password that shows who they are."""

    institution: Institution = None
    approval_note: Note = None
    current_password: Text

    @property
    def words(self) -> Words:
        """What they say."""
        return Words(self.institution, self.approval_note)


class WithdrawForm(BaseModel):
    """A yes, and the password that shows whose."""

    current_password: Text


async def get_applicant(request: Request, context: InContext) -> UUID:
    """Return whose browser waits here. It shows that the password was known lately: enough to look, not to change.

    Raises:
        NotAuthenticated: nobody's, as far as this browser can show.
    """
    token = read_cookie(request, APPLICANT, context.settings)
    if token is None:
        raise NotAuthenticated
    return context.signer.read(token, context.clock.now(), tokens.APPLICANT).subject


Applicant = Annotated[UUID, Depends(get_applicant)]


async def stay_here(request: Request, applicant: Applicant) -> None:
    """Come back to the waiting page with a notice when something is refused."""
    request.state.about = str(applicant)  # for the record of a refusal
    request.state.again = BackTo(_HERE)


Stay = Depends(stay_here)


def words_for(status: Status) -> Callable[..., Awaitable[RequestForm]]:
    """Make a dependency that reads what somebody whose request stands so says; a refused form comes back."""

    async def read(request: Request, applicant: Applicant, context: InContext) -> RequestForm:
        async with reading(context) as look:
            about = await _about(look, applicant, status)
        return await read_form(request, RequestForm, _REQUEST, about, _WORDS)

    return read


async def read_withdrawal(request: Request, applicant: Applicant, context: InContext) -> WithdrawForm:
    """Read the yes to a withdrawal; a refused one comes back with its question."""
    async with reading(context) as look:
        about = await _about(look, applicant, Status.PENDING)
    return await read_form(request, WithdrawForm, _WITHDRAW, about, _WORDS)


@router.get(_HERE)
async def show_waiting(request: Request, applicant: Applicant, look: Look, context: InContext) -> Response:
    """Show somebody who waits where they stand."""
    return page(
        request,
        "waiting.html",
        applicant=await look.people.one(applicant, gone=True),
        rewritten=(await look.people.rewritten([applicant])).get(applicant, Rewritten()),
        can_ask_again=context.policy.open,
        now=context.clock.now(),
    )


@router.get("/waiting/amend", dependencies=[Stay])
async def show_amending(request: Request, applicant: Applicant, look: Look) -> Response:
    """Show what one wrote, to be changed."""
    return page(request, _REQUEST, **await _about(look, applicant, Status.PENDING))


@router.post("/waiting/amend", dependencies=[Stay])
async def amend(
    request: Request,
    applicant: Applicant,
    body: Annotated[RequestForm, Depends(words_for(Status.PENDING))],
    work: Work,
) -> Response:
    """Change one's request."""
    await work.own_request.amend(applicant, body.current_password, body.words)
    return go_saying(request, _HERE, "Your request was changed. Whoever reviews it sees the new version.")


@router.get("/waiting/again", dependencies=[Stay])
async def show_asking_again(request: Request, applicant: Applicant, look: Look) -> Response:
    """Show what one wrote before the rejection, to be sent again."""
    return page(request, _REQUEST, **await _about(look, applicant, Status.REJECTED))


@router.post("/waiting/again", dependencies=[Stay])
async def ask_again(
    request: Request,
    applicant: Applicant,
    body: Annotated[RequestForm, Depends(words_for(Status.REJECTED))],
    work: Work,
) -> Response:
    """Send one's request again."""
    await work.own_request.send_again(applicant, body.current_password, body.words)
    return go_saying(request, _HERE, "Your request was sent again.")


@router.get("/waiting/withdraw", dependencies=[Stay])
async def show_withdrawing(request: Request, applicant: Applicant, look: Look) -> Response:
    """Say what a withdrawal does, before it does."""
    return page(request, _WITHDRAW, **await _about(look, applicant, Status.PENDING))


@router.post("/waiting/withdraw", dependencies=[Stay])
async def withdraw(
    applicant: Applicant,
    body: Annotated[WithdrawForm, Depends(read_withdrawal)],
    work: Work,
    context: InContext,
) -> Response:
    """Withdraw one's request; this browser forgets who waited."""
    await work.own_request.withdraw(applicant, body.current_password)
    response = go("/login?why=withdrawn")
    drop_cookie(response, APPLICANT, context.settings)
    return response


@router.post("/waiting/leave")
async def leave(context: InContext) -> Response:
    """Make this browser forget who waits."""
    response = go("/login")
    drop_cookie(response, APPLICANT, context.settings)
    return response


async def _about(look: Services, applicant: UUID, status: Status) -> dict[str, Any]:
    settings = look.context.settings
    return {
        "applicant": await look.own_request.standing(applicant, status),
        "note_required": settings.require_approval_note,
        "kept_days": settings.keep_deleted_days,
    }
