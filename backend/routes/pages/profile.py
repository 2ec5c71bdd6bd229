"""What one changes about oneself, and the proof of one's address."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import model_validator

from backend.identifiers import email_key
from backend.models import MailPurpose, MailState, User
from backend.routes.deps import CurrentUser, InContext, Look, Work
from backend.routes.pages.forms import BackTo, read_form
from backend.routes.pages.rendering import at_the_desk, go_saying, mail_of, page
from backend.schemas.profile import ProfileBody
from backend.services import Services, reading
from backend.services.identity import Identity
from backend.settings import Settings

router = APIRouter(include_in_schema=False)

_WORDS: Final = {"AUTH_EMAIL_EXISTS": "Another account has this email address."}


class ProfileForm(ProfileBody):
    """One's own data as a form sends them: all of them, empty where there is nothing."""

    @model_validator(mode="before")
    @classmethod
    def _no_picture(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        if isinstance(values, dict) and not str(values.get("profile_image_url", "-")).strip():
            return {**values, "profile_image_url": None}
        return values


async def read_profile(request: Request, caller: CurrentUser, context: InContext) -> ProfileForm:
    """Read the form for one's own data; a refused one comes back with all but the password."""
    async with reading(context) as look:
        about = await _about(caller, look, context)
    return await read_form(request, ProfileForm, "account_edit.html", about, _WORDS)


async def back_to_account(request: Request) -> None:
    """Come back to the account's page with a notice when something is refused."""
    request.state.again = BackTo("/account")


@router.get("/account/edit")
async def show_edit(request: Request, caller: CurrentUser, look: Look, context: InContext) -> Response:
    """Show the form for one's own data."""
    return page(request, "account_edit.html", **await _about(caller, look, context))


@router.post("/account/edit")
async def edit(
    request: Request,
    caller: CurrentUser,
    body: Annotated[ProfileForm, Depends(read_profile)],
    work: Work,
    context: InContext,
) -> Response:
    """Change one's own data; a new address is asked to be proven."""
    user = await work.profile.update(caller.id, body.changes(), body.current_password)
    saved = "Your changes were saved."
    if email_key(user.email) == email_key(caller.email):
        return go_saying(request, "/account", saved)
    settings = context.settings
    if settings.mail_enabled:
        saved += " We send a notice to your old email address."
    if not settings.send_verification_emails:
        return go_saying(request, "/account", f"{saved} The new email address is not confirmed yet.")
    sentence, warn = await _confirming(work, user, settings)
    return go_saying(request, "/account", f"{saved} {sentence}", warn=warn)


@router.post("/account/confirm-email", dependencies=[Depends(back_to_account)])
async def send_confirmation(request: Request, caller: CurrentUser, work: Work, context: InContext) -> Response:
    """Send the mail that proves one's address once more."""
    user = await work.people.one(caller.id)
    if user.is_verified:
        return go_saying(request, "/account", "Your email address is already confirmed.")
    await work.recovery.request_verification_for(user.email)
    sentence, warn = await _confirming(work, user, context.settings)
    return go_saying(request, "/account", sentence, warn=warn)


async def _about(caller: Identity, look: Services, context: InContext) -> dict[str, Any]:
    return {
        "mail": mail_of(context.settings),
        "user": await look.people.one(caller.id),
        **await at_the_desk(look, "account"),
    }


async def _confirming(work: Services, user: User, settings: Settings) -> tuple[str, bool]:
    """Say what became of the mail that proves an address, and whether that is a warning."""
    if settings.mail_goes_nowhere:
        return "This server does not send mail. Ask an administrator to confirm your address.", True
    mail = await work.mails.last(MailPurpose.VERIFY_EMAIL, user.id)
    if mail.state is MailState.SUPPRESSED:
        return "We already sent you several links in the last hour. Use the newest one, or try again later.", True
    if settings.mail_enabled:
        return f"A confirmation link is on its way to {user.email}.", False
    return "A confirmation link is printed to the console of the server.", False
