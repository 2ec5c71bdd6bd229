"""Dialect C, `/api/v1/auth/*`: refresh, sign-out, devices and one's own profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from backend import tokens
from backend.errors import NotAuthenticated, PasswordChangeRequired, SessionNotFound, TokenExpired, Unauthenticated
from backend.identifiers import id_or
from backend.models import SessionEnd
from backend.routes.cookies import clear_session, session_cookie, set_csrf
from backend.routes.deps import (
    CurrentUser,
    FromOrigin,
    InContext,
    Look,
    UnsettledUser,
    Work,
    bearer_of,
    get_context,
    get_unsettled_user,
    identified,
    is_activity,
    settled,
)
from backend.schemas.accounts import OwnAccount
from backend.schemas.answers import Envelope, Message, said
from backend.schemas.profile import PasswordBody, ProfileBody
from backend.schemas.session_service import (
    CheckAuthAnswer,
    CsrfAnswer,
    KnownUser,
    LogoutBody,
    RefreshBody,
    SessionAnswer,
    TokenAnswer,
)
from backend.services.identity import Identity, Kind
from backend.services.refreshing import refresh as refreshed
from backend.services.refreshing import session_of
from backend.services.sessions import Listed

_BY_SESSION: Final[dict[str, Any]] = {"security": [{"Session": []}]}
"""What OpenAPI says of a route that reads a credential, and answers without one as well."""
router = APIRouter(prefix="/api/v1/auth", tags=["C: sessions"])


@dataclass(frozen=True)
class Leaver:
    """Who wants to leave. Without `proven`, by a token that is good for ending its own session and nothing else."""

    user_id: UUID
    session_id: UUID
    proven: bool
    body: LogoutBody


async def get_leaver(request: Request, body: LogoutBody | None = None) -> Leaver:
    """Return who wants to leave: by a live credential, an expired access token, or a refresh token.

    Raises:
        NotAuthenticated, InvalidToken, SessionInactive, SessionRevoked, CsrfFailed: nobody can be told to leave.
    """
    context, wanted = get_context(request), body or LogoutBody()
    bearer = bearer_of(request)
    try:
        caller = await get_unsettled_user(request)
    except TokenExpired:
        if bearer is None:
            raise
        claims = context.signer.read(bearer, context.clock.now(), expired_ok=True)
        return Leaver(claims.subject, claims.session_id, proven=False, body=wanted)
    except NotAuthenticated:
        if wanted.refresh_token is None:
            raise
        session_id, user_id = await session_of(context, wanted.refresh_token)
        return Leaver(user_id, session_id, proven=False, body=wanted)
    return Leaver(caller.id, caller.session_id, proven=True, body=wanted)


async def get_known_user(request: Request) -> Identity | None:
    """Return who is asking, if they are fully in, or None; never an error."""
    try:
        return settled(await get_unsettled_user(request))
    except (Unauthenticated, PasswordChangeRequired):
        return None


@router.post("/refresh")
async def refresh(request: Request, body: RefreshBody, context: InContext, origin: FromOrigin) -> Envelope[TokenAnswer]:
    """Exchange a refresh token for the next pair of tokens; it is good once."""
    grant = await refreshed(context, body.refresh_token, origin, activity=is_activity(request))
    return Envelope(data=TokenAnswer.model_validate(grant), message="Token refreshed successfully")


@router.post("/logout", openapi_extra=_BY_SESSION)
async def logout(
    response: Response, context: InContext, leaver: Annotated[Leaver, Depends(get_leaver)], work: Work
) -> Envelope[Message]:
    """End this session, another one of one's own, or all of them."""
    sentence, leaves = "Logged out successfully", leaver.session_id
    body, owner = leaver.body, leaver.user_id
    if leaver.proven and body.revoke_all_sessions:
        ended = await work.sessions.end_all(owner, SessionEnd.USER_LOGOUT_ALL, actor=owner)
        sentence = f"Logged out from all {ended} sessions"
    elif leaver.proven and body.session_id is not None:
        leaves = id_or(body.session_id, SessionNotFound)
        await work.sessions.end_own(owner, leaves, SessionEnd.USER_LOGOUT)
    else:
        await work.sessions.end(leaves, owner, SessionEnd.USER_LOGOUT, actor=owner)
    if leaves == leaver.session_id:
        clear_session(response, context.settings)
    return said(sentence)


@router.post("/refresh-csrf")
async def refresh_csrf(request: Request, response: Response, context: InContext) -> CsrfAnswer:
    """Give the browser of a cookie session its CSRF token once more."""
    cookie = session_cookie(request)
    if cookie is None or bearer_of(request) is not None:  # a Bearer header decides alone, and has no such token
        raise NotAuthenticated
    caller = await identified(request, Kind.COOKIE, cookie)
    token = tokens.csrf_token(cookie)
    days = context.settings.remember_days
    set_csrf(response, token, context.settings, seconds=int(days * 86400) if caller.remembered else None)
    return CsrfAnswer(csrf_token=token)


@router.get("/check-auth", openapi_extra=_BY_SESSION)
async def check_auth(caller: Annotated[Identity | None, Depends(get_known_user)]) -> CheckAuthAnswer:
    """Tell whether somebody is signed in, and who; never an error."""
    return CheckAuthAnswer(authenticated=caller is not None, user=KnownUser.model_validate(caller) if caller else None)


@router.get("/sessions")
async def sessions(caller: CurrentUser, look: Look, include_expired: bool = False) -> Envelope[list[SessionAnswer]]:
    """List one's sessions, the last used first."""
    listed = await look.sessions.listed(caller.id, ended=include_expired)
    return Envelope(data=_answers(listed, caller.session_id), message="Sessions retrieved successfully")


@router.delete("/sessions/{id}")
async def revoke(id: str, caller: CurrentUser, work: Work) -> Envelope[Message]:  # noqa: A002
    """End one of one's sessions."""
    await work.sessions.end_own(caller.id, id_or(id, SessionNotFound), SessionEnd.USER_REVOKE)
    return said("Session revoked successfully")


@router.get("/users/me")
async def show_profile(caller: CurrentUser, look: Look) -> Envelope[OwnAccount]:
    """Show one's own account, with one's organizations."""
    user, standings = await look.people.one(caller.id), await look.organizations.standings(caller.id)
    return Envelope(data=OwnAccount.of(user, standings), message="User profile retrieved successfully")


@router.put("/users/me")
async def update_profile(body: ProfileBody, caller: CurrentUser, work: Work) -> Envelope[OwnAccount]:
    """Change one's own account; a new email address needs the current password."""
    user = await work.profile.update(caller.id, body.changes(), body.current_password)
    standings = await work.organizations.standings(caller.id)
    return Envelope(data=OwnAccount.of(user, standings), message="User profile updated successfully")


@router.put("/users/me/password")
async def change_password(body: PasswordBody, caller: UnsettledUser, work: Work) -> Envelope[str]:
    """Replace one's own password; one's other sessions end."""
    await work.recovery.change_password(caller.id, body.current_password, body.new_password, besides=caller.session_id)
    return Envelope(data="Password changed successfully", message="Password updated successfully")


def _answers(listed: Sequence[Listed], current: UUID) -> list[SessionAnswer]:
    return [
        SessionAnswer(
            id=one.id,
            device_id=one.session.device_id,
            device_name=one.session.device_name,
            device_type=one.session.device_type or "unknown",
            ip_address=one.session.ip_address,
            user_agent=one.session.user_agent,
            created_at=one.session.created_at,
            last_activity=one.last_activity,
            expires_at=one.session.expires_at,
            is_current=one.id == current,
            is_active=one.over is None,
            ended_at=one.session.ended_at,
            ended_because=one.over,
        )
        for one in listed
    ]
