"""Dialect B0, `/api/v1/users/…`: sign-in and sessions for clients that carry their session in every body."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from backend import tokens
from backend.identifiers import as_id
from backend.models import SessionEnd
from backend.routes.deps import InContext, Look, OnDevice, Work, counted, identified, settled
from backend.schemas.opaque_sessions import (
    Info,
    InfoAnswer,
    ListedSession,
    SessionBody,
    SessionsAnswer,
    SignInAnswer,
    SignInBody,
    SignOutAnswer,
    SignOutSessionsBody,
)
from backend.services.identity import Identity, Kind

router = APIRouter(prefix="/api/v1/users", tags=["B0: session calls"])

_SHOWN: int = 12


async def get_unsettled_bodily_user(request: Request, body: SessionBody) -> Identity:
    """Return whose session stands in the body, opened by a temporary password or not.

    Raises:
        InvalidToken, TokenExpired, SessionInactive, SessionRevoked: nobody's, or nobody's any more.
    """
    caller = await identified(request, Kind.OPAQUE, body.session)
    request.state.caller = caller
    return caller


async def get_bodily_user(request: Request, body: SessionBody) -> Identity:
    """Return whose session stands in the body, if they are fully in.

    Raises:
        InvalidToken, TokenExpired, SessionInactive, SessionRevoked: nobody's, or nobody's any more.
        PasswordChangeRequired: their password is temporary.
        LimitReached: their tier allows no more of this for now.
    """
    return await counted(request, settled(await get_unsettled_bodily_user(request, body)))


@dataclass(frozen=True)
class Named:
    """Who asks, and about which sessions."""

    caller: Identity
    ids: frozenset[UUID]


async def get_named(request: Request, body: SignOutSessionsBody) -> Named:
    """Return whose session stands in the body, and the ids it lists; what is no id is left out."""
    ids = (as_id(word.strip()) for word in body.ids.split(","))
    caller = settled(await get_unsettled_bodily_user(request, body))  # not counted: who signs out is never refused
    return Named(caller, frozenset(id_ for id_ in ids if id_))


CurrentBodilyUser = Annotated[Identity, Depends(get_bodily_user)]
UnsettledBodilyUser = Annotated[Identity, Depends(get_unsettled_bodily_user)]


async def get_now(context: InContext) -> datetime:
    """Return the time that answers carry."""
    return context.clock.now()


Now = Annotated[datetime, Depends(get_now)]


@router.post("/signin")
async def sign_in(body: SignInBody, device: OnDevice, work: Work, now: Now) -> SignInAnswer:
    """Sign in by username or email address."""
    user = await work.authentication.check_password(body.login, body.password)
    grant = await work.sessions.open_opaque(user, device)
    return SignInAnswer(
        session=grant.session, user_id=user.id, email=user.email, message="Authentication successful", timestamp=now
    )


@router.post("/info")
async def info(caller: CurrentBodilyUser, look: Look, now: Now) -> InfoAnswer:
    """Tell whose session it is."""
    user = await look.people.one(caller.id)
    about = Info(
        id=user.id,
        email=user.email,
        name=user.display_name,
        created_at=user.created_at,
        last_login=user.last_login,
        is_active=user.is_active,
    )
    return InfoAnswer(data=about, message="User information retrieved", timestamp=now)


@router.post("/sessions")
async def sessions(caller: CurrentBodilyUser, look: Look, now: Now) -> SessionsAnswer:
    """List one's live sessions, the last used first."""
    listed = [
        ListedSession(
            id=one.id,
            token=f"{tokens.digest(str(one.id))[:_SHOWN]}…",
            created_at=one.session.created_at,
            last_activity=one.last_activity,
            ip_address=one.session.ip_address,
            user_agent=one.session.user_agent,
            is_current=one.id == caller.session_id,
        )
        for one in await look.sessions.listed(caller.id)
    ]
    return SessionsAnswer(sessions=listed, total_count=len(listed), message="Sessions retrieved", timestamp=now)


@router.post("/signout")
async def sign_out(caller: UnsettledBodilyUser, work: Work, now: Now) -> SignOutAnswer:
    """End this session."""
    await work.sessions.end(caller.session_id, caller.id, SessionEnd.USER_LOGOUT, actor=caller.id)
    return SignOutAnswer(sessions_invalidated=1, message="Session invalidated", timestamp=now)


@router.post("/signout-sessions")
async def sign_out_sessions(named: Annotated[Named, Depends(get_named)], work: Work, now: Now) -> SignOutAnswer:
    """End some of one's sessions; ids that are not one's own, or no ids, count for nothing."""
    owner = named.caller.id
    ended = await work.sessions.end_some(owner, named.ids, SessionEnd.USER_REVOKE, actor=owner)
    return SignOutAnswer(sessions_invalidated=ended, message=f"{ended} session(s) invalidated", timestamp=now)
