"""What routes ask for: the caller as a typed parameter, and the way into the services.

A route without a `Current…` or `Unsettled…` parameter is public; a test lists them. `Current…` means fully in. Who has
signed in with a temporary password is unsettled: only the few routes with an `Unsettled…` parameter let them in.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Security
from fastapi.security import OAuth2PasswordBearer

from backend import tokens
from backend.context import Context
from backend.errors import (
    AdminRequired,
    CsrfFailed,
    InvalidToken,
    NotAuthenticated,
    PasswordChangeRequired,
    Unauthenticated,
)
from backend.routes.cookies import KNOWN_DEVICE, read_cookie, session_cookie
from backend.schemas.types import DeviceText
from backend.services import Origin, Services, reading, unit_of_work
from backend.services.audit import LONGEST_AGENT
from backend.services.grants import Device
from backend.services.identity import Identity, Kind, identify, recall
from backend.services.networks import as_address
from backend.services.quota import spend
from backend.services.rights import Act, may

SIGN_IN: Final = "/api/v1/auth/login"
SESSION: Final = "Session"
"""OpenAPI's security scheme: the path at which `/docs` signs in, and the name of the scheme."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def get_context(request: Request) -> Context:
    """Return what lives as long as the process."""
    context: Context = request.app.state.context
    return context


def get_origin(request: Request) -> Origin:
    """Return where this request comes from."""
    return Origin(
        ip_address=_address_of(request),
        user_agent=agent_of(request),
        request_id=request.state.request_id,
        known_device=read_cookie(request, KNOWN_DEVICE, get_context(request).settings),
    )


def agent_of(request: Request) -> str | None:
    """Return the user agent, as much of it as anybody looks at."""
    agent = request.headers.get("user-agent")
    return agent[:LONGEST_AGENT] if agent else agent


async def _in_context(request: Request) -> Context:
    return get_context(request)  # a dependency that is no coroutine would cost a change of threads


async def _from_origin(request: Request) -> Origin:
    return get_origin(request)


InContext = Annotated[Context, Depends(_in_context)]
FromOrigin = Annotated[Origin, Depends(_from_origin)]


async def get_work(context: InContext, origin: FromOrigin) -> AsyncIterator[Services]:
    """Open this request's one writing transaction; it is committed before the answer leaves."""
    async with unit_of_work(context, origin) as services:
        yield services


async def get_look(context: InContext, origin: FromOrigin) -> AsyncIterator[Services]:
    """Open a read."""
    async with reading(context, origin) as services:
        yield services


Work = Annotated[Services, Depends(get_work, scope="function")]
Look = Annotated[Services, Depends(get_look, scope="function")]


class SignedIn(OAuth2PasswordBearer):
    """The way to the caller, which is also what tells `/docs` how to sign in."""

    def __init__(self, *, unsettled: bool = False) -> None:
        """Let nobody through but who is fully in, or also who is `unsettled`."""
        super().__init__(SIGN_IN, scheme_name=SESSION, auto_error=False)
        self._unsettled = unsettled

    async def __call__(self, request: Request) -> Identity:  # type: ignore[override]  # who, not only by which string
        """Return who is asking. A Bearer header decides alone; only without one is the cookie looked at.

        Raises:
            NotAuthenticated, InvalidToken, TokenExpired, SessionInactive, SessionRevoked: nobody, or nobody any more.
            CsrfFailed: a cookie alone asks for a change.
            PasswordChangeRequired: they have a temporary password, and may do nothing here before they replace it.
            LimitReached: their tier allows no more of this for now. What the unsettled may do is not counted.
        """
        bearer = bearer_of(request)
        if bearer is not None:
            caller = await identified(request, Kind.ACCESS_TOKEN, bearer)
        else:
            cookie = session_cookie(request)
            if cookie is None:
                raise NotAuthenticated
            caller = await identified(request, Kind.COOKIE, cookie)
            request.state.csrf_token = tokens.csrf_token(cookie)
            await _check_csrf(request, request.state.csrf_token)
        request.state.caller = caller
        return caller if self._unsettled else await counted(request, settled(caller))


get_current_user: Final = SignedIn()
get_unsettled_user: Final = SignedIn(unsettled=True)
CurrentUser = Annotated[Identity, Security(get_current_user)]
UnsettledUser = Annotated[Identity, Security(get_unsettled_user)]
"""Whoever is signed in, by a temporary password too: for what that opens, which is its own change and the way out."""


def settled(caller: Identity) -> Identity:
    """Return the caller, if they are fully in.

    Raises:
        PasswordChangeRequired: their password is temporary.
    """
    if caller.must_change_password:
        raise PasswordChangeRequired
    return caller


async def counted(request: Request, caller: Identity) -> Identity:
    """Return the caller, and count the request where their tier has a limit for it.

    Raises:
        LimitReached: there is nothing left.
    """
    request.state.left = await spend(get_context(request), caller, request.scope["path"])
    return caller


async def get_maybe_user(request: Request) -> Identity | None:
    """Return who is asking, or None where nobody says so: a bad credential is refused, not taken for none.

    Raises:
        InvalidToken, TokenExpired, SessionInactive, SessionRevoked: nobody's, or nobody's any more.
        PasswordChangeRequired: their password is temporary.
        LimitReached: their tier allows no more of this for now.
    """
    try:
        return await get_current_user(request)
    except NotAuthenticated:
        return None


async def get_visitor(request: Request) -> Identity | None:
    """Return who is asking, or None: for pages that greet both, and whom they greet may have been signed out.

    Raises:
        PasswordChangeRequired: their password is temporary.
        LimitReached: their tier allows no more of this for now.
    """
    try:
        return await get_current_user(request)
    except Unauthenticated:
        return None


COUNTING: Final = frozenset({get_current_user, get_maybe_user, get_visitor})
"""The ways to a caller that count the request against their tier."""
MaybeUser = Annotated[Identity | None, Depends(get_maybe_user)]
Visitor = Annotated[Identity | None, Depends(get_visitor)]


async def get_current_approver(caller: CurrentUser) -> Identity:
    """Return who is asking, if they may decide about applicants.

    Raises:
        AdminRequired: they may not.
    """
    if not may(Act.DECIDE, caller.role):
        raise AdminRequired
    return caller


async def get_current_admin(caller: CurrentUser) -> Identity:
    """Return who is asking, if they may administer.

    Raises:
        AdminRequired: they may not.
    """
    if not may(Act.SEE_PEOPLE, caller.role):
        raise AdminRequired
    return caller


CurrentApprover = Annotated[Identity, Depends(get_current_approver)]
CurrentAdmin = Annotated[Identity, Depends(get_current_admin)]


async def get_device(
    device_id: Annotated[DeviceText, Header(alias="X-Device-ID")] = None,
    device_name: Annotated[DeviceText, Header(alias="X-Device-Name")] = None,
    device_type: Annotated[DeviceText, Header(alias="X-Device-Type")] = None,
) -> Device:
    """Return what a client says about its device; in UTF-8, or percent-encoded, as browsers' scripts have to."""
    return Device(device_id, device_name, device_type)


OnDevice = Annotated[Device, Depends(get_device)]
BootstrapToken = Annotated[str | None, Header(alias="X-Bootstrap-Token")]


def bearer_of(request: Request) -> str | None:
    """Return the Bearer credential (RFC 6750 §2.1); another scheme counts as absent.

    Raises:
        InvalidToken: there is more than one.
    """
    found = [
        value.partition(" ")[2].lstrip(" ")
        for value in request.headers.getlist("authorization")
        if value[:7].lower() in {"bearer", "bearer "}
    ]
    if len(found) > 1:
        raise InvalidToken
    return found[0] if found else None


def is_activity(request: Request) -> bool:
    """Tell whether a person is behind a request, or a page that looks again by itself."""
    return request.headers.get("x-background") != "1"


async def identified(request: Request, kind: Kind, credential: str) -> Identity:
    """Return whose credential this is; a request in the background (`X-Background: 1`) is no activity.

    Raises:
        InvalidToken, TokenExpired, SessionInactive, SessionRevoked: nobody's, or nobody's any more.
    """
    context, activity = get_context(request), is_activity(request)
    known = recall(context, kind, credential, agent_of(request), activity=activity)
    return known or await identify(context, kind, credential, get_origin(request), activity=activity)


def _address_of(request: Request) -> str | None:
    """Return the address a request comes from; "unknown" (RFC 7239 §6.2) where a proxy names something else."""
    if request.client is None:
        return None
    found = as_address(request.client.host)
    return str(found) if found else "unknown"


async def _check_csrf(request: Request, expected: str) -> None:
    if request.method in SAFE:
        return
    given = request.headers.get("x-csrf-token")
    if given is None and request.headers.get("content-type", "").startswith(FORM_TYPES):
        request.state.form = await request.form()
        field = request.state.form.get("csrf_token")
        given = field if isinstance(field, str) else None
    if not (given and tokens.same(given, expected)):
        raise CsrfFailed
