"""What a person sees when something is refused: the form again, the page before with a notice, or a page of its own."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import URL

from backend import errors, tokens
from backend.routes.cookies import clear_session, session_cookie, set_cookie
from backend.routes.deps import get_context
from backend.routes.pages.forms import Again, BackTo, Form
from backend.routes.pages.rendering import go, go_saying, own_path, page
from backend.routes.refusals import Refusal

APPLICANT: Final = "applicant"
APPLICANT_LIFETIME: Final = timedelta(hours=24)
_STATES: Final = (errors.AccountPending, errors.AccountRejected, errors.AccountInactive)
_WHY: Final = {errors.SessionInactive.code: "inactivity", errors.NotAuthenticated.code: ""}
_TITLES: Final = {
    403: "You do not have permission",
    404: "Page not found",
    405: "This action is not available",
    413: "The request is too large",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Temporarily unavailable",
}
_TITLES_OF_CODES: Final = {"CSRF_FAILED": "This page has expired"}
_NEWEST: Final = "Each link works once and for a limited time. If you got several mails, use the newest one."
_NEXT_STEPS: Final = {
    "CHANGED_MEANWHILE": "Compare it with what you typed, and save again to replace it.",
    "CSRF_FAILED": "Go back, reload the page and try again.",
    "ADMIN_REQUIRED": "If you need access, ask an administrator.",
    "NOT_FOUND": "Check the address, or go back to the start page.",
    "USER_NOT_FOUND": "Look for the account on the People page.",
    "AUTH_INVALID_CREDENTIALS": "Check both, or reset your password below.",
    "INVITATION_INVALID": "Copy the whole link again, or ask for a new invitation.",
    "ORGANIZATION_NOT_FOUND": "See under “Organizations” which ones you belong to.",
    "TIER_NOT_FOUND": "Look for the tier on the Tiers page.",
    "INTERNAL_ERROR": "Try again. If it happens again, give an administrator the request ID below.",
    "EMAIL_NOT_VERIFIED": "Open the link in the mail we sent you, then sign in here.",
    "RESET_PASSWORD_BAD_TOKEN": _NEWEST,
    "VERIFY_USER_BAD_TOKEN": _NEWEST,
}
_WAYS: Final = {
    "EMAIL_NOT_VERIFIED": ("/verify/again", "Get a new link"),
    "RESET_PASSWORD_BAD_TOKEN": ("/forgot-password", "Request a new link"),
    "VERIFY_USER_BAD_TOKEN": ("/verify/again", "Get a new link"),
    "REQUEST_DECIDED": ("/waiting", "Your request"),
    "TOO_MANY_ORGANIZATIONS": ("/organizations", "Your organizations"),
}
"""Where each of these refusals leads on."""
_RESET: Final = ("/forgot-password", "Reset your password")
"""Whoever has a new password gets in at once, however many others guessed at the old one."""
_WORDS: Final = {
    "ADMIN_REQUIRED": "This page is for administrators.",
    "ALREADY_APPROVED": "This request was already approved.",
    "ALREADY_DECIDED": "This request was already rejected. You can still approve it on the person’s page.",
    "AUTH_EMAIL_EXISTS": "An account with this email address already exists. Sign in, or use another address.",
    "AUTH_INVALID_CREDENTIALS": "Wrong username or password.",
    "AUTH_USERNAME_EXISTS": "This username is already taken. Please choose another one.",
    "BOOTSTRAP_TOKEN_REQUIRED": "Enter the setup code that the server printed in its terminal.",
    "EMAIL_NOT_VERIFIED": "Your email address is not confirmed yet.",
    "INVALID_TRANSITION": "This action does not apply to an account with this status.",
    "NOT_ACTIVE": "Only active accounts can have a role.",
    "NOT_APPROVED": "This account is not approved yet. Approve it first.",
    "SESSION_NOT_FOUND": "That session has already ended.",
    "RESET_PASSWORD_BAD_TOKEN": "This link or code is invalid or has expired.",
    "USER_INACTIVE": "This account is not active. A new password would not change that.",
    "VERIFY_USER_BAD_TOKEN": "This link or code is invalid or has expired.",
    "IDEMPOTENCY_KEY_REUSED": "This form was already sent with different contents. Select the people again.",
    "INVITATION_INVALID": "This invitation is not valid: it was used or revoked, it has expired, the person who sent "
    "it may no longer invite, or part of the code is missing.",
    "MEMBER_NOT_FOUND": "This person is not a member of the organization.",
    "ORGANIZATION_NOT_FOUND": "This organization does not exist, or you are not a member.",
    "TIER_NOT_FOUND": "This tier does not exist.",
    "INVALID_CURSOR": "The list has changed. Start again from the first page.",
    "USER_NOT_FOUND": "This account does not exist.",
    "WRONG_CURRENT_PASSWORD": "This is not your current password.",
}
"""What is said to people where the sentence of the contracts is made for programs."""


def answer(request: Request, error: Exception, refusal: Refusal) -> Response:
    """Show a refusal to a person."""
    if isinstance(error, errors.PasswordChangeRequired):
        return go("/account")  # where a temporary password is replaced
    if isinstance(error, _STATES) and error.user_id and request.url.path == "/login":
        return _to_waiting(request, error)
    if isinstance(error, errors.Unauthenticated) and not isinstance(error, errors.InvalidCredentials):
        return _to_login(request, refusal.code)
    again, code = getattr(request.state, "again", None), refusal.code
    detail = str(refusal.items[0]["msg"]) if isinstance(again, BackTo) and refusal.items else refusal.detail
    detail = getattr(again, "words", {}).get(code) or in_words(code, detail)
    if isinstance(error, errors.TooManyRequests):
        detail = _too_many(error)
    if isinstance(again, BackTo):
        return go_saying(request, again.path, detail, warn=True)
    if isinstance(again, Again):
        form = _form(again, error, refusal, detail)
        response = page(request, again.template, status=refusal.status, form=form, **again.context)
    else:
        response = page(
            request,
            "error.html",
            status=refusal.status,
            title=_TITLES_OF_CODES.get(code) or _TITLES.get(refusal.status, "This did not work"),
            detail=detail,
            next_step=_NEXT_STEPS.get(code),
            request_id=request.state.request_id,
        )
    response.headers.update(dict(refusal.headers or {}))
    return response


def in_words(code: str, sentence: str) -> str:
    """Return what is said to people about a refusal."""
    return _WORDS.get(code, sentence)


def _form(again: Again, error: Exception, refusal: Refusal, detail: str) -> Form:
    found = {str(item["loc"][-1]): str(item["msg"]) for item in refusal.items if item["loc"]}
    named = {name: sentence for name, sentence in found.items() if name != "body"}
    field = getattr(error, "field", None)
    if field and not named:
        named = {field: detail}
    for other in getattr(error, "also", ()):
        named.setdefault(other.field, again.words.get(other.code) or in_words(other.code, other.detail))
    message = None if named else detail
    if isinstance(error, errors.ChangedMeanwhile):
        named = dict(error.fields)
    called = again.context.get("called", {})
    shown = sorted(named.items(), key=lambda item: _place(again, item[0]))
    named = {called.get(name, name): sentence for name, sentence in shown}
    way = _RESET if isinstance(error, errors.TooManyGuesses) else _WAYS.get(refusal.code)
    return Form(again.values, named, message, _NEXT_STEPS.get(refusal.code), way)


def _place(again: Again, name: str) -> int:
    """Tell where on its page a field is: forms are sent in the order in which they are shown."""
    return again.order.index(name) if name in again.order else len(again.order)


def _too_many(error: errors.TooManyRequests) -> str:
    """Say when to try again, the same for names that nobody has."""
    wait = _minutes(error.retry_after)
    if isinstance(error, errors.TooManyGuesses):
        return f"Too many wrong passwords. Try again in {wait}, or reset your password now."
    return f"Too many requests. Try again in {wait}."


def _to_login(request: Request, code: str) -> Response:
    """Send somebody whose session is over to the desk, and back to where they were after it."""
    if request.url.path.startswith("/waiting"):  # who waits has no session; signing in shows again where they stand
        return go("/login")
    query = {"why": _WHY.get(code, "ended"), "next": _left(request)}
    response = go("/login" + ("?" if any(query.values()) else "") + urlencode({k: v for k, v in query.items() if v}))
    if session_cookie(request):
        # Only what was really brought and refused: a link from another site brings nothing under SameSite=Strict.
        clear_session(response, get_context(request).settings)
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
    context = get_context(request)
    now = context.clock.now()
    token = context.signer.sign(tokens.Claims(user_id, user_id, now, now + APPLICANT_LIFETIME), tokens.APPLICANT)
    set_cookie(response, APPLICANT, token, context.settings, seconds=int(APPLICANT_LIFETIME.total_seconds()))


def _minutes(seconds: int) -> str:
    minutes = max(1, -(-seconds // 60))
    return "a minute" if minutes == 1 else f"{minutes} minutes"
