"""What a person sees when something is refused: the form again, the page before with a notice, or a page of its own."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import URL

from backend import errors, tokens
from backend.context import Context
from backend.routes.cookies import clear_session, session_cookie, set_cookie
from backend.routes.pages.forms import Again, BackTo, Form
from backend.routes.pages.rendering import go, go_saying, own_path, page

APPLICANT: Final = "applicant"
APPLICANT_LIFETIME: Final = timedelta(hours=24)
_STATES: Final = (errors.AccountPending, errors.AccountRejected, errors.AccountInactive)
_WHY: Final = {errors.SessionInactive.code: "inactivity", errors.NotAuthenticated.code: ""}
_TITLES: Final = {
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    413: "That is too much at once",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "Not at the moment",
}
_TITLES_OF_CODES: Final = {"CSRF_FAILED": "This page is too old"}
_NEWEST: Final = "Each link works once and for a while, and only the newest one: there may be a newer mail."
_NEXT_STEPS: Final = {
    "CSRF_FAILED": "Go back, reload the page and try again.",
    "ADMIN_REQUIRED": "If you need this, ask an administrator of this installation.",
    "NOT_FOUND": "Check the address, or begin at the start.",
    "USER_NOT_FOUND": "Go to the list of people and look there.",
    "AUTH_INVALID_CREDENTIALS": "Check both, or ask for a new password below.",
    "INVITATION_INVALID": "Copy the whole link again, or ask whoever invited you for a new one.",
    "ORGANIZATION_NOT_FOUND": "Look under “Organizations” whether you are in it.",
    "TIER_NOT_FOUND": "Go to the list of tiers and look there.",
    "INTERNAL_ERROR": "Try again. If it happens again, tell an administrator the number below.",
    "EMAIL_NOT_VERIFIED": "Follow the link in the mail we sent you, then sign in here.",
    "RESET_PASSWORD_BAD_TOKEN": _NEWEST,
    "VERIFY_USER_BAD_TOKEN": _NEWEST,
}
_WAYS: Final = {
    "EMAIL_NOT_VERIFIED": ("/verify/again", "Send the mail again"),
    "RESET_PASSWORD_BAD_TOKEN": ("/forgot-password", "Ask for a new link"),
    "VERIFY_USER_BAD_TOKEN": ("/verify/again", "Send the mail again"),
    "TOO_MANY_ORGANIZATIONS": ("/organizations", "Your organizations"),
}
"""Where each of these refusals leads on."""
_WORDS: Final = {
    "ADMIN_REQUIRED": "This page is for people who look after this installation.",
    "ALREADY_APPROVED": "Somebody has let them in already.",
    "ALREADY_DECIDED": "Somebody has turned them down already. You can still let them in from their page.",
    "AUTH_EMAIL_EXISTS": "This email address has an account already. Sign in, or use another address.",
    "AUTH_INVALID_CREDENTIALS": "This name and this password do not belong together.",
    "AUTH_USERNAME_EXISTS": "Somebody has this username already. Please choose another one.",
    "EMAIL_NOT_VERIFIED": "Your email address is not confirmed yet.",
    "INVALID_TRANSITION": "This cannot be done to an account in this state.",
    "NOT_ACTIVE": "Only active accounts can have rights.",
    "NOT_APPROVED": "Nobody has let them in yet; that is a decision of its own.",
    "SESSION_NOT_FOUND": "That session has ended already.",
    "RESET_PASSWORD_BAD_TOKEN": "This link or code does not work, or not any more.",
    "USER_INACTIVE": "This account is not open, and a new password would not open it.",
    "VERIFY_USER_BAD_TOKEN": "This link or code does not work, or not any more.",
    "IDEMPOTENCY_KEY_REUSED": "This page was sent before with other words in it. Choose the people anew.",
    "INVITATION_INVALID": "This invitation was used, taken back, or is too old; or whoever sent it may not invite "
    "any more; or a part of its code is missing.",
    "MEMBER_NOT_FOUND": "They are not in this organization, or not any more.",
    "ORGANIZATION_NOT_FOUND": "There is no such organization, or you are not in it.",
    "TIER_NOT_FOUND": "There is no such tier, or not any more.",
    "INVALID_CURSOR": "The list has changed since. Begin again with its first page.",
    "USER_NOT_FOUND": "There is no such account, or not any more.",
    "WRONG_CURRENT_PASSWORD": "This is not your current password.",
}
"""What is said to people where the sentence of the contracts is made for programs."""


def answer(
    request: Request,
    error: Exception,
    *,
    status: int,
    code: str,
    detail: str,
    items: Sequence[Mapping[str, Any]],
    headers: Mapping[str, str] | None,
    retry_after: int | None,
) -> Response:
    """Show a refusal to a person."""
    if isinstance(error, errors.PasswordChangeRequired):
        return go("/account")  # where a temporary password is replaced
    if isinstance(error, _STATES) and error.user_id and request.url.path == "/login":
        return _to_waiting(request, error)
    if isinstance(error, errors.Unauthenticated) and not isinstance(error, errors.InvalidCredentials):
        return _to_login(request, code)
    again = getattr(request.state, "again", None)
    if isinstance(again, BackTo) and items:
        detail = str(items[0]["msg"])
    detail = getattr(again, "words", {}).get(code) or in_words(code, detail)
    if retry_after:
        detail = f"{detail}. Please wait {_minutes(retry_after)} and try again." if status == 429 else detail  # noqa: PLR2004
    if isinstance(again, BackTo):
        return go_saying(request, again.path, detail, warn=True)
    if isinstance(again, Again):
        form = _form(again, error, code, detail, items)
        response = page(request, again.template, status=status, form=form, **again.context)
    else:
        response = page(
            request,
            "error.html",
            status=status,
            title=_TITLES_OF_CODES.get(code) or _TITLES.get(status, "This did not work"),
            detail=detail,
            next_step=_NEXT_STEPS.get(code),
            request_id=request.state.request_id,
        )
    response.headers.update(dict(headers or {}))
    return response


def in_words(code: str, sentence: str) -> str:
    """Return what is said to people about a refusal."""
    return _WORDS.get(code, sentence)


def _form(again: Again, error: Exception, code: str, detail: str, items: Sequence[Mapping[str, Any]]) -> Form:
    found = {str(item["loc"][-1]): str(item["msg"]) for item in items if item["loc"]}
    named = {name: sentence for name, sentence in found.items() if name != "body"}
    field = getattr(error, "field", None)
    if field and not named:
        named = {field: detail}
    called = again.context.get("called", {})
    named = {called.get(name, name): sentence for name, sentence in named.items()}
    return Form(again.values, named, None if named else detail, _NEXT_STEPS.get(code), _WAYS.get(code))


def _to_login(request: Request, code: str) -> Response:
    """Send somebody whose session is over to the desk, and back to where they were after it."""
    if request.url.path == "/waiting":  # who waits has no session; signing in shows again where they stand
        return go("/login")
    query = {"why": _WHY.get(code, "ended"), "next": _left(request)}
    response = go("/login" + ("?" if any(query.values()) else "") + urlencode({k: v for k, v in query.items() if v}))
    if session_cookie(request):
        # Only what was really brought and refused: a link from another site brings nothing under SameSite=Strict.
        clear_session(response, _context(request).settings)
    return response


def _left(request: Request) -> str:
    """Return the page somebody was on: the one they asked for, or the one whose button they pressed."""
    at = request.url if request.method == "GET" else URL(request.headers.get("referer", ""))
    path = own_path(f"{at.path}?{at.query}" if at.query else at.path)
    return "" if path == "/" else path


def _to_waiting(request: Request, error: errors.SignInRefused) -> Response:
    response = go("/waiting")
    if error.user_id:
        remember_applicant(response, request, error.user_id)
    return response


def remember_applicant(response: Response, request: Request, user_id: UUID) -> None:
    """Give a browser the token that shows where its person stands, and opens nothing."""
    context = _context(request)
    now = context.clock.now()
    token = context.signer.sign(tokens.Claims(user_id, user_id, now, now + APPLICANT_LIFETIME), tokens.APPLICANT)
    set_cookie(response, APPLICANT, token, context.settings, seconds=int(APPLICANT_LIFETIME.total_seconds()))


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
