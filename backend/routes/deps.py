"""What routes ask for: the caller as a typed parameter, and the way into the services.

A route without a `Current…` parameter is public; a test lists them.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.params import Form
from fastapi.security import OAuth2PasswordBearer

from backend import tokens
from backend.context import Context
from backend.errors import (
    AdminRequired,
    CsrfFailed,
    InvalidToken,
    NotAuthenticated,
    Unauthenticated,
    UnsupportedMediaType,
)
from backend.routes.cookies import session_cookie
from backend.services import Origin, Services, reading, unit_of_work
from backend.services.identity import Principal, identify_bearer, identify_cookie
from backend.services.lifecycle import DECIDERS

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def get_context(request: Request) -> Context:
    """Return what lives as long as the process."""
    context: Context = request.app.state.context
    return context


def get_origin(request: Request) -> Origin:
    """Return where this request comes from."""
    return Origin(
        ip_address=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
        request_id=request.state.request_id,
    )


InContext = Annotated[Context, Depends(get_context)]
FromOrigin = Annotated[Origin, Depends(get_origin)]


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


async def get_current_user(request: Request, context: InContext, origin: FromOrigin) -> Principal:
    """Return who is asking. A Bearer header decides alone; only without one is the cookie looked at.

    Raises:
        NotAuthenticated, InvalidToken, TokenExpired, SessionInactive, SessionRevoked: nobody, or nobody any more.
        CsrfFailed: a cookie alone asks for a change.
    """
    activity = request.headers.get("x-background") != "1"
    bearer, cookie = _bearer(request), session_cookie(request)
    if bearer is not None:
        principal = await identify_bearer(context, bearer, origin, activity=activity)
    elif cookie is not None:
        principal = await identify_cookie(context, cookie, origin, activity=activity)
        await _check_csrf(request, principal)
    else:
        raise NotAuthenticated
    request.state.principal = principal
    return principal


BEARER: Final = OAuth2PasswordBearer("/api/auth/jwt/login", auto_error=False)
"""For the document alone: it tells `/docs` where to sign in. `get_current_user` reads the header itself."""


async def get_documented_user(
    principal: Annotated[Principal, Depends(get_current_user)], _: Annotated[str | None, Security(BEARER)]
) -> Principal:
    """Return who is asking, and say so in the OpenAPI document."""
    return principal


CurrentUser = Annotated[Principal, Depends(get_documented_user)]


async def get_maybe_user(request: Request, context: InContext, origin: FromOrigin) -> Principal | None:
    """Return who is asking, or None: for pages that greet both."""
    try:
        return await get_current_user(request, context, origin)
    except Unauthenticated:
        return None


MaybeUser = Annotated[Principal | None, Depends(get_maybe_user)]


async def get_current_approver(principal: CurrentUser) -> Principal:
    """Return who is asking, if they may decide about applicants.

    Raises:
        AdminRequired: they may not.
    """
    if principal.user.role not in DECIDERS:
        raise AdminRequired
    return principal


async def get_current_admin(principal: CurrentUser) -> Principal:
    """Return who is asking, if they may administer.

    Raises:
        AdminRequired: they may not.
    """
    if not principal.user.is_superuser:
        raise AdminRequired
    return principal


CurrentApprover = Annotated[Principal, Depends(get_current_approver)]
CurrentAdmin = Annotated[Principal, Depends(get_current_admin)]


async def check_media_type(request: Request) -> None:
    """Refuse a body of another media type than the route reads (ASVS 3.5.2).

    Raises:
        UnsupportedMediaType: it names the one that would have been read.
    """
    body = getattr(request.scope.get("route"), "body_field", None)
    if body is None or not _has_body(request):
        return
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    expected = _FORM_TYPES if isinstance(body.field_info, Form) else ("application/json",)
    charset = request.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if given not in expected or charset not in {"", "utf-8"}:
        raise UnsupportedMediaType(expected[0])
    if given == "application/json" and b"\0" in await request.body():  # JSON is UTF-8 (RFC 8259 §8.1)
        raise UnsupportedMediaType("application/json in UTF-8")


async def check_site(request: Request, context: InContext) -> None:
    """Refuse what a foreign page makes a browser send (ASVS 3.5.1); other clients name no site and pass.

    Raises:
        CsrfFailed: the request changes something, comes from another site, and carries no Bearer token.
    """
    if request.method in _SAFE or _bearer(request) is not None:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin in context.settings.cors_origins:
        return
    foreign = site not in {"same-origin", "none"} if site else origin is not None and not _own(request, origin)
    if foreign:
        raise CsrfFailed


def _own(request: Request, origin: str) -> bool:
    own = urlsplit(get_context(request).settings.public_url)
    return origin in {f"{own.scheme}://{own.netloc}", f"{own.scheme}://{request.headers.get('host', '')}"}


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def _bearer(request: Request) -> str | None:
    """Return the Bearer credential (RFC 6750 §2.1); another scheme counts as absent."""
    found = [
        value.partition(" ")[2].strip()
        for value in request.headers.getlist("authorization")
        if value.partition(" ")[0].lower() == "bearer"
    ]
    if len(found) > 1:
        raise InvalidToken
    return found[0] if found else None


async def _check_csrf(request: Request, principal: Principal) -> None:
    if request.method in _SAFE:
        return
    given = request.headers.get("x-csrf-token")
    if given is None and request.headers.get("content-type", "").startswith(_FORM_TYPES):
        field = (await request.form()).get("csrf_token")
        given = field if isinstance(field, str) else None
    if not (given and principal.csrf_token and tokens.same(given, principal.csrf_token)):
        raise CsrfFailed
